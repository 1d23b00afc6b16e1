"""What changed from one run to another: configuration, environment, and figures, paired over the seeds that both have."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.report.notes import environment
from harness.report.results import Entry, Record, Result
from harness.report.rows import Searches, comparison, number, results_of
from harness.report.wording import some

Contents = tuple[Mapping[str, Any], Sequence[Record], Sequence[Mapping[str, Any]]]
Facts = dict[str, dict[str, Any]]


def differences(a: Contents, b: Contents) -> dict[str, Any]:
    """One JSON object. configuration, environment, code: {"what", "name", "a", "b"} of all that differs.

    code: the modules behind what both runs have, by their digests.

    figures: every metric of every set that either run has, and B less A with its interval where they share seeds.
    """
    return {
        "configuration": _changed(_facts(a[0], a[1]), _facts(b[0], b[1])),
        "environment": _changed({"environment": environment(a[1])}, {"environment": environment(b[1])}),
        "code": _code(a[1], b[1]),
        "figures": _figures(results_of(a[1]), results_of(b[1])),
    }


def _facts(suite: Mapping[str, Any], records: Sequence[Record]) -> Facts:
    """What was asked for, as the finished cells tell it: "set dm" -> "iterations" -> its value, or the list of its values."""
    values: dict[str, dict[str, list[Any]]] = {"suite": {}}
    for record in records:
        cell = record["cell"]
        kind = "reference" if cell.get("reference") else "set"
        what = f"{kind} {cell.get('reference') or cell['label']}"
        _note(values, "suite", {"data": cell["data"], "seeds": cell["seed"]})
        _note(values, what, {**dict(_flat(cell.get("hyperparameters") or {})), **_size(cell)})
        if cell.get("scenario"):
            _note(values, f"scenario {cell['scenario']}", dict(_flat(cell.get("settings") or {})))
    found = {what: {name: _single(each) for name, each in of.items()} for what, of in values.items()}
    found["suite"] |= {"name": suite.get("suite"), "command": suite.get("command"), "cells": len(suite.get("cells", []))}
    return found


def _code(a: Sequence[Record], b: Sequence[Record]) -> list[dict[str, Any]]:
    """Modules whose code differs behind what both runs have: a line each, with what it is behind."""
    old, new = _sources(a), _sources(b)
    found: dict[str, dict[str, Any]] = {}
    for what in (what for what in old if what in new):
        for module in dict.fromkeys([*old[what], *new[what]]):
            sides = {"a": old[what].get(module), "b": new[what].get(module)}
            if sides["a"] != sides["b"]:
                found.setdefault(module, {"what": [], "name": module, **sides})["what"].append(what)
    return [{**row, "what": some(row["what"])} for row in found.values()]


def _sources(records: Sequence[Record]) -> Facts:
    """ "accuracy: dm" -> module -> its digest, or the list of all."""
    values: dict[str, dict[str, list[Any]]] = {}
    for record in records:
        cell = record["cell"]
        what = f"{cell.get('scenario') or 'condense'}: {cell.get('reference') or cell['label']}"
        _note(values, what, (record.get("keyed_by") or {}).get("sources") or {})
    return {what: {name: _single(each) for name, each in of.items()} for what, of in values.items()}


def _note(values: dict[str, dict[str, list[Any]]], what: str, facts: Mapping[str, Any]) -> None:
    own = values.setdefault(what, {})
    for name, value in facts.items():
        if value not in own.setdefault(name, []):
            own[name].append(value)


def _size(cell: Mapping[str, Any]) -> dict[str, Any]:
    budget = cell.get("budget") or (("ipc", cell["ipc"]) if cell.get("ipc") else None)
    return {budget[0]: budget[1]} if budget else {}


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Values of nested tables by dotted names, as `--set` takes them."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _single(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else sorted(values, key=lambda value: (str(type(value)), value))


def _changed(a: Facts, b: Facts) -> list[dict[str, Any]]:
    """What only one run has is one line; of what both have, each value that differs."""
    found = []
    for what in dict.fromkeys([*a, *b]):
        if what not in a or what not in b:
            found.append({"what": what, "name": None, "a": what in a, "b": what in b})
            continue
        for name in dict.fromkeys([*a[what], *b[what]]):
            old, new = a[what].get(name), b[what].get(name)
            if old != new:
                found.append({"what": what, "name": name, "a": old, "b": new})
    return found


def _figures(a: tuple[Sequence[Result], Searches], b: tuple[Sequence[Result], Searches]) -> list[dict[str, Any]]:
    old, new = ({(r.entry, r.metric): r for r in results} for results, _ in (a, b))
    same = {place for place in a[1] if place in b[1] and _same_architectures(a[1], b[1], place)}
    return [_figure(entry, old.get((entry, metric)), new.get((entry, metric)), same) for entry, metric in {**old, **new}]


def _same_architectures(a: Searches, b: Searches, place: tuple[str, str, str]) -> bool:
    """Rank statistics are paired over resampled architectures and seeds of the truth, so these must be the same."""
    one, other = a[place].lineup, b[place].lineup
    if one is None or other is None:
        return False
    return one.ids == other.ids and one.truth.test.shape == other.truth.test.shape


def _figure(entry: Entry, a: Result | None, b: Result | None, same: set[tuple[str, str, str]]) -> dict[str, Any]:
    known = a or b
    assert known is not None
    difference = None
    if a is not None and b is not None and (a.draws is None or (entry.scenario, entry.data, entry.variant) in same):
        difference = b.minus(a)
    return {
        **entry.named(),
        "metric": known.metric,
        "unit": known.unit,
        "higher_is_better": known.higher_is_better,
        "a": _estimate(a),
        "b": _estimate(b),
        "comparison": None if difference is None else {**comparison(difference, "A"), "n": difference.n},
    }


def _estimate(result: Result | None) -> dict[str, Any] | None:
    if result is None:
        return None
    found = result.interval
    return {"mean": number(found.mean), "low": number(found.low), "high": number(found.high), "n": found.n}
