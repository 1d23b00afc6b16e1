"""What a method is composed of: a file where the variants are short, a folder where they are
not.
"""
