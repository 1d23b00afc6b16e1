"""Ranks of methods over data sets, sizes and scenarios, with their uncertainty: `harness rank`."""
