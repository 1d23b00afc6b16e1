"""What the first screen of a report shows: a verdict for each job, and one table of all sets."""
