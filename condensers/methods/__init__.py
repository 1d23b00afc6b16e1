"""One file for each published method, its variants beside it: the defaults of its parts."""
