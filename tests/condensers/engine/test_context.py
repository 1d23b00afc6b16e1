"""Remembered parts of a run, and files that are there whole or not at all."""

import os
from pathlib import Path

import pytest

from condensers.engine.context import Context
from condensers.engine.files import write_atomically
from condensers.errors import Interrupted, StorageFailed


def test_memo_computes_once_per_folder(tmp_path: Path) -> None:
    calls: list[int] = []

    def compute() -> dict[str, list[int]]:
        calls.append(1)
        return {"values": [1, 2]}

    context = Context(folder=tmp_path)
    assert context.memo("part", compute) == context.memo("part", compute) == {"values": [1, 2]}
    assert len(calls) == 1
    context.fork("other").memo("part", compute)
    assert len(calls) == 2
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.json")) == [
        "other/part.json",
        "part.json",
    ]


def test_memo_without_a_folder_computes_each_time() -> None:
    values = iter([1, 2])
    context = Context()
    assert [context.memo("part", lambda: next(values)) for _ in range(2)] == [1, 2]


def test_memo_starts_nothing_after_a_stop_but_reads_what_is_done(tmp_path: Path) -> None:
    Context(folder=tmp_path).memo("done", lambda: 3)
    stopped = Context(folder=tmp_path, stop=lambda: True)
    assert stopped.memo("done", lambda: 4) == 3
    with pytest.raises(Interrupted):
        stopped.memo("open", lambda: 5)
    assert not (tmp_path / "open.json").exists()


def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFailed, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
