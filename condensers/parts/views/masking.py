"""Masking: what views share whose masks come from the maps of a network that was trained on the
data.

m = s r + (1 - s) [ r >= t ],  r in [0, 1] the map, s its softness, t the threshold

Source: D. Kim & Bae (IPIU 2022) mask a share of the images by maps as they are; softness and
threshold are ours.

Maps of relevance: computed once for each image and kept by their content.

r = max(r', 0) / max_p r'(p), 1 everywhere where nothing is above 0

A map is kept as uint8 under the data, the settings that determine it and the seed, so that runs
that agree in these share it. Source: ours; D. Kim & Bae (IPIU 2022) read theirs from a file.
"""

import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar, NamedTuple

import torch
from safetensors.torch import load_file, save
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.engine.cache import key_of, make_missing
from condensers.engine.context import Context
from condensers.engine.files import write_atomically
from condensers.errors import UsageError
from condensers.hyperparameters import hyper, settings_of
from condensers.networks import NetworkSpec
from condensers.networks.convnet import ConvNetSpec
from condensers.parts.views.base import MaskView, View
from condensers.parts.views.filling import FILLS, fill_masked, fills
from condensers.registry.code_digest import code_of
from condensers.registry.registry import with_parts
from condensers.training.classifier import Training

FORMAT = 1
IMAGES_AT_ONCE = 256
OF_MASKING = (
    "fill",
    "rate",
    "softness",
    "threshold",
)  # what is made of a map; all other settings determine the map
FINEST = 0.25  # the side of the published map, 8 of 32 pixels


class Maps(NamedTuple):
    """Maps of relevance.

    Attributes:
        values: (N, H, W) uint8 on the CPU.
        seconds: What computing them took, even if an earlier run did it.
    """

    values: Tensor
    seconds: float


def load_or_compute_maps(
    view: View, data: ClassData, context: Context, compute: Callable[[], Tensor]
) -> Maps:
    """Return maps from the context's cache or folder; compute and keep them if they are missing.

    Args:
        view: What the maps are of; its settings are part of their key.
        data: The real images.
        context: Cache and folder; without both nothing is kept.
        compute: Gives the maps, (N, H, W) float in [0, 1].
    """
    place = context.cache or context.folder
    if place is None:
        return _time_maps(compute)
    path = place / "maps" / f"{_key(view, data, context)}.safetensors"

    def make(_: int) -> None:
        made = _time_maps(compute)
        write_atomically(
            path,
            save({"maps": made.values, "seconds": torch.tensor(made.seconds, dtype=torch.float64)}),
        )

    make_missing([path], make, context)
    return _read(path)


def _key(view: View, data: ClassData, context: Context) -> str:
    whole = with_parts(view)
    settings = {name: value for name, value in settings_of(whole).items() if name not in OF_MASKING}
    seen = [data.digest, data.mean, data.std, data.mirror]
    machine = [data.device.type, torch.__version__]
    return key_of([FORMAT, view.registered, settings, seen, context.seed, machine, code_of(whole)])


def _time_maps(compute: Callable[[], Tensor]) -> Maps:
    begun = time.perf_counter()
    return Maps(
        (compute() * 255).round().clamp(0, 255).to(torch.uint8).cpu(), time.perf_counter() - begun
    )


def _read(path: Path) -> Maps:
    found = load_file(path)
    return Maps(found["maps"], float(found["seconds"]))


def at_images_size(maps: Tensor, data: ClassData) -> Tensor:
    """Enlarge maps (n, C, h, w) to the images' size, bilinearly."""
    return functional.interpolate(maps, data.shape[1:], mode="bilinear", align_corners=False)


def relative(maps: Tensor) -> Tensor:
    """Divide each map (n, H, W) by its largest value, with 0 for what is below.

    A map with nothing above 0 becomes all ones.
    """
    most = maps.flatten(1).amax(1).view(-1, 1, 1)
    return torch.where(most > 0, maps.clamp_min(0) / most.clamp_min(1e-12), 1.0)


def block_of_map(features: list[Tensor], side: int, wanted: int | None, where: str) -> int:
    """Return the index of the block whose maps are read.

    Args:
        features: The output of each block.
        side: Pixels along the image's side.
        wanted: The block's number, from 1; None: the last whose maps have a quarter of the side.
        where: The view, for messages.

    Raises:
        UsageError: The network has no such block, or no maps at all.
    """
    maps = [index for index, one in enumerate(features) if one.ndim == 4]
    if wanted is not None and wanted - 1 not in maps:
        raise UsageError(
            f"{where}: the network has no block {wanted} that gives maps; it has {len(maps)} of"
            " them"
        )
    if not maps:
        raise UsageError(
            f"{where}: the network has no convolutional blocks, and so no map; take convnet,"
            " resnet18 or alexnet"
        )
    fine = [index for index in maps if features[index].shape[-1] >= FINEST * side]
    return wanted - 1 if wanted is not None else (fine or maps[:1])[-1]


class CoveringView(MaskView):
    """A view that fills what its masks do not keep, in a share of each class's images.

    Attributes:
        fill: One of `FILLS`.
        rate: Share of a class's images that are masked, 0 to 1.
    """

    fill: str
    rate: float
    blends: ClassVar[bool] = True


@dataclass(frozen=True)
class Masking(CoveringView):
    """The fields that all have; a view adds its own, and says how its maps are computed."""

    fill: str = hyper(
        "mean",
        help="what stands where a pixel is masked",
        source="Masked DC's code: zero of normalised pixels",
        values=FILLS,
    )
    rate: float = hyper(
        1.0,
        help="part of a class's images that is masked, 0 to 1",
        source="Masked DC's code",
        minimum=0.0,
    )
    softness: float = hyper(
        1.0,
        help="1 takes the map as it is, 0 makes it binary",
        source="Masked DC's code",
        minimum=0.0,
    )
    threshold: float = hyper(
        0.5,
        help="least value of the map that is kept, if masks are binary",
        source="ours",
        minimum=0.0,
    )
    epochs: int = hyper(
        10, unit="epochs", help="epochs of training of the network", source="ours", minimum=1
    )
    most_steps: int = hyper(
        2000,
        unit="steps",
        help="steps of training of the network, if the epochs would be more",
        source="ours",
        minimum=1,
    )
    batch: int = hyper(64, unit="images", source="ours", minimum=1)
    lr: float = hyper(0.05, help="learning rate of the network", source="ours", minimum=0.0)
    network: NetworkSpec = hyper(
        ConvNetSpec(width=32, norm="batch"),
        source="ours; Masked DC's code: ResNet-18",
        part="network",
    )
    block: int | None = hyper(
        None,
        help="block whose maps are read; if left out, the last with a quarter of the image's side",
        source="Masked DC's code",
        minimum=1,
    )

    registered: ClassVar[str]
    couples_classes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_shares(
            self,
            {"rate": self.rate, "softness": self.softness, "threshold": self.threshold},
        )

    @abstractmethod
    def compute(self, data: ClassData, context: Context) -> Tensor:
        """Maps (N, H, W) float in [0, 1], of a network that is trained first."""

    def maps(self, data: ClassData, context: Context) -> Maps:
        """The maps before they are made binary, and the seconds that they took."""
        return load_or_compute_maps(self, data, context, partial(self.compute, data, context))

    def masks(self, data: ClassData, context: Context) -> Tensor:
        """(N, H, W) uint8 on the CPU; the network is trained where no equal run has left its
        maps.
        """
        return soften_masks(self.maps(data, context).values, self.softness, self.threshold)

    def apply(self, data: ClassData, context: Context) -> ClassData:
        """`data` with `rate` of each class's images masked; UsageError where the network gives no
        maps.
        """
        return apply_masks(self, data, context)

    def mask_seconds(self, data: ClassData, context: Context) -> float:
        """Return the seconds that the maps took, even if an earlier run made them."""
        return self.maps(data, context).seconds

    def recipe(self, data: ClassData, loss: str) -> Training:
        """How the network is trained: its `epochs`, or `most_steps` where these are fewer steps."""
        count = len(data.images)
        # A last batch of one image has no statistics where maps are single pixels.
        batch = next((size for size in range(self.batch, 1, -1) if count % size != 1), 1)
        steps = min(self.epochs * -(-count // batch), self.most_steps)
        return Training(self.epochs, self.lr, batch=batch, steps=steps, loss=loss)

    def preparation(self, data: ClassData) -> list[tuple[NetworkSpec, float]]:
        """Networks and about how many images pass each, forward and backward."""
        return [
            (
                self.network,
                float(min(self.epochs * len(data.images), self.most_steps * self.batch))
                + self.reading(data),
            )
        ]

    def reading(self, data: ClassData) -> float:
        """How many images pass where the maps are read."""
        return float(len(data.images))


def require_shares(view: View, shares: Mapping[str, float]) -> None:
    """Raise UsageError if one of the named settings of a view, a share, is above 1."""
    for name, value in shares.items():
        if value > 1:
            raise UsageError(
                f"view {view.registered}.{name}: {value} is above 1; it is a share from 0 to 1"
            )


def soften_masks(maps: Tensor, softness: float, threshold: float) -> Tensor:
    """Make masks of maps.

    Args:
        maps: (N, H, W) uint8.
        softness: 1 leaves the map as it is, 0 makes it binary.
        threshold: From this part of 255 on a pixel is kept, if it is binary.

    Returns:
        (N, H, W) uint8.
    """
    found = []
    for part in torch.split(maps, 1024):
        binary = (part.float() >= 255 * threshold).float() * 255
        found.append((softness * part.float() + (1 - softness) * binary).round().to(torch.uint8))
    return torch.cat(found)


def apply_masks(view: CoveringView, data: ClassData, context: Context) -> ClassData:
    """Return `data` with a share `rate` of each class's images, drawn, under the view's masks."""
    masks = view.masks(data, context).clone()
    masks[~choose_share(data, view.rate, context.fork("rate").generator)] = 255
    fill = fills(view.fill, data, masks, context.fork("fill").generator)
    return replace(data, images=fill_masked(data.images, masks, fill))


def choose_share(data: ClassData, rate: float, generator: torch.Generator) -> Tensor:
    """Draw a share of each class's images, (N,) bool on the CPU."""
    found = torch.zeros(len(data.images), dtype=torch.bool)
    for label in data.classes:
        members = data.members(label).cpu()
        order = torch.randperm(len(members), generator=generator)
        found[members[order[: round(rate * len(members))]]] = True
    return found
