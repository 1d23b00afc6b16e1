"""Forgetting: the real images that a network in training most often classified correctly once and wrongly the next time.

score_i = sum_t [ correct_i(t - 1) and not correct_i(t) ],  t over the presentations of image i, each judged before its update

Source: Toneva et al., "An empirical study of example forgetting during deep neural network learning" (ICLR 2019), definition of a
forgetting event and algorithm 1. An image that is never classified correctly counts as forgotten at every presentation, so it is
among the hardest; one that is learned and never forgotten scores 0. Of equally often forgotten images the one wrong at more
presentations is harder (ours); what is left equal is drawn. The condensation papers keep the most forgotten (`hardest`); at one
image per class these are outliers, and `easiest` does better.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from condensers.data import ClassData
from condensers.fields import hyper
from condensers.selections.scored import Memory, Scored


@dataclass(frozen=True)
class Forgetting(Scored):
    """Forgetting: real images by how often training forgets them."""

    epochs: int = hyper(200, unit="epochs of the training that is watched", source="Toneva et al., as we recall", minimum=1)
    keep: str = hyper("hardest", source="DC, section 4.1 (its coreset 'forgetting')", values=("hardest", "easiest"))

    registered: ClassVar[str] = "forgetting"
    scoring: ClassVar[float] = 0.0

    def memory(self, images: int) -> Memory:
        """was: correct when last presented. forgotten: events so far. wrong: wrong presentations so far."""
        return {
            "was": torch.zeros(images, dtype=torch.bool),
            "forgotten": torch.zeros(images, dtype=torch.int64),
            "wrong": torch.zeros(images, dtype=torch.int64),
        }

    def watch(self, memory: Memory, positions: Tensor, right: Tensor) -> None:
        memory["forgotten"][positions] += memory["was"][positions] & ~right
        memory["wrong"][positions] += ~right
        memory["was"][positions] = right

    def scores(self, network: nn.Module, data: ClassData, positions: Tensor, memory: Memory) -> Tensor:
        """Events (n,) float64, `epochs` where never correct; wrong presentations add less than one event, for ties."""
        events, wrong = memory["forgotten"][positions], memory["wrong"][positions]
        counted = torch.where(wrong == self.epochs, self.epochs, events)
        return counted.double() + wrong.double() / (self.epochs + 1)
