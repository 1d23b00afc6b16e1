"""Ground truth that is made once and read by every later search: tables of what each architecture
of a space reaches.
"""
