"""transform: what is learned are the quantised coefficients of cosines over whole images, and what
is stored is one stream of an arithmetic coder.

x_u = clamp( 1/2 + D' (s q(m_u c_u) + mu_t(u)) D ),  q(c) = sign(c) max(0, floor(|c| + 1/2 - z))

c: in steps s; z: the dead zone; mu: mean images of each class, stored once, of which t(u) is the
nearest to the starting image; m: the coefficients that are not zero in the starting image, all of
them with `free`. Pixels are rounded to whole numbers of 255, so that the image that is learned is
the image that is stored. Gradients pass all rounding straight through. Planes of colour have half
the resolution.

The bytes of N images buy as many coded images as fit, with means and labels; where not even N fit,
the images stay pixels. What takes more bytes in the end than it may loses its smallest
coefficients. What takes fewer keeps more: the dead zone falls until the bytes are full, for
coefficients that were zero from the start as for others.

Estimated bits are those of `condensers.parts.parameterisations.coding.estimate`.

Source: ours. Frequencies over whole images are those of Shin et al., "Frequency Domain-based
Dataset Distillation" (FreD, NeurIPS 2023); a rate that is learned with the set is that of "Dataset
Distillation as Data Compression: A Rate-Utility Perspective" (ICCV 2025, arXiv 2507.17221).
"""

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import ClassVar, final

import numpy as np
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
    count_stored,
)
from condensers.parts.parameterisations.coding.estimate import estimate_bits
from condensers.parts.parameterisations.coding.stored import STREAM, read_stream, store_stream
from condensers.parts.parameterisations.latent import straight_through
from condensers.parts.parameterisations.pixels import Pixels, stored_bytes
from condensers.parts.parameterisations.transform.cosines import as_pixels, restore, sides
from condensers.parts.parameterisations.transform.quantiser import (
    Quantiser,
    as_numbers,
    fill,
)
from condensers.parts.parameterisations.transform.requantising import requantise
from condensers.parts.parameterisations.transform.steps import choose_learned_step
from condensers.parts.parameterisations.transform.stream import (
    STEPS,
    CodedImages,
    decode,
    encode,
    join,
    measure,
)

PIXELS = Pixels()
NEARLY = 0.97  # of the bytes: a set that takes as much has no room for a finer step
NEAR = 1.05  # of raw bytes: coded images are made to fit these rather than stored as pixels
REMEMBERED = 4  # sets that were written last


@final
@dataclass(frozen=True)
class FullFrameDCT(Parameterisation):
    """Coded coefficients of whole images; how many images fit depends on the data."""

    step: float = hyper(
        0.0,
        help="quantisation step, as a part of the pixels' range; 0: by data and bytes",
        source="ours: steps.py",
        minimum=0.0,
    )
    dead_zone: float = hyper(
        0.15,
        unit="steps",
        help="what a coefficient must exceed half a step by not to be zero",
        source="ours",
        minimum=0.0,
    )
    templates: int = hyper(
        1, unit="images", help="mean images of a class; 0: one of all", source="ours", minimum=0
    )
    free: bool = hyper(
        False,
        help="let coefficients be learned that are zero at the start; wants regulariser rate",
        source="ours",
    )
    surplus: float = hyper(
        1.0,
        help="images, as multiples of those that fit unlearned; above 1 wants regulariser rate",
        source="ours",
        minimum=1.0,
    )

    registered: ClassVar[str] = "transform"
    variable_size: ClassVar[bool] = True
    # What stays as it is stands beside the learned tensor.
    rates: ClassVar[Mapping[str, float]] = dict.fromkeys(
        ("mask", "means", "origins", "steps", "range", "sides", LIMIT), 0.0
    )

    @property
    def couples_classes(self) -> bool:
        """Whether one mean image serves all classes, or one step that they choose together."""
        return not (self.templates and self.step)

    @property
    def quantiser(self) -> Quantiser:
        """How images become whole numbers."""
        return Quantiser(self.step, self.dead_zone, self.templates)

    def require_fit(self, where: str) -> None:
        """UsageError for a step that cannot be stored."""
        if self.step and not 1 <= self.quantiser.whole_step < 1 << 16:
            raise UsageError(
                f"{where}.step: {self.step} is neither 0 nor a step from {1 / STEPS} to 255"
            )

    def settle(self, data: ClassData, nbytes: int) -> "tuple[FullFrameDCT, Mapping[str, object]]":
        """Choose the step, if none is set."""
        if self.step:
            return self, {}
        choice = choose_learned_step(data, nbytes, self.quantiser)
        return replace(self, step=choice.chosen), choice.card_entries("step", "images")

    def units(self, data: ClassData, ipc: int) -> int:
        """Coded images of a class that fit the bytes of `ipc` uint8 images and their labels, times
        the surplus; ipc where not even as many fit.
        """
        return max(ipc, self.units_within(data, stored_bytes(data, ipc)))

    def units_within(self, data: ClassData, nbytes: int, label: int | None = None) -> int:
        """Coded images of a class that fit some bytes with their labels, times the surplus."""
        settled, _ = self.settle(data, nbytes)
        return int(settled.quantiser.count_fitting(data, nbytes, label) * self.surplus)

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """The most that the stream may take: what `ipc` uint8 images do, and less what the labels
        of more images take more.
        """
        labels = self.units(data, ipc) * len(data.classes) * hard_label_bytes(data)
        return stored_bytes(data, ipc) - labels

    def groups(self, start: Tensor, data: ClassData, context: Context) -> Groups:
        """Coefficients (M, F) in steps, their mask, the means (T, F) in whole numbers, the mean of
        each unit, and what a step, the pixels' range and an image's sides are.

        Or pixels, where so many coded images would take more. Within a class the images are put in
        the order of their means.
        """
        assert self.step, "a composition settles the step before anything is learned"
        each = len(start) // len(data.classes)
        if not self._takes_less(data, each):
            return PIXELS.groups(start, data, context)
        images = data.quantise(start).float() / 255
        images = images[self.quantiser.sort(images, data)]
        coded, free = self.quantiser.quantise(images, data)
        device = start.device
        numbers = torch.tensor([coded.steps[0], coded.finenesses[0]], dtype=torch.float32)
        kept = torch.ones_like(free) if self.free else self.quantiser.round(free).abs().clamp(max=1)
        return {
            "coefficients": free,
            "mask": kept,
            "means": torch.from_numpy(coded.means).float().to(device),
            "origins": torch.from_numpy(coded.origins).float().to(device),
            "range": torch.tensor([data.mean, data.std], device=device),
            # On the processor, which asks for them at every step.
            "steps": numbers,
            "sides": torch.tensor(data.shape[1:], dtype=torch.float32),
        }

    def _takes_less(self, data: ClassData, each: int) -> bool:
        """Whether so many images of each class take fewer bytes coded than as pixels."""
        count = min(math.ceil(each / self.surplus), *(data.count(label) for label in data.classes))
        labels = count * len(data.classes) * hard_label_bytes(data)
        raw = stored_bytes(data, count) - labels
        return self.quantiser.measure(data, count) <= NEAR * raw

    def allot(self, groups: Groups, nbytes: int) -> Groups:
        """Limit the stream; where the images at hand take less, their step becomes finer."""
        if "images" in groups:
            return groups
        room = NEARLY * nbytes * self.surplus
        finer = groups
        if measure(self._coded(groups)) < room:
            finest, coarsest = max(1, int(groups["steps"][0]) // 2), int(groups["steps"][0])
            while finest < coarsest:
                middle = (finest + coarsest) // 2
                tried = self._with_step(groups, middle)
                fits = measure(self._coded(tried)) <= nbytes * self.surplus
                finest, coarsest, finer = (
                    (finest, middle, tried) if fits else (middle + 1, coarsest, finer)
                )
        return {**finer, LIMIT: torch.tensor(float(nbytes), dtype=torch.float64)}

    def _with_step(self, groups: Groups, step: int) -> Groups:
        """The same images and means under another step, in parts of 1 / STEPS."""
        before, fineness = (int(number) for number in groups["steps"])
        origins = groups["origins"].long()
        means = groups["means"].double() * (before / step)
        free = groups["coefficients"].double() * (before / step)
        free = free + (means - means.round())[origins] / fineness
        kept = free.to(groups["coefficients"])
        mask = self.quantiser.round(kept).abs().clamp(max=1)
        return {
            **groups,
            "coefficients": kept,
            "mask": torch.ones_like(mask) if self.free else mask,
            "means": means.round().to(groups["means"]),
            "steps": torch.tensor([step, fineness], dtype=torch.float32),
        }

    def decode(self, groups: Mapping[str, Tensor], units: Units) -> Tensor:
        """The images of the stored `units`, as they will be read; gradients pass all rounding."""
        if "images" in groups:
            return PIXELS.decode(groups, units)
        step, fineness = groups["steps"].tolist()
        kept = groups["coefficients"][units] * groups["mask"][units].detach()
        whole = self.quantiser.round(kept.detach())
        rounded = straight_through(kept, whole)
        means = groups["means"].detach()[groups["origins"][units].detach().long()]
        values = rounded * (step / STEPS) + means * (step / STEPS / fineness)
        images = restore(values, _shape(groups))
        # In the precision that files are read in: a half rounds to the same side then.
        exact = whole.double() * (step / STEPS) + means.double() * (step / STEPS / fineness)
        read = restore(exact, _shape(groups))
        seen = straight_through(images, as_pixels(read).to(images) / 255)
        mean, std = groups["range"].detach().view(2, 1, -1, 1, 1)
        normalised: Tensor = (seen - mean) / std
        return normalised

    def estimate_bits(self, groups: Mapping[str, Tensor]) -> Tensor | None:
        """The bits of the coefficients as the coder expects them, and those of the means."""
        if "images" in groups:
            return None
        coded = self._coded(groups)
        blank = np.zeros((0, coded.means.shape[1]), dtype=np.int64)
        fixed = measure(replace(coded, origins=coded.origins[:0], coefficients=blank))
        free = groups["coefficients"] * groups["mask"].detach()
        whole = self.quantiser.round(free.detach())
        bits = [
            estimate_bits(*planes)
            for planes in zip(*(_planes(one, coded.shape) for one in (free, whole)), strict=True)
        ]
        return torch.stack(bits).sum() + 8 * fixed

    def count_bytes(self, groups: Mapping[str, Tensor], data: ClassData) -> int:
        """Return what the groups would take in storage as they are."""
        if "images" in groups:
            return groups["images"].numel()
        return round(measure(self._coded(groups)))

    def pack(self, groups: Mapping[str, Tensor], data: ClassData) -> Groups:
        """The stream, of as many bytes as it may take: with less room the smallest coefficients
        are left out, with more the next smaller ones are kept.
        """
        if "images" in groups:
            return PIXELS.pack(groups, data)
        coded = self._coded(groups)
        if LIMIT not in groups:
            return store_stream(encode(coded))
        limit = int(groups[LIMIT])
        return store_stream(fill(coded, groups["coefficients"], limit, self.dead_zone))

    def unpack(
        self,
        stored: Mapping[str, Tensor],
        mean: Sequence[float],
        std: Sequence[float],
        shape: Sequence[int],
    ) -> Tensor:
        """Decode the stream, or the pixels; ValueError for damaged bytes."""
        if STREAM not in stored:
            return PIXELS.unpack(stored, mean, std, shape)
        coded = _read(stored)
        if coded.shape != tuple(shape):
            raise ValueError(f"its coded images have shape {coded.shape}, not {tuple(shape)}")
        values = torch.from_numpy(coded.values())
        parts = [as_pixels(restore(part, shape)) for part in torch.split(values, 1024)]
        pixels = torch.cat(parts).to(torch.uint8) if parts else torch.empty(0, *shape).byte()
        return PIXELS.unpack({"images": pixels.to(stored[STREAM].device)}, mean, std, shape)

    def take(self, stored: Mapping[str, Tensor], units: Tensor) -> Groups:
        """Return the coded images at `units`, with the means they need, or the pixels."""
        if STREAM not in stored:
            return PIXELS.take(stored, units)
        if torch.equal(units.cpu(), torch.arange(len(_read(stored).coefficients))):
            return dict(stored)
        return _store(_read(stored).take(*as_numbers(units)))

    @property
    def recodable(self) -> bool:
        """Return true."""
        return True

    def stored_form(self, stored: Mapping[str, Tensor]) -> StorageForm:
        """Return this form as it is by default, for a stream tells its settings; or pixels."""
        return FullFrameDCT() if STREAM in stored else PIXELS

    def recode(
        self,
        parts: Sequence[Mapping[str, Tensor]],
        nbytes: int,
        shape: Sequence[int],
        least: int | None = None,
    ) -> list[Groups]:
        """Return streams of coarser coefficients (`requantising`)."""
        if sum(map(count_stored, parts)) <= nbytes:
            return [dict(part) for part in parts]
        coarser = requantise([_read(part) for part in parts], nbytes)
        return [_store(*one) for one in coarser]

    def append(
        self, stored: Mapping[str, Tensor], kept: Tensor, images: Tensor, like: int | None
    ) -> Groups:
        """Return the coded images at `kept`, and new ones, coded under the mean of `like`; without
        it under their own, at the coarsest step of the others.
        """
        if STREAM not in stored:
            return PIXELS.append(stored, kept, images, like)
        coded = _read(stored)
        new = self.quantiser.quantise_like(images.float() / 255, coded, like)
        return _store(join([coded.take(*as_numbers(kept)), new]))

    def join(self, parts: Sequence[Mapping[str, Tensor]]) -> Groups:
        """Return all coded images, or all pixels; UsageError if some sets have the one, some the
        other.
        """
        coded = [STREAM in part for part in parts]
        if not any(coded):
            return PIXELS.join(parts)
        if not all(coded):
            raise UsageError(
                "the sets are stored as coded images and as pixels, and cannot be one; keep them"
                " apart, or condense them anew"
            )
        return _store(join([_read(part) for part in parts]))

    def _coded(self, groups: Mapping[str, Tensor]) -> CodedImages:
        kept = (groups["coefficients"] * groups["mask"]).detach()
        step, fineness = (int(number) for number in groups["steps"])
        count = np.ones(len(groups["means"]), dtype=np.int64)
        return CodedImages(
            _shape(groups),
            count * step,
            count * fineness,
            *as_numbers(groups["means"], groups["origins"], self.quantiser.round(kept)),
        )


_WRITTEN: OrderedDict[bytes, CodedImages] = OrderedDict()


def _store(images: CodedImages, content: bytes | None = None) -> Groups:
    """The stored groups of images; the last few are remembered, for a memory that changes reads
    what it has just written.
    """
    content = encode(images) if content is None else content
    _WRITTEN[content] = images
    while len(_WRITTEN) > REMEMBERED:
        _WRITTEN.popitem(last=False)
    return store_stream(content)


def _read(stored: Mapping[str, Tensor]) -> CodedImages:
    content = read_stream(stored)
    if content not in _WRITTEN:
        return decode(content)
    return _WRITTEN[content]


def _shape(groups: Mapping[str, Tensor]) -> tuple[int, int, int]:
    height, width = (int(side) for side in groups["sides"])
    return groups["range"].shape[1], height, width


def _planes(coefficients: Tensor, shape: Sequence[int]) -> list[Tensor]:
    """Coefficients (M, F) -> (M, rows, columns) of each plane."""
    each = sides(shape)
    ends = list(accumulate((rows * columns for rows, columns in each), initial=0))
    return [
        coefficients[:, begin:end].reshape(-1, *side)
        for (begin, end), side in zip(pairwise(ends), each, strict=True)
    ]
