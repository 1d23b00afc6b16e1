"""Blocks of networks as single operations on a CPU."""

from condensers.networks.fused.block import Settings, block, runs
from condensers.networks.fused.native import library

__all__ = ["Settings", "block", "library", "runs"]
