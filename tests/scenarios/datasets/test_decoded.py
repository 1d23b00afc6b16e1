"""Decoded images: made once, mapped by all processes, made anew where a source file changes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from condensers.errors import DataMissing, NotStored
from scenarios.datasets import decoded, load, pictures
from scenarios.protocol import Splits


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Every data set counts as large; where they are kept."""
    monkeypatch.setattr(decoded, "LEAST", 0)
    monkeypatch.setattr(decoded, "SPARE", 0)
    return tmp_path / "cache" / "condensation-harness" / "decoded"


@pytest.fixture
def pets(tmp_path: Path, write_images: Callable[..., None]) -> Path:
    for seed, name in enumerate(("cat", "dog")):
        write_images(tmp_path / "pets" / name, 10, (8, 8, 3), seed)
    return tmp_path / "pets"


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were decoded."""
    seen: list[Path] = []
    decode = pictures.decode
    monkeypatch.setattr(
        pictures, "decode", lambda file, *rest: seen.append(file) or decode(file, *rest)
    )
    return seen


def parts(splits: Splits) -> list[Any]:
    return [splits.train, splits.validation, splits.test]


def test_images_are_decoded_once_and_equal_those_in_memory(
    pets: Path, decodings: list[Path], monkeypatch: pytest.MonkeyPatch
):
    first, again = load(f"folder:{pets}"), load(f"folder:{pets}")
    assert len(decodings) == len(set(decodings)) == 20
    monkeypatch.setenv("HARNESS_DECODED", "off")
    plain = load(f"folder:{pets}")
    for one, other, wanted in zip(parts(first), parts(again), parts(plain), strict=True):
        assert torch.equal(one.images, wanted.images)
        assert torch.equal(other.labels, wanted.labels)
        assert one.digest == other.digest == wanted.digest
        facts = ("name", "class_names", "mean", "std", "mirror", "licence", "classes", "notes")
        assert [getattr(one, f) for f in facts] == [getattr(wanted, f) for f in facts]


def test_each_share_for_validation_is_kept_apart(pets: Path):
    assert [len(load(f"folder:{pets}", validation=v).train.labels) for v in (0.25, 0.5)] == [12, 8]


def test_a_named_data_set_and_its_derivations_are_kept(
    tmp_path: Path, kept: Path, write_cifar10: Callable[..., Any]
):
    train, _ = write_cifar10(tmp_path)
    for name in ("cifar10", "cifar10@16", "cifar10~5", "domains:cifar10+cifar10@16"):
        made, again = load(name, data_dir=tmp_path), load(name, data_dir=tmp_path)
        assert made.train.name == again.train.name == name
        assert torch.equal(made.train.images, again.train.images)
    pixels = {image.tobytes() for image in train[0]}
    whole = load("cifar10", data_dir=tmp_path)
    assert {image.numpy().tobytes() for image in whole.train.images} <= pixels
    assert len(list(kept.glob("*/*/data.json"))) == 4


@pytest.mark.parametrize("change", ["edit", "add", "remove", "rename", "swap"])
def test_a_change_of_the_source_decodes_anew(
    pets: Path, kept: Path, write_images: Callable[..., None], change: str
):
    before = load(f"folder:{pets}")
    one, two = pets / "cat" / "image00.png", pets / "dog" / "image01.png"
    if change == "edit":
        stamp = one.stat()
        pixels = bytearray(two.read_bytes())
        one.write_bytes(pixels)
        os.utime(one, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # as some copying tools do
    elif change == "add":
        write_images(pets / "cat", 11, (8, 8, 3))
    elif change == "remove":
        one.unlink()
    elif change == "rename":
        one.rename(one.with_name("z.png"))
    else:
        one.rename(pets / "other.png")
        two.rename(one)
        (pets / "other.png").rename(two)
    after = load(f"folder:{pets}")
    assert [part.digest for part in parts(after)] != [part.digest for part in parts(before)]
    assert len(list(kept.glob("*/*/data.json"))) == 1  # what is no longer true is gone
    assert torch.equal(before.train.images, before.train.images.clone())  # and still mapped


def test_a_damaged_array_is_made_anew(pets: Path, kept: Path, decodings: list[Path]):
    wanted = load(f"folder:{pets}").train.images.clone()
    (array,) = kept.glob("*/*/train.npy")
    array.chmod(0o644)
    array.write_bytes(array.read_bytes()[:-1] + b"?")
    assert torch.equal(load(f"folder:{pets}").train.images, wanted)
    assert len(decodings) == 40


def test_verifying_finds_what_kept_its_size_and_time(pets: Path, kept: Path):
    load(f"folder:{pets}")
    assert [(one.name, one.intact) for one in decoded.verify_decoded()] == [("folder:pets", True)]
    (array,) = kept.glob("*/*/train.npy")
    stamp = array.stat()
    array.chmod(0o644)
    content = array.read_bytes()
    array.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(array, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert [one.intact for one in decoded.verify_decoded()] == [False]


def test_a_write_reaches_neither_the_file_nor_another_process(pets: Path, kept: Path):
    data = load(f"folder:{pets}").train
    (array,) = kept.glob("*/*/train.npy")
    assert array.stat().st_mode & 0o222 == 0
    before = array.read_bytes()
    data.images.fill_(7)
    assert array.read_bytes() == before
    assert not torch.equal(load(f"folder:{pets}").train.images, data.images)


def test_processes_map_one_file(pets: Path, kept: Path):
    load(f"folder:{pets}")
    script = (
        "import sys; from scenarios.datasets import decoded, load; decoded.LEAST = 0\n"
        "data = load(sys.argv[1]).train; data.images.sum()\n"
        "print([line.split()[-1] for line in open('/proc/self/maps') if 'train.npy' in line][0])"
    )
    call = [sys.executable, "-c", script, f"folder:{pets}"]
    seen = [subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()]
    data = load(f"folder:{pets}").train
    maps = Path("/proc/self/maps").read_text()
    assert int(data.images[0, 0, 0, 0]) >= 0
    assert seen == [line.split()[-1] for line in maps.splitlines() if "train.npy" in line][:1]
    assert seen == [str(path) for path in kept.glob("*/*/train.npy")]


def test_a_full_disk_is_one_warning_and_no_failure(
    pets: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(decoded, "SPARE", 2**62)
    with pytest.warns(NotStored, match=r"decoded images are not shared.* GB are free; make room"):
        data = load(f"folder:{pets}").train
    assert not isinstance(data.images.numpy().base, np.memmap)
    assert not list(kept.glob("*/*"))[1:]  # but for the lock


def test_a_folder_that_is_none_is_one_warning(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("HARNESS_DECODED", str(tmp_path / "file" / "kept"))
    with pytest.warns(NotStored, match="cannot be written"):
        assert len(load(f"folder:{pets}").train.labels) == 14


def test_a_wrong_image_leaves_nothing_behind(
    pets: Path, kept: Path, write_images: Callable[..., None]
):
    write_images(pets / "dog", 1, (8, 9, 3))
    with pytest.raises(DataMissing, match="9 x 8 RGB where 19 of the 20"):
        load(f"folder:{pets}")
    assert [path.name for path in kept.glob("*/*")] in ([".lock"], [])


def test_small_data_sets_are_not_kept(pets: Path, kept: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(decoded, "LEAST", 2**22)
    load(f"folder:{pets}")
    assert not kept.exists()
