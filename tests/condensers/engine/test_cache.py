"""Files that runs share: made once, by whoever comes first, also when that one dies or another must
stop waiting.
"""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from condensers.engine.cache import key_of, make_missing
from condensers.engine.context import Context
from condensers.engine.files import write_atomically
from condensers.errors import Interrupted

HOLDER = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


def test_each_file_is_made_once_by_two_at_a_time(tmp_path: Path) -> None:
    paths = [tmp_path / "shared" / f"{index}" for index in range(6)]
    made: list[tuple[str, int]] = []
    both_work = threading.Barrier(2, timeout=20)

    def work(who: str) -> None:
        def make(index: int) -> None:
            if not any(name == who for name, _ in made):
                made.append((who, index))
                both_work.wait()
            else:
                made.append((who, index))
            write_atomically(paths[index], who.encode())

        make_missing(paths, make, Context())
        assert all(path.exists() for path in paths)

    workers = [threading.Thread(target=work, args=(who,)) for who in ("a", "b")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert sorted(index for _, index in made) == list(range(6)), "each was made, none twice"
    assert {who for who, _ in made} == {"a", "b"}, "the work was shared"


@pytest.fixture
def holder(tmp_path: Path) -> "subprocess.Popen[str]":
    """A process that holds the claim on tmp_path / "file"."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / ".file.lock")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def test_who_waits_can_be_stopped(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    until = time.monotonic() + 0.3
    with pytest.raises(
        Interrupted, match="stopped while waiting for file, which another process is making"
    ):
        make_missing(
            [tmp_path / "file"], lambda _: pytest.fail("it is claimed"), Context(deadline=until)
        )
    assert time.monotonic() >= until
    holder.kill()
    holder.communicate()


def test_a_claim_ends_with_its_process(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    holder.kill()
    holder.communicate()
    make_missing(
        [tmp_path / "file"], lambda _: write_atomically(tmp_path / "file", b"mine"), Context()
    )
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_equal_values_have_equal_keys() -> None:
    assert key_of({"a": [1, 0.5], "b": (2,)}) == key_of({"b": [2], "a": [1, 0.5]})
    assert key_of([1]) != key_of([2])
    assert len(key_of(None)) == 16
