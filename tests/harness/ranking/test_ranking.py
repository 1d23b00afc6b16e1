"""The ranking of made-up and of shipped results, in every format."""

import json
from pathlib import Path
from typing import Any

import pytest

from condensers.errors import UsageError
from harness import rank
from harness.ranking.formats import render
from harness.ranking.ranking import rank_runs
from harness.ranking.tables import tabulate
from harness.ranking.tasks import Wanted
from tests.harness.report.conftest import made, with_values
from tests.helpers.command_line import call_in_process

MEANS = {"dm": 60.0, "herding": 55.0, "k-means": 55.0, "random": 50.0}
NOISE = (0.4, -0.3, 0.1, 0.6, -0.8)


def measured(label: str, ipc: int, seed: int, value: float, **how: Any) -> dict[str, Any]:
    record = made("accuracy", label, ipc, seed)
    cell = record["cell"] | {"recipe": "dsa", "data": how.get("data", "mnist-5k")}
    record = record | {"cell": cell, "key": f"{record['key']}-{cell['data']}"}
    metric, higher = how.get("metric", "test-accuracy"), how.get("higher", True)
    return with_values(record, (metric, [value - 1, value + 1], "%", higher))


def run_of(
    labels: Any = tuple(MEANS), ipcs: Any = (1, 10), seeds: int = 5, **how: Any
) -> tuple[dict[str, Any], list[dict[str, Any]], list[Any]]:
    """Means of `MEANS`; every seed moves all sets alike, and a little each by itself."""
    records = [
        measured(label, ipc, seed, MEANS[label] + 7 * seed + NOISE[(seed + at) % 5], **how)
        for at, label in enumerate(labels)
        for ipc in ipcs
        for seed in range(seeds)
    ]
    return {"suite": "made-up", "cells": [one["key"] for one in records]}, records, []


def ranks_of(sets: Any) -> dict[str, float]:
    return {one["set"]: one["rank"] for one in sets}


def test_each_size_is_a_task_and_means_are_ranked() -> None:
    found = rank_runs([("run", run_of())])
    assert [(task["ipc"], task["n"]) for task in found["tasks"]] == [(1, 5), (10, 5)]
    for task in found["tasks"]:
        assert ranks_of(task["sets"]) == {"dm": 1, "herding": 2.5, "k-means": 2.5, "random": 4}
        by_name = {one["set"]: one for one in task["sets"]}
        assert (by_name["dm"]["low"], by_name["dm"]["high"]) == (1, 1)
        assert by_name["dm"]["first"] == pytest.approx(1, abs=0.01)
        assert by_name["herding"]["low"] == 2 and by_name["herding"]["high"] == 3
    overall = found["overall"]
    assert ranks_of(overall["sets"]) == {"dm": 1, "herding": 2.5, "k-means": 2.5, "random": 4}
    assert (overall["tasks"], overall["data"], overall["left_out"]) == (2, 1, [])


def test_less_is_best_where_it_is_better() -> None:
    suite, records, failed = run_of(ipcs=(1,), metric="loss", higher=False)
    found = rank_runs([("run", (suite, records, failed))], Wanted(metric="loss"))
    assert ranks_of(found["tasks"][0]["sets"])["random"] == 1


def test_sets_of_some_tasks_have_no_mean_rank() -> None:
    suite, records, _ = run_of()
    kept = [r for r in records if (r["cell"]["label"], r["cell"]["ipc"]) != ("k-means", 10)]
    found = rank_runs([("run", (suite, kept, []))])
    assert ranks_of(found["overall"]["sets"]) == {"dm": 1, "herding": 2, "random": 3}
    assert found["overall"]["left_out"] == ["k-means"]
    assert any("k-means" in note for note in found["notes"])


def test_only_common_seeds_count() -> None:
    suite, records, _ = run_of(ipcs=(1,))
    kept = [r for r in records if r["cell"]["label"] != "dm" or r["cell"]["seed"] in (1, 2, 4)]
    (task,) = rank_runs([("run", (suite, kept, []))])["tasks"]
    assert task["n"] == 3
    dm = next(one for one in task["sets"] if one["set"] == "dm")
    assert dm["mean"] == pytest.approx(60 + 7 * 7 / 3 + (NOISE[1] + NOISE[2] + NOISE[4]) / 3)


def test_one_seed_is_ranked_without_an_interval_and_says_so() -> None:
    found = rank_runs([("run", run_of(ipcs=(1,), seeds=1))])
    (task,) = found["tasks"]
    assert (task["over"], task["sets"][0]["low"]) == ("repeats of one seed", None)
    assert "(no interval)" in render(found, "md")
    assert any("have one seed" in note for note in found["notes"])


def test_several_runs_are_tasks_of_several_data_sets() -> None:
    runs = [("a", run_of(ipcs=(1,))), ("b", run_of(ipcs=(1,), data="digits"))]
    found = rank_runs(runs)
    assert found["overall"]["data"] == 2
    assert [table.title for table in tabulate(found)] == [
        "Mean ranks over 2 tasks on 2 data sets",
        "Accuracy on mnist-5k, augmentation dsa: ranks by test-accuracy, most first",
        "Accuracy on digits, augmentation dsa: ranks by test-accuracy, most first",
    ]
    only = rank_runs(runs, Wanted(data=("digits",)))
    assert [task["data"] for task in only["tasks"]] == ["digits"]
    assert only["notes"][0] == "Nothing to rank in a."


def test_seeds_that_followed_a_rule_are_named() -> None:
    suite, records, _ = run_of(ipcs=(1,))
    rule = {"scenario": "accuracy", "first_seeds": [0, 1, 2]}
    found = rank_runs([("stopped", ({**suite, "until": rule}, records, []))])
    assert found["notes"][0].startswith("Seeds of stopped were added until")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(scenarios=("acuracy",)), "did you mean 'accuracy'"),
        (Wanted(data=("mnist-6k",)), "did you mean 'mnist-5k'"),
        (Wanted(metric="accuracy"), "did you mean 'test-accuracy'"),
    ],
)
def test_what_is_not_there_is_refused(wanted: Wanted, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        rank_runs([("run", run_of())], wanted)


def test_a_single_set_is_nothing_to_rank() -> None:
    with pytest.raises(UsageError, match="nothing to rank"):
        rank_runs([("run", run_of(labels=("dm",)))])


def test_hostile_names_are_text_in_every_format() -> None:
    suite, records, _ = run_of(labels=("dm", "random"), ipcs=(1,))
    name = "<b>|\x1b[1m"
    renamed = [
        {**r, "cell": {**r["cell"], "label": name}} if r["cell"]["label"] == "dm" else r
        for r in records
    ]
    found = rank_runs([("run", (suite, renamed, []))])
    for form in ("md", "html"):
        text = render(found, form)
        assert "\x1b" not in text and "<b>|" not in text
    assert json.loads(render(found, "json"))["tasks"][0]["sets"][0]["set"] == name


def test_a_shipped_result_is_ranked() -> None:
    found = rank("reference:cifar10-memory")
    assert {task["metric"] for task in found["tasks"]} == {
        f"{strategy}/final-accuracy" for strategy in ("replay", "gdumb", "der++", "er-ace")
    }
    assert found["overall"]["sets"][0]["set"] == "dm-jpeg"
    (_, table) = tabulate(found)
    assert [column.title for column in table.columns] == [
        "set",
        "replay",
        "gdumb",
        "der++",
        "er-ace",
    ]


def test_the_command_prints_at_80_columns_and_writes_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    answer = call_in_process(monkeypatch, capfd, "rank", "reference:demo")
    assert answer.status == 0
    assert max(map(len, answer.out.splitlines())) <= 80
    assert "Mean ranks over 4 tasks on 1 data set" in answer.out
    page = tmp_path / "ranks.html"
    words = "rank", "reference:demo", "--format", "html", "--out", page
    assert call_in_process(monkeypatch, capfd, *words).status == 0
    assert page.read_text(encoding="utf-8").count("<table>") == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("reference:gdumb-mnist",), "nothing to rank"),
        (("reference:demo", "--format", "csv"), "--format csv: not a format"),
        (("reference:demo", "--out", "x"), "--out: is for md, json and html"),
    ],
)
def test_bad_input_is_one_sentence(
    words: tuple[str, ...],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    answer = call_in_process(monkeypatch, capfd, "rank", *words)
    assert answer.status == 2 and said in answer.err and answer.err.count("\n") == 1
