"""The peak of a cell is that of its own work, not of what the process did before."""

from mmap import PAGESIZE, mmap
from pathlib import Path

import pytest

from harness import peak_memory
from harness.peak_memory import PeakMemory

MANY = 100_000_000  # bytes; far more than the interpreter takes meanwhile


def test_what_was_given_back_before_does_not_count() -> None:
    first = PeakMemory("cpu")
    # Not by the allocator, which may have that much at hand, and may keep it.
    with mmap(-1, MANY) as held:
        for page in range(0, MANY, PAGESIZE):
            held[page] = 1
    with_it = first.read()
    without = PeakMemory("cpu").read()
    assert with_it is not None and without is not None
    assert with_it - without > MANY // 2


def test_where_a_peak_cannot_be_started_anew_none_is_claimed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(peak_memory, "CLEAR", tmp_path / "not" / "there")
    assert PeakMemory("cpu").read() is None
