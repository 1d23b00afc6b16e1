"""Maps of relevance: computed once for each image and kept by their content.

r = max(r', 0) / max_p r'(p), 1 everywhere where nothing is above 0

A map is kept as uint8 under the data, the settings that determine it and the seed, so that runs that agree in these share it.
Source: ours; D. Kim & Bae (IPIU 2022) read theirs from a file.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file, save
from torch import Tensor
from torch.nn import functional

from condensers.cache import key_of, make_missing
from condensers.code_digest import code_of
from condensers.context import Context, write_atomically
from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.fields import settings_of
from condensers.registry import with_parts

FORMAT = 1
IMAGES_AT_ONCE = 256
OF_MASKING = ("fill", "rate", "softness", "threshold")  # what is made of a map; all other settings determine the map
FINEST = 0.25  # the side of the published map, 8 of 32 pixels


class Maps(NamedTuple):
    """values: (N, H, W) uint8 on the CPU. seconds: what making them took, also where they were found."""

    values: Tensor
    seconds: float


def kept_maps(view: Any, data: ClassData, context: Context, compute: Callable[[], Tensor]) -> Maps:
    """compute(), (N, H, W) float in [0, 1], as uint8: from the context's cache, or its folder, where it was kept there before."""
    place = context.cache or context.folder
    if place is None:
        return _timed(compute)
    path = place / "maps" / f"{_key(view, data, context)}.safetensors"

    def make(_: int) -> None:
        made = _timed(compute)
        write_atomically(path, save({"maps": made.values, "seconds": torch.tensor(made.seconds, dtype=torch.float64)}))

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
    return Maps((compute() * 255).round().clamp(0, 255).to(torch.uint8).cpu(), time.perf_counter() - begun)


def _read(path: Path) -> Maps:
    found = load_file(path)
    return Maps(found["maps"], float(found["seconds"]))


def at_images_size(maps: Tensor, data: ClassData) -> Tensor:
    """(n, C, h, w) -> (n, C, H, W), bilinear."""
    return functional.interpolate(maps, data.shape[1:], mode="bilinear", align_corners=False)


def relative(maps: Tensor) -> Tensor:
    """(n, H, W): each map divided by its largest value, nothing below 0; all ones where nothing is above 0."""
    most = maps.flatten(1).amax(1).view(-1, 1, 1)
    return torch.where(most > 0, maps.clamp_min(0) / most.clamp_min(1e-12), 1.0)


def block_of_map(features: list[Tensor], side: int, wanted: int | None, where: str) -> int:
    """The index of the block whose output is read: `wanted` (from 1), else the last whose map has a quarter of the side.

    UsageError where the network has no such block, or no maps at all.
    """
    maps = [index for index, one in enumerate(features) if one.ndim == 4]
    if wanted is not None and wanted - 1 not in maps:
        raise UsageError(f"{where}: the network has no block {wanted} that gives maps; it has {len(maps)} of them")
    if not maps:
        raise UsageError(f"{where}: the network has no convolutional blocks, and so no map; take convnet, resnet18 or alexnet")
    fine = [index for index in maps if features[index].shape[-1] >= FINEST * side]
    return wanted - 1 if wanted is not None else (fine or maps[:1])[-1]
