"""Verdicts: yes and no only where intervals carry them, what to use, and what could be seen."""

import io
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from harness.report.building import render
from harness.report.formats.terminal import print_report
from harness.report.overview.verdict import cost_text, evidence_text, plain_lines, seconds_text
from tests.harness.report.conftest import made
from tests.helpers.continual_records import Record, built, memory
from tests.helpers.search_records import built as built_search
from tests.helpers.search_records import of, searched

SHIFTS = (0.0, 0.4, -0.3, 0.2)  # of four seeds: what two sets do not share
CONDENSED = ("dm", "mtt")
COMMON = (0.0, 3.0, -2.0, 1.0)  # what they share


def stream(label: str, final: float, forgetting: float, **more: Any) -> list[Record]:
    """Four seeds of a memory with replay."""
    strategy = more.pop("strategy", "replay")
    own = label in CONDENSED
    return [
        memory(
            label,
            seed,
            strategy,
            {
                "final-accuracy": [final + COMMON[seed] + own * SHIFTS[seed]],
                "forgetting": [forgetting - COMMON[seed] + own * SHIFTS[-1 - seed]],
            },
            **more,
        )
        for seed in range(4)
    ]


def made_in(label: str, seconds: float, ipc: int = 10) -> list[Record]:
    records = [made(None, label, ipc, seed) for seed in range(4)]
    for record in records:
        record["condensation"] = {"seconds": seconds, "joules": "not measured"}
    return records


def verdicts(records: list[Record], job: str = "memory") -> list[dict[str, Any]]:
    return [one for one in built(records)["verdicts"] if one["job"] == job]


def test_yes_needs_accuracy_and_forgetting_both() -> None:
    (found,) = verdicts(stream("dm", 70.0, 10.0) + stream("random", 60.0, 20.0))
    assert (found["answer"], found["condenser"], found["size"]) == (
        "yes",
        "dm",
        "ipc 10, 78,500 bytes",
    )
    assert found["finding"].startswith("With replay, dm is more accurate and forgets less than")
    accuracy, forgetting = found["evidence"]
    assert accuracy["mean"] == pytest.approx(10.0, abs=0.2) and accuracy["low"] > 0
    assert forgetting["high"] < 0 and forgetting["higher_is_better"] is False
    assert accuracy["n"] == 4 and found["over"] == "seeds"


def test_more_accurate_alone_is_undecided() -> None:
    (found,) = verdicts(stream("dm", 70.0, 20.0) + stream("random", 60.0, 20.0))
    assert found["answer"] == "undecided" and "is not shown to forget less" in found["finding"]


def test_no_where_every_condensed_memory_is_worse_in_one_of_them() -> None:
    worse = stream("dm", 50.0, 20.0) + stream("random", 60.0, 20.0)
    (found,) = verdicts(worse)
    assert found["answer"] == "no" and found["evidence"][0]["high"] < 0
    assert "The closest is dm with replay, against random." in found["finding"]
    (found,) = verdicts(worse + stream("mtt", 60.0, 20.0))
    assert (found["answer"], found["condenser"]) == ("undecided", "mtt")


def test_formats_that_fill_one_budget_nearly_are_rivals_though_one_leaves_more_of_it() -> None:
    """Learned and real JPEG files at the bytes of one raw image a class differ by a few bytes."""
    real = stream("random", 60.0, 20.0, bytes=7_773)
    learned = stream("mtt", 70.0, 10.0, bytes=7_676)
    (found,) = verdicts(stream("dm", 50.0, 40.0, bytes=7_850) + learned + real)
    assert (found["answer"], found["condenser"]) == ("yes", "mtt")
    assert not any("not compared" in caution for caution in found["cautions"])


def test_a_set_that_nothing_real_stands_beside_is_said_to_be_left_out() -> None:
    small = stream("mtt", 70.0, 10.0, bytes=5_000)
    real = stream("random", 60.0, 20.0, bytes=7_773)
    (found,) = verdicts(stream("dm", 50.0, 40.0, bytes=7_850) + small + real)
    assert found["answer"] == "no"
    assert found["finding"].startswith("None of the condensed sets that were compared beats")
    assert "mtt was not compared: no real images of so few bytes were used." in found["cautions"]


def test_without_an_interval_nothing_is_decided_or_recommended() -> None:
    records = [r for r in stream("dm", 99.0, 1.0) + stream("random", 10.0, 80.0)]
    (found,) = verdicts([r for r in records if r["cell"]["seed"] < 2])
    assert found["answer"] == "undecided"
    assert found["use"].startswith("nothing can be recommended without intervals")
    assert found["seen"] == "Nothing: 2 seeds give no interval. Run three seeds or more."


def test_each_data_set_and_size_has_its_own_verdict() -> None:
    records = stream("dm", 70.0, 10.0, ipc=1) + stream("random", 60.0, 20.0, ipc=1)
    records += stream("dm", 50.0, 30.0) + stream("random", 60.0, 20.0)
    other = stream("dm", 60.1, 20.0) + stream("random", 60.0, 20.0)
    for record in other:
        record["cell"]["data"], record["key"] = "cifar10", f"c-{record['key']}"
    found = [
        (v["data"], v["size"].partition(",")[0], v["answer"]) for v in verdicts(records + other)
    ]
    assert found == [
        ("mnist-5k", "ipc 1", "yes"),
        ("mnist-5k", "ipc 10", "no"),
        ("cifar10", "ipc 10", "undecided"),
    ]


def test_what_to_use_is_the_quickest_of_those_that_are_not_worse_than_the_best() -> None:
    even = stream("dm", 60.1, 20.0) + stream("random", 60.0, 20.0) + stream("herding", 40.0, 40.0)
    times = made_in("dm", 30.0) + made_in("random", 0.1) + made_in("herding", 0.01)
    (found,) = verdicts(even + times)
    assert found["use"].startswith("random (real images): final accuracy 60.5 %, not distingui")
    assert found["use"].endswith("and the quickest to make (0.10 s).")
    assert found["seconds"] == 30.0 and found["bits_per_class"] == 62_800
    assert cost_text(found) == "78,500 bytes (62,800 bits per class), 30.0 s to make"
    (found,) = verdicts(stream("dm", 70.0, 10.0) + stream("random", 60.0, 20.0) + times)
    assert found["use"].startswith("dm: the best final accuracy, 70.6 %; all others of its bytes")


def test_a_leader_that_was_picked_is_said_to_be_picked() -> None:
    records = (
        stream("dm", 70.0, 10.0) + stream("random", 60.0, 20.0) + stream("herding", 61.0, 19.0)
    )
    (found,) = verdicts(records + stream("mtt", 50.0, 30.0))
    text = " ".join(found["cautions"])
    assert "picked on these figures as the best of 2 comparisons; 1 of them was won." in text
    assert "herding was picked as the best of 2 sets of real images on the same figures." in text


def test_what_the_run_could_see_is_said_of_every_verdict() -> None:
    for records in (
        stream("dm", 70.0, 10.0) + stream("random", 60.0, 20.0),
        stream("dm", 60.0, 20.0) + stream("random", 60.0, 20.0),
    ):
        (found,) = verdicts(records)
        detectable = found["evidence"][0]["detectable"]
        assert 0 < detectable < 2
        assert found["seen"].startswith("With 4 seeds: from ")
        assert found["seen"].endswith(" in forgetting on, four times in five.")


COUNT = 40
TRUE = np.linspace(60.0, 95.0, COUNT)
PARAMETERS = np.arange(COUNT) * 7 % COUNT * 100


def search(proxies: dict[str, tuple[int | None, np.ndarray, float]]) -> dict[str, Any]:
    (found,) = built_search(searched(proxies, TRUE, PARAMETERS))["verdicts"]
    return found


def test_a_proxy_that_beats_every_baseline_is_a_yes() -> None:
    baseline = np.random.default_rng(3).permutation(TRUE)
    found = search({"dm": (10, TRUE, 1.0), "parameters": (None, baseline, 0.0)})
    assert (found["job"], found["answer"], found["condenser"]) == ("proxy", "yes", "dm")
    assert (
        found["finding"]
        == "dm (ipc 10) ranks architectures better than every baseline of equal cost."
    )
    assert found["use"].startswith("dm (ipc 10): tau 0.9") and "of test accuracy" in found["loss"]
    against, own = found["evidence"]
    assert against["of"] == "dm (ipc 10) less the number of parameters" and against["low"] > 0
    assert own["of"] == "dm (ipc 10) (0 is chance)" and own["n"] == COUNT


def test_a_proxy_that_every_baseline_beats_is_a_no() -> None:
    noise = np.random.default_rng(4).permutation(TRUE)
    found = search({"dm": (10, noise, 0.5), "parameters": (None, TRUE, 0.0)})
    assert found["answer"] == "no" and found["evidence"][0]["high"] < 0
    assert found["finding"].startswith(
        "The number of parameters ranks architectures better than dm"
    )
    assert found["use"] == "the number of parameters: tau 1.00, and no set to make."


def test_chance_and_equals_are_undecided() -> None:
    noise = np.random.default_rng(4).permutation(TRUE)
    found = search({"dm": (10, noise, 0.5)})
    assert found["answer"] == "undecided"
    assert "does not rank architectures better than chance, as far as this run" in found["finding"]
    assert found["use"].startswith("all data: nothing here is shown")
    found = search({"dm": (10, TRUE, 1.0), "parameters": (None, TRUE, 1.0)})
    assert found["answer"] == "undecided" and "is not distinguishable from" in found["finding"]
    assert found["use"].startswith("the number of parameters: tau")
    found = search({"dm": (10, TRUE, 1.0)})
    assert found["answer"] == "undecided" and "no baseline of equal cost" in found["finding"]


def test_one_job_alone_gives_verdicts_on_it_alone() -> None:
    records = searched({"dm": (10, TRUE, 1.0)}, TRUE, PARAMETERS)
    assert {one["job"] for one in built_search(records)["verdicts"]} == {"proxy"}
    assert built_search(of(records, "truth"))["verdicts"] == []
    assert {
        one["job"]
        for one in built(stream("dm", 60.0, 9.0) + stream("random", 60.0, 9.0))["verdicts"]
    } == {"memory"}


def test_every_format_with_words_shows_the_verdict() -> None:
    report = built(stream("dm", 70.0, 10.0) + stream("random", 60.0, 20.0))
    (found,) = report["verdicts"]
    console = Console(file=io.StringIO(), width=200)
    print_report(report, console)
    assert isinstance(console.file, io.StringIO)
    printed = console.file.getvalue()
    for line in plain_lines(found):
        assert line in printed
    assert "Yes (mnist-5k, ipc 10, 78,500 bytes)." in printed
    assert "**Yes** (mnist-5k, ipc 10, 78,500 bytes). With replay, dm is" in render(report, "md")


def test_figures_and_seconds_have_the_digits_that_they_carry() -> None:
    part = {"mean": 0.331, "low": -0.207, "high": 0.73, "unit": ""}
    assert evidence_text(part) == "+0.33 [-0.21, +0.73]"
    assert evidence_text(part | {"unit": "points"}) == "+0.3 [-0.2, +0.7] points"
    assert [seconds_text(s) for s in (0.031, 30.46, None)] == [
        "0.03 s",
        "30.5 s",
        "seconds not known",
    ]
