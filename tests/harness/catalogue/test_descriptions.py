"""What parts say of themselves is gathered once for each state of the code; a cache that is damaged
or foreign is not read.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.catalogue import descriptions
from harness.catalogue.descriptions import cache_file
from harness.catalogue.registries import REGISTRIES

SMALL = {
    "methods": {
        "dm": {
            "name": "dm",
            "kind": "method",
            "where": "here",
            "summary": "A summary.",
            "about": "",
            "fields": [],
        }
    }
}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were started to gather descriptions: what they print stands in for what the
    parts say.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    started: list[list[str]] = []

    def run(command: list[str], **_: object) -> "subprocess.CompletedProcess[bytes]":
        started.append(command)
        path = cache_file()
        assert path is not None
        descriptions._write_cache(path, SMALL)
        return subprocess.CompletedProcess(command, 0, json.dumps(SMALL).encode(), b"")

    monkeypatch.setattr(descriptions.subprocess, "run", run)
    return started


def kept() -> Path:
    path = cache_file()
    assert path is not None
    return path


def test_they_are_gathered_once(runs: list[list[str]]) -> None:
    assert [descriptions.descriptions() for _ in range(3)] == [SMALL] * 3
    assert len(runs) == 1
    assert kept().stat().st_mode & 0o777 == 0o600


def spoil(how: str, path: Path) -> None:
    text = path.read_bytes()
    if how == "cut":
        path.write_bytes(text[:-9])
    elif how == "a letter changed":
        path.write_bytes(text.replace(b"A summary", b"B summary"))
    elif how == "no text":
        path.write_bytes(b"\xff\xfe\x00")
    elif how == "a folder":
        path.unlink()
        path.mkdir()
    elif how == "writable by all":
        path.chmod(0o666)
    elif how == "a pipe":
        path.unlink()
        os.mkfifo(path)


@pytest.mark.parametrize(
    "how", ["cut", "a letter changed", "no text", "a folder", "writable by all", "a pipe"]
)
def test_what_is_damaged_or_not_the_users_alone_is_gathered_again(
    runs: list[list[str]], how: str
) -> None:
    descriptions.descriptions()
    spoil(how, kept())
    assert descriptions.descriptions() == SMALL
    assert len(runs) == 2


def test_a_file_of_another_user_is_not_read(
    runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    descriptions.descriptions()
    monkeypatch.setattr(descriptions.os, "geteuid", lambda: 12345)
    descriptions.descriptions()
    assert len(runs) == 2


@pytest.fixture
def writable_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of a module that stands in for all of our code."""
    (tmp_path / "ours").mkdir()
    module = tmp_path / "ours" / "__init__.py"
    module.write_text("a = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(descriptions, "PACKAGES", ("ours",))
    yield module
    sys.modules.pop("ours", None)


def test_another_state_of_the_code_has_another_file(
    runs: list[list[str]], writable_code: Path
) -> None:
    places = set()
    for number in range(6):
        writable_code.write_text(f"a = {number}\n")
        descriptions.descriptions()
        places.add(kept())
    assert len(places) == len(runs) == 6
    assert len(list(kept().parent.glob("*.json"))) == descriptions.KEPT, "old ones are removed"


def test_a_home_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    """The whole way, with the parts themselves: nothing is kept, all of it is there, and torch was
    not imported here.
    """
    (tmp_path / "file").write_text("")
    code = (
        "import sys; from harness.catalogue.descriptions import descriptions\n"
        "found = descriptions()\n"
        "assert 'torch' not in sys.modules\n"
        "print({kind: list(table) for kind, table in found.items()})"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "file")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(
        {registry.plural: list(registry.entries()) for registry in REGISTRIES}
    )


def test_a_process_that_fails_is_a_sentence(
    runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = subprocess.CompletedProcess(
        [], 1, b"", b"Traceback\nModuleNotFoundError: No module named 'torch'\n"
    )
    monkeypatch.setattr(descriptions.subprocess, "run", lambda *_, **__: fault)
    with pytest.raises(
        descriptions.WorkFailed,
        match=r"cannot be read \(ModuleNotFoundError: No module named 'torch'\); harness doctor",
    ):
        descriptions.descriptions()
