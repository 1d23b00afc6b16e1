"""folder:PATH, images of one's own: PATH/train/CLASS/* with PATH/test/CLASS/*, or PATH/CLASS/*
alone.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from condensers.errors import DataMissing
from scenarios.datasets.layout import LabelledFiles, read_layout
from scenarios.datasets.location import DataLocation, DatasetSource
from scenarios.datasets.pictures import read_all
from scenarios.datasets.raw import RawData, RawPart
from scenarios.datasets.split import hold_out

TEST_SHARE = 0.2


@dataclass(frozen=True)
class Folder(DatasetSource):
    """Images of one's own in class folders, all of one size, grey or RGB.

    A fifth is the test part if none is given. Validation images are those of a folder such as val
    beside train and test; else they are taken from the training part. Flipping an image is taken
    to keep its class.
    """

    path: str

    @property
    def root(self) -> Path:
        return Path(self.path).expanduser().resolve()

    def read(self, place: DataLocation) -> RawData:
        """Read the folder; where other data sets lie does not matter.

        DataMissing names what is wrong with it.
        """
        root = self.root
        if not root.is_dir():
            raise DataMissing(
                f"folder:{self.path}: {root} is not a folder; name one that holds a folder of"
                " images a class"
            )
        found = read_layout(root)
        train, *given = self._read(found.train, found.test or [], found.validation or [])
        test, validation = (part if len(part.labels) else None for part in given)
        names, notes = found.class_names, found.notes
        if test is None:
            train, test = hold_out(f"folder:{root.name}", train, names, TEST_SHARE, "test")
        if validation is not None:
            notes = (
                *notes,
                "has validation images of its own, used in place of a share of the training images",
            )
        return RawData(
            train, test, names, "not recorded", mirror=True, validation=validation, notes=notes
        )

    def _read(self, *parts: LabelledFiles) -> list[RawPart]:
        """The images of all parts, which must be of one size."""
        items = [item for part in parts for item in part]
        images = read_all([file for file, _ in items])
        labels = np.array([label for _, label in items], dtype=np.int64)
        files = tuple(str(file.relative_to(self.root)) for file, _ in items)
        ends = np.cumsum([len(part) for part in parts])
        cuts = [slice(end - len(part), end) for part, end in zip(parts, ends, strict=True)]
        return [RawPart(images[cut], labels[cut], files[cut]) for cut in cuts]
