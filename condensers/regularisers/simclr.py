"""Instance contrast: two augmented views of one synthetic image are to be nearer than views of different images.

L = - mean_i log( exp(z_i . z_j(i) / t) / sum_{k != i} exp(z_i . z_k / t) )

i: every one of the 2 N views; j(i): the other view of the same image; z: embeddings of length 1.

Source: Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations" (SimCLR, ICML 2020), eq. 1 (NT-Xent)
and algorithm 1. Differences: what is learned is the images, not the network; no projection head; the views are drawn by DSA's
augmentation, a family a view and its parameters for each image, after the draw that the pair shares. A single image has nothing
to be told from and contributes 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.augmentations.siamese import Siamese
from condensers.fields import hyper
from condensers.networks import Network
from condensers.objectives.base import Pair
from condensers.regularisers.contrastive import contrast
from condensers.setting import Setting


@dataclass(frozen=True)
class SimCLR:
    """Contrast between the synthetic images (SimCLR), each in two augmented views."""

    weight: float = hyper(100.0, source="ours: about a tenth of the gradient of DM, DC, DSA, IDC", minimum=0.0)
    temperature: float = hyper(0.5, source="SimCLR, appendix B.9, on CIFAR-10, as we recall", minimum=1e-3)
    augmentation: Any = hyper(Siamese(), source="ours", part="augmentation")

    registered: ClassVar[str] = "simclr"
    couples_classes: ClassVar[bool] = True
    draws: ClassVar[bool] = True

    def loss(self, network: nn.Module, pairs: Sequence[Pair], setting: Setting) -> Tensor:
        """Mean over both views of the synthetic images of all pairs; draws from the setting's generator."""
        images = torch.cat([pair.synthetic for pair in pairs])
        augmentation = self.augmentation.for_data(setting.data)
        draws = [augmentation.draw(len(images), setting.shape, setting.generator) for _ in range(2)]
        views = torch.cat([augmentation.apply(images, draw) for draw in draws])
        z = functional.normalize(cast(Network, network).embed(views))
        partner = torch.eye(len(images), dtype=torch.bool, device=z.device).repeat(2, 2)
        return contrast(z, partner, self.temperature)
