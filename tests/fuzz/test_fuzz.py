"""Spoilt files at every reader: each returns or says one sentence, in time, and reserves no memory
that a header claims.

`make fuzz` reads FUZZ_INPUTS (100,000) of them, `make test` 2,000 and more.
"""

import faulthandler
import os
import resource
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from condensers.errors import HarnessError
from tests.fuzz.mutations import CHANGES, Change, apply
from tests.fuzz.readers import READERS, Reader

INPUTS = int(os.environ.get("FUZZ_INPUTS", "2000"))
EACH = -(-INPUTS // len(READERS))
SECONDS = 20.0
ROOM = (
    4 * 2**30
)  # bytes of address space beyond what is in use: far less than what spoilt headers claim


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """A hang ends the process with a dump of where it hung; memory beyond ROOM is refused by the
    kernel.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = (
        int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        if Path("/proc").exists()
        else 0
    )
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    faulthandler.cancel_dump_traceback_later()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", READERS)
def test_a_spoilt_file_is_read_or_refused_in_a_sentence(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    reader, folder = READERS[name], tmp_path_factory.mktemp("fuzz")
    path = folder / reader.name
    reader.make(path)
    good = path.read_bytes()
    reader.read(path)
    refused = []

    @settings(
        max_examples=EACH,
        deadline=None,
        database=None,
        derandomize=INPUTS < 10_000,
        suppress_health_check=list(HealthCheck),
    )
    @given(CHANGES)
    def spoilt(changes: list[Change]) -> None:
        path.write_bytes(apply(good, changes))
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        refused.append(_refused(reader, path))
        faulthandler.cancel_dump_traceback_later()

    spoilt()
    assert len(refused) >= 0.9 * EACH
    # What is wrong with a card counts as nothing recorded; of every other file, something must have
    # been refused.
    assert any(refused) or name == "card", "the files are not spoilt, or not looked at"


def _refused(reader: Reader, path: Path) -> bool:
    """Whether the reader refused; a fault that is no sentence of ours passes through."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            reader.read(path)
        except HarnessError as fault:
            assert str(fault).strip() and len(str(fault)) < 2000, "a sentence, not a page"
            return True
    return False
