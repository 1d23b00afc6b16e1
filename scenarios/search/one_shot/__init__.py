"""One-shot search: all architectures of a space share the weights of one network, which is trained
on the set.
"""
