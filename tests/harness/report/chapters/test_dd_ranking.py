"""DD-Ranking's scores beside test accuracy, from made-up records."""

import pytest

from harness.report.building import build, render
from harness.report.chapters.dd_ranking import score_sets
from harness.statistics.dd_ranking import augmentation_robust_score, label_robust_score
from tests.harness.report.conftest import made, with_values

ACCURACIES = {  # label -> accuracy with augmentation, without
    "random": (47.0, 31.0),
    "dm": (55.0, 49.0),
    "full-data": (84.0, 80.0),
}
METRIC = ("test-accuracy", "%", True)
LABEL_ROBUST = {"label-robust-score", "hard-label-recovery", "improvement-over-random"}


def record(label, seed, augmentation, value, **how):
    """A measurement of a set of ipc 10, or of full-data. how: labels, form."""
    reference = label == "full-data"
    scenario = "accuracy" if augmentation == "dsa" else "plain"
    one = made(scenario, label, None if reference else 10, seed, reference)
    one["key"] += f"-{augmentation}-{how}"
    wanted = how.get("labels", "set")
    one["cell"]["settings"] = {"epochs": 10, "augmentation": augmentation, "labels": wanted}
    one["cell"]["recipe"] = None if reference else augmentation
    one["cell"]["condenser"] = None if reference else label
    with_values(one, (METRIC[0], [value - 1, value + 1], *METRIC[1:]))
    one["outcome"]["detail"] = {"labels": how.get("form", "hard")}
    return one


def run_of(labels=("random", "dm", "full-data"), augmentations=("dsa", "none")):
    return [
        record(label, seed, augmentation, ACCURACIES[label][augmentation == "none"] + seed)
        for label in labels
        for seed in (0, 1)
        for augmentation in augmentations
    ]


def scores(records):
    return {
        (r.metric, r.entry.condenser, r.entry.augmentation): {
            seed: value[""] for seed, value in r.values.items()
        }
        for r in score_sets(records)
    }


def test_scores_are_those_of_the_accuracies_seed_by_seed():
    found = scores(run_of())
    assert set(found) == {
        *((metric, "dm", how) for metric in LABEL_ROBUST for how in ("dsa", "none")),
        ("augmentation-robust-score", "dm", "dsa"),
    }
    assert found["hard-label-recovery", "dm", "dsa"] == {0: 80 - 55, 1: 81 - 56}
    assert found["improvement-over-random", "dm", "dsa"] == {0: 55 - 47, 1: 56 - 48}
    # The full data are trained without augmentation, as DD-Ranking does.
    expected = {seed: label_robust_score(55, 47, 55 + seed, 80 + seed) for seed in (0, 1)}
    assert found["label-robust-score", "dm", "dsa"] == pytest.approx(expected)
    assert found["augmentation-robust-score", "dm", "dsa"] == pytest.approx(
        dict.fromkeys((0, 1), augmentation_robust_score(55, 47, 49, 31))
    )


@pytest.mark.parametrize(
    ("records", "found"),
    [
        (run_of(labels=("random", "dm")), {"augmentation-robust-score"}),
        (run_of(labels=("dm", "full-data")), set()),
        (run_of(augmentations=("dsa",)), LABEL_ROBUST),
    ],
    ids=["no full data", "no random images", "one augmentation"],
)
def test_a_score_without_its_accuracies_is_not_there(records, found):
    assert {metric for metric, *_ in scores(records)} == found


def soft_run(random_form):
    """A set with soft labels, once with hard ones; and random images."""
    return [
        record("full-data", 0, "dsa", 80.0),
        record("dm", 0, "dsa", 60.0, form="soft"),
        record("dm", 0, "dsa", 52.0, labels="hard"),
        record("random", 0, "dsa", 50.0, form=random_form),
        record("random", 0, "dsa", 45.0, labels="hard"),
    ]


def test_soft_labels_are_compared_with_soft_and_recovered_with_hard_ones():
    found = scores(soft_run("soft"))
    assert found["label-robust-score", "dm", "dsa"] == pytest.approx(
        {0: label_robust_score(60, 50, 52, 80)}
    )
    assert found["hard-label-recovery", "dm", "dsa"] == {0: 80 - 52}
    assert found["improvement-over-random", "dm", "dsa"] == {0: 60 - 50}
    assert len(found) == 3
    assert scores(soft_run("hard")) == {}  # soft labels alone would be an improvement


def test_records_that_do_not_say_their_labels_have_no_score():
    records = run_of()
    for one in records:
        one["outcome"]["detail"] = {}
    assert {metric for metric, *_ in scores(records)} == {"augmentation-robust-score"}


def report_of(records):
    suite = {"suite": "made-up", "cells": [one["key"] for one in records]}
    return build(suite, records, [])


def table_of(report):
    """The lines of the table of test accuracy."""
    after = render(report, "md").partition("## Accuracy on ")[2].splitlines()
    lines = [line for line in after if not line or line.startswith("|")]
    return lines[1 : lines.index("", 1)]


def test_columns_stand_beside_test_accuracy():
    report = report_of(run_of(augmentations=("dsa",)))
    head = table_of(report)[0]
    assert "LRS, %" in head
    assert "ARS, %" not in head
    assert "Not measured: DD-Ranking's ARS" in " ".join(report["notes"])
    rows = {row["condenser"]: row for row in report["rows"] if row["metric"].startswith("label")}
    assert list(rows) == ["dm"]
    assert rows["dm"]["mean"] == pytest.approx(
        sum(label_robust_score(55, 47, 55 + s, 84 + s) for s in (0, 1)) / 2
    )


def test_scenarios_under_two_labels_are_read_together():
    report = report_of(run_of())
    found = {
        (row["scenario"], row["metric"])
        for row in report["rows"]
        if row["metric"].endswith("score")
    }
    assert found == {
        ("accuracy", "label-robust-score"),
        ("accuracy", "augmentation-robust-score"),
        ("plain", "label-robust-score"),
    }
    assert not any("DD-Ranking" in note for note in report["notes"])
    assert "ARS, %" in render(report, "md")


def test_a_set_without_a_score_says_so():
    herding = [record("herding", seed, "dsa", 50.0, form="soft") for seed in (0, 1)]
    lines = table_of(report_of([*run_of(augmentations=("dsa",)), *herding]))
    (line,) = (line for line in lines if line.startswith("| herding"))
    assert "not measured" in line
    (line,) = (line for line in lines if line.startswith("| random"))
    assert "not measured" not in line


def test_the_parts_of_a_score_stand_beside_it_in_a_table():
    report = report_of(run_of())
    _, _, after = render(report, "md").partition("DD-Ranking's scores\n\n")
    head, _, *rows = (line for line in after.splitlines() if line.startswith("|"))
    assert all(title in head for title in ("HLR, points", "IOR, points", "LRS, %", "ARS, %"))
    (line,) = (row for row in rows[:3] if row.startswith("| dm"))
    assert "| 25.0" in line and "| 8.0" in line


def test_a_report_names_the_published_recipe():
    records = run_of(augmentations=("dsa",))
    for one in records:
        one["cell"]["settings"]["recipe"] = "idc"
    (note,) = (note for note in report_of(records)["notes"] if "recipe" in note)
    assert note.startswith(
        "accuracy: networks are trained by the recipe idc, as `harness show idc`"
    )
    assert not any("recipe" in note for note in report_of(run_of())["notes"])
