"""Blocks of networks as single operations on a CPU."""

from condensers.networks.fused.block import block, runs
from condensers.networks.fused.native import library
from condensers.networks.fused.recognition import are_hooked, pooling_of, settings_of
from condensers.networks.fused.settings import MEAN

__all__ = ["MEAN", "are_hooked", "block", "library", "pooling_of", "runs", "settings_of"]
