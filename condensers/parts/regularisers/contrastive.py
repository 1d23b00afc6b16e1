"""Contrast: between classes, and between views of one image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.engine.devices import send
from condensers.hyperparameters import hyper
from condensers.networks import Network
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.augmentations.dsa import Siamese
from condensers.parts.objectives.base import Pair
from condensers.parts.objectives.mean_embedding import real_embeddings, synthetic_embeddings
from condensers.parts.regularisers.base import Regulariser
from condensers.parts.setting import RunSetting


@final
@dataclass(frozen=True)
class Contrastive(Regulariser):
    """Supervised contrast (SupCon): embeddings of synthetic images are drawn to those of their own
    class, real ones too, and pushed from those of the others.

    L = - mean_i 1 / |P(i)| sum_{p in P(i)} log( exp(z_i . z_p / t) / sum_{a in A(i)} exp(z_i . z_a
    / t) )

    i: every synthetic image; A(i): all other images, with the real ones of the batch where `real`
        is set, which get no gradient;
    P(i): those of A(i) of the class of i; z: embeddings of length 1. Without a positive (one image
    of a class, `real` off) an
    image contributes 0.
    Source: Khosla et al., "Supervised Contrastive Learning" (NeurIPS 2020), eq. 2 (L_out).
        Differences: the mean over the images
    that their code takes, not the equation's sum; no projection head, which would have to be
    learned; real images only as others.
    """

    weight: float = hyper(
        100.0,
        help="weight of the term beside the objective",
        source="ours: about a tenth of the gradient of DM, DC, DSA, IDC",
        minimum=0.0,
    )
    temperature: float = hyper(
        0.1,
        help="temperature of the similarities",
        source="SupCon, README of the authors' PyTorch code, --temp",
        minimum=1e-3,
    )
    real: bool = hyper(True, help="let real images be positives and negatives too", source="ours")

    registered: ClassVar[str] = "contrastive"
    couples_classes: ClassVar[bool] = True

    def loss(self, network: nn.Module, pairs: Sequence[Pair], setting: RunSetting) -> Tensor:
        """Mean over the synthetic images of all pairs; 0 where none has a positive."""
        synthetic = synthetic_embeddings(network, pairs)
        sides = [synthetic, real_embeddings(network, pairs)] if self.real else [synthetic]
        z = functional.normalize(torch.cat([part for side in sides for part in side]))
        labels = [
            torch.full((len(part),), pair.label)
            for side in sides
            for part, pair in zip(side, pairs, strict=True)
        ]
        of_class = send(torch.cat(labels), z.device)
        anchors = sum(len(part) for part in synthetic)
        return contrast(z, of_class[:anchors, None] == of_class, self.temperature)


def _other_places(anchors: int, images: int, device: torch.device) -> Tensor:
    """The places (A, N - 1) int64 of each anchor's others, its own left out."""
    places = torch.arange(images - 1, device=device)
    return places + (places >= torch.arange(anchors, device=device)[:, None])


def contrast(z: Tensor, positive: Tensor, temperature: float) -> Tensor:
    """The equation for z (N, D) of length 1, whose first A are the anchors; positive (A, N) bool,
    an anchor's own place apart.
    """
    others = _other_places(len(positive), len(z), z.device)
    scores = (z[: len(positive)] @ z.T / temperature).gather(1, others)
    mine = positive.gather(1, others).to(z.dtype)
    weights = mine / mine.sum(1, keepdim=True).clamp(min=1)
    return -(weights * torch.log_softmax(scores, 1)).sum(1).mean()


@final
@dataclass(frozen=True)
class SimCLR(Regulariser):
    """Instance contrast (SimCLR): two augmented views of one synthetic image are to be nearer than
    views of different images.

    L = - mean_i log( exp(z_i . z_j(i) / t) / sum_{k != i} exp(z_i . z_k / t) )

    i: every one of the 2 N views; j(i): the other view of the same image; z: embeddings of length
    1.

    Source: Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations"
    (SimCLR, ICML 2020), eq. 1 (NT-Xent) and algorithm 1. Differences: what is learned is the
    images, not the network; no projection head; the views are drawn by DSA's augmentation, a family
    a view and its parameters for each image, after the draw that the pair shares. A single image
    has nothing to be told from and contributes 0.
    """

    weight: float = hyper(
        100.0,
        help="weight of the term beside the objective",
        source="ours: about a tenth of the gradient of DM, DC, DSA, IDC",
        minimum=0.0,
    )
    temperature: float = hyper(
        0.5,
        help="temperature of the similarities",
        source="SimCLR's README, for CIFAR-10, --temperature",
        minimum=1e-3,
    )
    augmentation: Augmentation = hyper(Siamese(), source="ours", part="augmentation")

    registered: ClassVar[str] = "simclr"
    couples_classes: ClassVar[bool] = True

    def loss(self, network: nn.Module, pairs: Sequence[Pair], setting: RunSetting) -> Tensor:
        """Mean over both views of the synthetic images of all pairs; draws from the setting's
        generator.
        """
        images = torch.cat([pair.synthetic for pair in pairs])
        augmentation = self.augmentation.for_data(setting.data)
        draws = [augmentation.draw(len(images), setting.shape, setting.generator) for _ in range(2)]
        views = torch.cat([augmentation.apply(images, draw) for draw in draws])
        z = functional.normalize(cast(Network, network).embed(views))
        partner = torch.eye(len(images), dtype=torch.bool, device=z.device).repeat(2, 2)
        return contrast(z, partner, self.temperature)
