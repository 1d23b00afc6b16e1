"""What making a set took where it was condensed along the stream: a cell of its own has it
elsewhere, here the measurement that needed it.
"""

from collections.abc import Hashable, Sequence

from harness.report.place import MAKING
from harness.report.results import Record, Result, group_by_entry, read_costs


def read_making(scenario: str, records: Sequence[Record]) -> list[Result]:
    """Read the seconds of making each set, one class order's, as if they were cells of their own.

    Args:
        scenario: the one that shall have them; a set that several scenarios use is the first's.
        records: all records of the run, in the order of the suite.
    """
    known = {_set_of(record) for record in records if record["kind"] == MAKING}
    making: list[Record] = []
    for record in records:
        outcome = record.get("outcome") or {}
        seconds = outcome.get("costs", {}).get("condensation_seconds")
        if seconds is None or _set_of(record) in known:
            continue
        known.add(_set_of(record))
        if record["cell"]["scenario"] == scenario:
            orders = max(1, len(outcome.get("detail", {}).get("orders", ())))
            cell = {**record["cell"], "recipe": None}
            of_one = {"seconds": seconds / orders}
            making.append({**record, "kind": MAKING, "cell": cell, "condensation": of_one})
    groups = group_by_entry(making)
    return [result for entry, group in groups.items() for result in read_costs(entry, group)]


def _set_of(record: Record) -> Hashable:
    cell = record["cell"]
    return cell["data"], cell["label"], tuple(cell.get("budget") or ()), cell["seed"]
