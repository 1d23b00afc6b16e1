"""The losses that a set is learned by."""
