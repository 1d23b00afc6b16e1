"""About how many bits the coder takes of coefficients while they are learned, with a gradient.

bits = sum -log2 P(q_if; e_if),  P: two-sided geometric with E |q| = e

e_if: the size that the coder expects (`condensers.parts.parameterisations.coding.planes`). Between
whole numbers the bits are those of a Laplace distribution's mass from c - 1/2 to c + 1/2.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from condensers.engine.devices import send
from condensers.parts.parameterisations.coding.planes import UNIT, Plane, expected_sizes
from condensers.parts.parameterisations.latent import straight_through

LEAST = 1e-3  # of an expected size


def estimate_bits(free: Tensor, whole: Tensor) -> Tensor:
    """Return the estimated bits of a plane of coefficients, a scalar.

    Args:
        free: (units, rows, columns), in steps, as they are learned.
        whole: What they are rounded to.
    """
    plane = whole.detach().long().cpu().numpy()
    expected = send(torch.from_numpy(_expected(plane)).to(free.dtype), free.device)
    bits = bits_of(whole.detach().to(free), expected)
    return straight_through(bits_of(free, expected), bits).sum()


def bits_of(coefficients: Tensor, expected: Tensor) -> Tensor:
    """Return the bits of coefficients under two-sided geometric distributions.

    P(0) = 1 - s,  P(q) = s^(2 |q| - 1) (1 - s^2) / 2,  E |q| = s / (1 - s^2) = expected

    Args:
        coefficients: In steps, any shape.
        expected: Their expected sizes, above 0, of that shape.
    """
    s = ((1 + 4 * expected.square()).sqrt() - 1) / (2 * expected)
    size, fall = coefficients.abs(), -s.log()
    outside = 2 * fall * size - fall - torch.log1p(-s.square()) + math.log(2)
    inside = -torch.log((1 - s * torch.cosh(2 * fall * size.clamp(max=0.5))).clamp(min=1e-7))
    return torch.where(size < 0.5, inside, outside) / math.log(2)


def _expected(plane: Plane) -> NDArray[np.float64]:
    """The size that the coder expects of each coefficient (units, rows, columns)."""
    sizes = np.abs(plane).transpose(1, 2, 0)
    rows = np.stack([expected_sizes(sizes, row)[0] for row in range(len(sizes))])
    found: NDArray[np.float64] = rows.transpose(2, 0, 1) / UNIT
    return found.clip(LEAST)
