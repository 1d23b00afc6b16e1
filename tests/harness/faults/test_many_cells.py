"""Ten thousand cells: planned, and resumed with ten left, in less than ten seconds."""

import json
import time
from pathlib import Path

from harness.store.store import Store
from harness.suite.plan import plan_suite

SUITE = """
data = ["digits"]
seeds = 1000
ipc = [1, 2, 3, 4, 5]

[[condensers]]
method = "random"

[[scenarios]]
scenario = "accuracy"
references = []
"""


def test_ten_thousand_cells_are_planned_and_resumed_in_ten_seconds(tmp_path: Path) -> None:
    suite, store = tmp_path / "many.toml", Store(tmp_path / "out")
    suite.write_text(SUITE)
    begun = time.process_time()
    cells = plan_suite(suite).cells
    planned = time.process_time() - begun
    assert len(cells) == 10_000
    for cell in cells[:-10]:
        store.folder(cell.key).mkdir(parents=True)
        (store.folder(cell.key) / "record.json").write_text(json.dumps({"key": cell.key}))
    begun = time.process_time()
    again = plan_suite(suite).cells
    left = [cell.key for cell in again if not store.done(cell.key)]
    resumed = time.process_time() - begun
    assert left == [cell.key for cell in cells[-10:]]
    assert planned < 10 and resumed < 10, (
        f"{planned:.1f} s to plan, {resumed:.1f} s to plan and find what is left"
    )
