"""Nothing in a stranger's file is run, no size in it is believed, and whatever is wrong with it is
one sentence.
"""

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from condensers.errors import UsageError
from condensers.formats import published
from condensers.formats.reading import Files, read
from tests.condensers.formats.conftest import Original

Save = Callable[[Any, str], Path]


class Malicious:
    """Unpickled the ordinary way, it makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as fault:
        read(Files(path))
    assert str(fault.value).startswith(str(path)) and "\n" not in str(fault.value)
    return str(fault.value)


@pytest.mark.parametrize("form", ["zip", "legacy", "pickle"])
def test_code_in_a_pickle_is_refused_and_does_not_run(
    tmp_path: Path, original: Original, form: str
) -> None:
    mark, path = tmp_path / "mark", tmp_path / "res.pt"
    content = {"data": [[original.images, original.labels]], "accs_all_exps": Malicious(mark)}
    if form == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    assert "could run code" in refusal(path)
    assert not mark.exists()
    torch.load(path, weights_only=False) if form != "pickle" else pickle.loads(path.read_bytes())
    assert mark.exists(), "the file would have run its code elsewhere"


def test_code_in_an_npz_is_refused_and_does_not_run(tmp_path: Path, original: Original) -> None:
    mark, path = tmp_path / "mark", tmp_path / "a.npz"
    np.savez(
        path,
        images=original.images.permute(0, 2, 3, 1).numpy(),
        labels=np.array([Malicious(mark)] * 20, dtype=object),
    )
    assert "holds object, not numbers; it is refused" in refusal(path)
    assert not mark.exists()


def test_numpy_objects_other_than_numbers_are_refused(save: Save) -> None:
    for value in (
        np.str_("text"),
        np.datetime64("2020-01-01"),
        np.array(["a"]),
        np.array([None]),
        np.zeros(3, complex),
        np.complex64(1),
    ):
        assert "is refused" in refusal(save({"data": [], "accs": value}, "res.pt"))


def test_what_would_unpack_to_too_much_is_refused_before_it_is(
    tmp_path: Path, dc_file: Path, original: Original, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = tmp_path / "bomb.npz"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("images.npy", "labels.npy"):
            archive.writestr(name, b"\0" * 3_000_000)
    monkeypatch.setattr(published, "LIMIT", 4_000_000)
    assert bomb.stat().st_size < 10_000
    assert "would unpack to 6000000 bytes, more than the 4000000 that are read" in refusal(bomb)
    read(Files(dc_file))
    monkeypatch.setattr(published, "LIMIT", 20_000)
    assert "more than the 20000" in refusal(bomb)
    assert "would take more than 20000 bytes" in refusal(_stretched(tmp_path, original)), (
        "a few bytes seen as many"
    )
    monkeypatch.setattr(published, "LIMIT", 100)
    assert "more than the 100 that are read" in refusal(dc_file)


def _stretched(folder: Path, original: Original) -> Path:
    """One image that claims by its strides to be 10,000."""
    path = folder / "stretched.pt"
    torch.save(
        {"data": [[original.images[:1].expand(10_000, 1, 8, 8), torch.zeros(1).expand(10_000)]]},
        path,
    )
    return path


def test_an_npz_whose_header_claims_more_than_the_archive_holds(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (10**6, 1000, 100, 3)}
    )
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", header.getvalue())
        archive.writestr("labels.npy", header.getvalue())
    assert "claims more bytes than the archive holds" in refusal(path)


def changed(original: Original, what: str) -> list[Any]:
    images, labels = original.images.clone(), original.labels.clone()
    if what == "nan":
        images[3, 0, 2, 2] = torch.nan
    return {
        "nan": [images, labels],
        "three axes": [images[:, 0], labels],
        "no images": [images[:0], labels[:0]],
        "whole numbers": [images.long(), labels],
        "complex": [images + 0j, labels],
        "sparse": [images.to_sparse(), labels],
        "fewer labels": [images, labels[:-1]],
        "negative label": [images, labels - 1],
        "broken label": [images, labels + 0.5],
        "infinite label": [images, labels / 0],
        "a list": [images.tolist(), labels],
    }[what]


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("nan", "images hold a NaN or an infinity"),
        ("three axes", r"images have shape \(20, 8, 8\)"),
        ("no images", r"images have shape \(0, 1, 8, 8\)"),
        ("whole numbers", "images are torch.int64"),
        ("complex", "images are no plain tensor"),
        ("sparse", "images are no plain tensor"),
        ("fewer labels", r"labels have shape \(19,\), not one for each of 20 images"),
        ("negative label", "labels are not whole numbers from 0 on"),
        ("broken label", "labels are not whole numbers from 0 on"),
        ("infinite label", "labels hold a NaN or an infinity"),
        ("a list", "images are no plain tensor but list"),
    ],
)
def test_content_that_is_no_set(save: Save, original: Original, what: str, told: str) -> None:
    path = save({"data": [changed(original, what)]}, "res.pt")
    with pytest.raises(UsageError, match=told):
        read(Files(path))


def test_learning_rates_must_be_positive(save: Save, original: Original) -> None:
    images, labels = (
        save(original.images, "images_best.pt"),
        save(original.labels, "labels_best.pt"),
    )
    for wrong in (-0.1, 0.0, float("nan"), "0.1", torch.tensor([]), True):
        with pytest.raises(UsageError, match=r"lr\.pt: its learning rates"):
            read(Files(images, labels, save(wrong, "lr.pt")))


def test_cut_short_or_garbled_files_are_one_sentence(
    tmp_path: Path, dc_file: Path, original: Original
) -> None:
    archive = tmp_path / "a.npz"
    np.savez(
        archive, images=original.images.permute(0, 2, 3, 1).numpy(), labels=original.labels.numpy()
    )
    generator = np.random.default_rng(0)
    for path in (dc_file, archive):
        whole = path.read_bytes()
        for length in (0, 1, 10, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:length])
            refusal(path)
        for _ in range(40):
            garbled = bytearray(whole)
            for place in generator.integers(0, len(whole), 30):
                garbled[place] = generator.integers(0, 256)
            path.write_bytes(garbled)
            try:
                read(Files(path))  # pixels may have changed and nothing else
            except UsageError as fault:
                assert "\n" not in str(fault)
    assert "there is no such file" in refusal(tmp_path / "nothing.pt")
