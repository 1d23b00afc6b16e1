"""Folders of odd photographs: converted and resized as their name says, which the card repeats."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from condensers.errors import DataMissing, UsageError
from scenarios.datasets import load


def picture(width: int, height: int, mode: str = "RGB", seed: int = 0) -> Image.Image:
    pixels = np.random.RandomState(seed).randint(0, 256, (height, width, 3)).astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of unequal numbers, with a file of each odd kind."""
    root = tmp_path / "photos"
    for name, count in (("cat", 6), ("dog", 12)):
        (root / name).mkdir(parents=True)
        for index in range(count):
            picture(20 + 3 * index, 30, seed=index + count).save(root / name / f"{index:02}.png")
    for index, mode in enumerate(("L", "1", "P", "RGBA", "LA")):
        picture(24, 24, mode, 50 + index).save(root / "dog" / f"{mode}.png")
    picture(24, 24, "CMYK", 60).save(root / "dog" / "CMYK.jpg")
    exif = Image.Exif()
    exif[0x112] = 6
    picture(48, 24, seed=61).save(root / "cat" / "turned.jpg", exif=exif)
    deep = np.full((24, 24), 0x8080, dtype=np.uint16)
    Image.fromarray(deep).save(root / "cat" / "deep.png")
    return root


def test_what_was_done_is_in_pixels_digest_and_notes(photos: Path) -> None:
    splits = load(f"folder:{photos},convert=rgb,resize=16")
    parts = (splits.train, splits.validation, splits.test)
    assert splits.train.shape == (3, 16, 16)
    assert sum(part.count(0) for part in parts) == 8
    assert sum(part.count(1) for part in parts) == 18
    assert splits.train.name == "folder:photos,convert=rgb,resize=16"
    said = "; ".join(splits.train.notes)
    assert "converts 7 of 26 images to RGB" in said
    for kind in ("2 transparent, laid over white", "1 of 16 bits a colour", "1 with a palette"):
        assert kind in said
    assert "scales 26 of 26 images (24 x 24 to 53 x 30 pixels) to 16 x 16" in said
    assert "keeping the square in the middle" in said
    padded = load(f"folder:{photos},convert=rgb,resize=16,crop=pad")
    grey = load(f"folder:{photos},convert=grey,resize=16")
    assert grey.train.shape == (1, 16, 16)
    assert "padded with black" in "; ".join(padded.train.notes)
    assert len({one.train.digest for one in (splits, padded, grey)}) == 3


def one_image(
    tmp_path: Path, image: Image.Image, options: str, called: str = "x.png"
) -> torch.Tensor:
    """The test image of class b, of which it is every image."""
    for name, made in (("a", Image.new("L", image.size)), ("b", image)):
        for part in ("train", "test"):
            (tmp_path / part / name).mkdir(parents=True, exist_ok=True)
            for index in range(2):
                made.save(tmp_path / part / name / f"{index}.png")
    test = load(f"folder:{tmp_path},{options}").test
    return test.images[test.labels == 1][0]


def test_transparent_pixels_are_white_and_16_bits_keep_their_brightness(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert one_image(tmp_path / "clear", clear, "convert=rgb").unique().tolist() == [255]
    deep = Image.fromarray(np.full((4, 4), 1000, dtype=np.uint16))
    assert one_image(tmp_path / "deep", deep, "convert=grey").unique().tolist() == [4]


def test_pad_keeps_all_and_centre_cuts_the_sides(tmp_path: Path) -> None:
    wide = np.zeros((8, 16), np.uint8)
    wide[:, 4:12] = 200
    image = Image.fromarray(wide)
    cut = one_image(tmp_path / "cut", image, "resize=8")
    assert cut.unique().tolist() == [200]
    padded = one_image(tmp_path / "padded", image, "resize=8,crop=pad")[0]
    assert padded[0].sum() == padded[-1].sum() == 0
    assert padded[4, 4] == 200 and padded[4, 0] == 0


def test_height_and_count_hold_for_folders(photos: Path) -> None:
    splits = load(f"folder:{photos},convert=rgb,resize=32@16~4", validation=0.25)
    whole = load(f"folder:{photos},convert=rgb,resize=32")
    assert [splits.train.count(label) for label in (0, 1)] == [3, 3]
    assert [splits.validation.count(label) for label in (0, 1)] == [1, 1]
    expected = whole.test.images.reshape(-1, 3, 16, 2, 16, 2).double().mean((3, 5))
    assert (splits.test.images - expected).abs().max() <= 0.5
    with pytest.raises(UsageError, match="no class has more than"):
        load(f"folder:{photos},convert=rgb,resize=32~400")
    with pytest.raises(UsageError, match="are not brought to 15"):
        load(f"folder:{photos},convert=rgb,resize=32@15")


def test_without_options_a_message_says_which_would_help(photos: Path) -> None:
    with pytest.raises(DataMissing, match=r"stored as I;16; .* or add convert=rgb \(or grey\)"):
        load(f"folder:{photos}")
    with pytest.raises(DataMissing, match=r"add resize=32 .* to the data set's name"):
        load(f"folder:{photos},convert=rgb")


def test_what_no_option_can_read_is_named(photos: Path) -> None:
    name = f"folder:{photos},convert=rgb,resize=16"
    odd = photos / "cat" / "float.tiff"
    Image.fromarray(np.zeros((8, 8), np.float32)).save(odd)
    with pytest.raises(DataMissing, match=f"{odd}: .* do not say what is white"):
        load(name)
    odd.write_bytes((photos / "cat" / "00.png").read_bytes()[:100])
    with pytest.raises(DataMissing, match=f"{odd}: cannot be read as an image"):
        load(name)


def test_registered_data_sets_take_options_too() -> None:
    data = load("digits,convert=rgb,resize=16").train
    assert data.shape == (3, 16, 16)
    assert torch.equal(data.images[:, 0], data.images[:, 1])
    assert "1797 of them enlarged" in "; ".join(data.notes)
