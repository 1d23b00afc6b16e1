"""folder:PATH, images of one's own: PATH/train/CLASS/* with PATH/test/CLASS/*, or PATH/CLASS/* alone."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from condensers.errors import DataMissing, brief
from scenarios.datasets.place import Place
from scenarios.datasets.raw import Part, Pixels, RawData
from scenarios.datasets.split import hold_out

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
TEST_SHARE = 0.2
Labelled = list[tuple[Path, int]]


@dataclass(frozen=True)
class Folder:
    """Images of one's own in class folders, all of one size, grey or RGB; a fifth is the test part if none is given.

    Validation images are always taken from the training part. Other files, hidden folders and, beside train and test,
    any third folder are passed over. Flipping an image is taken to keep its class.
    """

    path: str

    @property
    def root(self) -> Path:
        return Path(self.path).expanduser().resolve()

    def read(self, place: Place) -> RawData:
        """Read the folder; where other data sets lie does not matter. DataMissing names what is wrong with it."""
        root = self.root
        if not root.is_dir():
            raise DataMissing(f"folder:{self.path}: {root} is not a folder; name one that holds a folder of images a class")
        if (root / "train").is_dir() and (root / "test").is_dir():
            names = _class_names(root / "train")
            _require_classes(root / "test", names)
            train, test = _labelled(root / "train", names), _labelled(root / "test", names)
            whole, cut = _read(train + test), len(train)
            parts = Part(whole.images[:cut], whole.labels[:cut]), Part(whole.images[cut:], whole.labels[cut:])
        else:
            _refuse_half_a_split(root)
            names = _class_names(root)
            parts = hold_out(f"folder:{root.name}", _read(_labelled(root, names)), names, TEST_SHARE, "test")
        return RawData(*parts, class_names=names, licence="not recorded", mirror=True)


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _class_names(folder: Path) -> tuple[str, ...]:
    names = tuple(path.name for path in _subfolders(folder))
    if len(names) < 2:
        raise DataMissing(f"{folder}: the number of class folders in it is {len(names)}; make at least 2, one for each class")
    return names


def _require_classes(test: Path, names: tuple[str, ...]) -> None:
    """A class must not be in one of the two parts only."""
    strange = sorted({path.name for path in _subfolders(test)} - set(names))
    if strange:
        raise DataMissing(f"{test / strange[0]}: no such class in {test.parent / 'train'}; add it there or remove it here")


def _refuse_half_a_split(root: Path) -> None:
    """A folder "train" that holds folders is a training part, and the test part is forgotten or has another name."""
    for given, other in (("train", "test"), ("test", "train")):
        if (root / given).is_dir() and _subfolders(root / given):
            raise DataMissing(f"{root}: has a folder {given} of class folders, but no folder {other} beside it; add {other}")


def _labelled(folder: Path, names: tuple[str, ...]) -> Labelled:
    """Every class's image files in alphabetical order, with the class's index."""
    found: Labelled = []
    for label, name in enumerate(names):
        files = sorted(f for f in (folder / name).rglob("*") if f.suffix.lower() in SUFFIXES and not f.name.startswith("."))
        if not files:
            raise DataMissing(f"{folder / name}: no images of this class there; add some, or remove the class everywhere")
        found += [(file, label) for file in files]
    return found


def _read(items: Labelled) -> Part:
    """Decode the files, which must all have the size and the channels that most of them have."""
    images = [_decode(file) for file, _ in items]
    shapes = [image.shape for image in images]
    usual, count = Counter(shapes).most_common(1)[0]
    odd = next((index for index, shape in enumerate(shapes) if shape != usual), None)
    if odd is not None:
        raise DataMissing(
            f"{items[odd][0]}: is {_size(shapes[odd])} where {count} of the {len(items)} images are {_size(usual)};"
            " make all images equal in size and colour, or remove this one"
        )
    return Part(np.stack(images), np.array([label for _, label in items], dtype=np.int64))


def _decode(file: Path) -> Pixels:
    """One image as (C, H, W) uint8, C being 1 or 3; nothing is resized, and colours are changed in no way."""
    try:
        with Image.open(file) as image:
            mode = image.mode
            pixels = np.asarray(image.convert("L") if mode == "1" else image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as fault:
        raise DataMissing(f"{file}: cannot be read as an image ({brief(fault)}); mend or remove it") from fault
    if mode not in ("1", "L", "RGB"):
        raise DataMissing(f"{file}: its colours are stored as {mode}; convert it to 8-bit grey (L) or RGB")
    planes: Pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return planes


def _size(shape: tuple[int, ...]) -> str:
    channels, height, width = shape
    return f"{width} x {height} {'grey' if channels == 1 else 'RGB'}"
