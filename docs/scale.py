"""Make the page on many cells and two workers from its record.

    python docs/scale.py docs/results/scale.json docs/results/scale.md

Everything but the words of `scale.words.txt` is made from the record, which `scale_record.py`
makes.
"""

import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MEANS = {
    "plan, nothing done": "`harness plan SUITE`, nothing done",
    "run, all done": "`harness run SUITE`, all done, planned anew",
    "run again": "`harness run SUITE` once more",
    "report": "`harness report DIR --format csv`",
    "report again": "`harness report DIR --format csv` once more",
    "runs": "`harness runs`",
}


def make_page(record: Mapping[str, Any], words: str) -> str:
    """The page: words, with each {{part}} in its place."""
    parts = {
        "cells": _tabulate_cells(record["many"]),
        "workers": _tabulate_workers(record["workers"]["found"]),
        "ratios": _describe_ratios(record["workers"]),
        "where": _describe_machine(record),
    }
    for name, part in parts.items():
        words = words.replace("{{" + name + "}}", part)
    return words


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _tabulate_cells(many: Sequence[Mapping[str, Any]]) -> str:
    counts = [f"{one['cells']:,} cells" for one in many]
    headings = [f"{what}, {count}" for what in ("CPU s", "MB") for count in counts]
    rows = [
        [
            words,
            *(f"{one['found'][name]['cpu']:.1f}" for one in many),
            *(f"{one['found'][name]['megabytes']:,}" for one in many),
        ]
        for name, words in MEANS.items()
    ]
    return _table(("command", *headings), rows)


def _tabulate_workers(found: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    rows = [
        [workers, str(number + 1), f"{one['clock']:.0f}", f"{one['cpu']:.0f}"]
        for workers, rounds in found.items()
        for number, one in enumerate(rounds)
    ]
    return _table(("workers", "round", "seconds by the clock", "CPU s, all processes"), rows)


def _describe_ratios(workers: Mapping[str, Any]) -> str:
    one, two = (workers["found"][name] for name in ("1", "2"))
    clock, cpu = (
        [a[name] / b[name] for a, b in zip(one, two, strict=True)] for name in ("clock", "cpu")
    )
    return (
        f"By the clock two workers were {statistics.median(clock):.2f} times as fast as one"
        f" ({min(clock):.2f} to {max(clock):.2f}, rounds: {len(clock)}), for"
        f" {1 / statistics.median(cpu):.2f} times the CPU seconds"
        f" ({1 / max(cpu):.2f} to {1 / min(cpu):.2f}). The suite has {workers['cells']} cells."
    )


def _describe_machine(record: Mapping[str, Any]) -> str:
    here = record["environment"]
    first, last = record["busy"]
    return (
        f"{here['cpu']}, {here['cores']} processors, Python {here['python']}, torch"
        f" {here['torch']}, harness {here['harness']}. The load of the machine"
        f" was {first} when the measuring began and {last} when it ended."
    )


def main(source: str, out: str) -> None:
    """Write the page."""
    words = Path(source).with_suffix(".words.txt").read_text("utf-8")
    record = json.loads(Path(source).read_text("utf-8"))
    Path(out).write_text(make_page(record, words), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
