"""The chapter of continual learning: memories, tables, figures."""
