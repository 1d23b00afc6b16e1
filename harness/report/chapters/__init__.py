"""One chapter of the report for each scenario or topic."""
