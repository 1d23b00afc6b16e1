"""Kernels between images, for kernel regression."""
