"""A machine that is short of something is one sentence, whatever library it was that found out."""

import errno
import os
import resource
import subprocess
import tempfile
from pathlib import Path

import pytest
import torch

from harness.process import shortage
from tests.helpers.command_line import COMMAND, Harness

FAULTS = {
    "files": (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "too many open files"),
    "room": (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/x/y"), "no room left for /x/y"),
    "quota": (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), "/x/y"), "no room left for /x/y"),
    "read-only": (OSError(errno.EROFS, os.strerror(errno.EROFS), "/x/y"), "/x/y: not permitted"),
    "fork": (BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)), "no more threads"),
    "thread": (RuntimeError("can't start new thread"), "no more threads or processes"),
    "memory": (MemoryError(), "not enough memory"),
    "mapping": (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), "not enough memory"),
}


@pytest.mark.parametrize("kind", [*FAULTS])
def test_what_is_short_is_said(kind: str) -> None:
    fault, said = FAULTS[kind]
    found = shortage(fault)
    assert found is not None and said in found and "\n" not in found


def test_what_torch_says_of_memory_is_known() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert "not enough memory" in (shortage(caught.value) or "")


def test_no_folder_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nonexistent"])
    with pytest.raises(FileNotFoundError) as caught:
        tempfile.gettempdir()
    assert "set TMPDIR" in (shortage(caught.value) or "")


def test_other_faults_stay_what_they_are() -> None:
    for fault in (ValueError("x"), FileNotFoundError(errno.ENOENT, "no such file", "/x")):
        assert shortage(fault) is None


def test_few_files_are_one_sentence(harness: Harness, tiny: Path, tmp_path: Path) -> None:
    harness("list", "suites")  # what this imports needs files too
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = len(os.listdir("/proc/self/fd"))
    words = ["run", tiny, "--out", tmp_path / "out", "--workers", 2]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (opened + 6, limits[1]))
        answer = harness(*words)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert answer.status == 2 and "error: too many open files (at most" in answer.err, answer.err
    assert "unexpected" not in answer.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_output_that_takes_nothing_is_one_sentence() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        answer = subprocess.run(
            [*COMMAND, "list", "suites"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (answer.returncode, answer.stderr.count("\n")) == (2, 1), answer.stderr
    assert answer.stderr.startswith("error: no room left for what is written")
