"""EL2N: the real images whose predicted probabilities are far from their label early in training.

score_i = mean_f || softmax( f(x_i) ) - onehot(y_i) ||_2,  f over networks trained for a few epochs

Source: Paul, Ganguli & Dziugaite, "Deep learning on a data diet: finding important examples early in training" (NeurIPS 2021),
section 2. The paper keeps high scores of large fractions of the data; at few images per class these are outliers, and
`keep = "easiest"` does better. Difference: the networks and their training are the condensation papers'.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from condensers.data import ClassData
from condensers.fields import hyper
from condensers.selections.scored import Memory, Scored, class_probabilities


@dataclass(frozen=True)
class EL2N(Scored):
    """EL2N: real images by the length of their error vector early in training."""

    epochs: int = hyper(20, unit="epochs before the images are scored", source="Paul et al., as we recall", minimum=0)
    networks: int = hyper(10, unit="networks whose scores are averaged", source="Paul et al., as we recall", minimum=1)
    keep: str = hyper("hardest", source="Paul et al.", values=("hardest", "easiest"))

    registered: ClassVar[str] = "el2n"

    def scores(self, network: nn.Module, data: ClassData, positions: Tensor, memory: Memory) -> Tensor:
        """Lengths (n,), between 0 and the square root of 2."""
        wanted = functional.one_hot(data.labels[positions], len(data.class_names))
        error = class_probabilities(network, data, positions) - wanted
        return error.square().sum(1).sqrt()
