"""Cells computed here, in worker processes, or on a Ray cluster."""
