import doctest

import numpy as np
import pytest

from scenarios.continual import metrics

# Experience 0 is best after experience 1 (80), not when it was learned (70).
R = [[70.0, 5.0, 0.0], [80.0, 90.0, 0.0], [30.0, 60.0, 100.0]]


def test_hand_computed_figures():
    assert metrics.final_average_accuracy(R) == pytest.approx((30 + 60 + 100) / 3)
    assert metrics.anytime_average_accuracy(R) == pytest.approx((70 + 85 + 190 / 3) / 3)
    assert metrics.forgetting(R) == pytest.approx(((80 - 30) + (90 - 60)) / 2)
    assert metrics.backward_transfer(R) == pytest.approx(((30 - 70) + (60 - 90)) / 2)
    assert metrics.learning_accuracy(R) == pytest.approx((70 + 90 + 100) / 3)


def test_forgetting_is_max_less_last_where_avalanche_takes_first_less_last():
    from avalanche.evaluation.metrics.forgetting_bwt import Forgetting

    theirs = Forgetting()
    for experience in (0, 1):
        theirs.update(experience, R[experience][experience], initial=True)
        theirs.update(experience, R[2][experience])
    first_less_last = np.mean([theirs.result_key(experience) for experience in (0, 1)])
    assert metrics.backward_transfer(R) == pytest.approx(-first_less_last)
    assert metrics.forgetting(R) == pytest.approx(first_less_last + 5)


def test_the_last_row_and_column_do_not_enter_the_maximum():
    # An experience that is best at the very end has negative forgetting: the maximum is over the
    # rows before the last.
    assert metrics.forgetting([[50.0, 0.0], [90.0, 80.0]]) == -40


def test_forgetting_along_the_stream_ends_in_forgetting():
    """After experience 1: 70 - 80, it was learned on the way; after 2: the mean of 80 - 30 and 90 -
    60.
    """
    assert metrics.forgetting_so_far(R) == [-10.0, metrics.forgetting(R)] == [-10.0, 40.0]
    with pytest.raises(ValueError, match="two experiences"):
        metrics.forgetting_so_far([[1.0]])


def test_forward_transfer_is_what_is_known_before_less_what_chance_knows():
    """Read just before experiences 1 and 2 are learned: 5 and 0, where the untrained network has 20
    and 10.
    """
    assert metrics.forward_transfer(R, [30.0, 20.0, 10.0]) == pytest.approx(
        ((5 - 20) + (0 - 10)) / 2
    )
    with pytest.raises(ValueError, match="two experiences"):
        metrics.forward_transfer([[1.0]], [1.0])


def test_worst_case_accuracy_takes_the_lowest_since_it_was_learned():
    """Lowest after learning: 20 and 15 of the readings within experience 2; R alone has 30 and
    60.
    """
    assert metrics.worst_case_accuracy(R, []) == pytest.approx(100 / 3 + 2 / 3 * (30 + 60) / 2)
    # Readings within the experience itself, and of experiences to come, do not count: there it was
    # not yet learned.
    trace = [
        (0, [1.0, 1.0, 1.0]),
        (1, [50.0, 2.0, 1.0]),
        (2, [20.0, 70.0, 3.0]),
        (2, [25.0, 15.0, 4.0]),
    ]
    assert metrics.worst_case_accuracy(R, trace) == pytest.approx(100 / 3 + 2 / 3 * (20 + 15) / 2)
    with pytest.raises(ValueError, match="two experiences"):
        metrics.worst_case_accuracy([[1.0]], [])


def test_arrays_and_lists_give_the_same():
    assert metrics.forgetting(np.array(R)) == metrics.forgetting(R)


def test_matrices_that_mean_nothing_are_refused():
    with pytest.raises(ValueError, match="square"):
        metrics.final_average_accuracy([[1.0, 2.0]])
    with pytest.raises(ValueError, match="two experiences"):
        metrics.forgetting([[1.0]])


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(metrics) == (0, 9)
