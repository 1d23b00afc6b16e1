"""hf:PATH: what Hugging Face's `datasets` writes to disk."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from condensers import optional
from condensers.errors import DataMissing, UsageError
from scenarios.datasets import load


def encoded(width: int, seed: int) -> dict[str, Any]:
    pixels = np.random.RandomState(seed).randint(0, 256, (8, width, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return {"bytes": file.getvalue(), "path": None}


def make(count: int, label: str = "label", **more: Any) -> Any:
    """A `datasets.Dataset` of three classes, every second image a pixel wider."""
    datasets = pytest.importorskip("datasets")
    columns = {
        "image": [encoded(8 + index % 2, index) for index in range(count)],
        label: [index % 3 for index in range(count)],
        **{name: values for name, (_, values) in more.items()},
    }
    features = {
        "image": datasets.Image(),
        label: datasets.ClassLabel(names=["cat", "dog", "emu"]),
        **{name: feature for name, (feature, _) in more.items()},
    }
    return datasets.Dataset.from_dict(columns, features=datasets.Features(features))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    datasets = pytest.importorskip("datasets")
    parts = {"train": make(30), "validation": make(9), "test": make(12)}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "pets")
    return tmp_path / "pets"


def test_saved_parts_are_kept(saved: Path) -> None:
    splits = load(f"hf:{saved},resize=8")
    assert [len(part.labels) for part in (splits.train, splits.validation, splits.test)] == [
        30,
        9,
        12,
    ]
    assert splits.train.class_names == ("cat", "dog", "emu")
    assert splits.train.name == "hf:pets,resize=8"
    pixels = np.asarray(Image.open(io.BytesIO(encoded(8, 0)["bytes"]))).transpose(2, 0, 1)
    assert np.array_equal(splits.test.images[0].numpy(), pixels)
    with pytest.raises(DataMissing, match=r"hf:pets, training part, sample 1: is 9 x 8 RGB"):
        load(f"hf:{saved}")


def test_one_part_and_parquet_files(tmp_path: Path) -> None:
    make(30).save_to_disk(tmp_path / "one")
    splits = load(f"hf:{tmp_path}/one,resize=8@4~3")
    assert [len(part.labels) for part in (splits.train, splits.validation, splits.test)] == [
        6,
        3,
        6,
    ]
    folder = tmp_path / "hub" / "data"
    folder.mkdir(parents=True)
    make(30).to_parquet(folder / "train-00000-of-00001.parquet")
    make(12).to_parquet(folder / "test-00000-of-00001.parquet")
    splits = load(f"hf:{tmp_path}/hub,resize=8,mirror=false")
    assert len(splits.test.labels) == 12 and not splits.train.mirror


def test_columns_are_found_or_named(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    coarse = (datasets.ClassLabel(names=["x", "y"]), [index % 2 for index in range(30)])
    make(30, "fine_label", coarse_label=coarse).save_to_disk(tmp_path / "two")
    name = f"hf:{tmp_path}/two,resize=8"
    assert load(name).train.class_names == ("cat", "dog", "emu")
    assert load(f"{name},label=coarse_label").train.class_names == ("x", "y")
    with pytest.raises(UsageError, match="no column 'lab' for label; its columns are image"):
        load(f"{name},label=lab")
    many = (datasets.Sequence(datasets.Value("int64")), [[0, 1]] * 9)
    make(9, "a", tags=many).remove_columns("a").save_to_disk(tmp_path / "tags")
    with pytest.raises(DataMissing, match="no columns of the feature ClassLabel"):
        load(f"hf:{tmp_path}/tags,resize=8")
    with pytest.raises(DataMissing, match="its label is a list"):
        load(f"hf:{tmp_path}/tags,resize=8,label=tags")


def test_what_is_no_saved_data_set_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("datasets")
    with pytest.raises(DataMissing, match="is not a folder"):
        load(f"hf:{tmp_path}/none")
    with pytest.raises(DataMissing, match="neither what save_to_disk writes"):
        load(f"hf:{tmp_path}")
    (tmp_path / "state.json").write_text("{}")
    with pytest.raises(DataMissing, match="cannot be read"):
        load(f"hf:{tmp_path}")

    def refuse(module: str) -> Any:
        raise ImportError(f"No module named '{module}'")

    monkeypatch.setattr(optional.importlib, "import_module", refuse)
    with pytest.raises(UsageError, match=r'run pip install "condensation-harness\[hf\]"'):
        load(f"hf:{tmp_path}")
