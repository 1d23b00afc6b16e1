"""Whether the masks of a view mean something."""
