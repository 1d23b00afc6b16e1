"""One set outside a suite: made, imported, exported, shared."""
