"""Images of a stream that wait to be taken into a memory, and sets as a checkpoint keeps them."""

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from condensers.sets.synthetic_set import SyntheticSet


class StreamBuffer:
    """Raw images of each class, until there are enough of them.

    Args:
        update: How many of a class are enough.

    Attributes:
        images: Class -> (n, C, H, W) uint8, those that wait.
        passed: Class -> how many were taken out.
        peak: The most bytes that have waited at a time.
    """

    def __init__(self, update: int) -> None:
        self.update = update
        self.images: dict[int, Tensor] = {}
        self.passed: dict[int, int] = {}
        self.peak = 0

    def add(self, images: Tensor, labels: Tensor) -> list[int]:
        """Take in a minibatch; return the classes of which there are enough now.

        Args:
            images: (n, C, H, W) uint8.
            labels: (n,) int64.
        """
        for label in torch.unique(labels).tolist():
            mine = images[labels == label].cpu()
            self.images[label] = torch.cat([self.images.get(label, mine[:0]), mine])
        self.peak = max(self.peak, sum(waiting.numel() for waiting in self.images.values()))
        return [label for label, waiting in self.images.items() if len(waiting) >= self.update]

    def pop(self, label: int) -> Tensor:
        """Take out the images of a class, and count them as passed."""
        gathered = self.images.pop(label)
        self.passed[label] = self.passed.get(label, 0) + len(gathered)
        return gathered

    def state_dict(self) -> dict[str, Any]:
        """Return all that waits, and the counts."""
        return {"images": dict(self.images), "passed": dict(self.passed), "peak": self.peak}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.images = {label: images.cpu() for label, images in state["images"].items()}
        self.passed, self.peak = dict(state["passed"]), state["peak"]


def pack_set(synthetic: SyntheticSet) -> dict[str, Any]:
    """Return a set as tensors and texts."""
    return {"tensors": dict(synthetic.tensors), "card": json.dumps(dict(synthetic.card))}


def unpack_set(kept: Mapping[str, Any]) -> SyntheticSet:
    """Undo `pack_set`."""
    tensors = {name: tensor.cpu() for name, tensor in kept["tensors"].items()}
    return SyntheticSet(tensors, json.loads(kept["card"]))
