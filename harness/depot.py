"""Cells in a place that fsspec knows by its URL (s3://, gs://, file://, ...), for nodes that share no folder.

URL/cells/KEY/ has the files of a cell, its record written last; URL/cells/KEY/unfinished/ the checkpoints of one at work.

Source: the fsspec documentation, "API Reference", AbstractFileSystem.
"""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from condensers.cache import key_of
from condensers.errors import StorageFailed, UsageError, brief
from harness.cells import Cell
from harness.execute import Settings
from harness.store import Store
from harness.work import Event, Listener, load_data, work

RECORD, KEPT = "record.json", ("set.safetensors", "set.card.json", "failure.json")
WORK = "unfinished"
MISSING = 'fsspec is not installed; pip install "condensation-harness[cluster]"'


class Depot:
    """A store of cells at a URL. UsageError where the URL or what reads it is not known."""

    def __init__(self, url: str) -> None:
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise UsageError(f"--share {url}: {MISSING}") from None
        try:
            self.files, self.root = url_to_fs(url)
        except (ImportError, ValueError) as fault:
            raise UsageError(f"--share {url}: {fault}") from None
        self.url = url
        self.pushed: dict[Path, int] = {}

    def place(self, key: str, name: str) -> str:
        return f"{self.root}/cells/{key}/{name}"

    def push(self, store: Store, key: str) -> None:
        """Put a cell's files there, its record last; what it kept of its work goes once it is done."""
        for name in (*KEPT, RECORD):
            if (store.folder(key) / name).is_file():
                self._put(store.folder(key) / name, self.place(key, name))
        if store.done(key) and self.files.exists(self.place(key, WORK)):
            self.files.rm(self.place(key, WORK), recursive=True)

    def pull(self, store: Store, key: str) -> bool:
        """Take a finished cell from there; whether it is in `store` now."""
        if store.done(key):
            return True
        names = [name for name in (*KEPT[:2], RECORD) if self.files.exists(self.place(key, name))]
        if RECORD not in names:
            return False
        for name in names:
            self._get(self.place(key, name), store.folder(key) / name)
        return True

    def push_work(self, store: Store, key: str) -> None:
        """Put those files of the checkpoints there that have changed since they last were."""
        for path in sorted(store.work(key).rglob("*")):
            if not path.is_file() or path.name.endswith(".tmp"):
                continue
            changed = path.stat().st_mtime_ns
            if self.pushed.get(path) != changed:
                self._put(path, self.place(key, f"{WORK}/{path.relative_to(store.work(key))}"))
                self.pushed[path] = changed

    def pull_work(self, store: Store, key: str) -> None:
        """Take the checkpoints that another node left there, where this one has none of its own."""
        place = self.place(key, WORK)
        if store.work(key).exists() or not self.files.exists(place):
            return
        for found in self.files.find(place):
            self._get(found, store.work(key) / found.partition(f"/cells/{key}/{WORK}/")[2])

    def _put(self, path: Path, place: str) -> None:
        try:
            self.files.makedirs(place.rpartition("/")[0], exist_ok=True)
            self.files.put_file(str(path), place)
        except Exception as fault:  # each kind of store raises its own
            raise StorageFailed(f"{self.url}: {place} cannot be written ({brief(fault)}); mend it, and run it again") from fault

    def _get(self, place: str, path: Path) -> None:
        partial = path.with_name(f".{path.name}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.files.get_file(place, str(partial))
            partial.replace(path)
        except Exception as fault:
            raise StorageFailed(f"{self.url}: {place} cannot be read ({brief(fault)}); mend it, and run it again") from fault


def shared_work(cell: Cell, settings: Settings, listen: Listener, stopped: Callable[[], bool], share: str) -> str:
    """Run one cell in a folder of this node's own, taking what it needs from the depot and putting what it makes there."""
    depot = Depot(share)
    own = Path(tempfile.gettempdir()) / f"condensation-harness-{key_of(share)}"
    store = Store(own)
    for need in cell.all_needs:
        if not depot.pull(store, need):
            raise StorageFailed(f"{share}: the cell {need} is not there; run it again")
    if depot.pull(store, cell.key):
        return "done"
    depot.pull_work(store, cell.key)

    def heard(event: Event) -> None:
        listen(event)
        depot.push_work(store, cell.key)

    here = replace(settings, root=own)
    state = work(cell, here, heard, stopped, load_data(cell.data, here))
    if state == "interrupted":
        depot.push_work(store, cell.key)
    else:
        depot.push(store, cell.key)
    return state
