"""What is done to images so that all are of one size and colour: only what the user asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from condensers.errors import UsageError, shown, suggestion

MODES = {"rgb": "RGB", "grey": "L"}
CROPS = ("centre", "pad")
KEYS = ("convert", "resize", "crop")
LARGEST = 4096  # pixels a side
DEEP = 257  # a 16-bit value / 257 is the 8-bit one
KINDS = {
    "1": "black and white",
    "L": "grey",
    "RGB": "RGB",
    "P": "with a palette",
    "CMYK": "CMYK",
    "YCbCr": "YCbCr",
    "LAB": "LAB",
    "HSV": "HSV",
}


@dataclass(frozen=True)
class Preparation:
    """How images are brought to one colour and size.

    Attributes:
        convert: "rgb" or "grey"; empty to leave colours as they are.
        resize: Pixels of each side; 0 to leave sizes as they are.
        crop: "centre" keeps the largest square in the middle; "pad" keeps all of the image and
            adds black at two of its sides.
    """

    convert: str = ""
    resize: int = 0
    crop: str = "centre"

    @staticmethod
    def from_options(options: Mapping[str, str], name: str) -> Preparation:
        """Read the options among `KEYS`; UsageError where one has no such value."""
        convert, crop = options.get("convert", ""), options.get("crop", "centre")
        for key, value, known in (("convert", convert, MODES), ("crop", crop, CROPS)):
            if key in options and value not in known:
                raise UsageError(
                    f"dataset {shown(name)}: {key}={value[:60]} is no way to do it;"
                    f" {suggestion(value, known)}"
                )
        size = options.get("resize", "0")
        if "resize" in options and not (size.isdecimal() and 1 <= int(size[:9]) <= LARGEST):
            raise UsageError(
                f"dataset {shown(name)}: resize={size[:60]} is no number of pixels from 1 to"
                f" {LARGEST}"
            )
        if "crop" in options and "resize" not in options:
            raise UsageError(
                f"dataset {shown(name)}: crop says how images are brought to the square that resize"
                " names; add resize, such as resize=32"
            )
        return Preparation(convert, int(size), crop)

    def __bool__(self) -> bool:
        return bool(self.convert or self.resize)

    def apply(self, image: Image.Image, log: PreparationLog, deep: bool = False) -> Image.Image:
        """Return the image in the mode L or RGB where `convert` says so, and in the size.

        Args:
            image: Upright.
            log: Is told what was done.
            deep: Whether its file has 16 bits a colour, of which Pillow read the upper 8.
        """
        log.images += 1
        if self.convert:
            image = self._convert(image, log, deep)
        elif image.mode == "1":
            image = image.convert("L")
        return self._resize(image, log) if self.resize else image

    def _convert(self, image: Image.Image, log: PreparationLog, deep: bool) -> Image.Image:
        mode, kinds = MODES[self.convert], []
        if deep or image.mode.startswith("I"):
            kinds.append("of 16 bits a colour, brought to 8")
        if image.mode.startswith("I"):
            image = Image.fromarray(_divide_deep(np.asarray(image)))
        if "A" in image.mode.removeprefix("LAB") or "a" in image.mode or _is_transparent(image):
            kinds.append("transparent, laid over white")
            image = image.convert("RGBA")
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image)
        elif image.mode != mode:
            kinds.append(KINDS.get(image.mode, image.mode))
        log.kinds.update(kinds)
        log.converted += bool(kinds)
        return image.convert(mode)

    def _resize(self, image: Image.Image, log: PreparationLog) -> Image.Image:
        size, side = image.size, self.resize
        log.sizes.add(size)
        if size == (side, side):
            return image
        whole = max(size) if self.crop == "pad" else min(size)
        log.resized += 1
        log.enlarged += whole < side
        log.cut += size[0] != size[1]
        bring = ImageOps.pad if self.crop == "pad" else ImageOps.fit
        return bring(image, (side, side), Image.Resampling.BILINEAR)


def _is_transparent(image: Image.Image) -> bool:
    return "transparency" in image.info


def _divide_deep(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if values.min() < 0 or values.max() > 0xFFFF:
        raise ValueError("its values are beyond 16 bits")
    made: npt.NDArray[np.uint8] = ((values.astype(np.uint32) + DEEP // 2) // DEEP).astype(np.uint8)
    return made


@dataclass
class PreparationLog:
    """Counts of what was done to the images of a data set."""

    images: int = 0
    converted: int = 0
    resized: int = 0
    enlarged: int = 0
    cut: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    sizes: set[tuple[int, int]] = field(default_factory=set)

    def sentences(self, preparation: Preparation) -> tuple[str, ...]:
        """What should be known of it, for cards and reports; none if nothing was done."""
        found = []
        if self.converted:
            kinds = ", ".join(f"{count} {kind}" for kind, count in self.kinds.most_common())
            colour = {"rgb": "RGB", "grey": "grey"}[preparation.convert]
            found.append(f"converts {self._share(self.converted)} to {colour} ({kinds})")
        if self.resized:
            side, every = preparation.resize, sorted(self.sizes, key=lambda size: size[0] * size[1])
            smallest, largest = (f"{width} x {height}" for width, height in (every[0], every[-1]))
            span = smallest if len(every) == 1 else f"{smallest} to {largest}"
            ways = {"centre": "keeping the square in the middle", "pad": "padded with black"}
            way = f", {self.cut} of them {ways[preparation.crop]}" if self.cut else ""
            larger = f", {self.enlarged} of them enlarged" if self.enlarged else ""
            found.append(
                f"scales {self._share(self.resized)} ({span} pixels) to {side} x {side}"
                f"{way}{larger}"
            )
        return tuple(found)

    def _share(self, count: int) -> str:
        return f"{count} of {self.images} images"
