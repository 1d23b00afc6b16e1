"""No interval leaves the scale of its metric; what it covers near an end of the scale, by seeded
simulation.
"""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from condensers.sets.files import load_set
from harness import gallery
from harness.cli.evaluate import _print
from harness.statistics.bounds import UNBOUNDED, Bounds, bounds_of
from harness.statistics.intervals import Interval, interval, paired_difference
from scenarios.protocol import Measurement, Outcome

PERCENT = bounds_of("test-accuracy", "%")
SECONDS = bounds_of("seconds", "s")


def covered(found: list[Interval], truth: float) -> float:
    return float(
        np.mean(
            [
                one.low is not None and one.high is not None and one.low <= truth <= one.high
                for one in found
            ]
        )
    )


def drawn(name: str, n: int) -> tuple[NDArray[np.float64], float, Bounds]:
    """500 samples of n values, their true mean, and the ends of their scale."""
    random = np.random.default_rng(0)
    if name == "accuracy near 97":
        return 100 * random.beta(19.4, 0.6, (500, n)), 97.0, PERCENT
    if name == "accuracy in the middle":
        return 100 * random.beta(10, 10, (500, n)), 50.0, PERCENT
    if name == "forgetting near 95":
        return (
            100 - random.gamma(1.0, 5.0, (500, n)),
            95.0,
            bounds_of("replay/forgetting", "points"),
        )
    if name == "seconds":
        return random.lognormal(0, 0.5, (500, n)), float(np.exp(0.125)), SECONDS
    return random.beta(1, 30, (500, n)), 1 / 31, bounds_of("coverage in pixels", "")


SCALES = (
    "accuracy near 97",
    "accuracy in the middle",
    "forgetting near 95",
    "seconds",
    "coverage near 0",
)


@pytest.mark.parametrize("n", [3, 6])
@pytest.mark.parametrize("name", SCALES)
def test_intervals_stay_on_their_scale_and_cover_no_less_than_students(name: str, n: int) -> None:
    samples, truth, bounds = drawn(name, n)
    ours = [interval(sample.tolist(), bounds) for sample in samples]
    assert all(bounds.low < one.low < one.mean < one.high < bounds.high for one in ours)  # type: ignore[operator]
    assert {one.method for one in ours} <= {
        "Student's t on the logit scale",
        "Student's t on the log scale",
    }
    plain = covered([interval(sample.tolist()) for sample in samples], truth)
    coverage = covered(ours, truth)
    assert coverage >= plain - 0.005, (coverage, plain)
    assert coverage >= 0.90, coverage


def test_why_not_students_t_near_an_end() -> None:
    samples, truth, _ = drawn("accuracy near 97", 3)
    plain = [interval(sample.tolist()) for sample in samples]
    assert covered(plain, truth) < 0.87
    assert np.mean([one.high is not None and one.high > 100 for one in plain]) > 0.5


def test_far_from_the_ends_it_is_students_interval() -> None:
    near, plain = interval([49.9, 50.0, 50.2], PERCENT), interval([49.9, 50.0, 50.2])
    assert (near.low, near.high) == (
        pytest.approx(plain.low, abs=1e-3),
        pytest.approx(plain.high, abs=1e-3),
    )


def test_differences_end_where_two_values_can_differ_most() -> None:
    a, b = {0: 99.0, 1: 100.0, 2: 60.0}, {0: 1.0, 1: 2.0, 2: 3.0}
    found = paired_difference(a, b, PERCENT)
    plain = paired_difference(a, b)
    assert (
        found is not None and plain is not None and found.low is not None and found.high is not None
    )
    assert plain.high is not None and plain.high > 100
    assert -100 < found.low < found.mean < found.high < 100
    assert Bounds(0, 1).of_differences == (-1, 1) and SECONDS.of_differences == UNBOUNDED


def test_equal_values_at_an_end_claim_nothing() -> None:
    for values in ([100.0] * 3, [0.0] * 5, [100.0] * 12):
        found = interval(values, PERCENT)
        assert (found.low, found.high, found.method) == (
            None,
            None,
            "all values at an end of their scale, no interval",
        )
    assert interval([0.0] * 3, PERCENT.of_differences).method == "all values equal"


def test_a_unit_is_no_proof_for_scenarios_of_others() -> None:
    """A change in % may be -30 or 250: then the scale has no end there."""
    assert interval([-30.0, 20.0, 250.0], PERCENT) == interval([-30.0, 20.0, 250.0])
    assert interval([20.0, 30.0, 250.0], PERCENT).method == "Student's t on the log scale"


def test_evaluate_prints_no_impossible_interval(capsys: pytest.CaptureFixture[str]) -> None:
    values = [99.9, 99.5, 90.0]
    measured = Measurement(
        "test-accuracy", values, [{"network": i} for i in range(3)], "%", higher_is_better=True
    )
    synthetic = load_set(gallery.locate(Path("gallery:dm")))
    _print(Path("a"), "accuracy", synthetic, Outcome([measured], {"seconds": 1.0, "images": 1.0}))
    found = interval(values, PERCENT)
    assert f"96.47 % [{found.low:.2f}, {found.high:.2f}]" in capsys.readouterr().out
