"""Images that others keep in their own ways, read as the parts of a data set."""
