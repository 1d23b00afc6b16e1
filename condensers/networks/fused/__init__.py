"""Blocks of networks as single operations on a CPU."""

from condensers.networks.fused.block import block, runs
from condensers.networks.fused.native import library

__all__ = ["block", "library", "runs"]
