"""`export --to hf`: `datasets` and `mlcroissant` read the folder, nothing is lost, its card is true
and its snippets run.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import mlcroissant
import numpy as np
import pytest
import torch
from huggingface_hub import DatasetCard
from PIL import Image

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.registry.registry import create_condenser
from condensers.sets.files import load_set, save_set
from condensers.sets.synthetic_set import Budget, SyntheticSet
from harness.sets.exporting import export
from harness.store.store import Store
from tests.helpers.command_line import Harness

MEASURED = """
about = "seconds"
data = ["digits"]
seeds = 2
ipc = [1]

[[condensers]]
method = "random"

[[scenarios]]
scenario = "accuracy"
network = { name = "convnet", depth = 1, width = 4 }
networks = 3
epochs = 4
references = []
"""


@pytest.fixture
def hard(colour32: ClassData) -> SyntheticSet:
    """Two of the classes, in colour."""
    return create_condenser("random").condense(colour32.restrict([0, 2]), Budget(ipc=2), Context())


@pytest.fixture
def soft(grey8: ClassData) -> SyntheticSet:
    """Probabilities, two learned rates, and an image whose likeliest class is not the one it stands
    in.
    """
    made = create_condenser("random").condense(grey8, Budget(ipc=2), Context())
    rows = torch.rand(20, 10, generator=torch.Generator().manual_seed(0)).softmax(1)
    recipe = {**made.recipe, "labels": "probabilities", "lr": "rates"}
    rates = torch.tensor([0.05, 0.01])
    return SyntheticSet(
        {**made.tensors, "labels": rows, "rates": rates}, {**made.card, "recipe": recipe}
    )


def loaded(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    import datasets

    return datasets.load_dataset(str(folder), split="train", cache_dir=str(cache))


@pytest.mark.parametrize("form", ["hard", "soft"])
def test_datasets_loads_it_without_a_script_and_in_order(
    request: pytest.FixtureRequest, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: SyntheticSet = request.getfixturevalue(form)
    export(made, tmp_path / "a", "hf")
    images, labels = made.decode()
    rows = loaded(tmp_path / "a", tmp_path / "cache", monkeypatch)
    stored = [np.asarray(row["image"]) for row in rows]
    mean, std = (torch.tensor(made.card[key]).view(-1, 1, 1) for key in ("mean", "std"))
    pixels = ((images * std + mean) * 255).round().byte().permute(0, 2, 3, 1).squeeze(-1)
    assert np.array_equal(np.stack(stored), pixels.numpy())
    assert list(rows["label"]) == (labels if labels.ndim == 1 else labels.argmax(1)).tolist()
    assert list(rows["class_name"]) == [made.card["class_names"][label] for label in rows["label"]]
    if form == "soft":
        assert torch.equal(torch.tensor(list(rows["soft_label"]), dtype=torch.float32), labels)
        assert torch.equal(
            torch.tensor(rows[0]["rates"], dtype=torch.float32), made.tensors["rates"]
        )


@pytest.mark.parametrize("form", ["hard", "soft"])
def test_croissant_is_valid_and_its_records_join_pictures_and_labels(
    request: pytest.FixtureRequest, form: str, tmp_path: Path
) -> None:
    made: SyntheticSet = request.getfixturevalue(form)
    export(made, tmp_path / "a", "hf")
    dataset = mlcroissant.Dataset(jsonld=str(tmp_path / "a" / "croissant.json"))
    assert not dataset.metadata.ctx.issues.errors and not dataset.metadata.ctx.issues.warnings
    found = {record["images/file_name"].decode(): record for record in dataset.records("images")}
    lines = [
        json.loads(line)
        for line in (tmp_path / "a/data/train/metadata.jsonl").read_text("utf-8").splitlines()
    ]
    assert set(found) == {line["file_name"] for line in lines} and len(lines) == len(
        made.decode()[0]
    )
    for line in lines:
        record = found[line["file_name"]]
        assert record["images/label"] == line["label"]
        picture = Image.open(tmp_path / "a/data/train" / line["file_name"]).convert("RGB")
        assert np.array_equal(np.asarray(record["images/image"]), np.asarray(picture))
        if form == "soft":
            assert record["images/soft_label"] == pytest.approx(line["soft_label"])
            assert record["images/rates"] == pytest.approx([0.05, 0.01])
    assert [record["classes/name"] for record in dataset.records("classes")] == made.card[
        "class_names"
    ]
    for file in json.loads((tmp_path / "a/croissant.json").read_text("utf-8"))["distribution"][:2]:
        assert (
            hashlib.sha256((tmp_path / "a" / file["contentUrl"]).read_bytes()).hexdigest()
            == file["sha256"]
        )


def test_the_original_is_beside_it_byte_for_byte(hard: SyntheticSet, tmp_path: Path) -> None:
    save_set(hard, tmp_path / "a.safetensors")
    export(load_set(tmp_path / "a.safetensors"), tmp_path / "out", "hf")
    assert (tmp_path / "out/set.safetensors").read_bytes() == (
        tmp_path / "a.safetensors"
    ).read_bytes()


@pytest.mark.parametrize("form", ["hard", "soft"])
def test_the_snippets_of_the_card_run(
    request: pytest.FixtureRequest, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: SyntheticSet = request.getfixturevalue(form)
    export(made, tmp_path / "a", "hf")
    monkeypatch.chdir(tmp_path / "a")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    snippets = re.findall(
        r"```python\n(.*?)```", (tmp_path / "a/README.md").read_text("utf-8"), re.DOTALL
    )
    assert len(snippets) == 3
    images, labels = made.decode()
    for snippet in snippets:
        names: dict[str, Any] = {}
        exec(
            snippet.replace('split="train")', f"split='train', cache_dir={str(tmp_path)!r})"), names
        )
        assert len(names["dataset"]) == len(images)
        if "torchvision" in snippet and form == "hard":
            assert torch.allclose(
                torch.stack([image for image, _ in names["dataset"]]), images, atol=1e-5
            )
        if "condensers" in snippet:
            assert torch.equal(names["image"], images[0]) and torch.equal(
                torch.as_tensor(names["label"]), labels[0]
            )


def test_the_card_says_what_is_known_and_that_the_rest_is_not_measured(
    hard: SyntheticSet, tmp_path: Path
) -> None:
    export(hard, tmp_path / "a", "hf")
    text = (tmp_path / "a/README.md").read_text("utf-8")
    data = DatasetCard(text).data
    assert (data.license, data.license_name, data.size_categories) == (
        "other",
        "none, made by a formula",
        ["n<1K"],
    )
    assert (
        data.task_categories == ["image-classification"]
        and data.configs[0]["data_files"][0]["split"] == "train"
    )
    assert (
        "4 real images, chosen by random from the training part of blobs32; 2 classes, 3x32x32"
        in text
    )
    assert text.count("\nNot measured.") == 2 and "| Energy of making it | not measured |" in text
    assert f"| Stored bytes | {hard.nbytes}, as pixels |" in text
    bits = 8 * hard.nbytes // len(hard.classes)
    assert f"| Bits per class | {bits:,} |" in text


def test_the_card_names_defaults_of_unverified_sources(hard: SyntheticSet, tmp_path: Path) -> None:
    doubtful = SyntheticSet(hard.tensors, {**hard.card, "unverified": ["objective"]})
    for name, made in (("doubtful", doubtful), ("hard", hard)):
        export(made, tmp_path / name, "hf")
    told = "Unverified, the source of the default was not found: `objective`."
    assert told in (tmp_path / "doubtful" / "README.md").read_text(encoding="utf-8")
    assert "Unverified" not in (tmp_path / "hard" / "README.md").read_text(encoding="utf-8")


def test_names_from_outside_are_no_markup_and_leave_no_folder(
    hard: SyntheticSet, tmp_path: Path
) -> None:
    """A card may come from anywhere: front matter, tables and paths stay what they are."""
    evil = "y\n---\nlicense: mit | <script> [a](b) \x7f \U0001f600"
    names = ["../../out", "c:\\d", "\u2028e"]
    card = {
        **hard.card,
        "dataset": evil,
        "licence": evil,
        "method": "a`b|c",
        "command": "rm\n```\n# x",
        "class_names": names,
    }
    export(SyntheticSet(hard.tensors, card), tmp_path / "in/a", "hf")
    text = (tmp_path / "in/a/README.md").read_text("utf-8")
    data = DatasetCard(text).data
    assert (
        data.license == "other"
        and data.license_name == "y --- license: mit | <script> [a](b) \U0001f600"
    )
    body = text.split("\n---\n", 1)[1]
    assert (
        "<script>" not in body and "\n# x" not in body and "](b)" not in body.replace("\\](b)", "")
    )
    assert all(
        row.replace("\\|", "").count("|") in (0, 3)
        for row in body.splitlines()
        if row.startswith("|")
    )
    assert {p.parent.parent for p in tmp_path.rglob("*.png")} == {tmp_path / "in/a/data/train"}
    assert not mlcroissant.Dataset(
        jsonld=str(tmp_path / "in/a/croissant.json")
    ).metadata.ctx.issues.errors


def test_what_a_run_measured_with_that_very_set(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "suite.toml").write_text(MEASURED, encoding="utf-8")
    run = tmp_path / "run"
    assert harness("run", tmp_path / "suite.toml", "--out", run, "--workers", 1).status == 0
    _, records, _ = Store(run).contents()
    made = next(r for r in records if r["kind"] == "condense" and r["cell"]["seed"] == 1)
    scores = {
        r["cell"]["seed"]: r["outcome"]["measurements"][0]["values"]
        for r in records
        if r["kind"] == "scenario"
    }
    assert scores[0] != scores[1]
    file = Store(run).set_path(made["key"])
    answer = harness("export", file, "--to", "hf", "--out", tmp_path / "a", "--measured", run)
    assert answer.status == 0, answer.err
    text = (tmp_path / "a/README.md").read_text("utf-8")
    assert re.findall(r"\| test-accuracy \| ([\d.]+) % \|", text) == [f"{sum(scores[1]) / 3:.2f}"]
    assert "3 (networks of one set)" in text and text.count("\nNot measured.") == 1
    assert '"epochs": 4' in text
    measured = next(r for r in records if r["kind"] == "scenario" and r["cell"]["seed"] == 1)
    Store(run).write_record(measured["key"], {**measured, "condensation": {"seconds": None}})
    anew = harness("export", file, "--to", "hf", "--out", tmp_path / "b", "--measured", run)
    assert anew.status == 2 and "has measured nothing with" in anew.err, (
        "a memory condensed anew is another set"
    )


def test_what_no_run_measured(harness: Harness, hard: SyntheticSet, tmp_path: Path) -> None:
    save_set(hard, tmp_path / "a.safetensors")
    Store(tmp_path / "run").describe({"suite": "s", "command": "harness run s.toml", "cells": []})
    for words, told in (
        (("--to", "hf", "--measured", tmp_path / "run"), "holds no set with the bytes of"),
        (("--to", "hf", "--measured", tmp_path / "none"), "not a run directory"),
        (
            ("--to", "npz", "--measured", tmp_path / "run"),
            "--measured goes into the dataset card of --to hf",
        ),
    ):
        answer = harness("export", tmp_path / "a.safetensors", *words)
        assert answer.status == 2 and answer.err.count("\n") == 1 and told in answer.err
    assert not (tmp_path / "a-hf").exists()
