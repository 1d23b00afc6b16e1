"""Margin: the real images between whose two most probable classes a trained network hardly decides.

margin_i = mean_f ( p_(1) - p_(2) ),  p = softmax( f(x_i) ) in falling order;  the hardest image has the smallest margin

Source: Scheffer, Decomain & Wrobel, "Active hidden Markov models for information extraction" (IDA 2001), for the margin; Guo,
Zhao & Bai, "DeepCore" (DEXA 2022), for selecting training images by it. It does not look at the label: an image that is wrong
with confidence has a large margin.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from condensers.data import ClassData
from condensers.fields import hyper
from condensers.selections.scored import Memory, Scored, class_probabilities


@dataclass(frozen=True)
class Margin(Scored):
    """Margin: real images by the difference of a trained network's two largest probabilities."""

    keep: str = hyper("hardest", source="DeepCore", values=("hardest", "easiest"))

    registered: ClassVar[str] = "margin"

    def scores(self, network: nn.Module, data: ClassData, positions: Tensor, memory: Memory) -> Tensor:
        """The negative margins (n,), between -1 and 0; -1 for all where the data set has a single class."""
        largest = class_probabilities(network, data, positions).topk(min(2, len(data.class_names))).values
        return largest[:, 1:].sum(1) - largest[:, 0]
