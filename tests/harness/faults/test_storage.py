"""A disk that is full or read-only, and files that are not as they were written."""

import json
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from condensers.engine.context import Context
from condensers.engine.files import read_sealed, read_state, write_sealed, write_state
from condensers.engine.loop import run
from condensers.errors import Damaged, Interrupted, UsageError, WorkFailed
from harness.store.store import Store
from tests.harness.faults.conftest import flip
from tests.helpers.command_line import Harness


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The kernel refuses to write more than `size` bytes to any file (EFBIG), as it refuses on a
    full disk.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def outcomes(root: Path) -> dict[str, object]:
    return {
        r["key"]: r["outcome"] and r["outcome"]["measurements"] for r in Store(root).contents()[1]
    }


@pytest.fixture
def done(harness: Harness, tiny: Path, tmp_path: Path) -> Path:
    """A finished run."""
    assert harness("run", tiny, "--out", tmp_path / "out", "--workers", 1).status == 0
    return tmp_path / "out"


def record_of(root: Path, kind: str, label: str) -> Path:
    paths = sorted(root.glob("cells/*/record.json"))
    return next(
        p
        for p in paths
        if (r := json.loads(p.read_text()))["kind"] == kind and r["cell"]["label"] == label
    )


def test_a_full_disk_stops_the_run_and_loses_nothing(
    harness: Harness, tiny: Path, done: Path, tmp_path: Path
) -> None:
    out = tmp_path / "full"
    largest = max(path.stat().st_size for path in done.glob("cells/*/set.safetensors"))
    with files_of_at_most(largest - 1):
        answer = harness("run", tiny, "--out", out, "--workers", 1)
    assert answer.status == 2, answer.err
    assert (
        answer.err.splitlines()[-1].count(
            "cannot be written (File too large); choose another place or make room"
        )
        == 1
    )
    assert "Traceback" not in answer.err and not list(out.rglob("*.tmp"))
    assert all(read_sealed(path) for path in out.rglob("record.json"))
    assert harness("run", tiny, "--out", out, "--workers", 1).status == 0
    assert outcomes(out) == outcomes(done)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone who may not write")
def test_a_folder_that_may_not_be_written_is_one_sentence() -> None:
    with tempfile.TemporaryDirectory() as theirs:
        Path(theirs).chmod(0o755)
        os.seteuid(65534)
        try:
            with pytest.raises(
                UsageError,
                match=r"cannot be written \(Permission denied\); choose another place with --out",
            ):
                Store(Path(theirs) / "out").lock().__enter__()
        finally:
            os.seteuid(0)
        assert not list(Path(theirs).iterdir())


@pytest.mark.parametrize("harm", ["flipped", "cut"])
def test_a_damaged_record_is_named_and_made_anew_on_request(
    harness: Harness, tiny: Path, done: Path, harm: str
) -> None:
    path, before = record_of(done, "scenario", "dm"), outcomes(done)
    flip(path) if harm == "flipped" else path.write_bytes(path.read_bytes()[:100])
    answer = harness("run", tiny, "--out", done, "--workers", 1)
    assert answer.status == 1 and f"{path}: damaged" in answer.err and "--repair" in answer.err
    assert harness("report", done).status == 1
    answer = harness("run", tiny, "--out", done, "--workers", 1, "--repair")
    assert answer.status == 0, answer.err
    assert f"removed: {path}: damaged" in answer.err and "10 cells, 1 to do" in answer.err
    assert outcomes(done) == before


def test_a_damaged_set_is_named_and_made_anew_on_request(
    harness: Harness, tiny: Path, done: Path
) -> None:
    record, before = record_of(done, "scenario", "dm"), outcomes(done)
    set_path = record_of(done, "condense", "dm").parent / "set.safetensors"
    whole = set_path.read_bytes()
    flip(set_path, 0.99)
    for use in done.glob("cells/*/record.json"):
        found = json.loads(use.read_text())
        if found["kind"] == "scenario" and found["cell"]["label"] == "dm":
            use.unlink()
    answer = harness("run", tiny, "--out", done, "--workers", 1)
    assert answer.status == 1, answer.err
    assert f"{set_path}: damaged (its bytes are not those that were written)" in answer.err
    answer = harness("run", tiny, "--out", done, "--workers", 1, "--repair")
    assert answer.status == 0, answer.err
    assert set_path.read_bytes() == whole and record.exists() and outcomes(done) == before


def test_a_damaged_checkpoint_is_named_and_removed_on_request(tmp_path: Path) -> None:
    from harness.store.upkeep import repair

    store = Store(tmp_path)
    path = store.work("0123") / "checkpoint.pt"
    write_state(path, {"done": 3, "loop": torch.arange(1000.0)})
    whole = path.read_bytes()
    for place in (0.3, 0.5, 0.7):
        path.write_bytes(whole)
        flip(path, place)
        with pytest.raises(Damaged, match=r"checkpoint\.pt: damaged"):
            read_state(path, torch.device("cpu"))
    (said,) = repair(store, ["0123"])
    assert str(path) in said and not path.exists()


def test_a_record_without_a_checksum_or_with_another_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_sealed(path, {"a": 1.5, "b": [None, "x"]})
    assert read_sealed(path) == {"a": 1.5, "b": [None, "x"]}
    path.write_text('{"a": 1}', encoding="utf-8")
    with pytest.raises(Damaged, match="it has no checksum"):
        read_sealed(path)
    path.write_text('{"a": 1, "sha256": "0"}', encoding="utf-8")
    with pytest.raises(Damaged, match="its checksum differs"):
        read_sealed(path)


class Diverging:
    """A loop whose loss is not a number from step 6 on."""

    def step(self, index: int) -> float:
        return float("nan") if index >= 5 else 1.0

    def state_dict(self) -> dict[str, object]:
        return {}

    def load_state_dict(self, state: dict[str, object]) -> None:
        assert state == {}


def test_a_loss_that_is_not_finite_stops_with_step_and_last_checkpoint(tmp_path: Path) -> None:
    context = Context(folder=tmp_path, checkpoint_seconds=0.0)
    with pytest.raises(
        WorkFailed,
        match=(
            r"diverging: the loss is nan at step 6.*the last finite checkpoint is that of step 5: "
        ),
    ):
        run(Diverging(), 20, context, "diverging")
    state = read_state(tmp_path / "checkpoint.pt", torch.device("cpu"))
    assert state is not None and state["done"] == 5


def test_other_versions_are_said_and_refused_where_results_would_change(
    harness: Harness, tiny: Path, done: Path
) -> None:
    suite = done / "suite.json"
    written = read_sealed(suite)
    write_sealed(suite, {**written, "environment": {**written["environment"], "torch": "1.0.0"}})
    answer = harness("run", tiny, "--out", done, "--workers", 1)
    assert answer.status == 2 and "was begun with other versions (torch 1.0.0, now " in answer.err
    answer = harness("run", tiny, "--out", done, "--workers", 1, "--mix-versions")
    assert answer.status == 0 and "not as before: torch 1.0.0, now " in answer.err
    write_sealed(suite, {**written, "environment": {**written["environment"], "cpu": "abacus"}})
    answer = harness("run", tiny, "--out", done, "--workers", 1)
    assert answer.status == 0 and "not as before: cpu abacus, now " in answer.err


def test_a_clock_that_jumps_changes_nothing(
    harness: Harness, tiny: Path, done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [time.time()]

    def jumping() -> float:
        now[0] += (-1) ** int(now[0]) * 86400.0 * 365
        return now[0]

    monkeypatch.setattr(time, "time", jumping)
    assert (
        harness("run", tiny, "--out", tmp_path / "jumped", "--workers", 1, "--minutes", 60).status
        == 0
    )
    assert outcomes(tmp_path / "jumped") == outcomes(done)


def test_a_second_run_learns_who_holds_the_folder(
    harness: Harness, tiny: Path, tmp_path: Path
) -> None:
    with Store(tmp_path / "out").lock():
        answer = harness("run", tiny, "--out", tmp_path / "out", "--workers", 1)
    assert (
        answer.status == 2 and f"another run is using it (process {os.getpid()} on " in answer.err
    )


def test_a_cell_has_one_writer(tmp_path: Path) -> None:
    store, asked = Store(tmp_path), []

    def must_stop() -> bool:
        asked.append(1)
        return len(asked) > 1

    with store.claim("0123", lambda: False) as mine:
        assert mine
        with (
            pytest.raises(Interrupted, match="another process had the cell 0123"),
            store.claim("0123", must_stop),
        ):
            pytest.fail("two writers of one cell")
    store.write_record("0123", {"kind": "scenario"})
    with store.claim("0123", lambda: False) as mine:
        assert not mine, "it is finished"
