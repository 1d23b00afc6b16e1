"""Our loops against the published ones, timed in turn.

A package, since opacus installs one of the same name.
"""
