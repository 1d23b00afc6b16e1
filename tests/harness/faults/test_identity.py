"""Records in the wrong place or of other formats, half-copied folders, old stores, locks: each is
said.
"""

import errno
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from condensers.engine.cache import make_missing
from condensers.engine.context import Context
from condensers.engine.files import read_sealed, write_atomically, write_sealed
from condensers.errors import Damaged, StorageFailed, UsageError
from harness.cli.app import main
from harness.store.locks import Holder
from harness.store.store import FORMAT, Store
from tests.helpers.command_line import Harness
from tests.helpers.suites import TINY

SUITE = TINY.replace("seeds = 2", "seeds = 1")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of five cells, and its suite beside it."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.toml").write_text(SUITE, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            sys,
            "argv",
            [
                "harness",
                "run",
                str(folder / "tiny.toml"),
                "--out",
                str(folder / "out"),
                "--workers",
                "1",
            ],
        )
        with pytest.raises(SystemExit) as exit_:
            main()
    assert not exit_.value.code
    return folder


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run."""
    return Path(shutil.copytree(finished / "out", tmp_path / "out"))


@pytest.fixture
def rerun(harness: Harness, finished: Path, out: Path) -> Callable[..., tuple[int, str]]:
    """`rerun(WORDS...)` runs the suite again in `out`; its exit status and what it said."""

    def call(*words: str) -> tuple[int, str]:
        answer = harness(
            "run", finished / "tiny.toml", "--out", out, "--workers", 1, "--quiet", *words
        )
        return answer.status, answer.err

    return call


def cell(out: Path, kind: str, label: str) -> Path:
    """The folder of one cell."""
    paths = sorted(out.glob("cells/*/record.json"))
    return next(
        p.parent
        for p in paths
        if (r := json.loads(p.read_text()))["kind"] == kind and r["cell"]["label"] == label
    )


def measured(out: Path) -> dict[str, object]:
    return {
        r["key"]: r["outcome"] and r["outcome"]["measurements"] for r in Store(out).contents()[1]
    }


def rewrite(path: Path, **changes: object) -> None:
    """Change fields of a record and make its checksum right."""
    write_sealed(path, {**read_sealed(path), **changes})


def swap(out: Path) -> Path:
    path = cell(out, "scenario", "dm") / "record.json"
    shutil.copyfile(cell(out, "scenario", "random") / "record.json", path)
    return path


def swap_with_its_key(out: Path) -> Path:
    path = swap(out)
    rewrite(path, key=path.parent.name)
    return path


def other_seed(out: Path) -> Path:
    path = cell(out, "scenario", "dm") / "record.json"
    rewrite(path, cell={**read_sealed(path)["cell"], "seed": 7})
    return path


def no_format(out: Path) -> Path:
    path = cell(out, "scenario", "dm") / "record.json"
    rewrite(path, format="two")
    return path


def folder_for_record(out: Path) -> Path:
    path = cell(out, "scenario", "dm") / "record.json"
    path.unlink()
    path.mkdir()
    return path


def folder_for_set(out: Path) -> Path:
    path = cell(out, "condense", "dm") / "set.safetensors"
    path.unlink()
    path.mkdir()
    return path


def no_set(out: Path) -> Path:
    path = cell(out, "condense", "dm") / "set.safetensors"
    path.unlink()
    return path


def other_set(out: Path) -> Path:
    path = cell(out, "condense", "dm") / "set.safetensors"
    shutil.copyfile(cell(out, "condense", "random") / "set.safetensors", path)
    return path


def other_card(out: Path) -> Path:
    path = cell(out, "condense", "dm") / "set.card.json"
    path.write_text(path.read_text().replace('"dm"', '"dc"'))
    return path


def no_card(out: Path) -> Path:
    path = cell(out, "condense", "dm") / "set.card.json"
    path.unlink()
    return path


def file_for_cell(out: Path) -> Path:
    path = cell(out, "scenario", "dm")
    shutil.rmtree(path)
    path.write_text("")
    return path


def cut_suite(out: Path) -> Path:
    path = out / "suite.json"
    path.write_bytes(path.read_bytes()[:100])
    return path


def folder_for_suite(out: Path) -> Path:
    path = out / "suite.json"
    path.unlink()
    path.mkdir()
    return path


HARMS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "another cell's record": (swap, "it is the one of cell"),
    "another cell's record with this key": (
        swap_with_its_key,
        "what it says of its cell has the key",
    ),
    "another seed in the record": (other_seed, "what it says of its cell has the key"),
    "a format that is no number": (no_format, "it says no format"),
    "a folder for a record": (folder_for_record, "a directory is in its place"),
    "a folder for a set": (folder_for_set, "a directory is in its place"),
    "no set": (no_set, "it is gone"),
    "another cell's set": (other_set, "its bytes are not those that were written"),
    "an edited card": (other_card, "its bytes are not those that were written"),
    "no card": (no_card, "it is gone"),
    "a file for a cell": (file_for_cell, "a file is in place of the cell's folder"),
    "a cut suite.json": (cut_suite, ""),
    "a folder for suite.json": (folder_for_suite, "a directory is in its place"),
}


@pytest.mark.parametrize("harm", HARMS, ids=[name.replace(" ", "-") for name in HARMS])
def test_what_is_wrong_is_said_by_every_reader_and_mended(
    harness: Harness, out: Path, rerun: Callable[..., tuple[int, str]], harm: str
) -> None:
    before = measured(out)
    do, why = HARMS[harm]
    path = do(out)
    for words in (("report", out), ("verify", out), ("diff", out, out)):
        answer = harness(*words)
        assert answer.status == 1 and answer.out == "", words
        assert f"error: {path}: damaged ({why}" in answer.err and answer.err.count("\n") == 1, (
            answer.err
        )
    status, said = rerun()
    assert status == 1 and f"{path}: damaged ({why}" in said
    status, said = rerun("--repair")
    assert status == 0, said
    assert measured(out) == before
    assert (
        harness("verify", out).out
        == f"{out}: 5 records and 2 sets with their cards are as they were written\n"
    )


def test_all_that_is_wrong_is_said_at_once(harness: Harness, out: Path) -> None:
    paths = {swap(out), no_set(out), cell(out, "condense", "random") / "set.card.json"}
    (cell(out, "condense", "random") / "set.card.json").unlink()
    answer = harness("verify", out, out)
    assert answer.status == 1 and len(answer.err.splitlines()) == 3
    assert all(str(path) in answer.err for path in paths)


def test_records_of_format_1_are_refused_and_computed_anew(
    harness: Harness, out: Path, rerun: Callable[..., tuple[int, str]]
) -> None:
    before, path = measured(out), cell(out, "scenario", "dm") / "record.json"
    rewrite(path, format=1, outcome=None)
    for verb in ("report", "verify"):
        answer = harness(verb, out)
        assert (answer.status, answer.err.count("\n")) == (1, 1)
        assert (
            f"{path}: is of format 1, and this harness reads {FORMAT}; compute it anew with:"
            " harness run" in answer.err
        )
    status, said = rerun()
    assert status == 0 and measured(out) == before, said


def test_records_of_a_later_format_are_neither_read_nor_removed(
    harness: Harness, out: Path, rerun: Callable[..., tuple[int, str]]
) -> None:
    path = cell(out, "scenario", "dm") / "record.json"
    rewrite(path, format=FORMAT + 1)
    whole = path.read_bytes()
    for status, said in (
        rerun(),
        rerun("--repair"),
        (harness("report", out).status, harness("report", out).err),
    ):
        assert status == 1 and "update the harness" in said
    assert path.read_bytes() == whole


def test_a_store_of_0_4_0_is_named_and_none_of_its_cells_is_used(
    harness: Harness, finished: Path, out: Path, rerun: Callable[..., tuple[int, str]]
) -> None:
    """As 0.4.0 left it: no format in suite.json, records of format 1 under keys without the
    code.
    """
    suite, before = read_sealed(out / "suite.json"), measured(out)
    del suite["format"]
    renamed = [key[::-1] for key in suite["cells"]]
    for key, old in zip(suite["cells"], renamed, strict=True):
        record = read_sealed(out / "cells" / key / "record.json")
        del record["keyed_by"]
        write_sealed(out / "cells" / key / "record.json", {**record, "format": 1, "key": old})
        (out / "cells" / key).rename(out / "cells" / old)
    write_sealed(
        out / "suite.json",
        {**suite, "cells": renamed, "environment": {"harness": "0.4.0", "torch": "1.0"}},
    )
    for verb in ("report", "verify"):
        answer = harness(verb, out)
        assert (answer.status, answer.err.count("\n")) == (1, 1)
        assert (
            f"{out}: was written by harness 0.4.0 in an older format; report it with that version"
            in answer.err
        )
    (row,) = json.loads(harness("runs", out.parent, "--json").out)
    assert row["status"] == "of an older format"
    assert "5 cells, 0 done" in harness("plan", finished / "tiny.toml", "--out", out).out
    status, said = rerun()
    assert status == 0, said
    assert measured(out) == before
    assert all((out / "cells" / old / "record.json").is_file() for old in renamed), (
        "nothing of theirs is removed"
    )
    assert "5 folders of other code or settings were not looked at" in harness("verify", out).out


def test_a_half_copied_folder_goes_on(
    harness: Harness, out: Path, rerun: Callable[..., tuple[int, str]]
) -> None:
    before = measured(out)
    (out / "suite.json").unlink()
    shutil.rmtree(cell(out, "scenario", "random"))
    (cell(out, "condense", "dm") / "record.json").unlink()  # a set without its record
    for verb in ("report", "verify"):
        answer = harness(verb, out)
        assert (
            answer.status == 1
            and f"{out / 'suite.json'}: damaged (it is gone, though there are cells)" in answer.err
        )
    status, said = rerun()
    assert status == 0, said
    assert measured(out) == before


def test_verify_says_what_is_not_there_yet(harness: Harness, out: Path) -> None:
    shutil.rmtree(cell(out, "scenario", "dm"))
    (cell(out, "scenario", "random") / "record.json").unlink()
    Store(out).write_failure(
        next(k for k in Store(out).suite()["cells"] if not any((out / "cells" / k).glob("*"))),
        {"sentence": "x"},
    )
    answer = harness("verify", out)
    assert answer.status == 0
    assert (
        answer.out
        == f"{out}: 3 records and 2 sets with their cards are as they were written, 1 cells failed,"
        " 1 cells are not run yet\n"
    )


def test_a_failure_of_another_cell_is_not_taken(out: Path) -> None:
    store = Store(out)
    store.write_failure("0123", {"sentence": "lost"})
    shutil.copytree(store.folder("0123"), store.folder("4567"))
    with pytest.raises(Damaged, match=r"it is the one of cell '0123'"):
        store.failure("4567")


def test_a_damaged_cell_of_another_run_is_not_copied(out: Path, tmp_path: Path) -> None:
    key = no_set(out).parent.name
    with pytest.raises(Damaged, match="it is gone"):
        Store(tmp_path / "new").adopt(key, Store(out))
    assert not (tmp_path / "new").exists()


def test_one_spoilt_run_does_not_hide_the_others(harness: Harness, out: Path) -> None:
    shutil.copytree(out, out.parent / "other")
    cut_suite(out)
    rows = json.loads(harness("runs", out.parent, "--json").out)
    assert {row["directory"]: row["status"] for row in rows} == {
        str(out): "damaged",
        str(out.parent / "other"): "complete",
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone who may not read")
def test_what_may_not_be_read_is_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_sealed(path, {"a": 1})
    path.chmod(0)
    tmp_path.chmod(0o755)
    os.seteuid(65534)
    try:
        with pytest.raises(StorageFailed, match=r"cannot be read \(Permission denied\)"):
            read_sealed(path)
    except PermissionError:
        pytest.skip("a folder above may not be entered")
    finally:
        os.seteuid(0)


def test_the_folder_is_synced_after_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, str]] = []
    replace, sync = Path.replace, os.fsync

    def replaced(path: Path, target: Path) -> Path:
        done.append(("rename", str(target)))
        return replace(path, target)

    def synced(handle: int) -> None:
        done.append(("sync", os.readlink(f"/proc/self/fd/{handle}")))
        sync(handle)

    monkeypatch.setattr(Path, "replace", replaced)
    monkeypatch.setattr(os, "fsync", synced)
    path = tmp_path / "new" / "cells" / "record.json"
    write_atomically(path, b"x")
    folder = tmp_path / "new" / "cells"
    assert done[:2] == [
        ("sync", str(tmp_path)),
        ("sync", str(tmp_path / "new")),
    ], "the names of new folders"
    assert done[3:] == [("rename", str(path)), ("sync", str(folder))], done


def test_a_file_system_that_syncs_no_folders_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def refuse(handle: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{handle}"):
            raise OSError(number, os.strerror(number))
        sync(handle)

    monkeypatch.setattr(os, "fsync", refuse)
    number = errno.EINVAL
    write_atomically(tmp_path / "a", b"x")
    number = errno.EIO
    with pytest.raises(StorageFailed, match="cannot be written"):
        write_atomically(tmp_path / "b", b"x")


@pytest.mark.parametrize(
    "number", [errno.ENOLCK, errno.ENOTSUP, errno.EIO], ids=["ENOLCK", "ENOTSUP", "EIO"]
)
def test_a_lock_that_cannot_be_had_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    store = Store(tmp_path)
    with store.lock():
        monkeypatch.setattr(fcntl, "flock", refuse)
        said = (
            rf"cannot be locked \({os.strerror(number)}\); choose a folder on a file system that"
            r" has locks$"
        )
        with pytest.raises(StorageFailed, match=said):
            store.lock().__enter__()
        with pytest.raises(StorageFailed, match=said):
            store.claim("0123", lambda: False).__enter__()
        with pytest.raises(StorageFailed, match=said):
            make_missing([tmp_path / "shared"], lambda _: None, Context())
        assert not store.in_use()


HOLDS = """
import fcntl, sys, time
file = open(sys.argv[1], "a+")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            Holder(os.getpid(), "far-away", "harness run x", "boot 1"),
            r"process \d+ on the machine far-away: harness run x",
        ),
        (
            Holder(os.getpid(), socket.gethostname(), "harness run x", "boot 1"),
            r"the last to say so, process \d+, has ended",
        ),
        (None, r"which one, its lock does not say"),
    ],
    ids=["another-host", "a-reused-number", "nothing"],
)
def test_a_lock_says_no_more_of_its_holder_than_is_known(
    tmp_path: Path, written: Holder | None, said: str
) -> None:
    """Another process holds the lock, and the text in it is older."""
    (tmp_path / ".lock").write_text(written.to_json() if written else "")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, tmp_path / ".lock"], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None and process.stdout.readline()
        assert Store(tmp_path).in_use()
        with pytest.raises(UsageError, match=rf"another run is using it \(.*{said}"):
            Store(tmp_path).lock().__enter__()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    with Store(tmp_path).lock():
        assert Holder.read((tmp_path / ".lock").read_text()) == Holder.of_this_process()
    assert (tmp_path / ".lock").read_text() == ""


def test_a_run_starts_while_another_process_looks_at_its_lock(tmp_path: Path) -> None:
    """`harness runs` takes the lock, shared, for a moment."""
    import threading

    file = (tmp_path / ".lock").open("a+")
    fcntl.flock(file, fcntl.LOCK_SH)
    timer = threading.Timer(0.1, file.close)
    timer.start()
    with Store(tmp_path).lock():
        timer.join()
