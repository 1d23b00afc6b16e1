"""DD-Ranking's scores, beside what its package (ddranking 0.2.0) computes.

The expected values were printed by `LabelRobustScoreHard`, `LabelRobustScoreSoft` and
`AugmentationRobustScore.compute_metrics` of that package, whose trainings were replaced by the
accuracies below, as fractions: the scale on which its README defines the scores.
"""

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
