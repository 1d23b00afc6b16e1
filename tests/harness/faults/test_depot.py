"""Cells that go from node to node through a URL: what one leaves, another goes on with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from condensers.errors import StorageFailed, UsageError
from harness.depot import Depot, shared_work
from harness.execute import Settings
from harness.session import load_plan
from harness.store import Store
from harness.work import load_data, work
from tests.harness.test_run import SLOW

pytest.importorskip("fsspec")


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """`nodes(name)` makes this process a node whose own folder is called that."""

    def become(name: str) -> Path:
        (tmp_path / name).mkdir(exist_ok=True)
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / name))
        return tmp_path / name

    yield become


def test_a_cell_goes_on_at_another_node_and_ends_the_same(tmp_path: Path, nodes: object) -> None:
    suite, url = tmp_path / "slow.toml", f"file://{tmp_path / 'depot'}"
    suite.write_text(SLOW.replace("iterations = 3000", "iterations = 60"))
    cells = load_plan(str(suite), [], None, False).plan.cells
    made = next(cell for cell in cells if cell.kind == "condense" and cell.label == "dm")
    used = next(cell for cell in cells if cell.needs == made.key)
    settings = Settings(tmp_path / "unused", "test", None, 0.1, checkpoint_seconds=0.0)
    steps: list[int] = []

    def stopped() -> bool:
        steps.append(1)
        return len(steps) > 20

    nodes("first")  # type: ignore[operator]
    assert shared_work(made, settings, lambda event: None, stopped, url) == "interrupted"
    depot = Depot(url)
    assert depot.files.exists(depot.place(made.key, "unfinished/checkpoint.pt"))
    nodes("second")  # type: ignore[operator]
    begun_at: list[int] = []

    def listen(event: object) -> None:
        progress = getattr(event, "progress", None)
        if progress:
            begun_at.append(progress.done)

    assert shared_work(made, settings, listen, lambda: False, url) == "done"
    assert begun_at[0] > 10, "it went on from the checkpoint"
    assert not depot.files.exists(depot.place(made.key, "unfinished"))
    nodes("third")  # type: ignore[operator]
    assert shared_work(used, settings, lambda event: None, lambda: False, url) == "done"
    command, alone = Store(tmp_path / "command"), Store(tmp_path / "alone")
    assert depot.pull(command, made.key) and depot.pull(command, used.key)
    here = Settings(alone.root, "test", None, 0.1)
    for cell in (made, used):
        assert work(cell, here, lambda event: None, lambda: False, load_data(cell.data, here)) == "done"
    assert command.set_path(made.key).read_bytes() == alone.set_path(made.key).read_bytes()
    assert command.record(used.key)["outcome"]["measurements"] == alone.record(used.key)["outcome"]["measurements"]


def test_what_is_not_there_and_urls_that_nothing_reads_are_one_sentence(tmp_path: Path) -> None:
    assert not Depot(f"file://{tmp_path / 'depot'}").pull(Store(tmp_path / "own"), "0123")
    with pytest.raises(UsageError, match="--share nosuch://x: "):
        Depot("nosuch://x")
    (tmp_path / "file").touch()
    store = Store(tmp_path / "own")
    store.write_record("0123", {"kind": "scenario"})
    with pytest.raises(StorageFailed, match=r"cannot be written"):
        Depot(f"file://{tmp_path / 'file' / 'below'}").push(store, "0123")
