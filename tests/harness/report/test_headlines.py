"""Headlines and words: what they say and what they must not say."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.report.building import build
from harness.report.wording import bare_verdict, could_show, estimate, judge, verdict

Runs = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def report(suite: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
    return build(suite, records, [])


def headline(records: list[dict[str, Any]]) -> str:
    (found,) = build({"suite": "s"}, records, [])["headlines"]
    return f"{found['question']} {found['answer']}"


def test_headline_claims_what_the_intervals_carry(runs: Runs) -> None:
    records = runs("dm", [80.0, 81.0, 82.0]) + runs("random", [70.0, 71.1, 72.0])
    text = headline(records + runs("k-means", [79.0, 82.0, 81.5]))
    assert "at equal bytes (ipc 10, 78,500 bytes)" in text
    assert "dm has the highest mean test accuracy, 81.0 [78.4, 83.4] %, n = 3 seeds." in text
    assert "Better than random." in text
    assert "Not distinguishable from k-means (differences from 3.4 points on would have" in text
    assert "been shown; one point takes n = 11)." in text


def test_headline_does_not_crown_on_one_value(runs: Runs) -> None:
    text = headline(runs("dm", [99.0]) + runs("random", [10.0]))
    assert (
        "one value, no interval" in text
        and "no order can be claimed" in text
        and "etter than" not in text
    )


def test_headline_of_unequal_bytes_says_so(runs: Runs) -> None:
    records = runs("dm", [80.0, 81.0]) + runs("random", [70.0, 71.0])
    records[0]["bytes"] = 99_999
    assert "at equal count (ipc 10; bytes differ)" in headline(records)


def test_headline_of_a_set_with_other_bytes_names_random_images_of_its_bytes(runs: Runs) -> None:
    tiles = runs("tiles", [80.0, 81.0, 82.0])
    for record in tiles:
        record["bytes"] = 40_000
    text = headline(tiles + runs("random", [60.0, 61.0, 62.5], ipc=5))
    assert (
        "at one size (ipc 10, 40,000 bytes)? Only tiles was measured; its test accuracy is 81.0 ["
        in text
    )
    assert "Against random images of its bytes (ipc 5): better." in text


def test_continual_headline_gives_final_accuracy_too(report: dict[str, Any]) -> None:
    found = [
        h for h in report["headlines"] if h["question"].startswith("Which memory forgets least")
    ]
    assert len(found) == 2  # ipc 1 and 10
    assert all(
        "forgetting (replay)" in h["answer"] and "Its final accuracy is" in h["answer"]
        for h in found
    )


def test_search_headline_names_baselines_and_ceiling(report: dict[str, Any]) -> None:
    (found,) = [h["answer"] for h in report["headlines"] if h["question"].startswith("Which proxy")]
    assert (
        "n = 16 architectures, 3 seeds" in found
        and "parameters" in found
        and "early-stopping" in found
    )
    assert "Two seeds of the truth itself agree with tau" in found and "truth," not in found


@pytest.mark.parametrize(
    ("difference", "low", "high", "higher", "word"),
    [
        (2.0, 1.0, 3.0, True, "better"),
        (2.0, 1.0, 3.0, False, "worse"),
        (-2.0, -3.0, -1.0, False, "better"),
        (2.0, -1.0, 5.0, True, "not distinguishable"),
        (2.0, None, None, True, "no interval"),
        (-2.0, -3.0, -1.0, None, "lower"),
    ],
)
def test_verdict(
    difference: float, low: float | None, high: float | None, higher: bool | None, word: str
) -> None:
    apart = low is not None and high is not None and (low > 0 or high < 0)
    found = {
        "against": "random",
        "difference": difference,
        "low": low,
        "high": high,
        "distinguishable": apart,
    }
    assert verdict(found, higher) == word


def test_not_distinguishable_says_what_could_have_been_seen() -> None:
    even = {"difference": 0.3, "low": -1.0, "high": 1.6, "distinguishable": False}
    known = {**even, "detectable": 2.5701, "n_for_one": 22}
    assert judge(known, True, "%") == "not distinguishable (from 2.6; 1 at n = 22)"
    assert judge({**known, "n_for_one": None}, True, "points").endswith("1 at n > 10,000)")
    assert judge({**known, "detectable": 0.401}, True, "") == "not distinguishable (from 0.41)"
    assert judge({**known, "detectable": None}, True, "%") == "not distinguishable"
    assert judge({**known, "detectable": 0.01}, True, "%").startswith(
        "not distinguishable (from 0.01;"
    )
    assert judge({**known, "distinguishable": True}, True, "%") == "better"
    assert bare_verdict(judge(known, True, "%")) == "not distinguishable"
    other = {**even, "detectable": 3.0, "n_for_one": 30}
    assert could_show([known, other], "%") == (
        "differences from 2.6 to 3.0 points on would have been shown; one point takes n = 22 to 30"
    )
    assert could_show([known, {**other, "n_for_one": None}], "%").endswith("n = 22 to > 10,000")
    assert could_show([known], "") == "differences from 2.58 on would have been shown"
    assert could_show([even], "%") == could_show([], "%") == ""


def test_estimates_in_words() -> None:
    assert estimate({"mean": 91.24, "low": 90.06, "high": 92.0}, "%") == "91.2 [90.1, 92.0]"
    assert (
        estimate({"mean": 0.3, "low": 0.02, "high": 0.6}, "points", signed=True)
        == "+0.30 [+0.02, +0.60]"
    )
    worse = {"difference": -0.687, "low": -1.373, "high": -0.00077}
    assert estimate(worse, "points", "difference", signed=True) == "-0.687 [-1.373, -0.001]"
    assert estimate({"mean": -0.01, "low": None, "high": None}, "%") == "0.0 (no interval)"
    assert estimate({"mean": None, "low": None, "high": None}, "") == "not defined"
