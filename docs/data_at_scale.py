"""Make the page of what many classes cost, from its record.

    python docs/data_at_scale.py docs/results/data-at-scale.json docs/results/data-at-scale.md

The record is what tests/benchmarks/data_at_scale.py wrote; the words stand in a file beside it.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
STEPS = {
    "make": "decode and store",
    "map": "load again",
    "condense": "a step of DM",
    "evaluate": "evaluate",
}
LARGE = {"classes": 1000, "images": 1300, "side": 224}
PORTION = (
    2**24
)  # pixels of real images that share one pass: condensers/composition/matching_loop.py
FORWARD = 96.8e6 / 32**2  # arithmetic operations a pixel of a ConvNet-3 of width 128, forward
BATCH_REAL = 256  # of DM, a class


def make_page(record: Mapping[str, Any], words: str) -> str:
    """The page: words, with each {part} in its place."""
    settings = record["settings"]
    return words.format(
        each=settings["each"],
        side=settings["side"],
        batch=settings["batch_real"],
        begun=settings["begun_seconds"],
        tested=settings["tested"],
        portion=f"{PORTION:,}",
        curve=_curve(record["curve"]),
        workers=_workers(record.get("two processes with CIFAR-10", {})),
        large=_large(),
        **_clusters(record["k-means"]),
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _curve(rows: Sequence[Row]) -> str:
    headings = ["classes", "images", "uint8"]
    for step, name in STEPS.items():
        headings += [f"{name}, s", "MiB", *(["MiB, 256 real"] if step == "condense" else [])]
    lines = []
    for row in rows:
        line = [f"{row['classes']:,}", f"{row['images']:,}", f"{row['bytes'] / 1e9:.2f} GB"]
        for step in STEPS:
            line += [_number(row, step, "seconds"), _number(row, step, "anonymous")]
            line += [_number(row, "default", "anonymous")] if step == "condense" else []
        lines.append(line)
    return _table(headings, lines)


def _number(row: Row, step: str, what: str) -> str:
    if step not in row:
        return "not measured"
    return f"{row[step][what]:,.1f}" if what == "seconds" else f"{row[step][what]:,}"


def _workers(found: Mapping[str, Sequence[Row]]) -> str:
    if not found:
        return "not measured"
    lines = [[name, *(f"{one['anonymous']:,}" for one in both)] for name, both in found.items()]
    return _table(["images are", "first process", "second process"], lines)


def _clusters(found: Mapping[str, Any]) -> dict[str, str]:
    rows = [row for row in found["classes"] if "lloyd" in row]
    lines = [
        [
            row["class"],
            f"{row['ours']['seconds']:.1f}",
            f"{row['lloyd']['seconds']:.0f}",
            f"{row['ours']['objective'] / row['lloyd']['objective']:.3f}",
        ]
        for row in rows
    ]
    headings = ["class", "seconds", "Lloyd's seconds", "objective / Lloyd's"]
    return {
        "clusters": f"{found['clusters']}",
        "rounds": f"{found['rounds']}",
        "clustered": f"{len(found['classes'])}",
        "seconds": f"{sum(row['ours']['seconds'] for row in found['classes']):.1f}",
        "clustering": _table(headings, lines),
    }


def _large() -> str:
    images, pixels = LARGE["classes"] * LARGE["images"], LARGE["side"] ** 2
    step = LARGE["classes"] * BATCH_REAL * pixels * FORWARD
    rows = [
        ["array files", f"{images * 3 * pixels / 1e9:,.0f} GB"],
        ["labels and the positions of classes, a process", f"{2 * images * 8 / 1e6:,.0f} MB"],
        ["one class of uint8 images", f"{LARGE['images'] * 3 * pixels / 1e6:,.0f} MB"],
        ["real images of one portion of a DM step, float32", f"{PORTION * 12 / 1e6:,.0f} MB"],
        ["the set at ipc 1, float32", f"{LARGE['classes'] * 12 * pixels / 1e6:,.0f} MB"],
        [f"arithmetic of a DM step, {BATCH_REAL} real images a class", f"{step / 1e15:.1f} PFLOP"],
        ["that at 100 GFLOP/s, a thread", f"{step / 1e11 / 3600:.1f} h"],
        ["that at 100 TFLOP/s, a GPU", f"{step / 1e14:.0f} s"],
    ]
    return _table(["what", "takes"], rows)


def main(arguments: Sequence[str]) -> None:
    record, page = map(Path, arguments)
    words = record.with_suffix(".words.txt").read_text(encoding="utf-8")
    found = make_page(json.loads(record.read_text(encoding="utf-8")), words)
    page.write_text(found, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
