"""Soft labels in few bits against their definition written out number by number; their bytes; that
sets with them are saved, cut, merged and counted; that damaged rows are refused.
"""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.registry.registry import create_condenser
from condensers.sets import label_codes
from condensers.sets.files import load_set, save_set
from condensers.sets.merging import merge, restrict, shrink
from condensers.sets.synthetic_set import Budget, SyntheticSet

SMALL = {"name": "convnet", "depth": 1, "width": 4}
TEACHER = {"name": "teacher", "epochs": 1, "network": SMALL}
DM = {"name": "dm", "iterations": 1, "batch_real": 4, "network": SMALL}


def literal_bits(numbers: list[int], bits: int) -> bytes:
    """The numbers as text of zeros and ones, cut into bytes."""
    text = "".join(format(number, f"0{bits}b") for number in numbers)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))


def literal_row(row: list[float], storage: str, form: str) -> tuple[bytes, list[float]]:
    """The stored bytes of one label, and what is read from them."""
    if storage == "top-2":
        first = max(range(len(row)), key=lambda k: (row[k], -k))
        second = max((k for k in range(len(row)) if k != first), key=lambda k: (row[k], -k))
        share = round(255 * row[first] / (row[first] + row[second]))
        read = [0.0] * len(row)
        read[first], read[second] = share / 255, 1 - share / 255
        kind = "<BBB" if len(row) <= 256 else "<HHB"
        return struct.pack(kind, first, second, share), read
    bits = int(storage[0])
    largest = 2**bits - 1
    if form == "probabilities":
        whole = [round(largest * p / max(row)) for p in row]
        return literal_bits(whole, bits), [q / sum(whole) for q in whole]
    ends = struct.pack("<ee", min(row), max(row))
    low, high = struct.unpack("<ee", ends)
    whole = [
        min(largest, max(0, round((s - low) / (high - low) * largest))) if high > low else 0
        for s in row
    ]
    return ends + literal_bits(whole, bits), [low + q * (high - low) / largest for q in whole]


def soft(form: str, classes: int, count: int = 12) -> Tensor:
    scores = 3 * torch.randn(count, classes, generator=torch.Generator().manual_seed(classes))
    return torch.softmax(scores, 1) if form == "probabilities" else scores


@pytest.mark.parametrize("classes", [2, 3, 10, 300])
@pytest.mark.parametrize(
    ("storage", "form"),
    [
        *((s, f) for s in label_codes.BITS for f in ("probabilities", "scores")),
        ("top-2", "probabilities"),
    ],
)
def test_rows_are_their_definition(storage: str, form: str, classes: int) -> None:
    labels = soft(form, classes)
    rows = label_codes.encode(labels, storage, form)
    read = label_codes.decode(rows, storage, form, classes)
    assert rows.shape[1] == label_codes.row_bytes(storage, form, classes)
    for label, row, back in zip(labels, rows, read, strict=True):
        content, wanted = literal_row(label.tolist(), storage, form)
        assert bytes(row.tolist()) == content
        assert back.tolist() == pytest.approx(wanted, abs=1e-5)


def test_what_ten_classes_take() -> None:
    taken = [label_codes.row_bytes(s, "probabilities", 10) for s in label_codes.CODES]
    assert taken == [10, 9, 8, 7, 5, 3]
    assert label_codes.row_bytes("4-bit", "scores", 10) == 9
    assert label_codes.row_bytes("top-2", "probabilities", 300) == 5


@pytest.mark.parametrize("form", ["probabilities", "scores"])
def test_one_class_and_equal_numbers_are_kept(form: str) -> None:
    for labels in (torch.ones(2, 1), torch.full((2, 4), 0.25)):
        rows = label_codes.encode(labels, "4-bit", form)
        assert torch.equal(label_codes.decode(rows, "4-bit", form, labels.shape[1]), labels)
    one = label_codes.encode(torch.ones(2, 1), "top-2", "probabilities")
    assert label_codes.decode(one, "top-2", "probabilities", 1).tolist() == [[1], [1]]


def made_of(data: ClassData, spec: dict[str, Any], seed: int = 3) -> SyntheticSet:
    method = create_condenser(spec)
    made = method.condense(data, Budget(ipc=2), Context(seed=seed))
    assert made.nbytes == method.nbytes(data, 2)
    return made


@pytest.mark.parametrize("storage", label_codes.CODES)
@pytest.mark.parametrize(
    "spec",
    [
        {"name": "real-tiles", "factor": 2, "labels": TEACHER},
        {**DM, "labels": TEACHER},
        {**DM, "parameterisation": {"name": "tiles", "factor": 2}, "labels": TEACHER},
        {
            **DM,
            "name": "dd",
            "objective": {"name": "unrolled", "epochs": 2, "lr": 0.5},
            "labels": {"name": "learned", "form": "probabilities"},
        },
    ],
    ids=["real-tiles", "pixels", "tiles", "learned"],
)
def test_sets_store_and_read_them(
    storage: str, spec: dict[str, Any], grey8: ClassData, tmp_path: Path
) -> None:
    coded = {**spec, "labels": {**spec["labels"], "storage": storage}}
    made, plain = (made_of(grey8, each) for each in (coded, spec))
    images = len(made.decode()[0])
    saved = images * (20 - label_codes.row_bytes(storage, "probabilities", 10))
    assert plain.nbytes - made.nbytes == saved
    save_set(made, tmp_path / "set.safetensors")
    back = load_set(tmp_path / "set.safetensors")
    assert torch.equal(back.decode()[1], made.decode()[1])
    assert torch.equal(back.decode()[0], plain.decode()[0])
    if storage == "8-bit":
        assert (back.decode()[1] - plain.decode()[1]).abs().max() < 0.02
    assert torch.allclose(back.decode()[1].sum(1), torch.ones(images))


def test_a_set_with_them_is_cut_and_merged(grey8: ClassData) -> None:
    spec = {"name": "real-tiles", "factor": 2, "labels": {**TEACHER, "storage": "4-bit"}}
    one, two = (made_of(grey8, spec, seed) for seed in (1, 2))
    images, labels = one.decode()
    few = restrict(one, [3, 7])
    for class_ in (3, 7):
        place = slice(8 * few.classes.index(class_), 8 * few.classes.index(class_) + 8)
        assert torch.equal(few.decode()[1][place], labels[8 * class_ : 8 * class_ + 8])
    small = shrink(one, 1, "first", torch.Generator())
    assert torch.equal(small.decode()[1], labels.view(10, 2, 4, 10)[:, 0].flatten(0, 1))
    both = merge([one, two])
    assert torch.equal(both.decode()[1].view(10, 16, 10)[:, :8], labels.view(10, 8, 10))
    assert len(both.decode()[0]) == 2 * len(images)
    with pytest.raises(UsageError, match="label_storage"):
        merge([one, made_of(grey8, {**spec, "labels": {**TEACHER, "storage": "8-bit"}})])


def test_scores_cannot_be_top_2() -> None:
    labels = {"name": "learned", "storage": "top-2"}
    with pytest.raises(UsageError, match="take 4-bit to 8-bit, or form probabilities"):
        create_condenser({"name": "frepo", "labels": labels}).built  # noqa: B018


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda rows: rows[:, 1:], "take 5 bytes each, not 4"),
        (lambda rows: torch.zeros_like(rows), "no probable class"),
        (lambda rows: rows.float(), "rows of bytes, not torch.float32"),
    ],
)
def test_damaged_rows_are_refused(
    change: Callable[[Tensor], Tensor], why: str, grey8: ClassData, tmp_path: Path
) -> None:
    made = made_of(grey8, {**DM, "labels": {**TEACHER, "storage": "4-bit"}})
    broken = {**made.tensors, "labels": change(made.tensors["labels"])}
    with pytest.raises(UsageError, match=why):
        save_set(SyntheticSet(broken, made.card), tmp_path / "set.safetensors")
