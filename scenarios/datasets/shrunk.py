"""NAME@PIXELS: a data set's images at a lesser height, each pixel the mean of a square of f x f of them.

x'_ij = round( 1/f^2 sum_{a,b<f} x_{fi+a, fj+b} ),  halves rounded up

Mean and deviation are computed anew: those of the whole images are not those of averages.
"""

from dataclasses import replace

import numpy as np

from condensers.errors import UsageError
from scenarios.datasets.raw import Part, Pixels, RawData


def shrunk(name: str, raw: RawData, height: int) -> RawData:
    """Both parts with images (N, C, height, W / f) for f = H / height; UsageError where f is no whole number above 1."""
    train, test = (Part(_averaged(name, part.images, height), part.labels) for part in (raw.train, raw.test))
    return replace(raw, train=train, test=test, mean=None, std=None)


def _averaged(name: str, images: Pixels, height: int) -> Pixels:
    count, channels, rows, columns = images.shape
    factor = rows // height
    if factor < 2 or rows % height or columns % factor:
        known = [str(rows // f) for f in range(2, rows + 1) if rows % f == 0 and columns % f == 0]
        fitting = f"take one of {', '.join(known)}" if known else "no lesser one fits"
        raise UsageError(
            f"dataset '{name}': images of {rows} x {columns} pixels are not brought to {height} by averages; {fitting}"
        )
    squares = images.reshape(count, channels, height, factor, columns // factor, factor)
    sums = squares.sum((3, 5), dtype=np.uint32)
    return ((2 * sums + factor**2) // (2 * factor**2)).astype(np.uint8)
