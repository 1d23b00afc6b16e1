"""Stop rules: when a set has been learned for long enough, and which of its states is kept."""
