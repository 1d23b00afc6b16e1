"""`import`: a published file becomes a set that every other verb takes; what is not said is asked,
and nothing is left behind.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from condensers.sets.files import load_set
from scenarios.datasets import load
from tests.helpers.command_line import Harness

QUICK = ("--set", "epochs=1", "--set", "networks=1", "--set", 'network={name="mlp",width=8}')
AS_DATA = ("--normalised", "with-data", "--labels", "with-data")


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    """Two real digits a class, normalised, (20, 1, 8, 8)."""
    train = load("digits").train
    return torch.cat([train.normalise(train.images[train.members(c)[:2]]) for c in train.classes])


@pytest.fixture
def res(images: torch.Tensor, tmp_path: Path) -> Path:
    """A file as DM's code saves it."""
    path = tmp_path / "res_DM_digits_ConvNet_2ipc.pt"
    labels = torch.arange(10).repeat_interleave(2)
    torch.save({"data": [[images, labels]], "accs_all_exps": {"ConvNet": [np.float64(0.9)]}}, path)
    return path


def one_sentence(answer: Any, status: int, *words: str) -> None:
    assert answer.status == status, answer
    assert answer.err.count("\n") == 1 and answer.err.startswith("error: "), answer.err
    for word in words:
        assert word in answer.err


def test_an_imported_set_is_measured_like_any_other(
    harness: Harness, res: Path, images: torch.Tensor, tmp_path: Path
) -> None:
    out = tmp_path / "dm.safetensors"
    answer = harness("import", res, "--data", "digits", "--out", out, *AS_DATA, "--method", "DM")
    assert answer.status == 0, answer.err
    assert "format dc: 20 images 1x8x8, floating-point pixels from" in answer.out
    assert "DM on digits, 2 images per class, 5,140 bytes (4,112 bits per class)" in answer.out
    assert torch.equal(load_set(out).decode()[0], images)
    assert (tmp_path / "dm.png").read_bytes().startswith(b"\x89PNG")
    card = json.loads((tmp_path / "dm.card.json").read_text())
    assert card["imported"] is True and card["source"]["file"] == res.name
    measured = harness("evaluate", out, "--scenario", "accuracy", "--data", "digits", *QUICK)
    assert measured.status == 0, measured.err
    assert "test-accuracy" in measured.out


def test_bytes_are_a_quarter_as_uint8(harness: Harness, res: Path, tmp_path: Path) -> None:
    out = tmp_path / "small"
    assert (
        harness(
            "import", res, "--data", "digits", "--out", out, *AS_DATA, "--storage", "uint8"
        ).status
        == 0
    )
    assert load_set(tmp_path / "small.safetensors").nbytes == 20 * 65


def test_soft_labels_of_an_archive(harness: Harness, images: torch.Tensor, tmp_path: Path) -> None:
    path, out = tmp_path / "step1.npz", tmp_path / "frepo.safetensors"
    scores = torch.nn.functional.one_hot(torch.arange(10).repeat_interleave(2)).float() - 0.1
    np.savez(path, image=images.permute(0, 2, 3, 1).numpy(), label=scores.numpy())
    assert harness("import", path, "--data", "digits", "--out", out, *AS_DATA).status == 0
    made = load_set(out)
    assert torch.equal(made.decode()[1], scores) and made.recipe["labels"] == "scores"


def test_both_questions_are_asked_at_once_and_nothing_is_written(
    harness: Harness, res: Path, tmp_path: Path
) -> None:
    answer = harness("import", res, "--data", "digits", "--out", tmp_path / "a.safetensors")
    assert answer.status == 2
    assert (
        answer.err.count("error: ") == 2
        and "pass --normalised" in answer.err
        and "pass --labels" in answer.err
    )
    one_sentence(harness("import", res, "--out", tmp_path / "a.safetensors"), 2, "pass --data")
    assert [p.name for p in tmp_path.iterdir()] == [res.name]


class Malicious:
    """Unpickled the ordinary way, it makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def test_a_file_with_code_in_it_is_refused_and_the_code_does_not_run(
    harness: Harness, tmp_path: Path
) -> None:
    path, mark = tmp_path / "res.pt", tmp_path / "mark"
    torch.save(
        {"data": [[torch.zeros(1, 1, 8, 8), torch.zeros(1)]], "accs_all_exps": Malicious(mark)},
        path,
    )
    one_sentence(
        harness("import", path, "--data", "digits", *AS_DATA, "--out", tmp_path / "a"),
        2,
        "could run code",
    )
    assert not mark.exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--data", "mnist-5k", *AS_DATA), "its images are 1x8x8, those of mnist-5k 1x28x28"),
        (("--data", "digts", *AS_DATA), "did you mean 'digits'"),
        (("--data", "digits", "--format", "frepo", *AS_DATA), "--format frepo: unknown"),
        (("--data", "digits", "--experiment", "4", *AS_DATA), "has 1 experiments"),
        (
            ("--data", "digits", "--normalised", "none", "--labels", "with-data"),
            "neither 0 to 1 nor 0 to 255 but normalised",
        ),
        (("--data", "digits", *AS_DATA, "--out", "/proc/a.safetensors"), "cannot be written"),
    ],
)
def test_bad_input_is_one_sentence(
    harness: Harness,
    res: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    one_sentence(harness("import", res, *words), 2, told)
    assert [p.name for p in tmp_path.iterdir()] == [res.name]
