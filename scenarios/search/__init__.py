"""Architecture search: how well does a set rank architectures that are to be trained on the full
data?
"""
