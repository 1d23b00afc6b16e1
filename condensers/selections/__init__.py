"""Real images as condensers: the baselines that every condensed set is compared with."""
