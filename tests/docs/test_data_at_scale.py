"""The page of many classes is what its record says."""

import importlib.util
import json
from pathlib import Path

ROOT = Path(__file__).parents[2] / "docs"
RECORD = ROOT / "results" / "data-at-scale.json"


def test_the_page_is_what_the_record_says():
    spec = importlib.util.spec_from_file_location("data_at_scale", ROOT / "data_at_scale.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    record, words = json.loads(RECORD.read_text("utf-8")), RECORD.with_suffix(".words.txt")
    page = script.make_page(record, words.read_text("utf-8"))
    assert RECORD.with_suffix(".md").read_text("utf-8") == page
    steps = [step for row in record["curve"] for step in row.values() if isinstance(step, dict)]
    assert all(step["anonymous"] < 2048 for step in steps)
