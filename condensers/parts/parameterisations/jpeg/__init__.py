"""Learned JPEG coefficients, and the arithmetic of JPEG files."""
