"""Masking: what views share whose masks come from the maps of a network that was trained on the
data.

m = s r + (1 - s) [ r >= t ],  r in [0, 1] the map, s its softness, t the threshold

Source: D. Kim & Bae (IPIU 2022) mask a share of the images by maps as they are; softness and
threshold are ours.

Filling: images under masks, and what stands where a mask keeps nothing.

x' = round( m * x + (1 - m) * fill ),  m in [0, 1] per pixel

Fills: the data set's mean colour, black, the blurred image, Gaussian noise of the data set's mean
and deviation, or another image, whose own kept part is covered by the mean colour of the rest of
it, so that no second object is pasted in. Sources: D. Kim & Bae (IPIU 2022) for the mean, Petsiuk,
Das & Saenko (BMVC 2018) for the blur; noise and other: ours.

Maps of relevance: computed once for each image and kept by their content.

r = max(r', 0) / max_p r'(p), 1 everywhere where nothing is above 0

A map is kept as uint8 under the data, the settings that determine it and the seed, so that runs
that agree in these share it. Source: ours; D. Kim & Bae (IPIU 2022) read theirs from a file.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from safetensors.torch import load_file, save
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.functional import gaussian_blur

from condensers.data import ClassData
from condensers.engine.cache import key_of, make_missing
from condensers.engine.context import Context
from condensers.engine.files import write_atomically
from condensers.errors import UsageError, shown, suggestion
from condensers.hyperparameters import hyper, settings_of
from condensers.networks.convnet import ConvNetSpec
from condensers.registry.code_digest import code_of
from condensers.registry.registry import with_parts
from condensers.training.classifier import Training

FILLS = ("mean", "black", "blur", "noise", "other")
FILLED_AT_ONCE = 1024
BLURS_A_SIDE = 8  # the blur's standard deviation is an eighth of the image's side


def share(masks: Tensor) -> Tensor:
    """Masks as float32 in [0, 1]: uint8 is divided by 255, floats are taken as they are."""
    return masks.float() / 255 if masks.dtype == torch.uint8 else masks.float()


def filled(images: Tensor, masks: Tensor, fill: Tensor) -> Tensor:
    """images (n, C, H, W) uint8, masks (n, H, W) uint8 or float, fill broadcast to images, 0..255
    -> (n, C, H, W) uint8.
    """
    found = []
    for first in range(0, len(images), FILLED_AT_ONCE):
        part = slice(first, first + FILLED_AT_ONCE)
        m = share(masks[part].to(images.device)).unsqueeze(1)
        other = (fill if len(fill) == 1 else fill[part]).to(images.device)
        found.append(
            (m * images[part].float() + (1 - m) * other).round().clamp(0, 255).to(torch.uint8)
        )
    return torch.cat(found)


def fills(name: str, data: ClassData, masks: Tensor, generator: torch.Generator) -> Tensor:
    """What to fill with, 0..255: (1, C, 1, 1) float32 for one colour, else (N, C, H, W) uint8, one
    for each image of `data`.

    masks: (N, H, W), read by "other" only. Raises UsageError for a name that is not in FILLS.
    """
    if name in ("mean", "black"):
        colour = data.mean if name == "mean" else (0.0,) * len(data.mean)
        return 255 * torch.tensor(colour, device=data.device).view(1, -1, 1, 1)
    if name == "blur":
        return torch.cat([_blurred(part) for part in torch.split(data.images, FILLED_AT_ONCE)])
    if name == "noise":
        drawn = torch.randn((len(data.images), *data.shape), generator=generator)
        return data.quantise(drawn.to(data.device))
    if name == "other":
        return _covered(data, masks)[others(len(data.images), generator).to(data.device)]
    raise UsageError(f"view.fill: unknown fill {shown(name)}; {suggestion(name, FILLS)}")


def _blurred(images: Tensor) -> Tensor:
    sigma = [max(side / BLURS_A_SIDE, 0.5) for side in images.shape[-2:]]
    height, width = (2 * int(2 * one) + 1 for one in sigma)
    blurred: Tensor = gaussian_blur(images, [width, height], [sigma[1], sigma[0]])
    return blurred


def _covered(data: ClassData, masks: Tensor) -> Tensor:
    """Every image with what its mask keeps covered by the mean colour of the rest, or of the data
    set where nothing is left.
    """
    rest = 1 - share(masks.to(data.device)).unsqueeze(1)
    area = rest.sum((2, 3), keepdim=True)
    mean = (rest * data.images).sum((2, 3), keepdim=True) / area.clamp_min(1)
    whole = 255 * torch.tensor(data.mean, device=data.device).view(1, -1, 1, 1)
    return filled(data.images, rest[:, 0], torch.where(area < 1, whole, mean))


def others(count: int, generator: torch.Generator) -> Tensor:
    """(count,) int64: for every image another one, each once; itself only where it is alone."""
    order = torch.randperm(count, generator=generator)
    found = torch.empty_like(order)
    found[order] = order.roll(1)
    return found


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
    """values: (N, H, W) uint8 on the CPU. seconds: what making them took, also where they were
    found.
    """

    values: Tensor
    seconds: float


def kept_maps(view: Any, data: ClassData, context: Context, compute: Callable[[], Tensor]) -> Maps:
    """compute(), (N, H, W) float in [0, 1], as uint8: from the context's cache, or its folder,
    where it was kept there before.
    """
    place = context.cache or context.folder
    if place is None:
        return _timed(compute)
    path = place / "maps" / f"{_key(view, data, context)}.safetensors"

    def make(_: int) -> None:
        made = _timed(compute)
        write_atomically(
            path,
            save({"maps": made.values, "seconds": torch.tensor(made.seconds, dtype=torch.float64)}),
        )

    make_missing([path], make, context)
    return _read(path)


def _key(view: Any, data: ClassData, context: Context) -> str:
    whole = with_parts(view)
    settings = {name: value for name, value in settings_of(whole).items() if name not in OF_MASKING}
    seen = [data.digest, data.mean, data.std, data.mirror]
    machine = [data.device.type, torch.__version__]
    return key_of([FORMAT, view.registered, settings, seen, context.seed, machine, code_of(whole)])


def _timed(compute: Callable[[], Tensor]) -> Maps:
    begun = time.perf_counter()
    return Maps(
        (compute() * 255).round().clamp(0, 255).to(torch.uint8).cpu(), time.perf_counter() - begun
    )


def _read(path: Path) -> Maps:
    found = load_file(path)
    return Maps(found["maps"], float(found["seconds"]))


def at_images_size(maps: Tensor, data: ClassData) -> Tensor:
    """(n, C, h, w) -> (n, C, H, W), bilinear."""
    return functional.interpolate(maps, data.shape[1:], mode="bilinear", align_corners=False)


def relative(maps: Tensor) -> Tensor:
    """(n, H, W): each map divided by its largest value, nothing below 0; all ones where nothing is
    above 0.
    """
    most = maps.flatten(1).amax(1).view(-1, 1, 1)
    return torch.where(most > 0, maps.clamp_min(0) / most.clamp_min(1e-12), 1.0)


def block_of_map(features: list[Tensor], side: int, wanted: int | None, where: str) -> int:
    """The index of the block whose output is read: `wanted` (from 1), else the last whose map has a
    quarter of the side.

    UsageError where the network has no such block, or no maps at all.
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


@dataclass(frozen=True)
class Masking(ABC):
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
    network: Any = hyper(
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
        require_shares(self)

    @abstractmethod
    def computed(self, data: ClassData, context: Context) -> Tensor:
        """Maps (N, H, W) float in [0, 1], of a network that is trained first."""

    def maps(self, data: ClassData, context: Context) -> Maps:
        """The maps before they are made binary, and the seconds that they took."""
        return kept_maps(self, data, context, partial(self.computed, data, context))

    def masks(self, data: ClassData, context: Context) -> Tensor:
        """(N, H, W) uint8 on the CPU; the network is trained where no equal run has left its
        maps.
        """
        return softened(self.maps(data, context).values, self.softness, self.threshold)

    def apply(self, data: ClassData, context: Context) -> ClassData:
        """`data` with `rate` of each class's images masked; UsageError where the network gives no
        maps.
        """
        return covered(self, data, context)

    def recipe(self, data: ClassData, loss: str) -> Training:
        """How the network is trained: its `epochs`, or `most_steps` where these are fewer steps."""
        count = len(data.images)
        # A last batch of one image has no statistics where maps are single pixels.
        batch = next((size for size in range(self.batch, 1, -1) if count % size != 1), 1)
        steps = min(self.epochs * -(-count // batch), self.most_steps)
        return Training(self.epochs, self.lr, batch=batch, steps=steps, loss=loss)

    def preparation(self, data: ClassData) -> list[tuple[Any, float]]:
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


def require_shares(view: Any, names: Sequence[str] = ("rate", "softness", "threshold")) -> None:
    """UsageError where one of these fields is above 1."""
    for name in names:
        if getattr(view, name) > 1:
            raise UsageError(
                f"view {view.registered}.{name}: {getattr(view, name)} is above 1; it is a share"
                " from 0 to 1"
            )


def softened(maps: Tensor, softness: float, threshold: float) -> Tensor:
    """Maps (N, H, W) uint8 as masks, uint8."""
    binary = (maps.float() >= 255 * threshold).float() * 255
    return (softness * maps.float() + (1 - softness) * binary).round().to(torch.uint8)


def covered(view: Any, data: ClassData, context: Context) -> ClassData:
    """`data` under the view's masks, `rate` of each class's images, drawn; the view's fill stands
    where they keep nothing.
    """
    masks = view.masks(data, context).clone()
    masks[~chosen(data, view.rate, context.fork("rate").generator)] = 255
    fill = fills(view.fill, data, masks, context.fork("fill").generator)
    return replace(data, images=filled(data.images, masks, fill))


def chosen(data: ClassData, rate: float, generator: torch.Generator) -> Tensor:
    """(N,) bool on the CPU: `rate` of each class's images, drawn."""
    found = torch.zeros(len(data.images), dtype=torch.bool)
    for label in data.classes:
        members = data.members(label).cpu()
        order = torch.randperm(len(members), generator=generator)
        found[members[order[: round(rate * len(members))]]] = True
    return found
