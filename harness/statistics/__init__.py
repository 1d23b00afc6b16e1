"""Intervals, differences, rank statistics: numpy and scipy alone; knows no record."""
