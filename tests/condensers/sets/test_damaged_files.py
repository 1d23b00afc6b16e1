"""One sentence for each way in which a file can be cut short, foreign, or at odds with its card."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from condensers.errors import UsageError
from condensers.sets.files import load_set
from condensers.sets.synthetic_set import SyntheticSet


def rewrite(path: Path, card: Any = None, tensors: dict[str, Tensor] | None = None) -> None:
    """Write the file anew with another card (as it is, if text) or other tensors."""
    old = load_set(path)
    text = card if isinstance(card, str) else json.dumps(old.card if card is None else card)
    save_file(dict(old.tensors) if tensors is None else tensors, path, metadata={"card": text})


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 9, 100, 0.5, 0.9, -1], ids=str)
def test_a_truncated_file_is_one_sentence(kept: float, path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept) if 0 < kept < 1 else int(kept)])
    with pytest.raises(
        UsageError, match=r"set\.safetensors: is cut short or not a \.safetensors file"
    ) as fault:
        load_set(path)
    assert "\n" not in str(fault.value)


def test_something_else_is_not_a_set(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n" + bytes(range(256)) * 4)
    with pytest.raises(UsageError, match=r"not a \.safetensors file"):
        load_set(path)
    with pytest.raises(UsageError, match="there is no such file; make one with: harness condense"):
        load_set(path.parent)


def test_a_safetensors_file_without_card(path: Path) -> None:
    save_file({"images": torch.zeros(1)}, path)
    with pytest.raises(UsageError, match="has no card, so it is not a condensed set"):
        load_set(path)


@pytest.mark.parametrize("card", ["{", "[]", "3", "null"])
def test_a_card_that_is_not_one(card: str, path: Path) -> None:
    rewrite(path, card)
    with pytest.raises(UsageError, match="card"):
        load_set(path)


@pytest.mark.parametrize("key", ["digest", "ipc", "mean", "parameterisation", "format"])
def test_a_card_that_lacks_a_key_names_it(key: str, synthetic: SyntheticSet, path: Path) -> None:
    rewrite(path, {k: v for k, v in synthetic.card.items() if k != key})
    with pytest.raises(UsageError, match=f"its card lacks '{key}'"):
        load_set(path)


def test_a_later_format_is_refused(synthetic: SyntheticSet, path: Path) -> None:
    rewrite(path, {**synthetic.card, "format": 2})
    with pytest.raises(UsageError, match="format 2"):
        load_set(path)


def test_an_unknown_parameterisation_is_named(synthetic: SyntheticSet, path: Path) -> None:
    rewrite(path, {**synthetic.card, "parameterisation": {"name": "pixel"}})
    with pytest.raises(UsageError, match="unknown parameterisation 'pixel'; did you mean 'pixels'"):
        load_set(path)


@pytest.mark.parametrize(
    "change", [{"mean": [0.5, 0.5]}, {"std": []}, {"shape": [3, 8, 8]}, {"class_names": None}]
)
def test_a_card_that_does_not_fit_its_tensors(
    change: dict[str, Any], synthetic: SyntheticSet, path: Path
) -> None:
    rewrite(path, {**synthetic.card, **change})
    with pytest.raises(UsageError, match=r"set\.safetensors: "):
        load_set(path)


@pytest.mark.parametrize("label", [10, 200])
def test_a_label_that_no_class_has(label: int, synthetic: SyntheticSet, path: Path) -> None:
    labels = synthetic.tensors["labels"].clone()
    labels[3] = label
    rewrite(path, tensors={**synthetic.tensors, "labels": labels})
    with pytest.raises(UsageError, match=r"holds a label outside 0\.\.9"):
        load_set(path)


@pytest.mark.parametrize("name", ["images", "labels"])
def test_a_missing_tensor_is_named(name: str, synthetic: SyntheticSet, path: Path) -> None:
    rewrite(path, tensors={k: t for k, t in synthetic.tensors.items() if k != name})
    with pytest.raises(UsageError, match=f"its tensor '{name}' is missing"):
        load_set(path)


def test_more_labels_than_images(synthetic: SyntheticSet, path: Path) -> None:
    rewrite(path, tensors={**synthetic.tensors, "labels": torch.zeros(21, dtype=torch.uint8)})
    with pytest.raises(UsageError, match=r"labels \(21,\), not what its card says"):
        load_set(path)
