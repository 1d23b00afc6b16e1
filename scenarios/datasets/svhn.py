"""SVHN's cropped digits: MATLAB files with `X` (32, 32, 3, N) uint8 and `y` (N, 1), where the digit 0 has label 10.

Source: the format's description on the SVHN page of Netzer et al.
"""

from pathlib import Path

import numpy as np

from condensers.errors import DataMissing, brief
from scenarios.datasets.mat import arrays
from scenarios.datasets.raw import Part, checked_labels


def read_part(path: Path) -> Part:
    """Read one file into (N, 3, 32, 32) images and labels equal to the digits."""
    try:
        content = arrays(path.read_bytes())
    except ValueError as fault:
        raise DataMissing(f"{path}: cannot be read as a MATLAB file ({brief(fault)}); fetch the file again") from fault
    images, labels = content.get("X"), content.get("y")
    if images is None or labels is None or images.dtype != np.uint8 or images.ndim != 4 or images.shape[:3] != (32, 32, 3):
        raise DataMissing(f"{path}: has no X of 32 x 32 x 3 x N bytes with labels y, as SVHN's files have; fetch it again")
    labels = labels.ravel().astype(np.float64)  # as MATLAB keeps numbers
    # Only 10 stands for the digit 0: a raw 0 is no label of this format.
    digits = np.where(labels == 10, 0, np.where(labels == 0, -1, labels))
    return Part(np.ascontiguousarray(images.transpose(3, 2, 0, 1)), checked_labels(digits, 10, len(images.T), str(path)))
