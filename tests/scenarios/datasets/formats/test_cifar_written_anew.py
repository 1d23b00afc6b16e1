"""CIFAR's tables as Python 3 writes them, in every protocol and with numpy's numbers; nothing in
them is run or believed.
"""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from condensers.errors import DataMissing
from scenarios.datasets import load
from scenarios.datasets.formats.cifar import read_pickle
from scenarios.datasets.raw import check_labels

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
LABELS: dict[str, Callable[[list[int]], Any]] = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "big-endian": lambda labels: np.array(labels, dtype=">i2"),
    "numbers": lambda labels: [np.int64(label) for label in labels],
    "bytes": lambda labels: [np.uint8(label) for label in labels],
}


def dump_with(protocol: int, kind: str, order: str = "C") -> Callable[[Path, Any], None]:
    """Writes a table in one protocol, its labels as `kind`, its pixels in C, F or a broken
    order.
    """

    def dump(path: Path, table: dict[bytes, Any]) -> None:
        changed = dict(table)
        if b"labels" in table:
            changed[b"labels"] = LABELS[kind](table[b"labels"])
            changed[b"filenames"] = [b"\xff name", b""]
        if b"data" in table:
            changed[b"data"] = (
                table[b"data"][::-1][::-1]
                if order == "K"
                else np.array(table[b"data"], order=order)
            )
        path.write_bytes(pickle.dumps(changed, protocol=protocol))

    return dump


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_cifar10_is_read_in_every_protocol(
    protocol: int, kind: str, tmp_path: Path, write_cifar10: Any
) -> None:
    _, test = write_cifar10(tmp_path, dump_with(protocol, kind))
    splits = load("cifar10", data_dir=tmp_path)
    assert np.array_equal(splits.test.images.numpy().reshape(test[0].shape), test[0])
    assert splits.test.labels.tolist() == test[1].tolist()
    assert splits.train.class_names[:2] == ("plane0", "plane1")


@pytest.mark.parametrize("order", ["F", "K"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_pixels_are_read_in_every_order(
    protocol: int, order: str, tmp_path: Path, write_cifar10: Any
) -> None:
    _, test = write_cifar10(tmp_path, dump_with(protocol, "list", order))
    assert np.array_equal(
        load("cifar10", data_dir=tmp_path).test.images.numpy().reshape(test[0].shape), test[0]
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_cifar100_is_read_in_every_protocol(protocol: int, tmp_path: Path) -> None:
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    labels = [np.int64(index % 100) for index in range(200)]
    for name in ("train", "test"):
        pixels = np.random.RandomState(0).randint(0, 256, (200, 3072)).astype(np.uint8)
        table = {b"data": pixels, b"fine_labels": labels, b"coarse_labels": np.array(labels) // 5}
        (folder / name).write_bytes(pickle.dumps(table, protocol=protocol))
    names = np.array([f"thing{number}" for number in range(100)])
    (folder / "meta").write_bytes(pickle.dumps({"fine_label_names": names}, protocol=protocol))
    splits = load("cifar100", data_dir=tmp_path)
    assert splits.test.labels.tolist() == [int(label) for label in labels]
    assert np.array_equal(splits.test.images.numpy().reshape(200, -1), pixels)
    assert splits.train.class_names[99] == "thing99"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_transposed_array_is_what_numpy_reads(protocol: int, tmp_path: Path) -> None:
    turned = np.arange(24, dtype=np.int16).reshape(2, 3, 4).transpose(1, 0, 2)
    (tmp_path / "x").write_bytes(pickle.dumps({"x": turned}, protocol=protocol))
    assert np.array_equal(read_pickle(tmp_path / "x")["x"], turned)


class Calls:
    """Pickled, it asks for a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "call",
    [Calls(eval, "1"), Calls(np.load, "x"), Calls(np.frombuffer, b"x"), Calls(getattr, 1, "real")],
)
def test_no_other_name_is_let_in(call: Calls, protocol: int, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(pickle.dumps({"data": call}, protocol=protocol))
    with pytest.raises(DataMissing, match="which CIFAR data has no use for"):
        read_pickle(tmp_path / "x")


HOSTILE = {
    "memo": b"\x80\x02}r\xff\xff\xff\xff.",
    "bytes": b"\x80\x05\x96" + b"\xff" * 7 + b"\x7f" + b"x.",
    "text": b"\x80\x04\x8d" + b"\xff" * 7 + b"\x7f" + b"x.",
    "frame": b"\x80\x04\x95" + b"\xff" * 7 + b"\x7f" + b"}.",
    "codec": b"c_codecs\nencode\n(VAA==\nVbase64\ntR.",
    "state of a class": b"cnumpy\ndtype\n(N}Vcode\nVx\nstb.",
    "state of a function": b"cnumpy.core.multiarray\nscalar\n(N}V__defaults__\n(I1\ntstb.",
    "array without values": b"}Vdata\ncnumpy.core.multiarray\n_reconstruct\n(tRs.",
    "negative sizes": pickle.dumps({"x": np.zeros((2, 2), np.uint8)}, 2).replace(
        b"K\x02K\x02\x86", b"J\xff\xff\xff\xffJ\xfc\xff\xff\xff\x86"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_hostile_pickle_claims_is_not_believed(
    name: str, tmp_path: Path, write_cifar10: Any
) -> None:
    """Each ends at once, without the memory that it claims, and what is read afterwards is read as
    ever.
    """
    write_cifar10(tmp_path)
    path = tmp_path / "cifar-10-batches-py/test_batch"
    good = path.read_bytes()
    path.write_bytes(HOSTILE[name])
    with pytest.raises(DataMissing, match=str(path)):
        load("cifar10", data_dir=tmp_path)
    path.write_bytes(good)
    load("cifar10", data_dir=tmp_path)


def nested(depth: int) -> list[Any]:
    """2 ** depth zeros, in a pickle of some bytes."""
    labels: list[Any] = [0, 0]
    for _ in range(depth):
        labels = [labels, labels]
    return labels


@pytest.mark.parametrize(
    "labels",
    [
        nested(60),
        [0.5, 1],
        ["0", "1"],
        [[0], [1]],
        np.array([0.5, 1.0]),
        np.array([np.nan, 0]),
        np.array([True, False]),
        7,
        None,
    ],
    ids=["nested", "halves", "texts", "lists", "array-of-halves", "nan", "truth", "number", "none"],
)
def test_labels_that_are_no_whole_numbers_are_refused(labels: Any) -> None:
    with pytest.raises(DataMissing, match="file: its labels are not a row of whole numbers"):
        check_labels(labels, 10, 2, "file")


def test_labels_beyond_every_number_are_refused() -> None:
    for labels in ([0, 2**80], np.array([0, 2**64 - 1], dtype=np.uint64)):
        with pytest.raises(DataMissing, match="file: "):
            check_labels(labels, 10, 2, "file")
    assert check_labels(np.array([1.0, 2.0]), 10, 2, "file").tolist() == [1, 2]
