"""Where data files are looked for, and the sentence that says where they were not.

Fetching published files through torchvision, which knows their addresses and checksums.
"""

from __future__ import annotations

import http.client
import os
import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from condensers.errors import DataMissing
from condensers.optional import require_package

if TYPE_CHECKING:
    from scenarios.datasets.raw import RawData


@dataclass(frozen=True)
class DataLocation:
    """root: the folder with the data sets. download: whether a missing one may be fetched into
    it.
    """

    root: Path
    download: bool = False

    @staticmethod
    def choose(data_dir: Path | None = None, download: bool = False) -> DataLocation:
        """The given folder, else the one in HARNESS_DATA, else condensation-harness/data in the
        user's cache.
        """
        named = data_dir or os.environ.get("HARNESS_DATA")
        if named:
            return DataLocation(Path(named).expanduser(), download)
        cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        return DataLocation(Path(cache).expanduser() / "condensation-harness" / "data", download)


class DatasetSource(ABC):
    """Base class of the data sets; `harness new dataset` writes a subclass."""

    @abstractmethod
    def read(self, place: DataLocation) -> RawData:
        """Read the published parts, from files in `place` or from anywhere else.

        Raises:
            DataMissing: Files are absent or damaged.
        """

    def wanted(self) -> DatasetFiles | None:
        """Return the files that `read` reads; None, the default, if it reads others.

        Images of a data set that names its files are decoded once for all processes.
        """
        return None

    def files(self, place: DataLocation) -> list[Path]:
        """Return the paths of its files, fetching them if asked for; none if it names none.

        Raises:
            DataMissing: Files are absent.
        """
        wanted = self.wanted()
        return [] if wanted is None else wanted.locate(place)


@dataclass(frozen=True)
class DatasetFiles:
    """The files of one data set, all in one folder.

    folders: where they may be, below the root unless absolute; the first one is where a download
    puts them. torchvision: the class of torchvision.datasets that fetches them. gzipped: each may
    have .gz after its name.
    """

    name: str
    files: tuple[str, ...]
    folders: tuple[str, ...]
    torchvision: str
    gzipped: bool = False
    otherwise: str = ""

    def locate(self, place: DataLocation) -> list[Path]:
        """Return the paths of `files`, fetching them when that was asked for; DataMissing when they
        are not there.
        """
        found = self._search(place)
        if found is None and place.download:
            fetch(self.name, self.torchvision, place.root)
            found = self._search(place)
        if found is None:
            raise self._make_error(place)
        return found

    def _search(self, place: DataLocation) -> list[Path] | None:
        for folder in self.folders:
            found = [self._find_file(place.root / folder, file) for file in self.files]
            whole = [path for path in found if path is not None]
            if len(whole) == len(self.files):
                return whole
        return None

    def _find_file(self, folder: Path, file: str) -> Path | None:
        """The unpacked file rather than the packed one: it is read faster."""
        names = (file, f"{file}.gz") if self.gzipped else (file,)
        return next((folder / name for name in names if (folder / name).is_file()), None)

    def _make_error(self, place: DataLocation) -> DataMissing:
        """Name the first file that lacks in the folder which lacks fewest."""
        folders = [place.root / folder for folder in self.folders]
        lacking = min(
            ([f for f in self.files if not self._find_file(folder, f)] for folder in folders),
            key=len,
        )
        file = f"{lacking[0]}.gz" if self.gzipped else lacking[0]
        return DataMissing(
            f"{self.name}: looked for {file} in {' and in '.join(map(str, folders))}, and it is not"
            f" there; {self.otherwise}put it into {folders[0]} (--data-dir or HARNESS_DATA name"
            " another data folder), or pass --download"
        )


def fetch(name: str, dataset: str, root: Path) -> None:
    """Let `torchvision.datasets.<dataset>` put its files below `root`; any failure becomes one
    DataMissing sentence.
    """
    make = getattr(
        require_package("torchvision.datasets", "torchvision", name, error=DataMissing), dataset
    )
    # SVHN alone is fetched part by part; the others bring both parts at once.
    parts: tuple[dict[str, str], ...] = (
        ({"split": "train"}, {"split": "test"}) if dataset == "SVHN" else ({},)
    )
    try:
        root.mkdir(parents=True, exist_ok=True)
        for part in parts:
            make(str(root), download=True, **part)
    except (
        OSError,
        RuntimeError,
        ValueError,
        EOFError,
        zlib.error,
        http.client.HTTPException,
    ) as fault:
        reason = " ".join(str(fault).split()) or type(fault).__name__
        raise DataMissing(
            f"{name}: the download into {root} failed ({reason}); try again later, or put the files"
            " there yourself"
        ) from fault
