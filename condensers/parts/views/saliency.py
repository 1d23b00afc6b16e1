"""Saliency: every real image is masked by how much each of its places spoke for its own label, to a
network trained on the data.

grad-cam:              r = relu( sum_c a_c A_c ),  a_c = mean_p d logit_y / d A_c(p),  A the maps of
a block integrated-gradients:  r = blur( sum_c | x_c  int_0^1 d logit_y(t x) / d x_c dt | ),  from
the mean colour, 0, to x

each divided by its largest value; where a map is zero everywhere, all of the image is kept.

Source: Selvaraju et al. (ICCV 2017), section 3; Sundararajan, Taly & Yan (ICML 2017), eq. 1, both
as captum computes them. The blur, by a sixteenth of the side, is ours: integrated gradients fall on
single pixels. With one class at hand there is nothing to tell apart; the map is still that of the
class's own logit, and says little more than where a network sees anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar, cast, final

import torch
from torch import Tensor, nn
from torchvision.transforms.functional import gaussian_blur

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks import Network, blocks_of
from condensers.optional import require_package
from condensers.parts.views.masking import (
    IMAGES_AT_ONCE,
    Masking,
    at_images_size,
    block_of_map,
    relative,
)
from condensers.training.classifier import train_fresh

BLURS_A_SIDE = 16

Relevance = Callable[[Tensor, Tensor], Tensor]
"""Maps (n, H, W) of images (n, C, H, W) and labels (n,)."""


@final
@dataclass(frozen=True)
class Saliency(Masking):
    """Real images under the saliency of their own label, to a teacher: what told it the class
    stays.
    """

    algorithm: str = hyper(
        "grad-cam",
        help="how saliency is computed",
        source="ours",
        values=("grad-cam", "integrated-gradients"),
    )
    threshold: float = hyper(
        0.25,
        help="least value of the map that is kept, if masks are binary",
        source="ours",
        minimum=0.0,
    )
    steps: int = hyper(
        16, unit="points", help="points of the integral", source="ours; captum: 50", minimum=1
    )

    registered: ClassVar[str] = "saliency"

    def reading(self, data: ClassData) -> float:
        """How many images pass where the maps are read."""
        return len(data.images) * (1.0 if self.algorithm == "grad-cam" else self.steps)

    def compute(self, data: ClassData, context: Context) -> Tensor:
        """Maps (N, H, W) float in [0, 1]; UsageError without captum, or where the network gives no
        maps.
        """
        captum = require_package("captum.attr", "captum", f"view {self.registered}", extra="views")
        recipe = self.recipe(data, "cross-entropy")
        network = train_fresh(
            self.network, data, recipe, context.fork("teacher"), "teacher of saliency"
        ).eval()
        relevance = (
            self._grad_cam(captum, network, data)
            if self.algorithm == "grad-cam"
            else self._integrated_gradients(captum, network)
        )
        parts = [
            *zip(
                torch.split(data.images, IMAGES_AT_ONCE),
                torch.split(data.labels, IMAGES_AT_ONCE),
                strict=True,
            )
        ]
        seen = context.each(parts, "maps of saliency")
        return torch.cat(
            [relative(relevance(data.normalise(images), labels)) for images, labels in seen]
        )

    def _grad_cam(self, captum: ModuleType, network: nn.Module, data: ClassData) -> Relevance:
        with torch.no_grad():
            features = cast(Network, network).features(data.normalise(data.images[:2]))
        blocks = blocks_of(network)
        if not isinstance(blocks, nn.ModuleList):
            raise UsageError(
                "view saliency: the network has no blocks to read maps from; take convnet, resnet18"
                " or alexnet"
            )
        index = block_of_map(features, data.shape[1], self.block, "view saliency")
        algorithm = captum.LayerGradCam(network, blocks[index])

        def relevance(images: Tensor, labels: Tensor) -> Tensor:
            coarse = algorithm.attribute(images, target=labels, relu_attributions=True)
            return at_images_size(coarse.detach(), data)[:, 0]

        return relevance

    def _integrated_gradients(self, captum: ModuleType, network: nn.Module) -> Relevance:
        algorithm = captum.IntegratedGradients(network)

        def relevance(images: Tensor, labels: Tensor) -> Tensor:
            found = algorithm.attribute(
                images,
                baselines=0.0,
                target=labels,
                n_steps=self.steps,
                internal_batch_size=IMAGES_AT_ONCE,
            )
            sigma = max(images.shape[-1] / BLURS_A_SIDE, 0.5)
            blurred: Tensor = gaussian_blur(
                found.detach().abs().sum(1, keepdim=True), [2 * int(2 * sigma) + 1] * 2, [sigma] * 2
            )
            return blurred[:, 0]

        return relevance
