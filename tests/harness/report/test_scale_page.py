"""The page on many cells and two workers is made from its record."""

import importlib.util
import json
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"
RECORD = DOCS / "results" / "scale.json"


def test_the_page_is_what_the_record_says() -> None:
    spec = importlib.util.spec_from_file_location("scale", DOCS / "scale.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    record, words = json.loads(RECORD.read_text("utf-8")), RECORD.with_suffix(".words.txt")
    page = script.make_page(record, words.read_text("utf-8"))
    assert RECORD.with_suffix(".md").read_text("utf-8") == page
    assert "{{" not in page and [one["cells"] for one in record["many"]] == [1000, 10_000]
