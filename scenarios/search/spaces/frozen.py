"""What the spaces have in common."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from condensers.networks import NetworkSpec


@dataclass(frozen=True)
class FrozenSpec(NetworkSpec):
    """One architecture. space: a `WeightSharingSpace`. sample: a value for each of NNI's labels."""

    space: Any
    sample: Mapping[str, Any]

    def module(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network of the sample alone, with torch's own initial weights."""
        from scenarios.search.nni_imports import model_context  # NNI takes seconds to import

        with model_context(dict(self.sample)):
            network: nn.Module = self.space.supernet(shape, classes)
        return network


def size_of(choices: Mapping[str, tuple[Any, ...]]) -> int:
    """How many combinations there are."""
    return math.prod(len(values) for values in choices.values())
