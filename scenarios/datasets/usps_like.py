"""MNIST's digits rendered as those of USPS are: cut to their ink, fitted to 16 x 16 at their own
aspect ratio, blurred, grey.

x' = 255 s / max(s),  s = B A x A^T B^T,  A the area average of the square around the ink, B the
binomial filter (1, 2, 1) / 4

Source: LeCun et al., "Backpropagation applied to handwritten zip code recognition" (1989), section
2, for the normalisation. It is a rendering of MNIST and not USPS, whose digits were written by
others.
"""

import numpy as np
import numpy.typing as npt

from scenarios.datasets.raw import Pixels, RawPart

SIDE = 16
# grey levels below are the soft edge of a stroke, which would make a digit's box larger than its
# ink
INK = 64


def render_part(part: RawPart) -> RawPart:
    """The digits (N, 1, H, W) of `part`, white on black, as (N, 1, 16, 16), with their labels."""
    return RawPart(np.stack([_render(image[0]) for image in part.images])[:, None], part.labels)


def _render(image: Pixels) -> Pixels:
    square = _crop_to_ink(image).astype(np.float64)
    average = area_average(len(square), SIDE)
    filtered = _blur(_blur(average @ square @ average.T).T).T
    rounded: Pixels = np.rint(filtered * (255 / max(filtered.max(), 1))).astype(np.uint8)
    return rounded


def _crop_to_ink(image: Pixels) -> Pixels:
    """The smallest square that holds the ink, which is in its middle; the whole image where there
    is none.
    """
    rows, columns = ((image >= INK).any(axis).nonzero()[0] for axis in (1, 0))
    if not len(rows):
        return image
    cut = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    side = max(cut.shape)
    before = [(side - size) // 2 for size in cut.shape]
    return np.pad(
        cut, [(first, side - size - first) for first, size in zip(before, cut.shape, strict=True)]
    )


def area_average(size: int, wanted: int) -> npt.NDArray[np.float64]:
    """(wanted, size): the share of each of `size` pixels in each of `wanted` that cover the same
    length.
    """
    edges, places = np.arange(wanted + 1) * size / wanted, np.arange(size)
    first, last = np.maximum(edges[:-1, None], places), np.minimum(edges[1:, None], places + 1)
    shares: npt.NDArray[np.float64] = np.maximum(last - first, 0) * wanted / size
    return shares


def _blur(lines: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    padded = np.pad(lines, ((1, 1), (0, 0)))
    return (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
