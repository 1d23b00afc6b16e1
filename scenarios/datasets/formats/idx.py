"""IDX files, the format of MNIST and of the sets made in its image.

Big-endian: two zero bytes, a type (8: unsigned byte), the number of dimensions, each dimension as
uint32, the values. Source: the format's description on the MNIST page of LeCun, Cortes and Burges.
"""

import gzip
import zlib
from pathlib import Path

import numpy as np

from condensers.errors import DataMissing, brief
from scenarios.datasets.raw import Pixels, RawPart, check_labels

SIDE = 28
LIMIT = 2**28  # bytes of one file unpacked: the largest published one takes 4.7e7


def read_parts(paths: list[Path], classes: int) -> tuple[RawPart, RawPart]:
    """Read the four files, images before labels and the training part first, into (train, test)."""
    train_images, train_labels, test_images, test_labels = paths
    return _read_part(train_images, train_labels, classes), _read_part(
        test_images, test_labels, classes
    )


def read_idx(path: Path, dimensions: int) -> Pixels:
    """Return the array of bytes in one IDX file, plain or gzipped; DataMissing names the file when
    it is damaged.
    """
    content = _read_content(path)
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise DataMissing(
            f"{path}: it ends after {len(content)} bytes, within its header; fetch the file again"
        )
    if content[:4] != bytes([0, 0, 8, dimensions]):
        raise DataMissing(
            f"{path}: it starts with {content[:4].hex()} where an IDX file of bytes in {dimensions}"
            f" dimensions has 000008{dimensions:02x}; fetch the file again"
        )
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", dimensions, offset=4))
    values = np.frombuffer(content, np.uint8, offset=start)
    wanted = 1
    for size in shape:
        wanted *= size
    if len(values) != wanted:
        what = "truncated" if len(values) < wanted else "too long"
        raise DataMissing(
            f"{path}: {what}, {len(values)} bytes of values where its header says {wanted}; fetch"
            " it again"
        )
    return values.reshape(shape)


def _read_content(path: Path) -> bytes:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read(LIMIT + 1)
    except (OSError, EOFError, zlib.error) as fault:
        raise DataMissing(
            f"{path}: cannot be read, it is damaged or truncated ({brief(fault)}); fetch the file"
            " again"
        ) from fault
    if len(content) > LIMIT:
        raise DataMissing(
            f"{path}: unpacks to more than {LIMIT} bytes, which no published set takes; fetch the"
            " file again"
        )
    return content


def _read_part(images_path: Path, labels_path: Path, classes: int) -> RawPart:
    images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
    if images.shape[1:] != (SIDE, SIDE):
        raise DataMissing(
            f"{images_path}: its images are {images.shape[1:]} pixels, not {(SIDE, SIDE)}; fetch"
            " the right file"
        )
    return RawPart(images[:, None], check_labels(labels, classes, len(images), str(labels_path)))
