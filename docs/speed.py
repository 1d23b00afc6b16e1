"""Keep what `make bench` measured, a record for each kind of processor, and make their page.

    python docs/speed.py runs/bench.json    # keep its rows in docs/results/speed/, write the page
    python docs/speed.py                    # write the page
    python docs/speed.py --check            # exit with 1 if the page is stale

A run of some of the rows replaces those rows in the record and leaves the others. Nothing is
imported of the packages; all but the words of `speed.words.txt` is made from the records.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
RECORDS, PAGE, WORDS = RESULTS / "speed", RESULTS / "speed.md", RESULTS / "speed.words.txt"
REPAIR = "docs/results/speed.md is stale: run `python docs/speed.py` and commit what it writes"
ROW = ("name", "title", "precision", "ratio", "low", "high", "n", "plain_seconds", "ours_seconds")
PRECISIONS = ("fp32", "bf16")
Record = Mapping[str, Any]
Row = Mapping[str, Any]


def slug(processor: str) -> str:
    """Return a file name that says which processor it is."""
    return re.sub(r"[^a-z0-9]+", "-", processor.lower()).strip("-")


def record_of(bench: Mapping[str, Any], before: Record | None) -> dict[str, Any]:
    """Return the record of a run, with the rows of `before` that the run did not measure.

    ValueError where the run is no measurement: of a graphics card, or with rows that failed.
    """
    if bench["seconds"] == "wall":
        raise ValueError("runs on graphics cards are not kept here")
    if bench["failures"]:
        raise ValueError(f"the run failed: {bench['failures'][0]}")
    environment = bench["environment"]
    made = {
        "command": _command(bench["command"]),
        "harness": bench["version"],
        **{name: environment[name] for name in ("torch", "threads", "blocks")},
    }
    rows = [{key: _rounded(row[key]) for key in ROW} | {"made": made} for row in bench["rows"]]
    measured = {(row["name"], row["precision"]) for row in rows}
    kept = [] if before is None else before["rows"]
    rows += [row for row in kept if (row["name"], row["precision"]) not in measured]
    return {
        "processor": bench["processor"],
        "data": bench["data"],
        "product_gflops": {name: _rounded(rate) for name, rate in bench["product_gflops"].items()},
        "left_out": bench.get("left_out", {}),
        "rows": sorted(rows, key=lambda row: (row["name"], PRECISIONS.index(row["precision"]))),
    }


def _command(words: Sequence[str]) -> str:
    """As a reader types it, without the machine's paths."""
    plain = list(words[1:])
    if "--out" in plain:
        at = plain.index("--out")
        del plain[at : at + 2]
    return " ".join(["PYTHONPATH=tests python", *plain])


def _rounded(value: object) -> object:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def page_of(records: Sequence[Record], words: str) -> str:
    """Return the page: the words, with the tables in their places."""
    tables = {
        "{{figures}}": "\n\n".join(map(_figures, records)),
        "{{products}}": _table(
            ("processor", "fp32, GFLOP/s", "bf16, GFLOP/s"), [*map(_product_row, records)]
        ),
    }
    for place, table in tables.items():
        words = words.replace(place, table)
    return words


def _product_row(record: Record) -> list[str]:
    rates = record["product_gflops"]
    shown = [f"{rates[name]:.3g}" if name in rates else "-" for name in PRECISIONS]
    return [record["processor"], *shown]


def _figures(record: Record) -> str:
    by_name: dict[str, dict[str, Row]] = {}
    for row in record["rows"]:
        by_name.setdefault(row["name"], {})[row["precision"]] = row
    rows = [
        [
            _unit(name, of),
            *_seconds(of),
            *(_ratio(of.get(precision)) for precision in PRECISIONS),
        ]
        for name, of in _in_order(by_name)
    ]
    table = _table(("a unit of the loop", "plain, s", "ours, s", "fp32", "bf16"), rows)
    return "\n\n".join([f"### {record['processor']}", *_notes(record), table])


def _unit(name: str, of: Mapping[str, Row]) -> str:
    """What one unit of a loop is; what is put together from parts is called an iteration."""
    title = str(next(iter(of.values()))["title"])
    return f"{name.upper()} iteration ({title})" if name in ("dc", "dsa") else title


def _in_order(by_name: Mapping[str, dict[str, Row]]) -> Iterator[tuple[str, dict[str, Row]]]:
    """Methods first, then evaluation and the rest, as the record has them."""
    first = [name for name in ("dm", "dc", "dsa", "idc-matching") if name in by_name]
    for name in [*first, *(name for name in by_name if name not in first)]:
        yield name, by_name[name]


def _seconds(of: Mapping[str, Row]) -> list[str]:
    row = of.get("fp32") or next(iter(of.values()))
    return [
        f"{row[key]:.3g}" if row[key] is not None else "-"
        for key in ("plain_seconds", "ours_seconds")
    ]


def _ratio(row: Row | None) -> str:
    if row is None:
        return "-"
    if row["low"] is None:
        return f"{row['ratio']:.1f} x"
    return f"{row['ratio']:.2f} x [{row['low']:.2f}, {row['high']:.2f}]"


def _notes(record: Record) -> Iterator[str]:
    if record.get("note"):
        yield record["note"]
    made = {json.dumps(row["made"], sort_keys=True): row["made"] for row in record["rows"]}
    for one in made.values():
        counts = {row["n"] for row in record["rows"] if row["made"] == one} - {None}
        rounds = f", {'/'.join(map(str, sorted(counts)))} rounds" if counts else ""
        yield (
            f"`{one['command']}`, version {one['harness']}, torch {one['torch']}, threads:"
            f" {one['threads']}{rounds}; data: {record['data']}."
        )
    for name, why in record["left_out"].items():
        yield f"{name} was left out: {why}."


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def read_records() -> list[Record]:
    """Return all records, by the name of the processor."""
    found = [json.loads(path.read_text("utf-8")) for path in sorted(RECORDS.glob("*.json"))]
    return sorted(found, key=lambda record: record["processor"])


def keep(path: Path) -> Path:
    """Write the record of a run; return its file."""
    bench = json.loads(path.read_text("utf-8"))
    kept = RECORDS / f"{slug(bench['processor'])}.json"
    before = json.loads(kept.read_text("utf-8")) if kept.exists() else None
    record = record_of(bench, before)
    RECORDS.mkdir(exist_ok=True)
    kept.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    return kept


def main(arguments: Sequence[str]) -> int:
    """Do what the words of the command line ask for."""
    checked = list(arguments) == ["--check"]
    for name in () if checked else arguments:
        try:
            print(keep(Path(name)))
        except ValueError as fault:
            print(f"{name}: {fault}; nothing is kept", file=sys.stderr)
            return 1
    page = page_of(read_records(), WORDS.read_text("utf-8"))
    if checked:
        stale = PAGE.read_text("utf-8") != page
        print(REPAIR if stale else "", end="\n" if stale else "", file=sys.stderr)
        return int(stale)
    PAGE.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
