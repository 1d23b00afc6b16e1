"""Sets that move the weights of a network as the real images do: by one gradient, or along a
trajectory.
"""
