"""A set of tiny images, and files that hold it as the authors of each format save theirs."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.formats.assembling import assemble
from condensers.formats.choices import Choices
from condensers.formats.reading import Files, read
from condensers.sets.files import load_set, save_set
from condensers.sets.synthetic_set import SyntheticSet

AS_DATA = Choices(normalised="with-data", order="with-data")


class Original(NamedTuple):
    """images: (20, 1, 8, 8) float32 normalised; labels: (20,) int64; two of each class, ordered by
    class.
    """

    images: Tensor
    labels: Tensor


def bring(path: Path, data: ClassData, choices: Choices, **more: Any) -> SyntheticSet:
    """Read, assemble, save, and load again."""
    made = assemble(read(Files(path, **more)), data, choices)
    save_set(made, path.with_suffix(".safetensors"))
    return load_set(path.with_suffix(".safetensors"))


@pytest.fixture
def original(grey8: ClassData) -> Original:
    images = torch.cat([grey8.normalise(grey8.images[grey8.members(c)[:2]]) for c in grey8.classes])
    return Original(images + 0.01, torch.arange(10).repeat_interleave(2))


def numpys_old_name(path: Path) -> None:
    """Rewrite a .pt as numpy 1 pickled its scalars, which is how the published files are."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(
                name, content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
            )


@pytest.fixture
def dc_file(original: Original, tmp_path: Path) -> Path:
    """What the last lines of DC's and DM's code save: two experiments, and accuracies that numpy
    counted.
    """
    data_save = [
        [original.images * 2, original.labels],
        [original.images.clone(), original.labels.clone()],
    ]
    correct = np.sum(np.equal(np.array([1, 2, 3]), np.array([1, 2, 4])))
    accs_all_exps = {"ConvNet": [correct / 3, np.float32(0.5), np.int64(1), 0.25]}
    path = tmp_path / "res_DM_blobs8_ConvNet_2ipc.pt"
    torch.save({"data": data_save, "accs_all_exps": accs_all_exps}, path)
    return path


@pytest.fixture
def save(tmp_path: Path) -> Callable[[Any, str], Path]:
    """`save(content, name)` by torch.save, into an empty folder."""

    def write(content: Any, name: str) -> Path:
        torch.save(content, tmp_path / name)
        return tmp_path / name

    return write
