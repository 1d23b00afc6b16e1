"""Classifiers: each gives logits, `embed` and per-block `features`."""

from condensers.networks.base import Network, NetworkSpec, blocks_of, build, has_batch_norm

__all__ = ["Network", "NetworkSpec", "blocks_of", "build", "has_batch_norm"]
