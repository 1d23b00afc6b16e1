"""Sets condensed along the stream have their seconds where sets made before have theirs."""

from pathlib import Path
from typing import Any

import pytest

from harness.reference.files import Reference
from harness.report.building import build

ORDERS, SECONDS = 4, 20.0


@pytest.fixture
def contents() -> tuple[Any, list[Any], Any]:
    """The demo's results as if `dm` had been condensed in each experience, in four class orders."""
    suite, records, failures = Reference(Path("reference:demo")).contents()
    kept = [r for r in records if r["kind"] == "scenario" or r["cell"]["label"] != "dm"]
    return suite, [along_stream(record) for record in kept], failures


def along_stream(record: dict[str, Any]) -> dict[str, Any]:
    if record["cell"].get("scenario") != "continual" or record["cell"]["label"] != "dm":
        return record
    outcome = record["outcome"]
    costs = {**outcome["costs"], "condensation_seconds": ORDERS * SECONDS}
    detail = {**outcome["detail"], "orders": ORDERS * outcome["detail"]["orders"]}
    return {**record, "outcome": {**outcome, "costs": costs, "detail": detail}}


def test_seconds_of_one_order_stand_in_the_table_of_making(
    contents: tuple[Any, list[Any], Any],
) -> None:
    report = build(*contents)
    made = [r for r in report["rows"] if r["scenario"] == "condense" and r["condenser"] == "dm"]
    every = [(metric, ipc) for metric in ("cpu-seconds", "seconds") for ipc in (1, 10)]
    assert sorted((r["metric"], r["ipc"]) for r in made) == every
    made = [r for r in made if r["metric"] == "seconds"]
    assert [r["mean"] for r in made] == [pytest.approx(SECONDS)] * 2
    summary = [r for r in report["summary"]["rows"] if r["condenser"] == "dm"]
    assert [r["seconds"] for r in summary] == [pytest.approx(SECONDS)] * 2


def test_a_set_that_two_scenarios_use_is_counted_once(
    contents: tuple[Any, list[Any], Any],
) -> None:
    suite, records, failures = contents
    others = [
        {**r, "key": f"{r['key']}-2", "cell": {**r["cell"], "scenario": "other order"}}
        for r in records
        if r["cell"].get("scenario") == "continual"
    ]
    report = build(suite, [*records, *others], failures)
    made = [r for r in report["rows"] if r["scenario"] == "condense" and r["condenser"] == "dm"]
    assert sorted(r["ipc"] for r in made if r["metric"] == "seconds") == [1, 10]
