"""Sets that look to networks as the real images do: by means, attention, kernels and other
statistics of what networks compute.
"""
