"""Image files -> pixels of one size, upright, with a bound on the memory that they may take."""

import io
import os
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, ImageOps

from condensers.errors import DataMissing, brief
from scenarios.datasets.adapters.preparation import Preparation, PreparationLog
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
AS_THEY_ARE = Preparation()
PLAIN = ("1", "L", "RGB")
ASK = "convert it to 8-bit grey (L) or RGB, or add convert=rgb (or grey) to the data set's name"
WIDE = ("F", "I")  # what holds more than 16 bits, of which no part is known to be what is seen
MakeArray = Callable[[int, tuple[int, ...]], Pixels]


def read_into(
    files: Sequence[Path],
    rows: Sequence[Indices],
    make_array: MakeArray | None = None,
    read: Callable[[Path], Pixels] | None = None,
) -> list[Pixels]:
    """Decode image files, each once and in their order, into arrays (N, C, H, W) uint8.

    The images must all have the size and the channels that most of them have; DataMissing names
    one.

    Args:
        files: All that are read; none is that no array has a row for.
        rows: For each array, the file of each of its rows.
        make_array: Makes the array of this number and shape, in a file; in memory if left out,
            which is bounded.
        read: Decodes a file; `decode` if left out.
    """
    read = read or decode
    target = {
        int(file): (array, row) for array, of in enumerate(rows) for row, file in enumerate(of)
    }
    files = [file for index, file in enumerate(files) if index in target]
    places = [target[index] for index in sorted(target)]
    first = read(files[0])
    if make_array is None:
        require_room(len(files), first.nbytes, str(files[0].parent))
    sizes = [(len(of), *first.shape) for of in rows]
    arrays = [
        np.empty(size, np.uint8) if make_array is None else make_array(number, size)
        for number, size in enumerate(sizes)
    ]
    shapes = []
    for index, (file, (array, row)) in enumerate(zip(files, places, strict=True)):
        image = first if index == 0 else read(file)
        shapes.append(image.shape)
        if image.shape == first.shape:
            arrays[array][row] = image
    _require_one_shape(files, shapes)
    return arrays


def _require_one_shape(files: Sequence[Path], shapes: Sequence[tuple[int, ...]]) -> None:
    usual, count = Counter(shapes).most_common(1)[0]
    odd = next((index for index, shape in enumerate(shapes) if shape != usual), None)
    if odd is not None:
        raise DataMissing(
            f"{files[odd]}: is {describe_size(shapes[odd])} where {count} of the {len(files)}"
            f" images are {describe_size(usual)}; {advise(shapes[odd], usual)}"
        )


def decode(
    file: Path,
    preparation: Preparation = AS_THEY_ARE,
    log: PreparationLog | None = None,
    content: bytes | None = None,
) -> Pixels:
    """One image as (C, H, W) uint8, C being 1 or 3, turned as its EXIF orientation says.

    Args:
        file: The file; where `content` is given, what messages call it.
        preparation: What is done to it; nothing is resized or recoloured if left out.
        log: Counts what was done.
        content: The bytes of the file, if they stand elsewhere.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of metadata, which do not matter
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            source = file if content is None else io.BytesIO(content)
            with Image.open(source, formats=FORMATS) as image:
                deep = _is_deep(image)
                if preparation.convert:
                    _require_convertible(image, file)
                else:
                    _require_plain(image, file, deep)
                _require_single(image, file)
                upright = ImageOps.exif_transpose(image)
                made = preparation.apply(upright, log or PreparationLog(), deep)
                pixels = np.asarray(made)
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


def _require_plain(image: ImageFile.ImageFile, file: Path, deep: bool) -> None:
    """Refuse, by what the header says, what would lose something on the way to 8 bits of grey or
    RGB.
    """
    if image.mode not in PLAIN:
        _require_convertible(image, file)
        raise DataMissing(f"{file}: its colours are stored as {image.mode}; {ASK}")
    if deep:
        raise DataMissing(f"{file}: its colours have 16 bits each; {ASK}")
    if "transparency" in image.info:
        raise DataMissing(f"{file}: a colour of it is transparent; {ASK}")


def _require_convertible(image: ImageFile.ImageFile, file: Path) -> None:
    """Refuse values of 32 bits: which of them are black and white, no file says."""
    if image.mode in WIDE and not (image.mode == "I" and image.format in ("PNG", "PPM")):
        raise DataMissing(
            f"{file}: its colours are stored as {image.mode}; numbers of 32 bits do not say what is"
            " white, so convert it to 8-bit grey (L) or RGB"
        )


def _require_single(image: ImageFile.ImageFile, file: Path) -> None:
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


def require_room(count: int, nbytes: int, where: str) -> None:
    """DataMissing where `count` images of `nbytes` each take too much memory."""
    room = SHARE * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    fitting = int(room // nbytes)
    if fitting < count:
        raise DataMissing(
            f"{where}: the first {fitting + 1} of {count} images take"
            f" {(fitting + 1) * nbytes / 2**30:.1f} GiB, more than a quarter of this machine's"
            " memory; make the images smaller, or take fewer"
        )


def describe_size(shape: Sequence[int]) -> str:
    """(C, H, W) in words."""
    channels, height, width = shape
    return f"{width} x {height} {'grey' if channels == 1 else 'RGB'}"


def advise(shape: Sequence[int], usual: Sequence[int]) -> str:
    """What makes images of these shapes equal."""
    asked = []
    if tuple(shape[1:]) != tuple(usual[1:]):
        asked.append("resize=32 (pixels a side)")
    if shape[0] != usual[0]:
        asked.append("convert=rgb (or grey)")
    return f"add {' and '.join(asked)} to the data set's name, or remove this image"
