"""timm:MODEL, a network of timm by its name there, with fresh weights; none are downloaded.

The head is a new linear layer of as many outputs as there are classes, the first convolution takes
as many channels as images have. Networks that timm makes for one size of image are made for the
size here (`img_size`). Stem and strides stay as published, which shrink small images to a pixel
within a few layers: `side` enlarges the images first, `stem` "small" takes the stride of the first
convolution and the first pooling away, as is usual for CIFAR.

Source: Wightman, "PyTorch Image Models" (2019).
"""

import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.errors import UsageError, brief, shown, suggestion
from condensers.hyperparameters import hyper
from condensers.networks.base import NetworkSpec
from condensers.networks.precision import casting, widened
from condensers.optional import require_package

PREFIX = "timm:"
LARGE = 224  # pixels a side that most of timm's networks were published for


@dataclass(frozen=True)
class TimmSpec(NetworkSpec):
    """A network of the package timm, with fresh weights."""

    side: int = hyper(
        0,
        unit="pixels",
        help="side to which images are enlarged before the network sees them; 0 leaves them",
        source="ours",
        minimum=0,
    )
    stem: str = hyper(
        "own",
        help="own: as published; small: no stride in the first convolution, no first pooling",
        source="ours",
        values=("own", "small"),
    )
    version: str = hyper(
        "", help="of timm, which must be the installed one; found out if left out", source="ours"
    )

    registered: ClassVar[str] = "timm"
    model: ClassVar[str] = ""

    def __post_init__(self) -> None:
        here = str(_timm(self.registered).__version__)
        if self.version not in ("", here):
            raise UsageError(
                f"{self.registered}: is of timm {shown(self.version)}, and {here} is installed;"
                " install that version, or leave `version` out"
            )
        object.__setattr__(self, "version", here)

    @property
    def norm(self) -> str:
        """Empty: timm's networks do not say it."""
        return ""

    def module(self, shape: tuple[int, int, int], classes: int) -> "TimmNetwork":
        """Build it, and try it on blank images."""
        channels, height, width = shape
        if self.side and self.side < max(height, width):
            raise UsageError(
                f"{self.registered}: side {self.side} is less than the {height} x {width} pixels of"
                " the images; leave it out or take more"
            )
        size = (self.side, self.side) if self.side else (height, width)
        model = self._create(channels, size, classes)
        if self.stem == "small":
            _widen_stem(model, self.registered)
        network = TimmNetwork(model, self.side)
        self._try(network, shape, classes)
        return network

    def _create(self, channels: int, size: tuple[int, int], classes: int) -> nn.Module:
        timm = _timm(self.registered)
        published = timm.get_pretrained_cfg(self.model, allow_unregistered=True)
        fixed = published is not None and published.fixed_input_size
        try:
            model: nn.Module = timm.create_model(
                self.model,
                pretrained=False,
                num_classes=classes,
                in_chans=channels,
                **({"img_size": size} if fixed else {}),
            )
        # whatever a model makes of a size that it is not for
        except Exception as fault:
            raise self._unfit(size, fault) from fault
        patch = dict(model.named_children()).get("patch_embed")
        cuts = [m.stride for m in patch.modules() if isinstance(m, nn.Conv2d)] if patch else []
        if (
            fixed
            and cuts
            and any(side % stride for side, stride in zip(size, cuts[0], strict=True))
        ):
            raise self._unfit(size, f"it cuts them into patches of {cuts[0][0]} pixels")
        return model

    def _try(self, network: "TimmNetwork", shape: tuple[int, int, int], classes: int) -> None:
        """A pass of two blank images: what does not fit shows now, in a sentence."""
        training = network.training
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                logits = network.eval()(torch.zeros(2, *shape))
                embedded = network.embed(torch.zeros(2, *shape))
        except Exception as fault:
            raise self._unfit(shape[1:], fault) from fault
        network.train(training)
        if tuple(logits.shape) != (2, classes) or embedded.ndim != 2:
            raise UsageError(
                f"{self.registered}: gives {tuple(logits.shape)} and not a number for each of"
                f" {classes} classes; take a network that classifies images"
            )

    def _unfit(self, size: tuple[int, ...], why: "str | Exception") -> UsageError:
        said = why if isinstance(why, str) else brief(why)
        more = next((side for side in (32, 64, 128, LARGE) if side > max(size)), 2 * max(size))
        return UsageError(
            f"{self.registered}: does not take {size[0]} x {size[1]} pixels ({said}); set side ="
            f" {more}, so that images are enlarged, or take another network"
        )


class TimmNetwork(nn.Module):
    """The module of a TimmSpec.

    Args:
        model: What timm made.
        side: As in the spec.
    """

    def __init__(self, model: nn.Module, side: int) -> None:
        super().__init__()
        self.model, self.side = model, side

    @property
    def classifier(self) -> nn.Module:
        """Its last layer."""
        found: nn.Module = self.model.get_classifier()  # type: ignore[operator]
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, K) of images (N, C, H, W).

        Raises:
            UsageError: Batch norm is to learn from a single image that has shrunk to one pixel.
        """
        try:
            with casting(x):
                logits: Tensor = self.model(self._enlarge(x))
        except ValueError as fault:
            if not (self.training and len(x) == 1):
                raise
            raise UsageError(
                f"network of timm: a batch of one image, of {x.shape[2]} x {x.shape[3]} pixels,"
                f" cannot be normalised ({brief(fault)}); take a batch size that leaves no single"
                " image over, or set side"
            ) from fault
        return widened(logits)

    def embed(self, x: Tensor) -> Tensor:
        """What the last layer reads, (N, D)."""
        with casting(x):
            last = self._maps(x)
            read: Tensor = self.model.forward_head(last, pre_logits=True)  # type: ignore[operator]
        return widened(read.flatten(1))

    def features(self, x: Tensor) -> list[Tensor]:
        """The output of the last block, (N, C, H, W), or its mean over tokens, (N, D)."""
        with casting(x):
            last = self._maps(x)
        return [widened(last if last.ndim == 4 else last.mean(1))]

    def _maps(self, x: Tensor) -> Tensor:
        found: Tensor = self.model.forward_features(self._enlarge(x))  # type: ignore[operator]
        return found

    def _enlarge(self, x: Tensor) -> Tensor:
        if not self.side or x.shape[2:] == (self.side, self.side):
            return x
        return functional.interpolate(
            x, (self.side, self.side), mode="bilinear", align_corners=False
        )


@lru_cache
def spec_class(model: str) -> type[TimmSpec]:
    """The spec of one of timm's networks; it is registered as timm:MODEL.

    Raises:
        UsageError: timm is not installed or has no such network.
    """
    timm = _timm(f"{PREFIX}{model}")
    if "." in model and timm.is_model(model.partition(".")[0]):
        raise UsageError(
            f"{PREFIX}{model}: names published weights, which are never loaded; write"
            f" {PREFIX}{model.partition('.')[0]}"
        )
    if not timm.is_model(model):
        raise UsageError(f"timm has no network {shown(model)}; {_suggest(model)}")
    members = {"registered": f"{PREFIX}{model}", "model": model, "__module__": __name__}
    return type("TimmSpec", (TimmSpec,), {**members, "__doc__": f"{model} of timm, fresh weights."})


def _suggest(model: str) -> str:
    """A near name; timm has too many to list."""
    near = suggestion(model, _timm(PREFIX).list_models())
    return near if near.startswith("did you") else "timm.list_models() lists what it has"


def _timm(needed_by: str) -> Any:
    return require_package("timm", "timm", needed_by, extra="timm")


def _widen_stem(model: nn.Module, name: str) -> None:
    """Take the stride of the first convolution and the first pooling away."""
    first = next((m for m in model.modules() if isinstance(m, nn.Conv2d)), None)
    if first is None or max(first.stride) != 2:
        raise UsageError(
            f"{name}: its first convolution has no stride of 2 to take away; leave stem at own, or"
            " set side"
        )
    first.stride = (1, 1)
    for parent in model.modules():
        for child, module in parent.named_children():
            if isinstance(module, nn.MaxPool2d):
                setattr(parent, child, nn.Identity())
                return
