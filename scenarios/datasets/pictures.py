"""Image files -> pixels of one size, upright, with a bound on the memory that they may take."""

import os
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, ImageOps

from condensers.errors import DataMissing, brief
from scenarios.datasets.raw import Indices, Pixels

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
FORMATS = (
    "BMP",
    "JPEG",
    "PNG",
    "PPM",
    "TIFF",
    "WEBP",
)  # by content: an .eps called .png would be given to Ghostscript
SHARE = 0.25  # of the machine's memory, for images that no file could be made for
MakeArray = Callable[[int, tuple[int, ...]], Pixels]


def read_into(
    files: Sequence[Path], rows: Sequence[Indices], make_array: MakeArray | None = None
) -> list[Pixels]:
    """Decode image files, each once and in their order, into arrays (N, C, H, W) uint8.

    The files must all have the size and the channels that most of them have; DataMissing names one.

    Args:
        files: All that are read.
        rows: For each array, the file of each of its rows.
        make_array: Makes the array of this number and shape, in a file; in memory if left out,
            which is bounded.
    """
    target = {
        int(file): (array, row) for array, of in enumerate(rows) for row, file in enumerate(of)
    }
    first = decode(files[0])
    if make_array is None:
        _require_room(files, first.nbytes)
    sizes = [(len(of), *first.shape) for of in rows]
    arrays = [
        np.empty(size, np.uint8) if make_array is None else make_array(number, size)
        for number, size in enumerate(sizes)
    ]
    shapes = []
    for index, file in enumerate(files):
        image = first if index == 0 else decode(file)
        shapes.append(image.shape)
        if image.shape == first.shape:
            array, row = target[index]
            arrays[array][row] = image
    _require_one_shape(files, shapes)
    return arrays


def _require_room(files: Sequence[Path], nbytes: int) -> None:
    room = SHARE * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    fitting = int(room // nbytes)
    if fitting < len(files):
        raise DataMissing(
            f"{files[0].parent}: the first {fitting + 1} of {len(files)} images take"
            f" {(fitting + 1) * nbytes / 2**30:.1f} GiB, more than a quarter of this machine's"
            " memory; make the images smaller, or take fewer"
        )


def _require_one_shape(files: Sequence[Path], shapes: Sequence[tuple[int, ...]]) -> None:
    usual, count = Counter(shapes).most_common(1)[0]
    odd = next((index for index, shape in enumerate(shapes) if shape != usual), None)
    if odd is not None:
        raise DataMissing(
            f"{files[odd]}: is {_format_size(shapes[odd])} where {count} of the {len(files)} images"
            " are"
            f" {_format_size(usual)}; make all images equal in size and colour, or remove this one"
        )


def decode(file: Path) -> Pixels:
    """One image as (C, H, W) uint8, C being 1 or 3, turned as its EXIF orientation says; nothing is
    resized or recoloured.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of metadata, which do not matter
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=FORMATS) as image:
                _require_plain(image, file)
                upright = ImageOps.exif_transpose(image)
                pixels = np.asarray(upright.convert("L") if upright.mode == "1" else upright)
    except DataMissing:
        raise
    except MemoryError:
        raise DataMissing(
            f"{file}: does not fit the memory; make it smaller or remove it"
        ) from None
    # a damaged file may raise anything in the readers of its format and of its EXIF data
    except Exception as fault:
        raise DataMissing(
            f"{file}: cannot be read as an image ({brief(fault)}); mend or remove it"
        ) from fault
    planes: Pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return planes


def _require_plain(image: ImageFile.ImageFile, file: Path) -> None:
    """Refuse, by what the header says, what would lose something on the way to 8 bits of grey or
    RGB.
    """
    if image.mode not in ("1", "L", "RGB"):
        raise DataMissing(
            f"{file}: its colours are stored as {image.mode}; convert it to 8-bit grey (L) or RGB"
        )
    if _is_deep(image):
        raise DataMissing(
            f"{file}: its colours have 16 bits each; convert it to 8-bit grey (L) or RGB"
        )
    if "transparency" in image.info:
        raise DataMissing(
            f"{file}: a colour of it is transparent; convert it to 8-bit grey (L) or RGB without"
            " transparency"
        )
    if image.format != "MPO" and _has_frames(
        image
    ):  # the other pictures of a camera's .jpg are previews of the first
        raise DataMissing(
            f"{file}: holds several pictures (pages or an animation); keep one in each file"
        )


def _is_deep(image: ImageFile.ImageFile) -> bool:
    """Whether RGB has more than 8 bits a colour, which Pillow would cut off without a word."""
    if image.format == "PPM":  # its decoder is given the mode and the number that white is
        return any(
            tile.args[1] > 255
            for tile in image.tile
            if isinstance(tile.args, tuple) and tile.codec_name != "raw"
        )
    return image.format in ("PNG", "TIFF") and any(";16" in str(tile.args) for tile in image.tile)


def _has_frames(image: Image.Image) -> bool:
    try:
        image.seek(1)
    except EOFError:
        return False
    return True


def _format_size(shape: tuple[int, ...]) -> str:
    channels, height, width = shape
    return f"{width} x {height} {'grey' if channels == 1 else 'RGB'}"
