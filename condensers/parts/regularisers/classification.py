"""Terms that keep the classes of synthetic images apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.engine.devices import send, share
from condensers.hyperparameters import hyper
from condensers.parts.objectives.base import Pair
from condensers.parts.objectives.mean_embedding import (
    embeddings,
    real_embeddings,
    synthetic_means,
)
from condensers.parts.regularisers.base import Regulariser
from condensers.parts.setting import RunSetting, require_trained


@final
@dataclass(frozen=True)
class CrossEntropy(Regulariser):
    """Cross-entropy of the synthetic images under the network, the more of it the better the
    network knows the real ones.

    L = accuracy(net) sum_c mean_b CE( net(s_cb), c )

    Source: Zhao et al., "Improved Distribution Matching for Dataset Condensation" (IDM, CVPR 2023),
    and the authors' code (IDM_cifar10.py, --syn_ce). There the accuracy is in percent; here it is a
    fraction from 0 to 1, so that their weights 0.5 and 0.1 are 50 and 10. The accuracy is what the
    schedule says of its network (`accuracy`, as `queue` does); where it says nothing, the part of
    the pairs' real images that the network classifies correctly.
    """

    weight: float = hyper(
        50.0,
        help="weight of the term for an accuracy of 1",
        source="IDM's commands: 0.5 per percent",
        minimum=0.0,
    )

    registered: ClassVar[str] = "cross-entropy"
    couples_classes: ClassVar[bool] = False

    def loss(self, network: nn.Module, pairs: Sequence[Pair], setting: RunSetting) -> Tensor:
        """Sum over the pairs of their mean cross-entropy, times the network's accuracy."""
        return accuracy_of(network, pairs) * sum_of_cross_entropies(network, pairs)


@final
@dataclass(frozen=True)
class Calibration(Regulariser):
    """Cross-entropy of the synthetic images under a network trained on the real ones.

    Calibration: networks whose training on the real images is finished are to recognise the
    synthetic images.

    L = sum_c mean_b CE( f_j(s_cb), c ),  f_j a random one of the networks that the schedule has
    trained

    Source: Wang et al., "Dataset Distillation with Neural Characteristic Function" (NCFM, CVPR
    2025), the authors' code (`compute_calib_loss`, weight 1); DANCE (IJCAI 2024) has the same term.
    Difference: the network is drawn anew for every loss, not the one whose weights are blended at
    this step.
    """

    weight: float = hyper(
        1.0, help="weight of the term", source="NCFM's settings, calib_weight", minimum=0.0
    )

    registered: ClassVar[str] = "calibration"
    couples_classes: ClassVar[bool] = False
    needs_trained: ClassVar[bool] = True

    def loss(self, network: nn.Module, pairs: Sequence[Pair], setting: RunSetting) -> Tensor:
        """Return the sum over the pairs of their mean cross-entropy."""
        trained = require_trained(setting)
        index = int(torch.randint(trained.count, (1,), generator=setting.generator))
        return sum_of_cross_entropies(trained.finished(index), pairs)


def sum_of_cross_entropies(network: nn.Module, pairs: Sequence[Pair]) -> Tensor:
    """Return the sum over the pairs of the mean cross-entropy of their synthetic images."""
    sizes = [len(pair.synthetic) for pair in pairs]
    logits = network(torch.cat([pair.synthetic for pair in pairs]))
    means = [
        functional.cross_entropy(part, torch.full((len(part),), pair.label, device=part.device))
        for part, pair in zip(torch.split(logits, sizes), pairs, strict=True)
    ]
    return torch.stack(means).sum()


@torch.no_grad()
def accuracy_of(network: nn.Module, pairs: Sequence[Pair]) -> float | Tensor:
    """The `accuracy` that the network carries, or the part of the pairs' real images that it
    classifies correctly, 0 to 1.
    """
    known = getattr(network, "accuracy", None)
    if isinstance(known, float | Tensor):
        return known
    right = [(network(pair.real).argmax(1) == pair.label).sum() for pair in pairs]
    return share(torch.stack(right).sum(), sum(len(pair.real) for pair in pairs))


@final
@dataclass(frozen=True)
class Discriminative(Regulariser):
    """Discriminative term: real images are to be nearest, by inner product, to the mean synthetic
    embedding of their own class.

    L = - sum_i log softmax_k( < z(x_i), mean_b z(s_kb) > )[ class of x_i ],  k over the classes at
    hand

    Source: Wang et al., "CAFE: Learning to Condense Dataset by Aligning Features" (CVPR 2022),
    section 3.3, and the authors' code: a sum over the real images, not a mean, weighted by 0.01.
    Labels are the positions of the classes at hand, any number of them.
    """

    weight: float = hyper(
        0.01,
        help="weight of the term beside the objective",
        source="CAFE's code, inner_weight",
        minimum=0.0,
    )

    registered: ClassVar[str] = "discriminative"
    couples_classes: ClassVar[bool] = True

    def loss(self, network: nn.Module, pairs: Sequence[Pair], setting: RunSetting) -> Tensor:
        """Sum over all real images of the pairs; differentiable in the synthetic images, the
        centres.
        """
        real = real_embeddings(network, pairs)
        (centres,) = synthetic_means(embeddings, network, pairs)
        sizes = torch.tensor([len(part) for part in real])
        positions = send(torch.arange(len(pairs)).repeat_interleave(sizes), centres.device)
        return functional.cross_entropy(torch.cat(real) @ centres.T, positions, reduction="sum")
