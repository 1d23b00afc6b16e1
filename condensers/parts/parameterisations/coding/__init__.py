"""Entropy coding of quantised coefficients."""
