"""Cells that go from node to node through a URL: what one leaves, another goes on with."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from condensers.errors import StorageFailed, UsageError
from harness.running.cell_work import RunSettings, load_data, run_cell
from harness.running.ray_cluster import run_shared_cell
from harness.store.depot import Depot, node_folder
from harness.store.store import Store
from harness.suite.cell import Cell
from harness.suite.plan import plan_suite
from tests.harness.faults.conftest import flip
from tests.helpers.suites import SLOW, TINY

pytest.importorskip("fsspec")
Become = Callable[[str], Path]


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Become]:
    """`nodes(name)` makes this process a node whose own folder is called that."""

    def become(name: str) -> Path:
        (tmp_path / name).mkdir(exist_ok=True)
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / name))
        return tmp_path / name

    yield become


def test_a_cell_goes_on_at_another_node_and_ends_the_same(tmp_path: Path, nodes: Become) -> None:
    suite, url = tmp_path / "slow.toml", f"file://{tmp_path / 'depot'}"
    suite.write_text(SLOW.replace("iterations = 3000", "iterations = 60"))
    cells = plan_suite(suite).cells
    made = next(cell for cell in cells if cell.kind == "condense" and cell.label == "dm")
    used = next(cell for cell in cells if cell.needs == made.key)
    settings = RunSettings(tmp_path / "unused", "test", None, 0.1, checkpoint_seconds=0.0)
    steps: list[int] = []

    def stopped() -> bool:
        steps.append(1)
        return len(steps) > 20

    nodes("first")
    assert run_shared_cell(made, settings, lambda event: None, stopped, url) == "interrupted"
    depot = Depot(url)
    assert depot.files.exists(depot.location(made.key, "unfinished/checkpoint.pt"))
    nodes("second")
    begun_at: list[int] = []

    def listen(event: object) -> None:
        progress = getattr(event, "progress", None)
        if progress and progress.name == "dm":
            begun_at.append(progress.done)

    assert run_shared_cell(made, settings, listen, lambda: False, url) == "done"
    assert begun_at[0] > 10, "it went on from the checkpoint"
    assert not depot.files.exists(depot.location(made.key, "unfinished"))
    nodes("third")
    assert run_shared_cell(used, settings, lambda event: None, lambda: False, url) == "done"
    command, alone = Store(tmp_path / "command"), Store(tmp_path / "alone")
    assert depot.pull(command, made.key) and depot.pull(command, used.key)
    here = RunSettings(alone.root, "test", None, 0.1)
    for cell in (made, used):
        assert (
            run_cell(cell, here, lambda event: None, lambda: False, load_data(cell.data, here))
            == "done"
        )
    assert command.set_path(made.key).read_bytes() == alone.set_path(made.key).read_bytes()
    assert (
        command.record(used.key)["outcome"]["measurements"]
        == alone.record(used.key)["outcome"]["measurements"]
    )


@pytest.fixture
def made(tmp_path: Path) -> tuple[Cell, Cell]:
    """A cell that makes a set in a moment, and one that measures it."""
    suite = tmp_path / "tiny.toml"
    suite.write_text(TINY, encoding="utf-8")
    cells = plan_suite(suite).cells
    condensed = next(cell for cell in cells if cell.kind == "condense" and cell.label == "dm")
    return condensed, next(cell for cell in cells if cell.needs == condensed.key)


def compute(cell: Cell, url: str) -> str:
    return run_shared_cell(
        cell, RunSettings(Path("unused"), "test", None, 0.1), lambda event: None, lambda: False, url
    )


def check_losses(url: str, made: tuple[Cell, Cell], nodes: Become, command: Store) -> None:
    """Objects that the depot loses are put back from a node's folder, or computed again; nobody is
    told "done" before.
    """
    condensed, measured = made
    nodes("first")
    assert [compute(cell, url) for cell in made] == ["done", "done"]
    depot = Depot(url)
    depot.files.rm(f"{depot.root}/cells", recursive=True)
    assert not depot.has(condensed.key)
    assert [compute(cell, url) for cell in made] == ["done", "done"]
    assert depot.has(condensed.key) and depot.pull(command, measured.key), "the node put them back"
    depot.files.rm(depot.location(condensed.key, "set.safetensors"))
    nodes("second")
    assert compute(measured, url) == "done", "its record is there, whatever became of the set"
    depot.files.rm(depot.location(measured.key, "record.json"))
    nodes("third")
    assert compute(measured, url) == "lost", "nobody has the set that it measures"
    assert compute(condensed, url) == "done" and depot.pull(command, condensed.key)
    assert compute(measured, url) == "done"


def test_what_the_depot_lost_is_put_back_or_computed_again(
    tmp_path: Path, nodes: Become, made: tuple[Cell, Cell]
) -> None:
    check_losses(f"file://{tmp_path / 'depot'}", made, nodes, Store(tmp_path / "command"))


def test_an_object_with_other_bytes_is_computed_again(
    tmp_path: Path, nodes: Become, made: tuple[Cell, Cell]
) -> None:
    url, (condensed, _) = f"file://{tmp_path / 'depot'}", made
    nodes("first")
    assert compute(condensed, url) == "done"
    flip(tmp_path / "depot" / "cells" / condensed.key / "set.safetensors")
    command = Store(tmp_path / "command")
    assert not Depot(url).pull(command, condensed.key)
    assert not command.done(condensed.key)
    nodes("second")
    assert compute(condensed, url) == "done"
    assert Depot(url).pull(command, condensed.key)


def test_it_works_on_s3(
    tmp_path: Path, nodes: Become, made: tuple[Cell, Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    server_module = pytest.importorskip(
        "moto.server", reason='needs moto: pip install "condensation-harness[dev]"'
    )
    pytest.importorskip("s3fs")
    import s3fs

    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        s3fs.S3FileSystem().mkdir("sets")
        check_losses("s3://sets/run", made, nodes, Store(tmp_path / "command"))
    finally:
        server.stop()


def test_a_node_folder_belongs_to_one_user(
    tmp_path: Path, nodes: Become, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = nodes("node")
    folder = node_folder("file:///depot")
    assert folder.parent == own and folder.stat().st_mode & 0o777 == 0o700
    folder.rmdir()
    (own / "elsewhere").mkdir()
    folder.symlink_to(own / "elsewhere")
    with pytest.raises(StorageFailed, match="not a folder of yours"):
        node_folder("file:///depot")
    folder.unlink()
    (own / folder.name.replace(f"-{os.getuid()}-", "-12345-")).mkdir()
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(StorageFailed, match="not a folder of yours"):
        node_folder("file:///depot")


def test_what_is_not_there_and_urls_that_nothing_reads_are_one_sentence(tmp_path: Path) -> None:
    assert not Depot(f"file://{tmp_path / 'depot'}").pull(Store(tmp_path / "own"), "0123")
    with pytest.raises(UsageError, match="--share nosuch://x: "):
        Depot("nosuch://x")
    (tmp_path / "file").touch()
    store = Store(tmp_path / "own")
    store.write_record("0123", {"kind": "scenario"})
    with pytest.raises(StorageFailed, match=r"cannot be written"):
        Depot(f"file://{tmp_path / 'file' / 'below'}").push(store, "0123")
