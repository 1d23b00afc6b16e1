"""How a memory is used in training: losses, choices of images, and bounds on gradients, as
Avalanche plugins or parts of one.
"""
