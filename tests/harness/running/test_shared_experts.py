"""What a command lends for sharing: experts trained for one set are found by the next, and other
methods leave nothing behind.
"""

from pathlib import Path

import pytest
import torch

from condensers.data import ClassData
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget
from harness.running.cell_work import RunSettings, cell_context
from harness.sets.make import make_set
from harness.store.store import Store
from harness.suite.cell import Cell

MTT = {
    "name": "mtt",
    "iterations": 1,
    "network": {"name": "mlp", "width": 8},
    "objective": {"name": "trajectory", "steps": 2},
    "model_schedule": {
        "name": "experts",
        "experts": 2,
        "epochs": 1,
        "expert_epochs": 1,
        "max_start": 1,
    },
}


def test_condense_keeps_experts_beside_the_file_for_the_next_set(
    grey8: ClassData, tmp_path: Path
) -> None:
    method, run = create_condenser(MTT), (0, "cpu")
    first = make_set(method, grey8, Budget(ipc=1), tmp_path / "one.safetensors", run)
    files = sorted((tmp_path / "cache" / "experts").glob("*/expert-*.pt"))
    written = [path.stat().st_mtime_ns for path in files]
    again = make_set(method, grey8, Budget(ipc=1), tmp_path / "same.safetensors", run)
    make_set(method, grey8, Budget(ipc=2), tmp_path / "two.safetensors", (1, "cpu"))
    assert len(files) == 2
    assert sorted((tmp_path / "cache" / "experts").glob("*/expert-*.pt")) == files
    assert [path.stat().st_mtime_ns for path in files] == written
    assert torch.equal(first.tensors["images"], again.tensors["images"])
    assert not list(tmp_path.glob("*.work"))


def test_methods_without_experts_leave_no_folder(grey8: ClassData, tmp_path: Path) -> None:
    method = create_condenser(
        {"name": "dm", "iterations": 1, "batch_real": 8, "network": {"name": "mlp", "width": 8}}
    )
    make_set(method, grey8, Budget(ipc=1), tmp_path / "one.safetensors", (0, "cpu"))
    assert not (tmp_path / "cache").exists()


def test_cells_of_a_run_share_one_folder(tmp_path: Path) -> None:
    settings = RunSettings(root=tmp_path, command="run", data_dir=None, validation=0.1)
    cells = [Cell("condense", "mnist-5k", {}, seed, "mtt") for seed in (0, 1)]
    lent = [cell_context(cell, settings, lambda _: None, lambda: False) for cell in cells]
    assert [context.cache for context in lent] == [tmp_path / "cache"] * 2
    assert lent[0].folder != lent[1].folder
    assert lent[0].fork("part").cache == tmp_path / "cache"


def test_a_named_folder_is_shared_by_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "common"))
    assert {Store(tmp_path / run).cache for run in ("one", "two")} == {tmp_path / "common"}
