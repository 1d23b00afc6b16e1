"""Blocks of networks as single operations on a CPU."""

from condensers.networks.fused.block import FusedSettings, block, runs
from condensers.networks.fused.native import library

__all__ = ["FusedSettings", "block", "library", "runs"]
