"""Worker processes that are killed, or that find no memory."""

import signal
import time
from pathlib import Path

from condensers.engine.files import read_sealed
from harness.store.store import Store
from tests.harness.faults.conftest import WriteFaulty
from tests.helpers.command_line import Harness, start, wait_until
from tests.helpers.suites import SLOW


def test_a_killed_worker_costs_nothing_but_time(
    harness: Harness, faulty: WriteFaulty, tmp_path: Path
) -> None:
    answer = harness("run", faulty("kill", 1), "--out", tmp_path / "out", "--workers", 2)
    assert answer.status == 0, answer.err
    assert len(list((tmp_path / "marks").iterdir())) == 1, "it was killed once"
    assert "worker lost: condense faulty" in answer.err
    _, records, failures = Store(tmp_path / "out").contents()
    assert (len(records), failures) == (4, [])


def test_a_cell_without_memory_is_listed_and_the_rest_goes_on(
    harness: Harness, faulty: WriteFaulty, tmp_path: Path
) -> None:
    answer = harness("run", faulty("memory", 1), "--out", tmp_path / "out", "--workers", 1)
    assert answer.status == 1
    assert "MemoryError: cannot allocate 1 TiB" in answer.out
    assert len(Store(tmp_path / "out").contents()[1]) == 2
    assert (
        harness("run", faulty("memory", 1), "--out", tmp_path / "out", "--workers", 1).status == 0
    )


def test_a_plug_in_that_raises_at_import_is_one_sentence(
    harness: Harness, faulty: WriteFaulty, tmp_path: Path
) -> None:
    suite = faulty("kill", 0)
    (tmp_path / "plugin.py").write_text("raise ZeroDivisionError('at import')\n", encoding="utf-8")
    answer = harness("run", suite, "--out", tmp_path / "out", "--workers", 1)
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert "ZeroDivisionError: at import" in answer.err
    assert not (tmp_path / "out").exists()


def test_a_second_ctrl_c_ends_at_once_and_leaves_whole_files(
    harness: Harness, tmp_path: Path
) -> None:
    path, out = tmp_path / "slow.toml", tmp_path / "out"
    path.write_text(SLOW.replace("iterations = 3000", "iterations = 400"))
    process = start("run", path, "--out", out, "--workers", 2, "--checkpoint-seconds", 0)
    wait_until(lambda: list(out.glob("cells/*/unfinished/checkpoint.pt")))
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert all(read_sealed(record) for record in out.rglob("record.json"))
    assert harness("run", path, "--out", out, "--workers", 1).status == 0
