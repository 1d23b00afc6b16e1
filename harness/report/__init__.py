"""The report of a run: records -> results -> rows -> words, tables and figures -> a format.

Reads records only.
"""
