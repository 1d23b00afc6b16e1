"""A set as data: tensors and card, bytes, files, stored units, merging, and what makes one
doubtful.
"""
