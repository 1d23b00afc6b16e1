"""Privacy: how well an attacker tells which images a set, or a network trained on it, was made
of.
"""
