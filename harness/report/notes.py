"""What a report says besides its rows: what is missing, what was not measured, where and how it was run."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.results import Record, Result
from harness.report.rows import Lineups
from harness.report.wording import listed, some


def progress(suite: Mapping[str, Any], records: Sequence[Record], failures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How many cells of the suite there are, are done and failed, and the keys of those without any result yet."""
    keys = list(suite.get("cells", [])) or [record["key"] for record in records]
    known = {record["key"] for record in records}
    failed = {failure["key"] for failure in failures} - known
    missing = [key for key in keys if key not in known and key not in failed]
    return {"total": len(keys), "done": len(known & set(keys)), "failed": len(failed), "missing": missing}


def progress_sentence(cells: Mapping[str, Any]) -> str | None:
    """None for a run that is whole."""
    missing = len(cells["missing"])
    if not missing and not cells["failed"]:
        return None
    said = [f"{cells['failed']} failed"] if cells["failed"] else []
    said += [f"{missing} not run yet"] if missing else []
    return f"This report is partial: of {cells['total']} cells {cells['done']} are done, {', '.join(said)}."


def environment(records: Sequence[Record]) -> dict[str, Any]:
    """Where the records were made: one value each, or the list of all where they differ."""
    found: dict[str, list[Any]] = {}
    for record in records:
        for name, value in (record.get("environment") or {}).items():
            values = found.setdefault(name, [])
            if value not in values:
                values.append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def commands(suite: Mapping[str, Any], records: Sequence[Record]) -> list[str]:
    """The command lines that repeat the run."""
    asked = [suite.get("command"), *(record.get("command") for record in records)]
    return list(dict.fromkeys(str(command) for command in asked if command))


def notes(records: Sequence[Record], results: Sequence[Result], lineups: Lineups) -> list[str]:
    """What was not measured or should be known, a sentence each."""
    found = []
    found.append(_energy(records, results))
    seeds = {record["cell"]["seed"] for record in records}
    if len(seeds) == 1:
        found.append("One seed: how far results vary from one condensed set to the next was not measured.")
    machines = {str((record.get("environment") or {}).get(part)) for record in records for part in ("cpu",)}
    devices = {str((record.get("environment") or {}).get("device")) for record in records}
    if len(machines) > 1 or len(devices) > 1:
        found.append("Cells ran on different machines or devices: their seconds, and what is computed from them, do not compare.")
    return found + _approximations(records) + _without_random(results) + _searches(records, results, lineups)


def _energy(records: Sequence[Record], results: Sequence[Result]) -> str:
    """Which meters were read and what else is in their figures, or why none was."""
    if not any(r.metric == "joules" for r in results):
        whys = dict.fromkeys(str((record.get("energy") or {}).get("reason", "no readable meter")) for record in records)
        return f"Energy: not measured ({'; '.join(whys) or 'no readable meter'})."
    meters = dict.fromkeys(str(name) for record in records for name in (record.get("energy") or {}).get("meters", []))
    said = f"Energy: read from {listed(list(meters)) if meters else 'a meter'}."
    if any(name.startswith("RAPL") for name in meters):
        said += " RAPL counts the whole processor: the work of others, and of cells that ran at the same time, is in it."
    return said


def _approximations(records: Sequence[Record]) -> list[str]:
    """What was computed in a lower precision than float32."""
    found: dict[str, list[str]] = {}
    for cell in (record["cell"] for record in records):
        made, used = ((cell.get(part) or {}).get("precision", "fp32") for part in ("hyperparameters", "settings"))
        for precision, what in (
            (made, f"{cell.get('label')} (condensing)"),
            (used, f"{cell.get('scenario')} (training and test)"),
        ):
            if precision != "fp32":
                found.setdefault(precision, []).append(what)
    return [f"Approximation: products in {name} for {some(list(dict.fromkeys(what)))}." for name, what in found.items()]


def _without_random(results: Sequence[Result]) -> list[str]:
    """Condensed rows with nothing beside them."""
    there = {(r.entry.scenario, r.entry.data, r.entry.recipe, r.entry.budget or r.entry.ipc) for r in results if r.is_random}
    alone: dict[tuple[str, str], list[str]] = {}
    for r in results:
        entry = r.entry
        place = (entry.scenario, entry.data, entry.recipe, entry.budget or entry.ipc)
        if entry.scenario != "condense" and not entry.is_reference and place not in there:
            recipe = f", augmentation {entry.recipe}" if entry.recipe else ""
            alone.setdefault((entry.scenario, entry.data), []).append(f"{entry.condenser} (ipc {entry.ipc}{recipe})")
    return [
        f"{scenario} on {data}: no random real images of equal count were measured beside {some(list(dict.fromkeys(names)))}."
        for (scenario, data), names in alone.items()
    ]


def _searches(records: Sequence[Record], results: Sequence[Result], lineups: Lineups) -> list[str]:
    found = []
    for (scenario, data, variant), lineup in lineups.items():
        where = f"{scenario} on {data}"
        own = [r for r in results if (r.entry.scenario, r.entry.data, r.entry.variant) == (scenario, data, variant)]
        if lineup is None:
            found.append(f"{where}: no ground truth yet, so no rank statistics.")
            continue
        if lineup.left_out:
            missing = some(list(lineup.left_out))
            found.append(f"{where}: architectures {missing} lack a score in some row and are left out of all.")
        found += [
            f"{where}: ground truth table {table}, {len(lineup.ids)} architectures x {len(lineup.truth)} seeds"
            " (harness run ... --reuse takes it into another run)."
            for table in _tables(records, scenario, data)
        ]
        if len(lineup.truth) < 2:
            found.append(f"{where}: noise ceiling not measured, since the ground truth has one seed.")
        dropped = [f"{r.entry.condenser} {r.metric} ({r.interval.dropped})" for r in own if r.interval.dropped]
        if dropped:
            found.append(f"{where}: resamples without a defined value were dropped: {some(dropped)}.")
    broken = [str(f.get("id", f.get("architecture"))) for r in records for f in _failures(r)]
    return found + ([f"Architectures that failed to train: {some(list(dict.fromkeys(broken)))}."] if broken else [])


def _tables(records: Sequence[Record], scenario: str, data: str) -> list[str]:
    """The versions of a search's ground truth: one, unless its cells were made in different ways."""
    cells = [(r["cell"], (r.get("outcome") or {}).get("detail") or {}) for r in records]
    truths = [d for c, d in cells if c.get("reference") == "truth" and (c["scenario"], c["data"]) == (scenario, data)]
    return list(dict.fromkeys(str(detail["table"]) for detail in truths if "table" in detail))


def _failures(record: Record) -> Sequence[Mapping[str, Any]]:
    listed_failures = ((record.get("outcome") or {}).get("detail") or {}).get("failures") or []
    return [f for f in listed_failures if isinstance(f, Mapping)]
