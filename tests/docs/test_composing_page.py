"""The Python of the page on composing methods runs as it stands, with fewer steps."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from condensers.data import ClassData

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "composing.md"


def test_the_example_runs(
    grey8: ClassData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"images": grey8.images, "labels": grey8.labels}
    exec(code[1].replace('"iterations": 100', '"iterations": 2, "network": {"name": "mlp"}'), names)
    assert names["learned"].shape == (100, 1, 8, 8)
    assert names["learned"].dtype == torch.float32
    assert torch.bincount(names["classes"]).tolist() == [10] * 10
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dm.card.json", "dm.safetensors"]
