"""Writers of small data sets in their published formats."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from PIL import Image

from scenarios.datasets.catalogue import IDX_FILES


def labelled(n: int, classes: int, shape: tuple[int, ...], seed: int) -> tuple[Any, Any]:
    """Random images (n, *shape) and labels that go round the classes."""
    images = np.random.RandomState(seed).randint(0, 256, (n, *shape)).astype(np.uint8)
    return images, np.arange(n) % classes


def idx_bytes(values: Any) -> bytes:
    return (
        bytes([0, 0, 8, values.ndim])
        + struct.pack(f">{values.ndim}I", *values.shape)
        + values.astype(np.uint8).tobytes()
    )


@pytest.fixture
def write_idx() -> Callable[..., tuple[Any, Any]]:
    def write(
        folder: Path, packed: bool = True, train: int = 40, test: int = 20
    ) -> tuple[Any, Any]:
        """Write four IDX files of ten classes; return (training, test) as (images, labels)."""
        folder.mkdir(parents=True)
        parts = labelled(train, 10, (28, 28), 1), labelled(test, 10, (28, 28), 2)
        for name, values in zip(
            IDX_FILES, (values for part in parts for values in part), strict=True
        ):
            content = idx_bytes(values)
            (folder / (f"{name}.gz" if packed else name)).write_bytes(
                gzip.compress(content) if packed else content
            )
        return parts

    return write


def python2_text(value: bytes) -> bytes:
    """BINSTRING, the opcode with which Python 2 wrote its str."""
    return b"T" + struct.pack("<i", len(value)) + value


def python2_number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def python2_pickle(value: Any) -> bytes:
    """The opcodes that Python 2's cPickle wrote for the values in CIFAR's files, without PROTO and
    STOP.
    """
    if isinstance(value, bytes):
        return python2_text(value)
    if isinstance(value, int):
        return python2_number(value)
    if isinstance(value, list):
        return b"](" + b"".join(map(python2_pickle, value)) + b"e"
    if isinstance(value, dict):
        return (
            b"}(" + b"".join(python2_pickle(k) + python2_pickle(v) for k, v in value.items()) + b"u"
        )
    dtype = (
        b"cnumpy\ndtype\n(" + python2_text(b"u1") + python2_number(0) + python2_number(1) + b"tR"
    )
    state = (
        python2_number(3) + python2_text(b"|") + b"NNN" + python2_number(-1) * 2 + python2_number(0)
    )
    dtype += b"(" + state + b"tb"
    empty = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n("
        + python2_number(0)
        + b"t"
        + python2_text(b"b")
        + b"tR"
    )
    shape = b"(" + b"".join(map(python2_number, value.shape)) + b"t"
    return (
        empty
        + b"("
        + python2_number(1)
        + shape
        + dtype
        + b"\x89"
        + python2_text(value.tobytes())
        + b"tb"
    )


def write_python2(path: Path, value: Any) -> None:
    path.write_bytes(b"\x80\x02" + python2_pickle(value) + b".")


@pytest.fixture
def write_cifar10() -> Callable[..., tuple[Any, Any]]:
    def write(root: Path, dump: Callable[[Path, Any], None] = write_python2) -> tuple[Any, Any]:
        """Write CIFAR-10's folder: 5 x 20 training and 20 test images; return (training, test)."""
        folder = root / "cifar-10-batches-py"
        folder.mkdir(parents=True)
        train, test = labelled(100, 10, (3, 32, 32), 3), labelled(20, 10, (3, 32, 32), 4)
        for number in range(5):
            part = slice(20 * number, 20 * number + 20)
            content = {
                b"data": train[0][part].reshape(20, -1),
                b"labels": train[1][part].tolist(),
                b"batch_label": b"a batch",
            }
            dump(folder / f"data_batch_{number + 1}", content)
        dump(folder / "test_batch", {b"data": test[0].reshape(20, -1), b"labels": test[1].tolist()})
        dump(
            folder / "batches.meta", {b"label_names": [b"plane%d" % number for number in range(10)]}
        )
        return train, test

    return write


@pytest.fixture
def write_cifar100() -> Callable[[Path], tuple[Any, Any]]:
    def write(root: Path) -> tuple[Any, Any]:
        folder = root / "cifar-100-python"
        folder.mkdir(parents=True)
        train, test = labelled(300, 100, (3, 32, 32), 5), labelled(100, 100, (3, 32, 32), 6)
        for name, (images, labels) in (("train", train), ("test", test)):
            fine, coarse = labels.tolist(), (labels // 5).tolist()
            write_python2(
                folder / name,
                {b"data": images.reshape(-1, 3072), b"fine_labels": fine, b"coarse_labels": coarse},
            )
        write_python2(
            folder / "meta", {b"fine_label_names": [b"thing%d" % number for number in range(100)]}
        )
        return train, test

    return write


@pytest.fixture
def write_svhn() -> Callable[[Path], tuple[Any, Any]]:
    def write(root: Path) -> tuple[Any, Any]:
        """Write SVHN's two files, the digit 0 as 10; return (training, test) as (images (N, 3, 32,
        32), digits).
        """
        root.mkdir(parents=True, exist_ok=True)
        train, test = labelled(50, 10, (3, 32, 32), 7), labelled(20, 10, (3, 32, 32), 8)
        for name, (images, digits) in (("train", train), ("test", test)):
            raw = np.where(digits == 0, 10, digits).astype(np.uint8)[:, None]
            scipy.io.savemat(
                root / f"{name}_32x32.mat",
                {"X": images.transpose(2, 3, 1, 0), "y": raw},
                do_compression=True,
            )
        return train, test

    return write


@pytest.fixture
def write_images() -> Callable[..., None]:
    def write(
        folder: Path, n: int, shape: tuple[int, ...] = (8, 8), seed: int = 0, suffix: str = "png"
    ) -> None:
        """Write n random images of (H, W) or (H, W, 3) into one class folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(n):
            pixels = (
                np.random.RandomState(1000 * seed + index).randint(0, 256, shape).astype(np.uint8)
            )
            Image.fromarray(pixels).save(folder / f"image{index:02}.{suffix}")

    return write


@pytest.fixture(autouse=True)
def no_data_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The default data folder is an empty one, whoever runs the tests."""
    monkeypatch.delenv("HARNESS_DATA", raising=False)
    monkeypatch.delenv("HARNESS_DECODED", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
