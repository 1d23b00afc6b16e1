"""`--limit N`: what it limits, and that a trial is known for one in keys, records and reports."""

from pathlib import Path
from typing import Any

import pytest

import harness as face
from condensers.errors import UsageError
from condensers.sets.origins import LEARNED, REAL
from harness.report.building import render
from harness.suite.cell import Cell
from harness.suite.definition import built_in, parse, read
from harness.suite.limit import choose_cells, limit_suite
from tests.helpers.command_line import Harness

NETWORK = {"name": "convnet", "depth": 2, "width": 8}
TABLE: dict[str, Any] = {
    "name": "whole",
    "data": "digits",
    "seeds": 3,
    "ipc": [1, 2],
    "condensers": [
        {"method": "random"},
        {"method": "dm", "iterations": 300, "batch_real": 8, "network": NETWORK},
    ],
    "scenarios": [
        {"scenario": "accuracy", "network": NETWORK, "networks": 4, "references": ["full-data"]}
    ],
}


def limited(limit: int, **changes: Any) -> Any:
    return limit_suite(parse({**TABLE, **changes}, "whole"), limit)


def test_counts_of_work_are_capped_and_one_seed_is_left() -> None:
    suite = limited(2)
    (random, dm), (accuracy,) = suite.condensers, suite.scenarios
    assert dm.spec["iterations"] == 2 and "iterations" not in random.spec
    assert dm.spec["batch_real"] == 8 and dm.spec["network"] == NETWORK
    assert (accuracy.settings["networks"], accuracy.settings["epochs"]) == (2, 2)
    assert accuracy.settings["full_epochs"] == 2 and accuracy.seeds == (0,)
    assert limit_suite(parse(TABLE, "whole"), None).limit is None


def test_a_strategy_is_capped_and_a_part_that_refuses_gets_twice_as_much() -> None:
    continual = {"scenario": "continual", "strategies": ["replay", {"name": "gdumb", "epochs": 50}]}
    experts = {"method": "mtt", "iterations": 5000}
    suite = limited(1, condensers=[experts], scenarios=[continual])
    assert suite.scenarios[0].settings["strategies"] == [
        {"name": "replay"},
        {"name": "gdumb", "epochs": 1},
    ]
    schedule = suite.condensers[0].spec["model_schedule"]
    assert schedule["experts"] == 1 and schedule["max_start"] == 1
    assert 1 <= schedule["max_start"] - 1 + schedule["expert_epochs"] <= schedule["epochs"] <= 2


@pytest.mark.parametrize("name", built_in())
def test_every_suite_that_ships_can_be_limited(name: str) -> None:
    suite = limit_suite(read(name), 2)
    assert suite.limit == 2 and not suite.faults
    assert all(entry.seeds == entry.seeds[:1] for entry in suite.scenarios)


def test_cells_take_turns_and_bring_what_they_need() -> None:
    def cell(label: str, seed: int = 0, **more: Any) -> Cell:
        return Cell("scenario", "d", {}, seed, label, scenario="s", scenario_label="s", **more)

    made = Cell("condense", "d", {}, 0, "dm", {"name": "dm"}, ("ipc", 1))
    sets = [
        cell("random", settings={"a": 1}, origin=REAL),
        cell("random", settings={"a": 2}, origin=REAL),
        cell("dm", needs=made.key, origin=LEARNED),
    ]
    cells = [cell("naive", reference="naive"), made, *sets]
    labels = [[one.label for one in choose_cells(cells, limit)] for limit in (1, 2, 3, 9)]
    assert labels[:2] == [["dm", "dm"], ["naive", "dm", "dm"]]
    assert labels[2] == ["naive", "dm", "random", "dm"] and len(labels[3]) == len(cells)
    chosen = choose_cells(cells, 1)
    assert chosen[1].needs == chosen[0].key != made.key and chosen[0].keyed_by["limit"] == 1


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> face.Results:
    return face.run(TABLE, tmp_path_factory.mktemp("limit") / "trial", limit=1)


def test_a_trial_is_marked_everywhere(trial: face.Results) -> None:
    assert {record["keyed_by"]["limit"] for record in trial.records} == {1}
    assert len(trial.records) == 2 and not trial.failures
    assert trial.report["cells"]["limits"] == [1]
    for form in ("md", "html", "latex"):
        assert "This is a trial (" in render(trial.report, form)
    assert "--limit 1" in trial.records[0]["command"]
    whole = face.plan(TABLE)
    assert not {r["key"] for r in trial.records} & {cell.key for cell in whole.cells}
    assert "limit" not in whole.cells[0].keyed_by


def test_it_has_a_directory_of_its_own_and_is_not_reported_with_others(
    trial: face.Results, harness: Harness, tmp_path: Path
) -> None:
    assert str(face.plan(TABLE, limit=3).suite.folder) == str(Path("runs") / "whole-limit-3")
    assert str(face.plan(TABLE).suite.folder) == str(Path("runs") / "whole")
    answer = harness("report", trial.directory, "reference:demo")
    assert answer.status == 2 and answer.err.count("\n") == 1
    assert "trial: is a trial (--limit 1), and the runs beside it are not" in answer.err


def test_what_does_not_go_with_a_trial_is_one_sentence(tmp_path: Path, harness: Harness) -> None:
    with pytest.raises(UsageError, match="limit: 0 is not a whole number"):
        face.run(TABLE, tmp_path / "out", limit=0)
    with pytest.raises(UsageError, match="a trial has one seed, so --until has no spread"):
        face.run(TABLE, tmp_path / "out", limit=2, until=1.0)
    answer = harness("plan", "demo", "--limit", 2, "--detect", 1.0)
    assert answer.status == 2 and "says nothing of the seeds of --detect" in answer.err
