"""A search whose truth came from a table: the report says from which."""

import copy
from typing import Any

from harness.report.building import build


def notes_of(records: list[dict[str, Any]], truth: dict[str, Any] | None) -> list[str]:
    """The notes on the search of `records`, its truth trained under key k1, or read as `truth`
    says.
    """
    own = [copy.deepcopy(r) for r in records if r["cell"]["scenario"] == "search"]
    for record in own:
        if record["cell"]["reference"] == "truth":
            record["outcome"]["detail"] |= {"table": "k1"} | ({"truth": truth} if truth else {})
    report = build({"suite": "s", "cells": [r["key"] for r in own]}, own, [])
    return [note for note in report["notes"] if "ground truth table k1" in note]


def test_the_report_says_that_the_truth_was_read(records: list[dict[str, Any]]) -> None:
    (trained,) = notes_of(records, None)
    assert "--reuse" in trained and "read from" not in trained
    (read,) = notes_of(
        records, {"from": "small-digits", "content": "0123456789abcdef" * 4, "torch": []}
    )
    assert read.endswith(
        "3 seeds, read from small-digits (content 0123456789abcdef) and not trained in this run;"
        " its seconds are those recorded when it was trained."
    )
    (older,) = notes_of(
        records, {"from": "small-digits", "content": "0" * 64, "torch": ["2.6.0", "2.7.1"]}
    )
    assert older.endswith("when it was trained by torch 2.6.0, 2.7.1.")
