"""Image files that are not what they seem: too large, several in one, more than eight bits, other
formats by their content.
"""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from condensers.errors import DataMissing
from scenarios.datasets import load, pictures
from scenarios.datasets.pictures import decode

RGB = np.random.RandomState(0).randint(0, 256, (8, 8, 3)).astype(np.uint8)
PLAIN, OTHER = Image.fromarray(RGB), Image.fromarray(RGB[::-1].copy())


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, bits: int = 8, colours: int = 2, data: bytes = b"", *more: bytes
) -> bytes:
    """A PNG file with any header, and its checksums right."""
    header = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + b"".join(more)
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )


def saved(form: str, image: Image.Image = PLAIN, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def tiff(mode: str) -> bytes:
    return saved("TIFF", Image.fromarray(RGB[..., 0]).convert(mode))


SIXTEEN = png(8, 8, 16, 2, (b"\0" + bytes(48)) * 8)
BAD: dict[str, tuple[str, bytes, str]] = {
    "huge": ("x.png", png(2**31 - 1, 2**31 - 1), "cannot be read as an image .*pixels"),
    "bomb": ("x.png", png(20_000, 20_000, 8, 2, bytes(10)), "cannot be read as an image .*pixels"),
    "near bomb": (
        "x.png",
        png(10_000, 10_000, 8, 2, bytes(10)),
        "cannot be read as an image .*pixels",
    ),
    "huge BMP": (
        "x.bmp",
        saved("BMP")[:18] + b"\xff\xff\xff\x7f" * 2 + saved("BMP")[26:],
        "cannot be read as an image",
    ),
    "text bomb": (
        "x.png",
        png(8, 8, 8, 2, b"", chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**26)))),
        "cannot be read",
    ),
    "no pixels": ("x.png", png(8, 8), "cannot be read as an image"),
    "zero width": ("x.png", png(0, 8), "cannot be read as an image"),
    "nothing": ("x.png", b"", "cannot be read as an image"),
    "animated PNG": (
        "x.png",
        saved("PNG", save_all=True, append_images=[OTHER]),
        "holds several pictures",
    ),
    "animated WebP": (
        "x.webp",
        saved("WEBP", save_all=True, append_images=[OTHER]),
        "holds several pictures",
    ),
    "pages": (
        "x.tif",
        saved("TIFF", save_all=True, append_images=[OTHER]),
        "holds several pictures",
    ),
    "GIF": ("x.png", saved("GIF"), "cannot identify image file"),
    "PostScript": (
        "x.png",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n",
        "cannot identify image file",
    ),
    "16-bit PNG": ("x.png", SIXTEEN, "its colours have 16 bits each"),
    "16-bit PPM": ("x.ppm", b"P6\n8 8\n65535\n" + bytes(384), "its colours have 16 bits each"),
    "16-bit TIFF": ("x.tif", tiff("I;16"), "its colours are stored as I;16"),
    "32-bit TIFF": ("x.tif", tiff("I"), "its colours are stored as I;"),
    "float TIFF": ("x.tif", tiff("F"), "its colours are stored as F;"),
    "CMYK TIFF": ("x.tif", saved("TIFF", PLAIN.convert("CMYK")), "its colours are stored as CMYK"),
    "transparent colour": (
        "x.png",
        saved("PNG", transparency=(0, 0, 0)),
        "a colour of it is transparent",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_picture_that_is_no_plain_one_is_refused_and_named(name: str, tmp_path: Path) -> None:
    called, content, told = BAD[name]
    (tmp_path / called).write_bytes(content)
    with pytest.raises(DataMissing, match=f"{tmp_path / called}: .*{told}"):
        decode(tmp_path / called)


GOOD: dict[str, tuple[str, Callable[[], bytes]]] = {
    "PNG": ("x.png", lambda: saved("PNG")),
    "BMP": ("x.bmp", lambda: saved("BMP")),
    "PPM": ("x.ppm", lambda: saved("PPM")),
    "WebP": ("x.webp", lambda: saved("WEBP", lossless=True)),
    "TIFF": ("x.tif", lambda: saved("TIFF")),
    "packed TIFF": ("x.tiff", lambda: saved("TIFF", compression="tiff_lzw")),
    "PNG called JPEG": ("x.jpg", lambda: saved("PNG")),
}


@pytest.mark.parametrize("name", GOOD)
def test_pixels_of_plain_pictures_are_kept(name: str, tmp_path: Path) -> None:
    called, make = GOOD[name]
    (tmp_path / called).write_bytes(make())
    assert np.array_equal(decode(tmp_path / called), RGB.transpose(2, 0, 1))


def test_a_camera_s_picture_with_previews_is_read(tmp_path: Path) -> None:
    (tmp_path / "one.jpg").write_bytes(saved("JPEG"))
    (tmp_path / "two.jpg").write_bytes(saved("MPO", save_all=True, append_images=[OTHER]))
    with Image.open(tmp_path / "two.jpg") as image:
        assert image.format == "MPO"
    assert np.array_equal(decode(tmp_path / "two.jpg"), decode(tmp_path / "one.jpg"))


def test_damaged_exif_data_are_one_sentence_or_none(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = saved("JPEG", exif=exif)
    start = whole.index(b"Exif\0\0") + 6
    for place in range(start, start + 26):
        for value in (0, 0xFF):
            (tmp_path / "x.jpg").write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            try:
                assert decode(tmp_path / "x.jpg").shape == (3, 8, 8)
            except DataMissing as fault:
                assert "cannot be read as an image" in str(fault)


def test_more_images_than_memory_are_refused_before_they_fill_it(
    tmp_path: Path, write_images: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        write_images(tmp_path / name, 5, (64, 64, 3))
    monkeypatch.setattr(pictures, "SHARE", 1e-7)
    with pytest.raises(
        DataMissing,
        match=r"the first 1 of 10 images take .* more than a quarter of this machine's memory",
    ):
        load(f"folder:{tmp_path}")
