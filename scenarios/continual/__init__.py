"""Class-incremental learning with a condensed set as replay memory.

Importing this package imports no Avalanche.
"""
