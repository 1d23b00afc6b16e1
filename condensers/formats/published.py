"""What a published file holds, before anything is assumed of it; and the guards that every format
shares.

What a file may say of itself, checked: mean and std, class names, data set, recipe. Nothing more is
believed.
"""

import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from condensers.errors import UsageError, brief
from condensers.sets.origins import ORIGINS, UNKNOWN
from condensers.sets.soundness import require_finite, require_positive
from condensers.whitening import fit_of

LIMIT = (
    2**32
)  # bytes that a file may hold when unpacked; published sets take some hundred megabytes at most


@dataclass(frozen=True)
class Published:
    """The content of a published file.

    Args:
        path: Of the file.
        format: One of `condensers.formats.reading.FORMATS`.
        images: (M, C, H, W), uint8 or float32.
        labels: (M,) int64, or (M, K) float32.
        rates: (T,) float32 learning rates, or None.
        pixels: "unit" for 0 to 1, a pair (mean, std) by which they are normalised, or None if the
            file does not say.
        names: The class names that labels count; empty if the file does not say.
        dataset: The name of the data set, or None.
        origin: What its images are, one of `condensers.sets.origins.ORIGINS`.
        recipe: What the format says of training.
        digest: Of the images that it was made from, if the file has a card of ours.
    """

    path: Path
    format: str
    images: Tensor
    labels: Tensor
    rates: Tensor | None = None
    pixels: Any = None
    names: tuple[str, ...] = ()
    dataset: str | None = None
    origin: str = UNKNOWN
    recipe: Mapping[str, Any] = field(default_factory=dict)
    digest: str | None = None


def existing(path: Path) -> Path:
    """`path`, where it is a file of a bearable size."""
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file")
    if path.stat().st_size > LIMIT:
        raise UsageError(
            f"{path}: has {path.stat().st_size} bytes, more than the {LIMIT} that are read;"
            " split it"
        )
    return path


def require_bearable_zip(path: Path) -> None:
    """Refuse an archive that would unpack to more than LIMIT, by what it declares, before anything
    is unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            declared = sum(entry.file_size for entry in archive.infolist())
    except Exception as fault:  # whatever a damaged archive makes of the reader
        raise UsageError(
            f"{path}: is cut short or damaged ({brief(fault)}); fetch it again"
        ) from fault
    if declared > LIMIT:
        raise UsageError(
            f"{path}: would unpack to {declared} bytes, more than the {LIMIT} that are read; it is"
            " refused"
        )


def as_images(value: Any, path: Path) -> Tensor:
    """(M, C, H, W) uint8 or float, finite, at least one; UsageError for anything else."""
    if (
        isinstance(value, list | tuple)
        and value
        and all(isinstance(v, Tensor) and v.shape == value[0].shape for v in value)
    ):
        value = torch.stack([_dense(one, "images", path) for one in value])
    images = _dense(value, "images", path)
    if images.ndim != 4 or 0 in images.shape:
        raise UsageError(
            f"{path}: its images have shape {tuple(images.shape)}, not (images, channels, height,"
            " width)"
        )
    if images.dtype != torch.uint8 and not images.is_floating_point():
        raise UsageError(
            f"{path}: its images are {images.dtype}; pixels are uint8 or floating-point numbers"
        )
    require_finite(images, "images", path)
    return images if images.dtype == torch.uint8 else images.float()


def as_labels(value: Any, count: int, path: Path) -> Tensor:
    """(count,) int64 or (count, K) float32; UsageError for anything else."""
    labels = _dense(_numbers(value), "labels", path)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim not in (1, 2) or len(labels) != count or not labels.numel():
        raise UsageError(
            f"{path}: its labels have shape {tuple(labels.shape)}, not one for each of {count}"
            " images"
        )
    require_finite(labels, "labels", path)
    if labels.ndim == 2:
        return labels.float()
    whole = labels.long()
    if not torch.equal(whole.double(), labels.double()) or bool((whole < 0).any()):
        raise UsageError(f"{path}: its labels are not whole numbers from 0 on; take another file")
    return whole


def as_rates(value: Any, path: Path) -> Tensor:
    """(T,) float32 positive learning rates, from a number or a tensor."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    rates = (
        (torch.tensor([float(value)]) if number else _dense(value, "learning rates", path))
        .float()
        .flatten()
    )
    require_positive(rates, path)
    return rates


def _numbers(value: Any) -> Any:
    """A list of numbers, or of rows of as many numbers, as a tensor; anything else as it is."""
    rows = value if isinstance(value, list | tuple) and value else [[None]]
    if not all(isinstance(row, list | tuple) for row in rows):
        rows = [rows]
    plain = all(isinstance(v, int | float) and abs(v) < LIMIT for row in rows for v in row)
    return (
        torch.tensor(value, dtype=torch.float64)
        if plain and len({len(row) for row in rows}) == 1
        else value
    )


def _dense(value: Any, what: str, path: Path) -> Tensor:
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(np.ascontiguousarray(value))
    if (
        not isinstance(value, Tensor)
        or value.layout != torch.strided
        or value.is_quantized
        or value.is_complex()
    ):
        raise UsageError(
            f"{path}: its {what} are no plain tensor but {type(value).__name__}; save them as"
            " numbers"
        )
    if value.is_meta or value.numel() * max(value.element_size(), 4) > LIMIT:
        raise UsageError(f"{path}: its {what} would take more than {LIMIT} bytes; it is refused")
    return value.detach().cpu()


AUGMENTATIONS = ("none", "dsa")
LONGEST = 100  # letters of a digest
FORMS = ("hard", "probabilities", "scores")


def statements(said: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The fields `pixels`, `names`, `dataset`, `origin`, `recipe` of a Published; what is not said
    is left out.
    """
    found: dict[str, Any] = {}
    if said.get("mean") is not None or said.get("std") is not None:
        found["pixels"] = (
            numbers(said.get("mean"), "mean", path),
            numbers(said.get("std"), "std", path),
        )
    names = said.get("class_names")
    if names is not None:
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            raise UsageError(
                f"{path}: its class names are not a list of texts; the file is damaged"
            )
        found["names"] = tuple(names)
    if isinstance(said.get("dataset"), str):
        found["dataset"] = said["dataset"]
    if said.get("origin") in ORIGINS:
        found["origin"] = said["origin"]
    found["recipe"] = recipe(said.get("recipe"))
    found["digest"] = _digest(said.get("card"))
    return found


def _digest(card: Any) -> str | None:
    """That of the data, from a card as JSON text; None where there is no such card."""
    try:
        read = json.loads(card) if isinstance(card, str) else None
    except (ValueError, RecursionError):
        return None
    digest = read.get("digest") if isinstance(read, dict) else None
    return digest if isinstance(digest, str) and len(digest) <= LONGEST else None


def numbers(value: Any, what: str, where: Path | str) -> tuple[float, ...]:
    """Finite numbers, one a channel; those of `std` positive."""
    fine = (
        isinstance(value, list | tuple)
        and value
        and all(isinstance(v, int | float) and math.isfinite(v) for v in value)
    )
    if not fine or (what == "std" and min(value) <= 0):
        raise UsageError(
            f"{where}: its {what} is not a list of {'positive ' * (what == 'std')}numbers, one a"
            " channel"
        )
    return tuple(float(v) for v in value)


def recipe(said: Any) -> dict[str, Any]:
    """Of a recipe only what this harness knows: names that stand for parts are taken from fixed
    lists.
    """
    said = said if isinstance(said, Mapping) else {}
    known: dict[str, Any] = {
        key: said[key]
        for key, allowed in (
            ("augmentation", AUGMENTATIONS),
            ("labels", FORMS),
            ("loss", ("mse", "cross-entropy")),
            ("lr", ("rates",)),
        )
        if said.get(key) in allowed
    }
    whitening = said.get("whitening")
    if isinstance(whitening, Mapping) and isinstance(whitening.get("mean"), list):
        known["whitening"] = fit_of(whitening, len(whitening["mean"])).as_json()
    epochs = said.get("epochs")
    if said.get("ordered") is True and isinstance(epochs, int) and epochs > 0:
        known |= {"ordered": True, "epochs": epochs}
    return known
