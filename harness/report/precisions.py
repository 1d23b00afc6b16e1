"""In which precision cells were computed, where it was not float32."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.results import Record
from harness.report.wording import join_some, join_words

EXACT, AUTO = "fp32", "auto"


def chosen_precisions(detail: Mapping[str, Any]) -> list[str]:
    """Return what "auto" came to in a scenario's detail: one precision, or one of each network."""
    rows = [row.get("precision") for row in detail.get("architectures") or []]
    networks = (detail.get("precisions") or {}).values()
    found = [*rows, *networks] if any(rows) or networks else [detail.get("precision")]
    return sorted({str(name) for name in found if name})


def approximations(records: Sequence[Record]) -> list[str]:
    """Return what was computed in a lower precision than float32, or could have been.

    Where it was left to the machines, a sentence says what they took, and whether they differ.
    """
    by_precision: dict[str, list[str]] = {}
    choices: dict[str, dict[str, set[str]]] = {}
    for record in records:
        for precision, what, found in _uses(record):
            if precision == AUTO:
                machine = str((record.get("environment") or {}).get("cpu", "an unknown processor"))
                taken = choices.setdefault(what, {})
                for name in found:
                    taken.setdefault(name, set()).add(machine)
                precision = next((name for name in found if name != EXACT), EXACT)
            if precision != EXACT:
                by_precision.setdefault(precision, []).append(what)
    return [
        *(
            f"Approximation: products in {name} for {join_some(list(dict.fromkeys(what)))}."
            for name, what in by_precision.items()
        ),
        *(
            f"Precision left to the machine: {what} in {_describe(taken)}."
            for what, taken in choices.items()
        ),
    ]


def _uses(record: Record) -> list[tuple[str, str, list[str]]]:
    """The precision of condensing and that of the scenario: as set, of what, and what was taken."""
    cell = record["cell"]
    made, used = (
        (cell.get(part) or {}).get("precision", EXACT) for part in ("hyperparameters", "settings")
    )
    detail = (record.get("outcome") or {}).get("detail") or {}
    own = [record["precision"]] if record.get("precision") else detail.get("condensed_in") or []
    return [
        (made, f"{cell.get('label')} (condensing)", own),
        (used, f"{cell.get('scenario')} (training and test)", chosen_precisions(detail)),
    ]


def _describe(taken: Mapping[str, set[str]]) -> str:
    if not taken:
        return "a precision that was not recorded"
    if len(taken) == 1:
        return next(iter(taken))
    parts = [f"{name} (on {join_words(sorted(machines))})" for name, machines in taken.items()]
    return f"{join_words(sorted(parts))}: not all alike"
