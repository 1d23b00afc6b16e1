"""DD-Ranking's scores of a condensed set: label-robust and augmentation-robust.

s(x) = (e^x - e^-1) / (e - e^-1),   x in [-1, 1], a difference of accuracies as fractions
LRS = s(w IOR - (1 - w) HLR),   IOR = A(set) - A(random),   HLR = A(full, hard) - A(set, hard)
ARS = s(w (A(set) - A(random), augmented) + (1 - w) (A(set) - A(random), not augmented))

Source: Li et al., "DD-Ranking: Rethinking the Evaluation of Dataset Distillation" (2025), and its
README. The package (ddranking 0.2.0) has these formulas in `metrics/hard_label.py`, `soft_label.py`
and `aug_robust.py`, but puts in accuracies in percent, so that what it prints is not on the scale
that its README defines. Ours is the README's, times 100.
"""

from math import e, exp

WEIGHT = 0.5


def label_robust_score(
    set_accuracy: float,
    random_accuracy: float,
    hard_accuracy: float,
    full_accuracy: float,
    weight: float = WEIGHT,
) -> float:
    """Return the label-robust score in %: 100 if the set is as far above random images as can be.

    Args:
        set_accuracy: A(set) in %, trained as its method asks, with hard or soft labels.
        random_accuracy: A(random) in %, of as many random real images, trained in the same way.
        hard_accuracy: A(set, hard) in %, of the set with hard labels.
        full_accuracy: A(full, hard) in %, of all training images.
        weight: w, the weight of the improvement over random images; the leaderboard's is 0.5.

    Examples:
        >>> round(label_robust_score(26.0, 15.4, 26.0, 84.8), 3)
        17.783
    """
    improvement, gap = set_accuracy - random_accuracy, full_accuracy - hard_accuracy
    return _score(weight * improvement - (1 - weight) * gap)


def augmentation_robust_score(
    set_augmented: float,
    random_augmented: float,
    set_plain: float,
    random_plain: float,
    weight: float = WEIGHT,
) -> float:
    """Return the augmentation-robust score in %; a set that is no better than random has 26.9.

    Args:
        set_augmented: accuracy of the set in %, trained with augmentation.
        random_augmented: that of as many random real images.
        set_plain: accuracy of the set in %, trained without augmentation.
        random_plain: that of the random images.
        weight: of the difference with augmentation; the leaderboard's is 0.5.

    Examples:
        >>> round(augmentation_robust_score(50.0, 50.0, 40.0, 40.0), 1)
        26.9
    """
    return _score(
        weight * (set_augmented - random_augmented) + (1 - weight) * (set_plain - random_plain)
    )


def _score(points: float) -> float:
    """Bring a difference in percentage points, -100 to 100, to the scale of 0 to 100."""
    return 100 * (exp(points / 100) - 1 / e) / (e - 1 / e)
