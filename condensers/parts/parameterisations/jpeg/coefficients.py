"""JPEG: what is learned are the quantised cosine coefficients of images, and what is stored are the
bytes of JPEG files.

x_u = clamp( D' (Q round(m_u c_u)) D + 128 ),  m_u: the coefficients that are not zero in the file
of the starting image

Gradients pass the rounding and the clamping straight through. The mask m keeps files from growing:
what is zero stays so. The bytes of N images buy the head of the files once and then as many files
as fit, counted as `real-jpeg` counts them. Where not even N files fit (small images, few classes),
the images stay pixels.

With the coder "range" the same coefficients are stored in one stream of an arithmetic coder
(`condensers.parts.parameterisations.jpeg.recoding`) and decode to the images of the files: no head,
no lengths, and 13 to 34 % fewer bytes on Fashion-MNIST from quality 20 down to 3.

Source: ours. Learning in the frequency domain is that of Shin et al., "Frequency Domain-based
Dataset Distillation" (FreD, NeurIPS 2023), who keep the coefficients of largest variance as floats;
here the file format decides what a coefficient costs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, final

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.parts.labels import hard_label_bytes
from condensers.parts.parameterisations.base import (
    LIMIT,
    Groups,
    Parameterisation,
    StorageForm,
    Units,
)
from condensers.parts.parameterisations.coding.estimate import estimate_bits
from condensers.parts.parameterisations.coding.stored import STREAM
from condensers.parts.parameterisations.compressed import Compressed
from condensers.parts.parameterisations.jpeg import files
from condensers.parts.parameterisations.jpeg.entropy import BLOCK, ScanLayout, body, layout
from condensers.parts.parameterisations.jpeg.quality import choose_learned_quality
from condensers.parts.parameterisations.jpeg.recoded import RecodedFiles, RecodedSizes
from condensers.parts.parameterisations.jpeg.recoding import (
    OVERHEAD,
    Recoded,
    encode,
    measure,
    to_planes,
)
from condensers.parts.parameterisations.jpeg.sizes import Sizes
from condensers.parts.parameterisations.jpeg.transform import Transform
from condensers.parts.parameterisations.latent import straight_through
from condensers.parts.parameterisations.pixels import Pixels, stored_bytes

LARGEST = 1023.0  # what ten bits hold
CODERS = ("huffman", "range")
NEAR = 1.05  # of raw bytes: images are made to fit these rather than stored as pixels
ROUNDS, MARGIN = 8, 1.002  # of fitting by measured bytes, and what is added to each
FILES, PIXELS, RECODED = Compressed("jpeg"), Pixels(), RecodedFiles()


@final
@dataclass(frozen=True)
class JPEG(Parameterisation):
    """Coefficients of JPEG files; how many files fit depends on the data."""

    quality: int = hyper(
        10,
        help=(
            "JPEG quality, 1 to 100; 0: chosen for data and bytes, one step finer than what images"
            " held out of the data say of real files"
        ),
        source="ours",
        minimum=0,
    )
    coder: str = hyper(
        "huffman",
        help="huffman: JPEG files; range: the same coefficients under an arithmetic coder",
        source="ours",
        values=CODERS,
    )

    registered: ClassVar[str] = "jpeg"
    # What stays as it is stands beside the learned tensor.
    rates: ClassVar[Mapping[str, float]] = dict.fromkeys(("mask", "range", "sides", LIMIT), 0.0)

    @property
    def couples_classes(self) -> bool:
        """Whether images of all classes choose the quality."""
        return not self.quality

    @property
    def variable_size(self) -> bool:
        """Whether one stream holds all images, whose bytes can be estimated."""
        return self.coder == "range"

    def units(self, data: ClassData, ipc: int) -> int:
        """Files of a class that fit the bytes of `ipc` uint8 images and their labels, counted in a
        fixed order; at least ipc.
        """
        return max(ipc, self.units_within(data, stored_bytes(data, ipc)))

    def settle(self, data: ClassData, nbytes: int) -> "tuple[JPEG, Mapping[str, object]]":
        """Choose the quality, if none is set."""
        if self.quality:
            return self, {}
        choice = choose_learned_quality(data, nbytes)
        return replace(self, quality=int(choice.chosen)), choice.card_entries("quality", "files")

    def units_within(self, data: ClassData, nbytes: int, label: int | None = None) -> int:
        """Files of a class that fit some bytes with their labels; none where that is too few."""
        if self.quality > files.BEST:
            raise UsageError(
                f"parameterisation jpeg: quality {self.quality} is above the largest, {files.BEST};"
                " take less"
            )
        settled, _ = self.settle(data, nbytes)
        return settled._sizes(data).fitting(nbytes, label)

    def _sizes(self, data: ClassData) -> Sizes | RecodedSizes:
        if self.coder == "range":
            return RecodedSizes(data, self.quality)
        return Sizes(data, "jpeg", self.quality)

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """The most that the files may take: what `ipc` uint8 images do, and less what the labels of
        more images take more.
        """
        labels = self.units(data, ipc) * len(data.classes) * hard_label_bytes(data)
        return stored_bytes(data, ipc) - labels

    def groups(self, start: Tensor, data: ClassData, context: Context) -> Groups:
        """Coefficients (M, B, 64), their mask, `range` (2, C): mean and deviation of pixels, and
        `sides` (2,): height, width.

        Or pixels, where so many files would take more.
        """
        assert self.quality, "a composition settles the quality before anything is learned"
        each = len(start) // len(data.classes)
        if not self._takes_less(data, each):
            return PIXELS.groups(start, data, context)
        free = Transform(data.shape, self.quality).forward(data.quantise(start).float())
        extent = torch.tensor([data.mean, data.std], device=start.device)
        # On the processor, which asks for them at every step.
        sides = torch.tensor(data.shape[1:], dtype=torch.float32)
        return {
            "coefficients": free,
            "mask": (free.round() != 0).float(),
            "range": extent,
            "sides": sides,
        }

    def _takes_less(self, data: ClassData, each: int) -> bool:
        """Whether so many images of each class take fewer bytes coded than as pixels."""
        sizes, nbytes = self._sizes(data), stored_bytes(data, each)
        if isinstance(sizes, Sizes):
            return sizes.fitting(nbytes) >= each
        count = min(each, *(data.count(label) for label in data.classes))
        labels = count * len(data.classes) * hard_label_bytes(data)
        return sizes.measure(count) <= NEAR * (stored_bytes(data, count) - labels)

    def allot(self, groups: Groups, nbytes: int) -> Groups:
        """Limit the stream; files take what those of real images do."""
        if self.coder != "range" or _form(groups) is PIXELS:
            return groups
        return {**groups, LIMIT: torch.tensor(float(nbytes), dtype=torch.float64)}

    def decode(self, groups: Mapping[str, Tensor], units: Units) -> Tensor:
        """The images of the stored `units`; rounds and clamps as storage does and passes gradients
        straight through.
        """
        if _form(groups) is PIXELS:
            return PIXELS.decode(groups, units)
        images = Transform(_shape(groups), self.quality).inverse(self._round(groups, units))
        mean, std = groups["range"].detach().view(2, 1, -1, 1, 1)
        normalised: Tensor = (
            straight_through(images, images.detach().clamp(0, 255)) / 255 - mean
        ) / std
        return normalised

    def _round(self, groups: Mapping[str, Tensor], units: Units) -> Tensor:
        """The coefficients (n, B, 64) as files hold them."""
        masked = groups["coefficients"][units] * groups["mask"][units].detach()
        return straight_through(masked, masked.detach().round())

    def project(self, groups: Groups, data: ClassData) -> None:
        """Coefficients stay within what a file can hold."""
        if _form(groups) is FILES:
            groups["coefficients"].clamp_(-LARGEST, LARGEST)

    def pack(self, groups: Mapping[str, Tensor], data: ClassData) -> Groups:
        """The files; where they take more than real ones do, the finest small coefficients of all
        of them are left out.
        """
        if _form(groups) is PIXELS:
            return PIXELS.pack(groups, data)
        kept = self._round(groups, slice(None)).detach().int().cpu()
        sizes = self._sizes(data)
        if isinstance(sizes, RecodedSizes):
            images = Recoded(data.shape, self.quality, kept)
            fits = fit_recoded(images, int(groups[LIMIT])) if LIMIT in groups else images
            return RECODED.store(fits)
        limit = sizes.content(len(kept) // len(data.classes))
        return FILES.pack_files(
            sizes.frame, fit_bodies(kept, layout(data.shape, self.quality), limit)
        )

    def estimate_bits(self, groups: Mapping[str, Tensor]) -> Tensor | None:
        """The bits of the coefficients as the coder expects them; None for files and pixels."""
        if self.coder != "range" or _form(groups) is PIXELS:
            return None
        form = layout(_shape(groups), self.quality)
        free = groups["coefficients"] * groups["mask"].detach()
        planes = (to_planes(one, form) for one in (free, free.detach().round()))
        bits = [estimate_bits(*pair) for pair in zip(*planes, strict=True)]
        return torch.stack(bits).sum() + 8 * OVERHEAD

    def count_bytes(self, groups: Mapping[str, Tensor], data: ClassData) -> int:
        """Return what the groups would take in storage as they are."""
        if self.coder != "range" or _form(groups) is PIXELS:
            return super().count_bytes(groups, data)
        kept = self._round(groups, slice(None)).detach().int().cpu()
        return round(measure(Recoded(data.shape, self.quality, kept)))

    def unpack(
        self,
        stored: Mapping[str, Tensor],
        mean: Sequence[float],
        std: Sequence[float],
        shape: Sequence[int],
    ) -> Tensor:
        """Decode the files, or the pixels."""
        return _form(stored).unpack(stored, mean, std, shape)

    @property
    def recodable(self) -> bool:
        """Whether it stores files."""
        return self.coder == "huffman"

    def stored_form(self, stored: Mapping[str, Tensor]) -> StorageForm:
        """Return what the groups are: pixels, files or a stream."""
        return _form(stored)

    def take(self, stored: Mapping[str, Tensor], units: Tensor) -> Groups:
        """Return the files, or the pixels, at `units`."""
        return _form(stored).take(stored, units)

    def join(self, parts: Sequence[Mapping[str, Tensor]]) -> Groups:
        """Return all files, or all pixels; UsageError if some sets have the one, some the other."""
        forms = {_form(part) for part in parts}
        if len(forms) > 1:
            raise UsageError(
                "the sets are stored as files and as pixels, and cannot be one; keep them apart, or"
                " condense them anew"
            )
        return forms.pop().join(parts)


def _form(stored: Mapping[str, Tensor]) -> Pixels | Compressed | RecodedFiles:
    """What groups are, while they are learned and as they are stored."""
    if "images" in stored:
        return PIXELS
    return RECODED if STREAM in stored else FILES


def _shape(groups: Mapping[str, Tensor]) -> tuple[int, int, int]:
    height, width = (int(side) for side in groups["sides"])
    return groups["range"].shape[1], height, width


def fit_bodies(kept: Tensor, form: ScanLayout, limit: int) -> list[bytes]:
    """The scans of images whose coefficients are kept (M, B, 64), of no more than `limit` bytes in
    all.
    """
    return _bodies(fit_coefficients(kept, limit, lambda trial: _length(trial, form)), form)


def fit_recoded(images: Recoded, limit: int) -> Recoded:
    """Return images whose stream takes no more than `limit` bytes."""
    found, size, worth = images, len(encode(images)), 1.0

    def length(kept: Tensor) -> float:
        return worth * measure(images._replace(coefficients=kept))

    for _ in range(ROUNDS):
        if size <= limit:
            break
        worth = size / measure(found) * MARGIN  # bytes of a measured byte
        kept = fit_coefficients(images.coefficients, limit, length)
        found = images._replace(coefficients=kept)
        size = len(encode(found))
    return found


def fit_coefficients(kept: Tensor, limit: int, length: Callable[[Tensor], float]) -> Tensor:
    """Return coefficients (M, B, 64) that take no more than `limit` bytes, as `length` counts them.

    Left out, as far as needed and from the finest on: first coefficients of size 1, then all but
    those of the blocks' means.
    """
    small = kept.abs() <= 1
    for droppable in (small, torch.ones_like(small)):
        least, most = 1, BLOCK**2  # leaving out from `most` on leaves out nothing
        while least < most:
            middle = (least + most + 1) // 2
            if length(_without(kept, droppable, middle)) <= limit:
                least = middle
            else:
                most = middle - 1
        found = _without(kept, droppable, least)
        if length(found) <= limit:
            break
    return found


def _without(kept: Tensor, droppable: Tensor, first: int) -> Tensor:
    """Without the droppable coefficients from number `first` of each block on."""
    fine = torch.arange(kept.shape[2]) >= first
    return kept.masked_fill(droppable & fine, 0)


def _bodies(kept: Tensor, form: ScanLayout) -> list[bytes]:
    return [body(image, form) for image in kept.tolist()]


def _length(kept: Tensor, form: ScanLayout) -> int:
    return sum(map(len, _bodies(kept, form)))
