"""Mask: every real image is multiplied by a mask of its own, from a file, and the rest is filled.

x' = round( m * x + (1 - m) * fill ),  m in [0, 1] per pixel, fill as in
`condensers.parts.views.masking`

Source: D. Kim & Bae (IPIU 2022) and their code, MaskedDatasetCondensation: real images times a
stored attention mask before matching, on normalised pixels, where zero is the mean colour; hence
fill "mean". Here masks come from a file that anything may have made (attention, saliency, a
segmentation), hold for every image rather than a fraction, and images stay uint8.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, final

import numpy
import torch
from numpy.lib import format as npy
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError, brief
from condensers.hyperparameters import hyper
from condensers.parts.views.base import MaskView
from condensers.parts.views.filling import FILLS, fill_masked, fills


@final
@dataclass(frozen=True)
class Mask(MaskView):
    """Real images under masks (N, H, W), one for each training image, in the data's order."""

    file: str = hyper(
        "",
        help="path of a .npy, or of a .safetensors with one tensor: (N, H, W) uint8 or float",
        source="ours",
    )
    fill: str = hyper(
        "mean",
        help="what stands where a pixel is masked",
        source="Masked DC's code: zero of normalised pixels",
        values=FILLS,
    )

    digest: str = hyper(
        "",
        help="SHA-256 of the file, 16 hex digits; computed from the file if left out",
        source="ours",
    )

    registered: ClassVar[str] = "mask"
    couples_classes: ClassVar[bool] = False
    blends: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """The content of the file, not its path, is what determines a result: UsageError where it
        is not what it was.
        """
        if not Path(self.file).is_file():
            return
        found = hashlib.sha256(Path(self.file).read_bytes()).hexdigest()[:16]
        if self.digest not in ("", found):
            raise UsageError(
                f"{self.file}: has changed (digest {found}, not {self.digest}); start again with"
                " the new masks"
            )
        object.__setattr__(self, "digest", found)

    def apply(self, data: ClassData, context: Context) -> ClassData:
        """Masked images, uint8. uint8 masks are read as m = value / 255, floats as they are.

        UsageError where the file is missing or unreadable, or does not hold one mask in [0, 1] for
        each image of `data`: an image is known by its place alone, so that data restricted to some
        classes need a file of their masks only.
        """
        masks = self._check(read_masks(self.file), data)
        return replace(
            data,
            images=fill_masked(
                data.images, masks, fills(self.fill, data, masks, context.generator)
            ),
        )

    def masks(self, data: ClassData, context: Context) -> Tensor:
        """(N, H, W) uint8 on the CPU, for views that start from masks; UsageError as in `apply`."""
        masks = self._check(read_masks(self.file), data)
        return masks if masks.dtype == torch.uint8 else (masks * 255).round().to(torch.uint8)

    def _check(self, masks: Tensor, data: ClassData) -> Tensor:
        wanted = (len(data.images), *data.shape[1:])
        if masks.ndim == 3 and masks.shape[1:] == wanted[1:] and len(masks) != wanted[0]:
            left = (
                ""
                if len(data.classes) == len(data.class_names)
                else f", restricted to {len(data.classes)} classes,"
            )
            raise UsageError(
                f"{self.file}: holds {len(masks)} masks, but {data.name}{left} has {wanted[0]}"
                " training images here; masks are matched by place, so give one file with exactly"
                " these images' masks in their order"
            )
        if tuple(masks.shape) != wanted:
            raise UsageError(
                f"{self.file}: holds masks of shape {tuple(masks.shape)}, but {data.name} needs"
                f" {wanted} (images, height, width); make them anew for these images"
            )
        if masks.dtype != torch.uint8 and not bool(((masks >= 0) & (masks <= 1)).all()):
            raise UsageError(
                f"{self.file}: holds a mask value outside 0..1; scale float masks to 0..1, or store"
                " uint8 (0..255)"
            )
        return masks


def read_masks(file: str) -> Tensor:
    """The one array of a .npy or .safetensors file, uint8 or float; UsageError with one sentence
    where there is none.
    """
    path = Path(file)
    if not file:
        raise UsageError(
            "view mask: no file is given; set view.file to a .npy or .safetensors file of masks (N,"
            " H, W)"
        )
    if not path.is_file():
        raise UsageError(
            f"{file}: there is no such file; set view.file to a .npy or .safetensors file of masks"
            " (N, H, W)"
        )
    if path.suffix not in (".npy", ".safetensors"):
        raise UsageError(
            f"{file}: masks are read from .npy or .safetensors files only; write them as one of"
            " these"
        )
    try:
        tensors = load_file(path) if path.suffix == ".safetensors" else {"": _array(path)}
    except (SafetensorError, OSError, ValueError, TypeError) as fault:
        raise UsageError(
            f"{file}: cannot be read as masks ({brief(fault)}); write the file again, without"
            " pickled objects"
        ) from fault
    if len(tensors) != 1:
        raise UsageError(
            f"{file}: holds {len(tensors)} tensors; a file of masks holds one, (N, H, W)"
        )
    (masks,) = tensors.values()
    if masks.dtype != torch.uint8 and not masks.is_floating_point():
        raise UsageError(f"{file}: holds {masks.dtype}; masks are uint8 (0..255) or floats (0..1)")
    return masks


def _array(path: Path) -> Tensor:
    """The array of a .npy file, in this machine's byte order, which torch asks for."""
    with path.open("rb") as file:
        array: NDArray[numpy.generic] = npy.read_array(file, allow_pickle=False)
    return torch.from_numpy(numpy.asarray(array, array.dtype.newbyteorder("="), order="C"))
