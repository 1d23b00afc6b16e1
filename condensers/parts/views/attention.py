"""Attention: every real image is masked by how much each of its places looks like any class, to a
network trained on the data.

m = sigmoid( log sum_k exp s_k ),  s the score map of `condensers.parts.views.attention`, k over the
classes at hand normalised: m = sigmoid( log mean_k exp s_k )

Source: D. Kim & Bae (IPIU 2022) and their code. The published form is not normalised: scores of
zero for ten classes, which say nothing, give sigmoid(log 10) = 0.91, and more the more classes
there are; the mean in place of the sum gives 0.5 for any number. Differences from their code: a
ConvNet that starts from random weights unless `weights` says otherwise, trained by
`condensers.training.classifier` on the images at hand alone. The map belongs to no class, so that
one class at hand needs no other rule.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import ResNet18_Weights, resnet18

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks import NetworkSpec
from condensers.parts.views.masking import IMAGES_AT_ONCE, Masking, block_of_map
from condensers.registry.registry import NETWORKS
from condensers.training.classifier import train_fresh

# Features of torchvision's ResNet-18 with its ImageNet weights, of images brought to four times
# their size and three channels.
#
# Source: D. Kim & Bae's code (IPIU 2022) starts from the same weights; it widens the maps inside
# the network instead.

LARGER = 4  # maps of the third stage are then a quarter of the image's side


class Pretrained(NetworkSpec):
    """Stands where a network's spec does."""

    def module(self, shape: tuple[int, int, int], classes: int) -> "PretrainedFeatures":
        """UsageError where no file of the weights is there and none can be fetched."""
        network = resnet18()
        try:
            weights = ResNet18_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True)
        except (OSError, RuntimeError) as fault:
            folder = f"{torch.hub.get_dir()}/checkpoints"
            raise UsageError(
                f"view.weights: torchvision's weights of ResNet-18 are not in {folder} and cannot"
                f" be fetched ({fault}); put the file there, or take weights none"
            ) from fault
        network.load_state_dict(weights)
        return PretrainedFeatures(network)


class PretrainedFeatures(nn.Module):
    """The first three stages."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        parts = dict(network.named_children())
        first = nn.Sequential(
            *(parts[name] for name in ("conv1", "bn1", "relu", "maxpool", "layer1"))
        )
        self.blocks = nn.ModuleList([first, parts["layer2"], parts["layer3"]])

    def features(self, x: Tensor) -> list[Tensor]:
        """(N, C, H, W) float32 normalised, one or three channels -> the output of each stage."""
        x = functional.interpolate(
            x.expand(-1, 3, -1, -1), scale_factor=LARGER, mode="bilinear", align_corners=False
        )
        outputs = []
        for block in self.blocks:
            x = block(x)
            outputs.append(x)
        return outputs


# Score maps: a network that says for each place of an image how much it looks like each class,
# learned from labels alone.
#
# s = up( W f(x) ),  logit_k = 2 log mean_p exp( s_k(p) / 2 ),  W a 1 x 1 convolution
#
# Source: D. Kim & Bae's code (IPIU 2022), self-attention.py: a ResNet-18 whose maps are a quarter
# of the image's side, bilinear upsampling, the smooth maximum over places as logit, trained with
# binary cross-entropy.


@dataclass(frozen=True)
class ScoreMapSpec(NetworkSpec):
    """network: the spec whose block `block` gives the features; weights "torchvision" takes
    pre-trained ones in its place.
    """

    network: NetworkSpec
    block: int | None
    weights: str

    def module(self, shape: tuple[int, int, int], classes: int) -> "ScoreMap":
        """Build the network with its maps of scores."""
        spec: NetworkSpec = NETWORKS.create(self.network)
        if self.weights == "torchvision":
            spec = Pretrained()
        return ScoreMap(spec.module(shape, classes), shape, classes, self.block)


class ScoreMap(nn.Module):
    """For images of `shape` (C, H, W); the trunk's blocks behind the one that is read are not
    used.
    """

    def __init__(
        self, trunk: nn.Module, shape: tuple[int, int, int], classes: int, block: int | None
    ) -> None:
        super().__init__()
        self.trunk, self.size = trunk, shape[1:]
        with torch.no_grad():
            features = trunk.eval().features(torch.zeros(2, *shape))  # type: ignore[operator]
        self.block = block_of_map(features, shape[1], block, "view attention")
        self.head = nn.Conv2d(features[self.block].shape[1], classes, 1)

    def scores(self, x: Tensor) -> Tensor:
        """(N, C, H, W) float32 normalised -> (N, K, H, W), a score for each class at each pixel."""
        coarse = self.head(self.trunk.features(x)[self.block])  # type: ignore[operator]
        return functional.interpolate(coarse, self.size, mode="bilinear", align_corners=False)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, K): the smooth maximum of the scores over all pixels."""
        scores = self.scores(x).flatten(2)
        return 2 * (torch.logsumexp(scores / 2, 2) - math.log(scores.shape[2]))


@final
@dataclass(frozen=True)
class AttentionMask(Masking):
    """Real images under an attention map (Masked DC): what looks like any class stays."""

    form: str = hyper(
        "published",
        help="published: the sum over classes, as in the authors' code; normalised: their mean",
        source="Masked DC's code",
        values=("published", "normalised"),
    )
    epochs: int = hyper(
        20,
        unit="epochs",
        help="epochs of training of the network",
        source="ours; Masked DC's code: 50",
        minimum=1,
    )
    lr: float = hyper(0.3, help="learning rate of the network", source="ours", minimum=0.0)
    weights: str = hyper(
        "none",
        help="none: a network trained here; torchvision: one trained on ImageNet",
        source="ours; Masked DC's code: torchvision",
        values=("none", "torchvision"),
    )

    registered: ClassVar[str] = "attention"

    @torch.no_grad()
    def compute(self, data: ClassData, context: Context) -> Tensor:
        """Maps (N, H, W) float in [0, 1], of a network that is trained first."""
        recipe = self.recipe(data, "binary")
        spec = ScoreMapSpec(self.network, self.block, self.weights)
        with torch.enable_grad():
            network = train_fresh(
                spec, data, recipe, context.fork("attention"), "attention network"
            ).eval()
        assert isinstance(network, ScoreMap)
        parts = context.each(torch.split(data.images, IMAGES_AT_ONCE), "maps of attention")
        here = list(data.classes)
        return torch.cat(
            [
                attention_map(network.scores(data.normalise(part))[:, here], self.form)
                for part in parts
            ]
        )


def attention_map(scores: Tensor, form: str) -> Tensor:
    """Scores (n, K, H, W) -> maps (n, H, W) in [0, 1]; form "published" sums over classes,
    "normalised" takes the mean.
    """
    total = torch.logsumexp(scores, 1)
    return torch.sigmoid(total if form == "published" else total - math.log(scores.shape[1]))
