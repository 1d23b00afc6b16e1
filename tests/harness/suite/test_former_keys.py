"""Suites, `--set` and `list` take what an earlier release called differently, with one sentence."""

import warnings
from pathlib import Path

import pytest

from condensers.errors import UsageError
from condensers.hyperparameters import RenamedKey
from harness.catalogue.catalogue import names
from harness.suite import definition, plan
from scenarios.datasets import load
from tests.helpers.command_line import Harness
from tests.helpers.suites import TINY

OLD, NEW = "condensers.dm.schedule.reuse=3", "condensers.dm.model_schedule.reuse=3"


def cells(folder: Path, text: str, *overrides: str) -> dict[str, plan.Cell]:
    path = folder / "s.toml"
    path.write_text(text, encoding="utf-8")
    made = plan.lay_out(definition.read(str(path), overrides), load).cells
    return {cell.key: cell for cell in made}


def suite(line: str) -> str:
    return TINY.replace("iterations = 3", f"iterations = 3\n{line}")


def test_an_older_suite_gives_the_cells_of_todays(tmp_path: Path) -> None:
    with pytest.warns(RenamedKey, match=r"`schedule` is now called `model_schedule`"):
        old = cells(tmp_path, suite('schedule = { name = "fresh", reuse = 3 }'))
    with warnings.catch_warnings():
        warnings.simplefilter("error", RenamedKey)
        new = cells(tmp_path, suite('model_schedule = { name = "fresh", reuse = 3 }'))
    assert old.keys() == new.keys()


def test_a_suite_with_both_is_refused(tmp_path: Path) -> None:
    both = 'schedule = "fresh"\nmodel_schedule = "cached"'
    with pytest.raises(UsageError, match=r"condensers.dm: .* both are given; leave out `sch"):
        cells(tmp_path, suite(both))


@pytest.mark.parametrize("line", ["", 'schedule = "fresh"', 'model_schedule = "fresh"'])
@pytest.mark.parametrize("override", [OLD, NEW])
def test_set_takes_either_key_over_either(tmp_path: Path, line: str, override: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RenamedKey)
        made = cells(tmp_path, suite(line), override)
    (condenser,) = {
        str(cell.condenser["model_schedule"])
        for cell in made.values()
        if cell.label == "dm" and cell.condenser
    }
    assert condenser == str({"name": "fresh", "reuse": 3, "every": 1})


def test_the_whole_part_is_set_under_the_old_key(tmp_path: Path) -> None:
    with pytest.warns(RenamedKey, match="--set condensers.dm.schedule=none"):
        cells(tmp_path, suite('objective = "kernel-regression"'), "condensers.dm.schedule=none")


def test_list_takes_the_old_kind() -> None:
    assert names("schedules") == names("model_schedules") == names("schedule")
    assert "fresh" in names("schedules")["model_schedules"]
    assert "schedules" not in names()


def test_the_command_line_says_it_in_one_line(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(suite('schedule = "fresh"'), encoding="utf-8")
    answer = harness("plan", tmp_path / "s.toml")
    assert answer.status == 0, answer.err
    assert [line for line in answer.err.splitlines() if "schedule" in line] == [
        "warning: condensers.dm: `schedule` is now called `model_schedule`; the next release no"
        " longer reads `schedule`"
    ]
