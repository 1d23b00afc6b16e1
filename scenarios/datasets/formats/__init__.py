"""Readers of file formats; nothing in a file is run."""
