"""One validation for all ways in: a file, a published file, a memory, a merge and a save refuse the
same sets alike.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from condensers.errors import UsageError
from condensers.sets.files import load_set, save_set
from condensers.sets.merging import merge
from condensers.sets.synthetic_set import SyntheticSet
from scenarios.continual.memory.buffer import CondensedMemory

NAN = float("nan")
ROWS = torch.eye(10).repeat_interleave(2, 0) * 0.5 + 0.05
FLOAT = {"name": "pixels", "storage": "float32"}


def pixels(value: float) -> Tensor:
    images = torch.zeros(20, 1, 8, 8)
    images[3, 0, 1, 1] = value
    return images


UNSOUND: dict[str, tuple[dict[str, Tensor], dict[str, Any], str]] = {
    "NaN pixel": (
        {"images": pixels(NAN)},
        {"parameterisation": FLOAT},
        "images hold a NaN or an infinity",
    ),
    "infinite pixel": (
        {"images": pixels(float("inf"))},
        {"parameterisation": FLOAT},
        "images hold a NaN or an infinity",
    ),
    "NaN soft label": ({"labels": ROWS * NAN}, {}, "labels hold a NaN or an infinity"),
    "narrow soft labels": ({"labels": ROWS[:, :9]}, {}, "not a row of 10 numbers"),
    "wide soft labels": ({"labels": torch.full((20, 11), 1 / 11)}, {}, "not a row of 10 numbers"),
    "rows of logits": ({"labels": 3 * ROWS}, {}, "not probabilities that add up to one"),
    "classes called scores": (
        {},
        {"recipe": {"labels": "scores"}},
        "are scores, but they are classes",
    ),
    "rate zero": ({"rates": torch.zeros(1)}, {}, "learning rates are not positive"),
    "rate below zero": ({"rates": torch.tensor([-0.1])}, {}, "learning rates are not positive"),
    "rate NaN": ({"rates": torch.tensor([NAN])}, {}, "learning rates are not positive"),
    "no rate": ({"rates": torch.zeros(0)}, {}, "learning rates are not positive"),
    "rates asked for": (
        {},
        {"recipe": {"labels": "hard", "lr": "rates"}},
        "asks for learned rates",
    ),
    "fewer classes": (
        {},
        {"classes": [0, 1, 2]},
        "lists the classes 0, 1, 2, its labels are 0, 1, 2, 3",
    ),
    "a class beyond": ({}, {"classes": list(range(11))}, "not a list of numbers from 0 to 9"),
    "no classes": ({"labels": ROWS}, {"classes": []}, "not a list of numbers from 0 to 9"),
    "mean NaN": ({}, {"mean": [NAN]}, "the mean on its card is not a list of 1 numbers"),
    "std zero": ({}, {"std": [0.0]}, "the std on its card is not a list of 1 positive numbers"),
}

# A file's card is compared with its schema first, which words these in its own way.
OF_FILES = {
    "a class beyond": "are not different numbers below 10",
    "no classes": "classes: expected a list of at least 1",
    "mean NaN": "mean[0]: expected a finite number, found nan",
    "std zero": "std[0]: expected above 0",
}


def written(made: SyntheticSet, path: Path) -> None:
    """The file as a stranger's program would write it."""
    save_file(
        {k: t.contiguous() for k, t in made.tensors.items()},
        path,
        metadata={"card": json.dumps(dict(made.card))},
    )


WAYS: dict[str, Callable[[SyntheticSet, Path], Any]] = {
    "load": lambda made, path: (written(made, path), load_set(path)),
    "memory": lambda made, path: CondensedMemory(made),
    "memory of a function": (
        lambda made, path: CondensedMemory(lambda _: made, max_size=99).admit(range(10))
    ),
    "merge": lambda made, path: merge([made, made]),
    "save": lambda made, path: save_set(made, path),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", UNSOUND)
def test_every_way_in_refuses_an_unsound_set(
    synthetic: SyntheticSet, tmp_path: Path, fault: str, way: str
) -> None:
    tensors, card, told = UNSOUND[fault]
    told = OF_FILES.get(fault, told) if way == "load" else told
    made = SyntheticSet({**synthetic.tensors, **tensors}, {**synthetic.card, **card})
    with pytest.raises(UsageError) as refused:
        WAYS[way](made, tmp_path / "set.safetensors")
    assert told in str(refused.value) and "\n" not in str(refused.value)
    assert way == "load" or not list(tmp_path.iterdir()), "nothing is left behind"


@pytest.mark.parametrize("way", WAYS)
def test_every_way_in_takes_the_sound_one(
    synthetic: SyntheticSet, tmp_path: Path, way: str
) -> None:
    card = {**synthetic.card, "recipe": {**synthetic.recipe, "labels": "probabilities"}}
    for made in (
        synthetic,
        replace(synthetic, tensors={**synthetic.tensors, "labels": ROWS.half()}, card=card),
    ):
        WAYS[way](made, tmp_path / "set.safetensors")
