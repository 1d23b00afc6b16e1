"""The page of the NAS-Bench-201 results is made from its record, which holds nothing of others'."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

DOCS = Path(__file__).parents[3] / "docs"
RECORD = DOCS / "results" / "nas-bench-201.json"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("nas_bench_201", DOCS / "nas_bench_201.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RECORD.read_text("utf-8"))
    return found


def test_the_page_is_what_the_record_says(script: ModuleType, record: dict[str, Any]) -> None:
    words = RECORD.with_suffix(".words.txt").read_text("utf-8")
    assert RECORD.with_suffix(".md").read_text("utf-8") == script.make_page(record, words)
    assert "{{" not in script.make_page(record, words)


def test_the_record_is_small_and_holds_no_published_accuracy(record: dict[str, Any]) -> None:
    assert RECORD.stat().st_size < 300_000
    truths = [entry for entry in record["entries"] if entry["name"] == "truth"]
    assert truths and all("scores" not in entry for entry in truths)
    assert record["environment"] and record["command"] and record["processor"]
    for entry in record["entries"]:
        assert len(entry["cells"]) == 100 and entry["key"]
