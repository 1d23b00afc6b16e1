"""Suites, runs, statistics and reports: how people use the condensers and the scenarios."""

__version__ = "0.5.0"
