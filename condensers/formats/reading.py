"""Which format a file has, and its content."""

from pathlib import Path
from typing import Any, NamedTuple

from condensers.errors import UsageError, suggestion
from condensers.formats import authors, npz, safe_pickle
from condensers.formats.published import Published

FORMATS = ("auto", "dc", "mtt", "idc", "dd", "dict", "npz")


class Files(NamedTuple):
    """The files of a published set.

    Args:
        path: The file with the images.
        labels: A file of labels beside it, which only MTT's format has.
        rate: A file of the learning rate beside it, which only MTT's format has.
        experiment: Which one of several in the file, from 0; -1 for the last.
    """

    path: Path
    labels: Path | None = None
    rate: Path | None = None
    experiment: int = -1


def read(files: Files, format: str = "auto") -> Published:
    """Read a published set.

    Args:
        files: Where it is.
        format: One of `FORMATS`; "auto" goes by the file's ending and by how its content is built.

    Raises:
        UsageError: The file is missing, damaged, too large, or of no known format.
    """
    if format not in FORMATS:
        raise UsageError(f"--format {format}: unknown; {suggestion(format, FORMATS)}")
    if format == "npz" or (format == "auto" and files.path.suffix == ".npz"):
        return npz.read(files.path)
    content = safe_pickle.read(files.path)
    wanted = _of(content, files) if format == "auto" else format
    if wanted == "dc":
        return authors.parse_dc(content, files.path, files.experiment)
    if wanted == "dict":
        return authors.parse_named(content, files.path)
    if wanted == "mtt":
        return authors.parse_mtt(content, files.path, files.labels, files.rate)
    return (
        authors.parse_idc(content, files.path)
        if wanted == "idc"
        else authors.parse_dd(content, files.path)
    )


def _of(content: Any, files: Files) -> str:
    """The format of a loaded .pt file; UsageError where it is none of them."""
    if isinstance(content, dict) and isinstance(content.get("data"), list):
        return "dc"
    if authors.names_in(content):
        return "dict"
    if hasattr(content, "shape"):
        return "mtt"
    if (
        isinstance(content, list | tuple)
        and content
        and all(isinstance(step, list | tuple) for step in content)
    ):
        return "dd"
    if isinstance(content, list | tuple) and len(content) == 2:
        return "idc"
    raise UsageError(
        f"{files.path}: is built like no known format: neither {{'data': [[images, labels]]}} (DC,"
        " DSA, DM), nor [images, labels] (IDC), nor a tensor of images (MTT), nor [(images,"
        " labels, rate), ...] (DD), nor {'images': ..., 'labels': ...}; save it as one of these"
    )
