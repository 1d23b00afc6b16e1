"""DD-Ranking's scores, beside what its package (ddranking 0.2.0) computes.

The expected values were printed by `LabelRobustScoreHard`, `LabelRobustScoreSoft` and
`AugmentationRobustScore.compute_metrics` of that package, whose trainings were replaced by the
accuracies below, as fractions: the scale on which its README defines the scores.
"""

from math import exp

import pytest

from harness.statistics.dd_ranking import augmentation_robust_score, label_robust_score

# Accuracies of the set, of random images, of the set with hard labels, of all data; w; the score.
LABEL = [
    ((48.9, 26.0, 48.9, 84.8), 0.5, 0.24216620323586893),
    ((55.4, 47.1, 40.2, 84.8), 0.5, 0.19832297935587448),
    ((55.4, 47.1, 40.2, 84.8), 0.7, 0.23792302755706005),
]
# With augmentation: the set, random images; without: the set, random images; w; the score.
AUGMENTATION = [
    ((55.4, 47.1, 48.9, 31.0), 0.5, 0.3284919826138999),
    ((55.4, 47.1, 48.9, 31.0), 0.3, 0.3378941392925165),
]


@pytest.mark.parametrize(("accuracies", "weight", "theirs"), LABEL)
def test_the_label_robust_score_is_that_of_the_package(accuracies, weight, theirs):
    assert label_robust_score(*accuracies, weight) == pytest.approx(100 * theirs, rel=1e-12)


@pytest.mark.parametrize(("accuracies", "weight", "theirs"), AUGMENTATION)
def test_the_augmentation_robust_score_is_that_of_the_package(accuracies, weight, theirs):
    assert augmentation_robust_score(*accuracies, weight) == pytest.approx(100 * theirs, rel=1e-12)


def test_the_ends_of_the_scale():
    assert label_robust_score(100.0, 0.0, 0.0, 100.0, weight=1.0) == pytest.approx(100)
    assert label_robust_score(0.0, 0.0, 0.0, 100.0, weight=0.0) == pytest.approx(0)
    assert augmentation_robust_score(100.0, 0.0, 100.0, 0.0) == pytest.approx(100)


# HLR and IOR in points of CIFAR-10 with 1, 10 and 50 images a class, as the leaderboard's data.csv
# had them on 2025-02-08 (huggingface.co/spaces/logits/DD-Ranking).
LEADERBOARD = {
    "DC": ((52.66, 12.40), (36.70, 18.54), (26.31, 12.34)),
    "DSA": ((58.93, 13.16), (35.14, 19.62), (27.41, 10.96)),
    "DM": ((61.37, 8.73), (39.37, 16.12), (25.06, 12.66)),
    "MTT": ((42.21, 27.62), (23.73, 30.90), (16.52, 20.52)),
}


@pytest.mark.parametrize("weight", [0.5, 0.8])
@pytest.mark.parametrize("method", LEADERBOARD)
def test_rows_of_the_leaderboard_have_their_formulas_score(method, weight):
    """The README's formula, of differences as fractions."""
    for recovery, improvement in LEADERBOARD[method]:
        alpha = weight * improvement / 100 - (1 - weight) * recovery / 100
        theirs = (exp(alpha) - exp(-1)) / (exp(1) - exp(-1))
        ours = label_robust_score(50 + improvement, 50, 90 - recovery, 90, weight)
        assert ours == pytest.approx(100 * theirs, rel=1e-12)
