"""The run directory and the depot: what is kept of a run, who holds it, and how it is checked and
mended.
"""
