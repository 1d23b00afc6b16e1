"""Differentiable siamese augmentation (DSA) and CutMix."""
