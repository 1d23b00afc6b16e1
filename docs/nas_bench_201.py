"""Make the page of the NAS-Bench-201 results from their record.

    python docs/nas_bench_201.py docs/results/nas-bench-201.json docs/results/nas-bench-201.md

Everything but the words of `nas-bench-201.words.txt` on the page is made from the record, which
`nas_bench_201_record.py` makes.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.printable import flat

Row = Mapping[str, Any]
OURS = {"synflow": "synflow", "naswot": "naswot", "parameters": "params"}
FIGURES = ("tau", "rho", "precision", "regret@1", "regret-tenth")


def make_page(record: Mapping[str, Any], words: str) -> str:
    """The page: words, with each {{table}} in its place."""
    tables = {
        "proxies": _proxies(record),
        "curve": _curve(record),
        "combined": _combined(record),
        "zero-cost": _zero_cost(record),
        "public": _public_table(record),
        "equal-cost": _equal_cost(record),
        "run": _run(record),
        "check": _check(record),
        "twins": _twin_table(record),
        "partial": _partial(record),
    }
    for name, table in tables.items():
        words = words.replace("{{" + name + "}}", table)
    return words


def _estimate(value: Mapping[str, float | None], digits: int = 2) -> str:
    mean, low, high = value["mean"], value["low"], value["high"]
    if mean is None:
        return "-"
    found = f"{mean:.{digits}f}"
    return (
        found if low is None or high is None else f"{found} [{low:.{digits}f}, {high:.{digits}f}]"
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(flat, line))} |" for line in lines)


def _ends(record: Mapping[str, Any]) -> list[Row]:
    """The last readings of each entry."""
    last: dict[str, int] = {}
    for row in record["readings"]:
        last[row["condenser"]] = max(row["steps"], last.get(row["condenser"], 0))
    return [row for row in record["readings"] if row["steps"] == last[row["condenser"]]]


def _proxies(record: Mapping[str, Any]) -> str:
    rows = [
        [
            row["condenser"],
            row["by"],
            *(_estimate(row[name]) for name in FIGURES),
            f"{row['seconds']:.0f}",
        ]
        for row in sorted(_ends(record), key=lambda row: -row["tau"]["mean"])
    ]
    headings = ("trained on", "scored by", "tau", "rho", "top-10 % precision", "regret@1, points")
    return _table((*headings, "regret of the best tenth, points", "seconds, all cells"), rows)


def _curve(record: Mapping[str, Any]) -> str:
    found: dict[tuple[str, int], dict[str, Row]] = {}
    for row in record["readings"]:
        found.setdefault((row["condenser"], row["steps"]), {})[row["by"]] = row
    rows = [
        [
            name,
            str(steps),
            _estimate(pair["accuracy"]["tau"]),
            _estimate(pair["loss"]["tau"]),
            _estimate(pair["loss"]["over-accuracy"]),
        ]
        for (name, steps), pair in found.items()
    ]
    return _table(("trained on", "steps", "tau by accuracy", "by loss", "loss less accuracy"), rows)


def _combined(record: Mapping[str, Any]) -> str:
    best = sorted(record["combined"], key=lambda row: -row["tau"]["mean"])[:10]
    rows = [
        [
            f"{row['condenser']} by {row['by']} + {row['with']}",
            *(_estimate(row[name]) for name in FIGURES),
            _estimate(row["over-score"]),
        ]
        for row in best
    ]
    headings = ("ranks averaged", "tau", "rho", "top-10 % precision", "regret@1, points")
    return _table((*headings, "regret of the best tenth", "tau less that of the score"), rows)


def _zero_cost(record: Mapping[str, Any]) -> str:
    trained = {row["condenser"] for row in record["readings"]}
    names = dict.fromkeys(
        (row["scenario"], row["condenser"])
        for row in record["rows"]
        if row["condenser"] not in trained and row["condenser"] != "truth"
    )
    found = {(row["scenario"], row["condenser"], row["metric"]): row for row in record["rows"]}
    metrics = ("kendall-tau", "spearman", "partial-correlation", "regret@1")
    rows = [
        [
            name if scenario == "search" else f"{name}, {scenario}",
            *(
                _estimate(found[scenario, name, m]) if (scenario, name, m) in found else "-"
                for m in metrics
            ),
        ]
        for scenario, name in names
    ]
    return _table(("score", "tau", "rho", "rho given parameters", "regret@1, points"), rows)


def _public_table(record: Mapping[str, Any]) -> str:
    public = record["public"]
    rows = []
    for ours, name in OURS.items():
        for one in [one for one in public["ours"] if one["name"] == ours]:
            rows.append(
                [
                    f"{name} ({'reduced' if one['scenario'] == 'search' else one['scenario']})",
                    f"{public['all'][name]:.3f}",
                    f"{public['sample'][name]:.3f}",
                    f"{one['with_truth']:.3f}",
                    f"{one['with_public']:.3f}",
                ]
            )
    headings = ("score", "public, all cells", "public, the sample", "ours, the sample")
    return _table((*headings, "ours with the public one"), rows)


def _equal_cost(record: Mapping[str, Any]) -> str:
    rows = [
        [
            row["condenser"],
            row["against"],
            row["at"],
            _estimate({"mean": row["difference"], "low": row["low"], "high": row["high"]}),
        ]
        for row in record["equal_cost"]
        if row["at"] in ("equal seconds", "equal seconds with condensation", "equal count")
    ]
    if not rows:
        return "No baseline with a curve was finished."
    return _table(("set", "against", "at", "tau less its tau, by accuracy"), rows)


def _check(record: Mapping[str, Any]) -> str:
    check = record["check"]
    headings = ("steps", *(f"tau by {way}" for way in check["ways"]))
    rows = [
        [steps, *(f"{value:.2f}" for value in values)] for steps, values in check["tau"].items()
    ]
    return f"{check['how']} {check['cells']} cells.\n\n{_table(headings, rows)}"


def _partial(record: Mapping[str, Any]) -> str:
    """Trainings that were stopped on the way, over the cells that were done."""
    if not record["check"]["partial"]:
        return "none."
    rows = [
        [
            f"{one['name']}, {len(one['cells'])} cells",
            str(point["steps"]),
            _estimate(point["accuracy"]),
            _estimate(point["loss"]),
            _estimate(one["parameters"]),
        ]
        for one in record["check"]["partial"]
        for point in one["points"]
    ]
    if not rows:
        return "None."
    return _table(("not finished", "steps", "tau by accuracy", "by loss", "by parameters"), rows)


def _twin_table(record: Mapping[str, Any]) -> str:
    public = record["public"]
    twins = public["twins"]
    names = {
        "same_published_class": f"of one of the {public['published_classes']:,} published classes",
        "joined_by_ours_alone": f"of one of the {public['classes']:,} networks, not of one class",
        "any_two": "any two, drawn at random",
    }
    rows = [
        [name, f"{twins[key]['pairs']:,}", f"{twins[key]['points']:.2f}"]
        for key, name in names.items()
    ]
    return _table(("pairs of cells above 60 %", "pairs", "median difference, points"), rows)


def _run(record: Mapping[str, Any]) -> str:
    cells, truth = record["cells"], record["truth"]
    return (
        f"Made by `{record['command']}` on {record['processor']}, one thread, on a machine that"
        f" others kept busy: {record['cpu_hours']} hours by the records' clock."
        f" {cells['done']} of {cells['total']} pieces of it ran."
        f" Truth: {truth['published']}, content {truth['content'][:16]}."
    )


def main(source: str, out: str) -> None:
    """Write the page."""
    words = Path(source).with_suffix(".words.txt").read_text("utf-8")
    record = json.loads(Path(source).read_text("utf-8"))
    Path(out).write_text(make_page(record, words), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
