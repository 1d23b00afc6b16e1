"""`.npz` archives of numpy, the format of KIP (`images`, `labels`) and FRePo (`image`, `label`): no
pickle, in or out.

Images are (M, H, W, C) float or uint8, preprocessed in a way that the file does not say; labels are
(M, K), often centred and learned, or whole numbers (M,). What `harness export --to npz` writes adds
arrays that say the rest: `mean`, `std`, `class_names`, `dataset`, `origin`, `recipe` and `card`
(JSON texts), `rates` where the set has them.
"""

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib import format as npy
from numpy.typing import NDArray
from torch import Tensor

from condensers.errors import UsageError, brief
from condensers.formats.published import (
    Published,
    as_images,
    as_labels,
    as_rates,
    existing,
    require_bearable_zip,
    statements,
)

Array = NDArray[Any]


def read(path: Path) -> Published:
    """Read a .npz of images and labels.

    Raises:
        UsageError: It is missing, damaged, too large, holds objects, or lacks images or labels.
    """
    arrays = read_arrays(path)
    images = next((arrays[key] for key in ("images", "image") if key in arrays), None)
    labels = next((arrays[key] for key in ("labels", "label") if key in arrays), None)
    if images is None or labels is None:
        raise UsageError(
            f"{path}: has no arrays 'images' and 'labels' (or 'image' and 'label'), but"
            f" {', '.join(arrays) or 'none'}"
        )
    if images.ndim != 4:
        raise UsageError(
            f"{path}: its images have shape {images.shape}, not (images, height, width, channels)"
        )
    pixels = as_images(_tensor(images, path), path).permute(0, 3, 1, 2).contiguous()
    rates = as_rates(_tensor(arrays["rates"], path), path) if "rates" in arrays else None
    said: dict[str, Any] = {
        key: arrays[key].tolist() for key in ("mean", "std", "class_names") if key in arrays
    }
    said["dataset"] = str(arrays["dataset"]) if "dataset" in arrays else None
    said["card"] = str(arrays["card"]) if "card" in arrays else None
    said["origin"] = str(arrays["origin"]) if "origin" in arrays else None
    said["recipe"] = _json(arrays["recipe"], path) if "recipe" in arrays else None
    found = as_labels(_tensor(labels, path), len(pixels), path)
    return Published(path, "npz", pixels, found, rates, **statements(said, path))


def write(path: Path, content: dict[str, Any]) -> None:
    """Write what `read` reads."""
    arrays: dict[str, Any] = {
        "images": content["images"].permute(0, 2, 3, 1).contiguous().numpy(),
        "labels": content["labels"].numpy(),
        "mean": np.array(content["mean"]),
        "std": np.array(content["std"]),
        "class_names": np.array(content["class_names"], dtype=np.str_),
        "dataset": np.array(content["dataset"], dtype=np.str_),
        "origin": np.array(content["origin"], dtype=np.str_),
        "recipe": np.array(json.dumps(content["recipe"]), dtype=np.str_),
        "card": np.array(content["card"], dtype=np.str_),
    }
    if "rates" in content:
        arrays["rates"] = content["rates"].numpy()
    with path.open("wb") as file:
        np.savez(file, **arrays)


def read_arrays(path: Path) -> dict[str, Array]:
    """Every array of numbers or texts, by name, after its header was found to agree with its size
    in the archive.
    """
    require_bearable_zip(existing(path))
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                with archive.open(entry) as file:
                    _require_honest_header(file, entry, path)
        with np.load(path, allow_pickle=False) as loaded:
            for name in loaded.files:
                found[name] = _native(loaded[name])
    except UsageError:
        raise
    except Exception as fault:  # whatever a damaged header makes of numpy's reader
        raise UsageError(
            f"{path}: is cut short, damaged, or no .npz of plain arrays ({brief(fault)}); fetch it"
            " again"
        ) from fault
    return found


def _require_honest_header(file: Any, entry: zipfile.ZipInfo, path: Path) -> None:
    """numpy reserves memory for the shape that a header names before it reads on: that must be what
    the archive declares.
    """
    version = npy.read_magic(file)
    read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(
        version
    )
    if read_header is None:
        raise ValueError(f"{entry.filename} has a header of version {version}")
    shape, _, dtype = read_header(file)
    if dtype.kind not in "fiubU":
        raise UsageError(
            f"{path}: its array {entry.filename} holds {dtype}, not numbers; it is refused"
        )
    if math.prod(shape) * dtype.itemsize > entry.file_size:
        raise UsageError(
            f"{path}: its array {entry.filename} claims more bytes than the archive holds; it is"
            " refused"
        )


def _native(array: Array) -> Array:
    """In this machine's byte order, as torch wants it; unsigned numbers above one byte become
    signed.
    """
    array = array.astype(array.dtype.newbyteorder("="))
    return array.astype(np.int64) if array.dtype.kind == "u" and array.dtype.itemsize > 1 else array


def _tensor(array: Array, path: Path) -> Tensor:
    try:
        return torch.from_numpy(array)
    except TypeError:
        raise UsageError(
            f"{path}: has an array of {array.dtype} where numbers are needed; fetch it again"
        ) from None


def _json(text: Array, path: Path) -> Any:
    try:
        return json.loads(str(text))
    except (ValueError, RecursionError):
        raise UsageError(f"{path}: its recipe is not JSON; the file is damaged") from None
