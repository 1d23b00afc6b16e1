"""Joules of making and using sets: measured or estimated, never both in one figure; grams where an
intensity is given.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from harness.power import Power
from harness.report.building import build, render
from harness.report.chapters.energy import tabulate_energy
from tests.harness.report.conftest import made, with_values

Records = list[dict[str, Any]]


def cell(
    scenario: str | None,
    label: str,
    seed: int,
    joules: float | None,
    cpu: float | None,
    networks: int = 2,
) -> dict[str, Any]:
    """A record with measured joules, or with the CPU seconds of its work, or neither."""
    reference = label == "full-data"
    record = made(scenario, label, None if reference else 10, seed, reference)
    told = "not measured" if joules is None else joules
    if scenario:
        with_values(record, ("test-accuracy", [60.0 + seed] * networks, "%", True))["outcome"][
            "costs"
        ]["joules"] = told
    else:
        record["condensation"]["joules"] = told
    record["energy"] = (
        {"meters": ["RAPL package-0"]} if joules is not None else {"reason": "no readable meter"}
    )
    record["energy"] |= {} if cpu is None else {"cpu_seconds": cpu}
    return record


def run(
    making: tuple[float | None, float | None],
    use: float = 2.0,
    full: float = 20.0,
    cpu: bool = True,
) -> Records:
    """Two seeds of a set, used in two networks, and full data, trained once; `making` is (joules,
    CPU seconds).
    """
    found = []
    for seed in range(2):
        found.append(cell(None, "dm", seed, *making))
        found.append(cell("accuracy", "dm", seed, *((None, use) if cpu else (use, None))))
        found.append(
            cell(
                "accuracy", "full-data", seed, *((None, full) if cpu else (full, None)), networks=1
            )
        )
    return found


def rows(records: Records, power: Power | None = None) -> Mapping[str, Any]:
    return {
        row["condenser"]: row for row in build({"suite": "s"}, records, [], power)["energy"]["rows"]
    }


def test_estimates_are_cpu_seconds_times_watts_and_say_so() -> None:
    records = run((None, 38.0))
    found = rows(records)["dm"]
    assert (
        found["making"]["mean"] == pytest.approx(38 * 12) and found["making"]["how"] == "estimated"
    )
    assert found["use"]["mean"] == pytest.approx(2 * 12 / 2), "a use is one network of the two"
    assert found["full"]["mean"] == pytest.approx(20 * 12)
    assert found["paid_after"] == pytest.approx(38 / (20 - 1))
    assert rows(records, Power(watts_per_core=6.0))["dm"]["making"]["mean"] == pytest.approx(38 * 6)
    report = build({"suite": "s"}, records, [])
    (table,) = tabulate_energy(report)
    assert table.sections[0].rows[0][4:] == ["2", "estimated"]
    assert "12 W a core (Green Algorithms" in " ".join(table.footnotes)
    assert all("estimated" in render(report, form) for form in ("md", "html", "latex"))
    assert not [row for row in report["rows"] if row["metric"] == "joules"], (
        "an estimate is no measured metric"
    )


def test_measured_joules_are_taken_before_any_estimate() -> None:
    found = rows(run((500.0, 1.0), use=10.0, full=105.0, cpu=False))["dm"]
    assert (found["making"]["mean"], found["making"]["how"]) == (500.0, "measured")
    assert found["paid_after"] == pytest.approx(500 / (105 - 5))


def test_measured_and_estimated_are_not_mixed() -> None:
    report = build({"suite": "s"}, run((500.0, None)), [])
    (found,) = [row for row in report["energy"]["rows"] if row["condenser"] == "dm"]
    assert (
        found["paid_after"] is None
        and found["making"]["how"] == "measured"
        and found["use"]["how"] == "estimated"
    )
    (table,) = tabulate_energy(report)
    assert table.sections[0].rows[0][4:] == [
        "-",
        "making measured, use estimated, all data estimated",
    ]
    half = run((None, 38.0))
    half[0]["condensation"]["joules"] = 500.0
    making = rows(half)["dm"]["making"]
    assert (making["mean"], making["n"], making["how"]) == (
        500.0,
        1,
        "measured",
    ), "the other seed's estimate does not enter"


def test_a_use_that_takes_no_less_never_pays() -> None:
    assert rows(run((None, 38.0), use=60.0))["dm"]["paid_after"] == "never"


def test_what_is_not_known_is_not_estimated() -> None:
    records = run((None, None))
    for record in records:
        record["energy"] = {"reason": "no readable meter"}
    report = build({"suite": "s"}, records, [])
    assert report["energy"]["rows"] == [] and tabulate_energy(report) == []
    trained_before = cell("search", "truth", 0, None, 5.0)
    trained_before["outcome"]["detail"]["truth"] = "a table"
    elsewhere = cell("search", "dm", 0, None, 5.0)
    elsewhere["cell"]["settings"]["engine"] = {"name": "local", "trials": 2}
    assert [Power().joules(record) for record in (trained_before, elsewhere)] == [None, None]


def test_grams_need_an_intensity() -> None:
    records = run((None, 300.0))
    assert "CO2" not in render(build({"suite": "s"}, records, []), "md")
    report = build({"suite": "s"}, records, [], Power(grid_intensity=400.0))
    (found,) = [row for row in report["energy"]["rows"] if row["condenser"] == "dm"]
    assert found["grams"]["making"] == pytest.approx(300 * 12 / 3.6e6 * 400)
    assert "| 0.4 |" in render(report, "md") and "CO2 at 400 g/kWh." in render(report, "md")
