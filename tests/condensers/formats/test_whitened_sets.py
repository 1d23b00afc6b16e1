"""Whitened sets are asked about; undone, they are the images they were made of, and their card asks
for whitening.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.formats.choices import Choices
from scenarios.datasets import load
from tests.condensers.formats.conftest import bring

Save = Callable[[Any, str], Path]


@pytest.fixture(scope="module")
def digits() -> ClassData:
    return load("digits").train


def plain(digits: ClassData) -> tuple[Tensor, Tensor]:
    """Two real digits a class (20, 1, 8, 8), normalised, and their labels."""
    chosen = torch.cat([digits.members(c)[:2] for c in digits.classes])
    return digits.normalise(digits.images[chosen]), digits.labels[chosen]


def as_kornia(digits: ClassData, on_unit: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The 20 digits whitened in kornia's words; mean and inverse for what was whitened."""
    x = digits.images.float() / 255 if on_unit else digits.normalise(digits.images)
    few, _ = plain(digits)
    few = few * digits.std[0] + digits.mean[0] if on_unit else few
    mean = x.flatten(1).mean(0, keepdim=True)
    covariance = (x.flatten(1) - mean).T @ (x.flatten(1) - mean) / (len(x) - 1)
    u, s, _ = torch.linalg.svd(covariance)
    turn = u @ torch.diag((s + 0.1).rsqrt()) @ u.T
    return ((few.flatten(1) - mean) @ turn).view(few.shape), mean, torch.linalg.inv(turn)


@pytest.mark.parametrize("said", ["with-data", "none"])
def test_whitening_is_undone_as_it_was_fitted(save: Save, digits: ClassData, said: str) -> None:
    images, labels = plain(digits)
    path = save([as_kornia(digits, said == "none")[0], labels], "a.pt")
    made = bring(path, digits, Choices(said, "with-data", zca="with-data"))
    assert torch.allclose(made.decode()[0], images, atol=1e-3)
    pair = ([0.0], [1.0]) if said == "none" else (list(digits.mean), list(digits.std))
    assert made.recipe["whitening"] == {"name": "zca", "eps": 0.1, "mean": pair[0], "std": pair[1]}
    with pytest.raises(
        UsageError,
        match=(
            r"of which pixels its whitening was fitted; pass --normalised none .* or .* with-data"
        ),
    ):
        bring(path, digits, Choices("", "with-data", zca="with-data"))


@pytest.mark.parametrize("ending", ["pt", "npz"])
def test_the_inverse_of_a_file_is_taken(
    save: Save, digits: ClassData, tmp_path: Path, ending: str
) -> None:
    images, labels = plain(digits)
    white, mean, inverse = as_kornia(digits, False)
    path, given = save([white, labels], "a.pt"), tmp_path / f"inverse.{ending}"
    if ending == "pt":
        torch.save({"mean_vector": mean, "transform_inv": inverse}, given)
    else:
        np.savez(given, mean=mean.numpy(), matrix=torch.linalg.inv(inverse).numpy())
    made = bring(path, digits, Choices("with-data", "with-data", zca=str(given)))
    assert torch.allclose(made.decode()[0], images, atol=1e-3) and "whitening" not in made.recipe
    torch.save({"mean": mean[:, :60], "inverse": inverse}, tmp_path / "small.pt")
    torch.save([mean], tmp_path / "none.pt")
    for name, told in (
        ("small.pt", "is of 60 values, the images of digits have 64"),
        ("none.pt", "holds no whitening"),
    ):
        with pytest.raises(UsageError, match=told):
            bring(path, digits, Choices("with-data", "with-data", zca=str(tmp_path / name)))


def test_whitened_images_are_known_by_their_statistics(save: Save, digits: ClassData) -> None:
    images, labels = plain(digits)
    path = save([as_kornia(digits, False)[0], labels], "a.pt")
    for said in ("", "with-data"):
        with pytest.raises(
            UsageError, match=r"look whitened .ZCA., or are mostly noise: neighbouring pixels"
        ):
            bring(path, digits, Choices(said, "with-data"))
    assert bring(path, digits, Choices("with-data", "with-data", zca="none")).recipe == {
        "augmentation": "dsa",
        "labels": "hard",
    }
    generator = torch.Generator().manual_seed(0)
    noisy = images + 0.5 * torch.randn(images.shape, generator=generator)
    for fine in (images, noisy):
        bring(save([fine, labels], "b.pt"), digits, Choices("with-data", "with-data"))
