"""The distance of mean embeddings, beside another objective."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from torch import Tensor, nn

from condensers.hyperparameters import hyper
from condensers.parts.objectives.base import Pair
from condensers.parts.objectives.mean_embedding import MeanEmbedding
from condensers.parts.regularisers.base import Regulariser
from condensers.parts.setting import RunSetting


@final
@dataclass(frozen=True)
class MeanEmbeddingTerm(Regulariser):
    """Squared distance between the mean embeddings of real and synthetic images of each class.

    Mean embedding as a term: objectives that go backwards through the network, such as gradients,
    are joined by one that goes forwards.

    L = sum_c || mean_b psi(x_cb) - mean_b psi(s_cb) ||^2

    Source: Liu et al., "DREAM+: Efficient Dataset Distillation by Bidirectional Representative
    Matching" (arXiv 2310.15052), the authors' code (condense_improve.py, bi_match, metric mse).
    """

    weight: float = hyper(
        1.0, help="weight of the term beside the objective", source="DREAM+'s code", minimum=0.0
    )

    registered: ClassVar[str] = "mean-embedding"
    couples_classes: ClassVar[bool] = False

    def loss(self, network: nn.Module, pairs: Sequence[Pair], setting: RunSetting) -> Tensor:
        """Return the sum over the pairs."""
        return MeanEmbedding().loss(network, pairs)
