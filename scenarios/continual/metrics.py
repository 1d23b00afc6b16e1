"""Metrics of continual learning: pure functions of an accuracy matrix, with numpy alone.

R is (T, T): R[i, j] is the accuracy on experience j, measured after training on experience i, both
counted from 0. Every metric is in the unit of R, and counts each experience the same, however many
classes or images it has. All raise ValueError for a matrix that is not square.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64] | Sequence[Sequence[float]]


def final_average_accuracy(r: Matrix) -> float:
    """Return mean_j R[T-1, j], the accuracy on all experiences after the last.

    Source: Chaudhry et al., "Riemannian Walk for Incremental Learning" (ECCV 2018).

    >>> final_average_accuracy([[90.0, 0.0], [40.0, 80.0]])
    60.0
    """
    return float(_square(r)[-1].mean())


def anytime_average_accuracy(r: Matrix) -> float:
    """Return mean_i mean_{j <= i} R[i, j], the accuracy so far, averaged over the stream.

    Source: Rebuffi et al., "iCaRL" (CVPR 2017), average incremental accuracy.

    >>> anytime_average_accuracy([[90.0, 0.0], [40.0, 80.0]])
    75.0
    """
    return float(np.mean(accuracy_so_far(r)))


def accuracy_so_far(r: Matrix) -> list[float]:
    """Return mean_{j <= i} R[i, j] for each i (T values), the accuracy on what was seen.

    >>> accuracy_so_far([[90.0, 0.0], [40.0, 80.0]])
    [90.0, 60.0]
    """
    return [float(row[: i + 1].mean()) for i, row in enumerate(_square(r))]


def forgetting(r: Matrix) -> float:
    """Return mean_{j < T-1} (max_{l < T-1} R[l, j] - R[T-1, j]), best less final accuracy.

    Avalanche's metric of this name takes the first accuracy in place of the best. Lower is better;
    the value may be negative. Raises ValueError for a single experience.

    Source: Chaudhry et al., "Riemannian Walk for Incremental Learning" (ECCV 2018).

    >>> forgetting([[90.0, 0.0], [40.0, 80.0]])
    50.0
    """
    matrix = _stream(r)
    return float((matrix[:-1, :-1].max(axis=0) - matrix[-1, :-1]).mean())


def forgetting_so_far(r: Matrix) -> list[float]:
    """Return mean_{j < i} (max_{l < i} R[l, j] - R[i, j]) for each i >= 1 (T - 1 values).

    The last value is `forgetting`.

    >>> forgetting_so_far([[90.0, 0.0, 0.0], [40.0, 80.0, 0.0], [60.0, 50.0, 70.0]])
    [50.0, 30.0]
    """
    matrix = _stream(r)
    return [
        float((matrix[:i, :i].max(axis=0) - matrix[i, :i]).mean()) for i in range(1, len(matrix))
    ]


def backward_transfer(r: Matrix) -> float:
    """Return mean_{j < T-1} (R[T-1, j] - R[j, j]), the effect of later learning.

    Source: Lopez-Paz & Ranzato, "Gradient Episodic Memory" (NeurIPS 2017).

    >>> backward_transfer([[90.0, 0.0], [40.0, 80.0]])
    -50.0
    """
    matrix = _stream(r)
    return float((matrix[-1] - matrix.diagonal())[:-1].mean())


def forward_transfer(r: Matrix, initial: Sequence[float]) -> float:
    """Return mean_{j > 0} (R[j-1, j] - b_j), the effect of learning on experiences to come.

    It is near -b_j for new classes: a learner does not predict a class that it never saw.

    Args:
        r: (T, T), the accuracy matrix.
        initial: b (T,), the accuracies of the untrained network.

    Source: Lopez-Paz & Ranzato, "Gradient Episodic Memory" (NeurIPS 2017).

    >>> forward_transfer([[90.0, 4.0], [40.0, 80.0]], [10.0, 10.0])
    -6.0
    """
    matrix = _stream(r)
    return float((matrix.diagonal(1) - np.asarray(initial, dtype=np.float64)[1:]).mean())


def worst_case_accuracy(r: Matrix, trace: Sequence[tuple[int, Sequence[float]]]) -> float:
    """Return R[T-1, T-1] / T + (1 - 1 / T) mean_{j < T-1} (the lowest accuracy on j afterwards).

    Args:
        r: (T, T), the accuracy matrix; its rows count as measurements too.
        trace: (experience, accuracies (T,)) measured within experiences.

    Source: De Lange et al., "Continual evaluation for lifelong learning" (ICLR 2023), equations 3
    and 4, at the end of the stream.

    >>> worst_case_accuracy([[90.0, 0.0], [40.0, 80.0]], [(0, [50.0, 0.0]), (1, [20.0, 60.0])])
    50.0
    """
    matrix = _stream(r)
    total = len(matrix)
    lowest = matrix.diagonal().copy()
    for experience, row in [*enumerate(matrix), *trace]:
        lowest[:experience] = np.minimum(lowest[:experience], np.asarray(row)[:experience])
    return float(matrix[-1, -1] / total + (1 - 1 / total) * lowest[:-1].mean())


def learning_accuracy(r: Matrix) -> float:
    """Return mean_j R[j, j], the accuracy on each experience just after learning it.

    Low forgetting is no success if this is low.

    >>> learning_accuracy([[90.0, 0.0], [40.0, 80.0]])
    85.0
    """
    return float(_square(r).diagonal().mean())


def _square(r: Matrix) -> NDArray[np.float64]:
    matrix = np.asarray(r, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise ValueError(
            "an accuracy matrix is square, one row and one column an experience, not"
            f" {matrix.shape}"
        )
    return matrix


def _stream(r: Matrix) -> NDArray[np.float64]:
    """A matrix of two experiences or more: with one, nothing can be forgotten and the mean would be
    over nothing.
    """
    matrix = _square(r)
    if len(matrix) < 2:
        raise ValueError("forgetting and backward transfer need two experiences or more")
    return matrix
