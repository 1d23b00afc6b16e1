"""Computes the cells of a suite: in this process, in worker processes, or on a Ray cluster."""
