"""folder:PATH, images of one's own: PATH/train/CLASS/* with PATH/test/CLASS/*, or PATH/CLASS/*
alone.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from condensers.errors import DataMissing
from scenarios.datasets import pictures
from scenarios.datasets.adapters.preparation import Preparation, PreparationLog
from scenarios.datasets.derived import average_squares, first_of_each
from scenarios.datasets.layout import FolderLayout, read_layout
from scenarios.datasets.pictures import MakeArray, read_into
from scenarios.datasets.raw import Indices, Pixels, RawData, RawPart
from scenarios.datasets.split import hold_out_indices

TEST_SHARE = 0.2


@dataclass(frozen=True)
class Folder:
    """Images of one's own in class folders, brought to one size and colour if asked for.

    A fifth is the test part if none is given. Validation images are those of a folder such as val
    beside train and test; else they are taken from the training part.

    Attributes:
        path: Of the folder.
        preparation: What is done to each image.
        height: Images are averaged to it then; None to leave them.
        count: The first training images of each class are taken; None for all.
        mirror: Whether a flipped image keeps its class.
    """

    path: str
    preparation: Preparation = Preparation()
    height: int | None = None
    count: int | None = None
    mirror: bool = True

    @property
    def root(self) -> Path:
        return Path(self.path).expanduser().resolve()

    def read(self, validation: float, make_array: MakeArray | None = None) -> RawData:
        """Read the folder, divided into its three parts.

        Args:
            validation: The share of the training images that is held out, if no folder holds such.
            make_array: Makes the arrays of training, validation and test images (0, 1, 2) in
                files; in memory if left out.

        Raises:
            DataMissing: Something is wrong with the folder.
        """
        root = self.root
        if not root.is_dir():
            raise DataMissing(
                f"folder:{self.path}: {root} is not a folder; name one that holds a folder of"
                " images a class"
            )
        found = read_layout(root)
        items = [*found.train, *(found.test or []), *(found.validation or [])]
        files, labels = [file for file, _ in items], np.array([label for _, label in items])
        rows = self._divide(found, labels, validation)
        log = PreparationLog()
        arrays = read_into(files, rows, make_array, lambda file: self._read_image(file, log))
        names = [str(file.relative_to(root)) for file in files]
        train, held, test = (
            RawPart(images, labels[of], tuple(names[row] for row in of))
            for images, of in zip(arrays, rows, strict=True)
        )
        own = "has validation images of its own, used in place of a share of the training images"
        notes = (
            *found.notes,
            *(() if found.validation is None else (own,)),
            *log.sentences(self.preparation),
        )
        return RawData(
            train,
            test,
            found.class_names,
            "not recorded",
            mirror=self.mirror,
            validation=held,
            notes=notes,
        )

    def _read_image(self, file: Path, log: PreparationLog) -> Pixels:
        image = pictures.decode(file, self.preparation, log)
        if self.height is None:
            return image
        whole: Pixels = image[None]
        shrunk: Pixels = average_squares(f"folder:{self.root.name}", whole, self.height)[0]
        return shrunk

    def _divide(self, found: FolderLayout, labels: Indices, validation: float) -> list[Indices]:
        """Which of the files, all parts' one after the other, are for training, validation and
        test.
        """
        name, classes = f"folder:{self.root.name}", found.class_names
        ends = np.cumsum([len(found.train), len(found.test or []), len(found.validation or [])])
        train, test, held = np.split(np.arange(ends[-1]), ends[:2])
        if found.test is None:
            kept, apart = hold_out_indices(name, labels[train], classes, TEST_SHARE, "test")
            train, test = train[kept], train[apart]
        if self.count is not None:
            train = np.sort(train)
            train = train[first_of_each(name, labels[train], self.count)]
        if found.validation is None:
            kept, apart = hold_out_indices(name, labels[train], classes, validation, "validation")
            train, held = train[kept], train[apart]
        return [train, held, test]
