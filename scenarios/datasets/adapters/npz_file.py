"""npz:FILE, arrays in the layout of MedMNIST: PART_images and PART_labels for train, val and test.

Images are uint8, (N, H, W) or (N, H, W, C); labels (N,) or (N, 1). `save_npz` writes the same with
`class_names`, `licence`, `mirror`, `mean`, `std` and `notes` beside them, so that what is read back
has the digests of what was written. Source: Yang et al., "MedMNIST v2" (Scientific Data 2023).
"""

from __future__ import annotations

import os
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from condensers.errors import DataMissing, UsageError
from condensers.formats.npz import read_arrays
from scenarios.datasets.adapters.pooling import (
    TEST,
    TRAIN,
    VALIDATION,
    Facts,
    LabelledImages,
    pool_parts,
)
from scenarios.datasets.adapters.samples import Label, as_planes, read_label
from scenarios.datasets.raw import RawData
from scenarios.protocol import Splits

Arrays = dict[str, NDArray[Any]]
PREFIXES = {TRAIN: "train", VALIDATION: "val", TEST: "test"}


def read_npz(path: Path, mirror: bool | None) -> RawData:
    """Read a file of arrays.

    Args:
        path: The file.
        mirror: Whether a flipped image keeps its class; None for what the file says, or true.

    Raises:
        DataMissing: It is not there, is damaged, or holds other arrays.
    """
    if not path.is_file():
        raise DataMissing(f"npz:{path.name}: there is no file {path}; name one of arrays")
    try:
        arrays = read_arrays(path)
    except UsageError as fault:
        raise DataMissing(str(fault)) from fault
    parts = {
        part: _read_part(arrays, prefix, path)
        for part, prefix in PREFIXES.items()
        if f"{prefix}_images" in arrays or part != VALIDATION
    }
    said = bool(arrays["mirror"]) if "mirror" in arrays else True
    names = arrays["class_names"].tolist() if "class_names" in arrays else None
    facts = Facts(
        names,
        said if mirror is None else mirror,
        str(arrays["licence"]) if "licence" in arrays else "not recorded",
        tuple(map(str, arrays["notes"].tolist())) if "notes" in arrays else (),
    )
    raw = pool_parts(f"npz:{path.name}", parts, facts)
    return _with_statistics(raw, arrays, path)


def _read_part(arrays: Arrays, prefix: str, path: Path) -> LabelledImages:
    keys = (f"{prefix}_images", f"{prefix}_labels")
    lacking = next((key for key in keys if key not in arrays), None)
    if lacking:
        raise DataMissing(
            f"{path}: has no array {lacking}, but {', '.join(sorted(arrays)) or 'none'}; write"
            " train_images, train_labels, test_images and test_labels, and perhaps val_images and"
            " val_labels"
        )
    images, labels = arrays[keys[0]], arrays[keys[1]]
    if images.dtype != np.uint8:
        raise DataMissing(f"{path}: {keys[0]} holds {images.dtype}; write uint8, 0 to 255")
    planes = as_planes(images, f"{path}: {keys[0]}", channels_last=True)
    if planes.shape[1] == 4:
        raise DataMissing(f"{path}: {keys[0]} has 4 channels; write 1 (grey) or 3 (RGB)")
    return np.ascontiguousarray(planes), _read_labels(labels, len(planes), f"{path}: {keys[1]}")


def _read_labels(labels: NDArray[Any], count: int, where: str) -> list[Label]:
    if labels.ndim == 2 and labels.shape[1] > 1:
        raise DataMissing(
            f"{where} has {labels.shape[1]} labels for each image; only data with one class for"
            " each image can be used, as most of MedMNIST are"
        )
    flat = labels.reshape(-1)
    if len(flat) != count:
        raise DataMissing(f"{where} holds {len(flat)} labels for {count} images")
    if count == 0:
        raise DataMissing(f"{where} is empty; give images of each class")
    return [read_label(label, where) for label in flat]


def _with_statistics(raw: RawData, arrays: Arrays, path: Path) -> RawData:
    """Raw data with the mean and deviation that the file says."""
    if not {"mean", "std"} <= set(arrays):
        return raw
    channels = raw.train.images.shape[1]
    mean, std = (tuple(map(float, np.ravel(arrays[key]))) for key in ("mean", "std"))
    if len(mean) != channels or len(std) != channels or min(std) <= 0:
        raise DataMissing(
            f"{path}: mean and std are not {channels} numbers each, std above 0; leave them out"
        )
    return replace(raw, mean=mean, std=std)


def save_npz(data: Splits, path: str | PathLike[str]) -> Path:
    """Write a data set as `npz:FILE` reads it, with the same digests.

    Args:
        data: Its parts.
        path: Of the file, which ends in .npz.

    Returns:
        The path.

    Raises:
        UsageError: The path has another ending.
    """
    file = Path(path)
    if file.suffix != ".npz":
        raise UsageError(f"{file}: call the file of arrays something that ends in .npz")
    parts = {TRAIN: data.train, VALIDATION: data.validation, TEST: data.test}
    arrays: Arrays = {}
    for part, prefix in PREFIXES.items():
        images = parts[part].images.cpu().numpy()
        flat = images[:, 0] if images.shape[1] == 1 else images.transpose(0, 2, 3, 1)
        arrays[f"{prefix}_images"] = np.ascontiguousarray(flat)
        arrays[f"{prefix}_labels"] = parts[part].labels.cpu().numpy()
    train = data.train
    arrays |= {
        "class_names": np.array(train.class_names, dtype=np.str_),
        "mean": np.array(train.mean),
        "std": np.array(train.std),
        "mirror": np.array(train.mirror),
        "licence": np.array(train.licence, dtype=np.str_),
        "notes": np.array(train.notes, dtype=np.str_),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.npz")
    np.savez(unfinished, **arrays)  # type: ignore[arg-type]
    unfinished.replace(file)
    return file
