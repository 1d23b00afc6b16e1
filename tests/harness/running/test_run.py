"""Running, resuming, stopping: what a user does to a suite, and what a machine does to a user."""

import json
import signal
import time
from pathlib import Path

import pytest

from harness.store.store import Store
from tests.helpers.command_line import Harness, is_alive, read_sets, start, wait_until
from tests.helpers.suites import SLOW


def test_run_then_run_again_finds_everything_done(
    harness: Harness, tiny: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = harness("run", tiny, "--out", out, "--workers", 1)
    assert first.status == 0, first.err
    assert "10 cells, 10 to do" in first.err
    stamps = {p: p.stat().st_mtime_ns for p in out.rglob("record.json")}
    assert len(stamps) == 10
    second = harness("run", tiny, "--out", out, "--workers", 1)
    assert "10 cells, 0 to do" in second.err
    assert stamps == {p: p.stat().st_mtime_ns for p in out.rglob("record.json")}
    assert "random" in second.out and "dm" in second.out
    assert (out / "report.html").read_text().startswith("<!doctype html>")
    assert not list(out.rglob("unfinished")) and not list(out.rglob("*.tmp"))


def test_a_records_values_are_raw_and_its_card_complete(
    harness: Harness, tiny: Path, tmp_path: Path
) -> None:
    harness("run", tiny, "--out", tmp_path / "out", "--workers", 1)
    _, records, failures = Store(tmp_path / "out").contents()
    assert not failures
    dm = next(r for r in records if r["cell"]["label"] == "dm" and r["kind"] == "scenario")
    assert dm["bytes"] == 10 * 65
    assert dm["condensation"]["seconds"] > 0 and dm["condensation"]["cpu_seconds"] > 0
    (measurement,) = dm["outcome"]["measurements"]
    assert len(measurement["values"]) == len(measurement["repeats"]) == 1
    assert dm["command"].startswith("harness run ")
    assert dm["environment"]["threads"] == 1


def test_two_processes_give_what_one_gives(harness: Harness, tiny: Path, tmp_path: Path) -> None:
    harness("run", tiny, "--out", tmp_path / "one", "--workers", 1)
    harness("run", tiny, "--out", tmp_path / "two", "--workers", 2)
    assert read_sets(tmp_path / "one") == read_sets(tmp_path / "two")
    one, two = (
        {r["key"]: r["outcome"] for r in Store(tmp_path / name).contents()[1]}
        for name in ("one", "two")
    )
    for key, outcome in one.items():
        if outcome:
            assert outcome["measurements"] == two[key]["measurements"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_with_130_and_the_line_that_goes_on(tmp_path: Path, number: int) -> None:
    path, out = tmp_path / "slow.toml", tmp_path / "out"
    path.write_text(SLOW)
    process = start("run", path, "--out", out, "--workers", 2)
    wait_until(
        lambda: list(out.glob("cells/*/unfinished")) or list(out.glob("cells/*/record.json"))
    )
    time.sleep(1)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert f"go on with:\nharness run {path} --out {out} --workers 2" in err


def test_kill_9_loses_at_most_the_steps_since_the_checkpoint(
    harness: Harness, tmp_path: Path
) -> None:
    path, out, whole = tmp_path / "slow.toml", tmp_path / "out", tmp_path / "whole"
    path.write_text(SLOW.replace("iterations = 3000", "iterations = 400"))
    process = start("run", path, "--out", out, "--workers", 2, "--checkpoint-seconds", 0)
    wait_until(lambda: list(out.glob("cells/*/unfinished/checkpoint.pt")))
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    workers = [int(pid) for pid in children.read_text().split()] if children.exists() else []
    process.kill()
    process.wait()
    wait_until(lambda: not any(is_alive(pid) for pid in workers), 20)
    assert not list(out.rglob("set.safetensors.tmp"))
    kept = list(out.glob("cells/*/unfinished/checkpoint.pt"))
    assert kept, "the checkpoint survives the kill"
    assert harness("run", path, "--out", out, "--workers", 1).status == 0
    assert harness("run", path, "--out", whole, "--workers", 1).status == 0
    assert read_sets(out) == read_sets(whole), (
        "the resumed run gives the bytes of an uninterrupted one"
    )


def test_a_second_run_in_the_same_folder_is_refused(
    harness: Harness, tiny: Path, tmp_path: Path
) -> None:
    with Store(tmp_path / "out").lock():
        answer = harness("run", tiny, "--out", tmp_path / "out", "--workers", 1)
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert "another run is using it" in answer.err


def test_a_deadline_stops_like_a_signal(harness: Harness, tmp_path: Path) -> None:
    path = tmp_path / "slow.toml"
    path.write_text(SLOW)
    answer = harness("run", path, "--out", tmp_path / "out", "--workers", 1, "--minutes", 0.01)
    assert answer.status == 130
    assert "go on with:" in answer.err


def test_a_failed_cell_is_told_and_the_rest_goes_on(
    harness: Harness, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from condensers.methods.distribution_matching.dm import DM

    def fail(*_: object) -> None:
        raise RuntimeError("the loss is not finite")

    with monkeypatch.context() as patched:
        patched.setattr(DM, "condense", fail)
        answer = harness("run", tiny, "--out", tmp_path / "out", "--workers", 1)
    assert answer.status == 1
    assert "the loss is not finite" in answer.out
    _, records, failures = Store(tmp_path / "out").contents()
    assert (len(records), len(failures)) == (6, 2)
    again = harness("run", tiny, "--out", tmp_path / "out", "--workers", 1)
    assert again.status == 0 and "10 cells, 4 to do" in again.err


def test_equal_cells_of_another_run_are_taken_on_request(
    harness: Harness, tiny: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    harness("run", tiny, "--out", first, "--workers", 1)
    answer = harness(
        "run", tiny, "--out", second, "--workers", 1, "--set", "seeds=3", "--reuse", first
    )
    assert answer.status == 0, answer.err
    assert "15 cells, 5 to do" in answer.err and "10 cells taken from other runs" in answer.err
    assert read_sets(first).items() <= read_sets(second).items()
    assert not list(second.glob("cells/.*")), "nothing half-copied is left"
    refused = harness("run", tiny, "--out", second, "--reuse", tmp_path / "nothing")
    assert (refused.status, refused.err.count("\n")) == (2, 1)


def test_results_stand_under_the_names_that_the_suite_has_now(
    harness: Harness, tiny: Path, tmp_path: Path
) -> None:
    """A row that takes over the name of another is not mixed with what that one computed."""
    text, out = tiny.read_text(), tmp_path / "out"
    row = '[[condensers]]\nmethod = "random"\n'
    assert row in text
    harness("run", tiny, "--out", out, "--workers", 1)
    drawn = 'label = "drawn"\n'
    chosen = '[[condensers]]\nmethod = "herding"\nlabel = "random"\n'
    tiny.write_text(text.replace(row, row + drawn + chosen))
    for where, more in ((tmp_path / "other", ("--reuse", out)), (out, ())):
        answer = harness("run", tiny, "--out", where, "--workers", 1, *more)
        assert answer.status == 0 and " 4 to do" in answer.err
        _, records, _ = Store(where).contents()
        named = {(r["cell"]["label"], r["cell"]["condenser"]) for r in records}
        assert named >= {("drawn", "random"), ("random", "herding"), ("dm", "dm")}
        assert ("random", "random") not in named
        assert "drawn" in harness("report", where, "--format", "csv").out


def test_two_rows_that_are_the_same_are_told(harness: Harness, tiny: Path, tmp_path: Path) -> None:
    text = tiny.read_text() + '\n[[condensers]]\nmethod = "random"\nlabel = "again"\n'
    tiny.write_text(text)
    for verb in ("plan", "run"):
        answer = harness(verb, tiny, "--out", tmp_path / "out", "--workers", 1)
        assert "note: condensers.again: is the same as random, and stands as random" in answer.err


def test_plan_writes_nothing_and_counts(harness: Harness, tiny: Path, tmp_path: Path) -> None:
    answer = harness("plan", tiny, "--out", tmp_path / "out")
    assert answer.status == 0
    assert "10 cells, 0 done" in answer.out
    assert not (tmp_path / "out").exists()


def test_runs_lists_them(harness: Harness, tiny: Path, tmp_path: Path) -> None:
    harness("run", tiny, "--out", tmp_path / "runs" / "a", "--workers", 1)
    (row,) = json.loads(harness("runs", tmp_path / "runs", "--json").out)
    assert (row["cells"], row["done"], row["failed"]) == (10, 10, 0)
    assert "no run directories" in harness("runs", tmp_path / "none").out


@pytest.mark.parametrize("form", ["md", "csv", "json", "latex", "html"])
def test_report_formats(harness: Harness, tiny: Path, tmp_path: Path, form: str) -> None:
    harness("run", tiny, "--out", tmp_path / "out", "--workers", 1)
    answer = harness("report", tmp_path / "out", "--format", form)
    assert answer.status == 0 and "dm" in answer.out
    written = harness("report", tmp_path / "out", "--format", form, "--out", tmp_path / "r")
    assert written.status == 0
    assert (tmp_path / "r").read_text() == answer.out


def test_report_of_what_is_no_run(harness: Harness, tmp_path: Path) -> None:
    answer = harness("report", tmp_path)
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert "--format xml: not a format" in harness("report", tmp_path, "--format", "xml").err
