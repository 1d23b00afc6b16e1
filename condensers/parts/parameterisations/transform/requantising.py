"""Coded images coded anew in fewer bytes, of their coefficients alone.

min_v  sum_uf ( (c_uf - k v_uf) s )^2 + lambda sum_uf bits_f(v_uf),  lambda such that the streams of
all sets fit the bytes together

c: the stored coefficients, in steps s; k = 1, 2, ...: the multiple of the step in which they are
stored anew; bits_f: those of a two-sided geometric distribution whose mean is that of frequency f.
One lambda serves all sets, so that classes that are harder to code keep more bytes. Of the
multiples at which the bytes are met, the one that changes the images least is taken.

No image is there to be looked at but the stored one: what one coding has lost stays lost, and a
second coding to the same bytes is a little worse than one coding of the real images would be
(docs/results/streaming-mnist-5k.md says how much). Multiples of the step keep the loss small: a
step 1.2 times as large would leave most coefficients at one step, at the wrong size, and save next
to nothing. `COARSEST` and `STEEPEST` say where it ends.

Source: ours. A multiplier on the rate is Everett's (1963); the choice of each coefficient under it
is rate-distortion optimised quantisation, as in video coders.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from condensers.parts.parameterisations.coding.estimate import LEAST, bits_of
from condensers.parts.parameterisations.transform.stream import STEPS, CodedImages, encode, measure

COARSEST = 0.75  # the largest step, in parts of the pixels' range, that coefficients are brought to
STEEPEST = 1.0  # the largest lambda, in squares of a step: from there on most ones become zero
SLOPE = 0.1  # the largest lambda, in squares of the pixels' range
FINEST_MEAN = 7  # how much finer than its units a stream can tell a mean
DEAD = 0.15  # of the step: the dead zone under which the means of |v| are taken
LOWERED = 3  # by how many a coefficient may become smaller
LOWEST = 1e-3  # of the largest lambda: the smallest that is tried
TRIALS, ROUNDS = 10, 4
NEAR = 0.99  # of the bytes: close enough


@dataclass(frozen=True)
class _Candidate:
    """A set in a multiple of its step, before anything is lowered.

    Attributes:
        images: The set; of it, `coefficients` are not looked at.
        exact: (M, F) coefficients in the new steps, not rounded.
        squares: (M, 1) the square of a unit's step, in parts of the pixels' range.
        costs: For 0, 1, ... less than the rounded size: squared error in steps and bits, (M, F).
    """

    images: CodedImages
    exact: NDArray[np.float64]
    squares: NDArray[np.float64]
    costs: list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]]

    def choose(self, slope: float) -> tuple[CodedImages, float]:
        """Return the set under a multiplier, and its squared error."""
        weight = np.minimum(slope / self.squares, STEEPEST)
        errors, bits, sizes = self.costs[0]
        least = errors + weight * bits
        for more, fewer, lowered in self.costs[1:]:
            cost = more + weight * fewer
            better = cost < least
            least = np.where(better, cost, least)
            sizes = np.where(better, lowered, sizes)
            errors = np.where(better, more, errors)
        signs = np.sign(self.exact).astype(np.int64)
        kept = replace(self.images, coefficients=signs * sizes)
        return kept, float((errors * self.squares).sum())


def requantise(sets: Sequence[CodedImages], limit: int) -> list[tuple[CodedImages, bytes]]:
    """Return coarser sets, whose streams take no more than `limit` bytes in all where that can be.

    Args:
        sets: What was stored.
        limit: In bytes, of all streams together.

    Returns:
        A set and its stream for each; at the coarsest where even that takes more.
    """
    best: tuple[bool, float, list[CodedImages]] | None = None
    for multiple in range(1, _largest_multiple(sets) + 1):
        candidates = [_in_multiple(one, multiple) for one in sets]
        found = _choose(candidates, float(limit))
        if best is None or (not found[0], found[1]) < (not best[0], best[1]):
            best, chosen = found, candidates
    assert best is not None
    aim, streams = float(limit), [encode(one) for one in best[2]]
    for _ in range(ROUNDS):
        taken = sum(map(len, streams))
        if taken <= limit or not best[0]:
            break
        aim *= 0.998 * limit / taken  # what a stream takes more than was measured
        best = _choose(chosen, aim)
        streams = [encode(one) for one in best[2]]
    return list(zip(best[2], streams, strict=True))


def _largest_multiple(sets: Sequence[CodedImages]) -> int:
    finest = min((int(one.steps.min()) for one in sets if len(one.steps)), default=STEPS)
    return max(1, int(COARSEST * STEPS) // finest)


def _choose(
    candidates: Sequence[_Candidate], limit: float
) -> tuple[bool, float, list[CodedImages]]:
    """Whether the sets fit, their squared error (their bytes, if they do not), and the sets."""
    low, high = LOWEST * SLOPE, SLOPE
    found, taken = _under(candidates, SLOPE)
    if taken <= limit:
        for _ in range(TRIALS):
            middle = math.sqrt(low * high)
            trial = _under(candidates, middle)
            if trial[1] > limit:
                low = middle
                continue
            high, (found, taken) = middle, trial
            if taken >= NEAR * limit:
                break
    fits = taken <= limit
    return fits, sum(error for _, error in found) if fits else taken, [one for one, _ in found]


def _under(
    candidates: Sequence[_Candidate], slope: float
) -> tuple[list[tuple[CodedImages, float]], float]:
    """The sets under a multiplier, each with its squared error, and about the bytes of all."""
    found = [one.choose(slope) for one in candidates]
    return found, sum(measure(kept) for kept, _ in found)


def _in_multiple(images: CodedImages, multiple: int) -> _Candidate:
    """A set in steps that are `multiple` times as large, as far as none is above `COARSEST`."""
    allowed = np.maximum(1, int(COARSEST * STEPS) // images.steps)
    times = np.minimum(multiple, allowed)
    exact_mean = images.finenesses * times <= FINEST_MEAN
    finenesses = np.where(exact_mean, images.finenesses * times, images.finenesses)
    coarser = np.where(exact_mean, 1, times)[:, None]
    means = np.rint(images.means / coarser).astype(np.int64)
    # In the old steps: what a new mean lacks of the old one goes to its units.
    lost = (images.means - means * coarser) / images.finenesses[:, None]
    of = images.origins
    exact = (images.coefficients + lost[of]) / times[of][:, None]
    kept = replace(images, steps=images.steps * times, finenesses=finenesses, means=means)
    squares = (kept.steps[of][:, None] / STEPS) ** 2
    return _Candidate(kept, exact, squares, _cost(exact))


def _cost(
    exact: NDArray[np.float64],
) -> list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]]:
    sizes = np.abs(exact)
    typical = np.floor(sizes + 0.5 - DEAD).clip(0)
    mean = typical.mean(0, keepdims=True) if len(exact) else np.zeros((1, exact.shape[1]))
    expected = torch.from_numpy(mean.clip(LEAST)).expand(sizes.shape)
    found = []
    for lower in range(LOWERED + 1):
        size = (np.rint(sizes) - lower).clip(0)
        bits = bits_of(torch.from_numpy(size), expected).numpy()
        found.append(((sizes - size) ** 2, bits, size.astype(np.int64)))
    return found
