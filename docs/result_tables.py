"""Fill the tables of results in the README and the documentation from reference results.

    python docs/result_tables.py            # write them
    python docs/result_tables.py --check    # exit with 1 if one differs from its records

What is filled stands between one of these lines and `<!-- end -->`:

    <!-- table of reference:NAME: TITLE -->      a table of its report, by its title
    <!-- note of reference:NAME: TITLE: BEGINNING -->  what stands below that table and begins so
    <!-- answer of reference:NAME: QUESTION -->  an answer of its report, by the question's start
    <!-- verdict of reference:NAME: memory -->   its verdicts on a job: memory or proxy
    <!-- verdict of reference:NAME: memory, in short -->   answer, first figure and what to use
    <!-- run of reference:NAME -->               how it was made, where and in what time
    <!-- ... of report:NAME -->                  the same of docs/results/NAME.json, the report of a
                                                 run whose records are not passed on
    <!-- table of nas-bench-201: HEADING -->     the first table under a heading of its page

The page on NAS-Bench-201 is made whole from a record of its own (nas_bench_201.py).
"""

import json
import re
import sys
import textwrap
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
for folder in (str(ROOT), str(ROOT / "docs")):
    if folder not in sys.path:
        sys.path.insert(0, folder)

import nas_bench_201  # noqa: E402

from harness.reference.files import Reference  # noqa: E402
from harness.report.building import build  # noqa: E402
from harness.report.formats.markdown import draw_table, draw_verdicts, escape  # noqa: E402
from harness.report.overview.verdict import evidence_name, evidence_text, heading  # noqa: E402
from harness.report.tables import tables  # noqa: E402

BLOCK = re.compile(
    r"<!-- (table|note|answer|verdict|run) of"
    r" ((?:reference|report):[^\s:]+|nas-bench-201)(?:: (.+?))? -->\n"
    r".*?<!-- end -->",
    re.DOTALL,
)
RESULTS = ROOT / "docs" / "results"
NAS_BENCH = RESULTS / "nas-bench-201.json"
REPAIR = "run `make docs` and commit what it writes"
WIDTH = 150


def pages() -> list[Path]:
    """Return the pages that may have such a block."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@lru_cache
def report(name: str) -> dict[str, Any]:
    """Return the report of a reference, or one that is kept as such."""
    kept = name.removeprefix("report:")
    if kept != name:
        found: dict[str, Any] = json.loads((RESULTS / f"{kept}.json").read_text(encoding="utf-8"))
        return found
    return build(*Reference(Path(name)).contents())


def table(name: str, title: str) -> str:
    """Return the table of that title; ValueError with those that there are."""
    if name == NAS_BENCH.stem:
        return table_of_page(title)
    known = {one.title: one for one in tables(report(name))}
    if title not in known:
        raise ValueError(f"{name} has no table '{title}'; it has: {'; '.join(known)}")
    return draw_table(known[title])


def note(name: str, asked: str) -> str:
    """Return the note below a table that begins so; ValueError where there is none."""
    title, _, beginning = asked.rpartition(": ")
    for one in tables(report(name)):
        for text in one.footnotes if one.title == title else ():
            if text.startswith(beginning):
                return textwrap.fill(
                    escape(text), WIDTH, break_on_hyphens=False, break_long_words=False
                )
    raise ValueError(f"{name} has no note below '{title}' that begins with '{beginning}'")


@lru_cache
def nas_bench_page() -> str:
    """Return the page on NAS-Bench-201, made from its record."""
    words = NAS_BENCH.with_suffix(".words.txt").read_text(encoding="utf-8")
    return nas_bench_201.make_page(json.loads(NAS_BENCH.read_text(encoding="utf-8")), words)


def table_of_page(heading: str) -> str:
    """Return the first table under that heading; ValueError with the headings that there are."""
    parts = re.split(r"^## (.+)\n", nas_bench_page(), flags=re.MULTILINE)
    known = dict(zip(parts[1::2], parts[2::2], strict=True))
    if heading not in known:
        raise ValueError(f"{NAS_BENCH.stem} has no '{heading}'; it has: {'; '.join(known)}")
    found = re.search(r"^\|.*(?:\n\|.*)*", known[heading], re.MULTILINE)
    if found is None:
        raise ValueError(f"{NAS_BENCH.stem} has no table under '{heading}'")
    return found[0]


def answer(name: str, beginning: str) -> str:
    """Return a question that begins so and its answer, as a quotation."""
    for headline in report(name)["headlines"]:
        if headline["question"].startswith(beginning):
            text = f"**{escape(headline['question'])}** {escape(headline['answer'])}"
            return "\n".join(
                textwrap.wrap(
                    text,
                    WIDTH,
                    initial_indent="> ",
                    subsequent_indent="> ",
                    break_on_hyphens=False,
                    break_long_words=False,
                )
            )
    raise ValueError(f"{name} answers no question that begins with '{beginning}'")


def verdict(name: str, job: str) -> str:
    """Return the verdicts of a report on one job; ValueError where it has none."""
    job, _, short = job.partition(", ")
    found = [one for one in report(name)["verdicts"] if one["job"] == job]
    if not found:
        raise ValueError(f"{name} has no verdict on '{job}'; the jobs are memory and proxy")
    return "\n".join(map(short_verdict, found)) if short else draw_verdicts(found)


def short_verdict(one: dict[str, Any]) -> str:
    """Return a verdict as an item of a list: the answer, its first figure and what to use."""
    figure = one["evidence"][0]
    text = (
        f"({heading(one)}). {evidence_name(figure)}: {evidence_text(figure)}."
        f" What to use: {one['use']}"
    )
    return textwrap.fill(
        f"**{one['answer'].capitalize()}** {escape(text)}",
        WIDTH,
        initial_indent="- ",
        subsequent_indent="  ",
        break_on_hyphens=False,
        break_long_words=False,
    )


def run(name: str, _: str) -> str:
    """Return how the results of a reference, or of a report that is kept, were made."""
    made = report(name)["environment"]
    where = f"{made['cpu']}, {made['threads']} thread{'s' * (made['threads'] != 1)} a process"
    if name.startswith("report:"):
        text = (
            f"Made by `{report(name)['commands'][0]}` on {where}. What `harness report --format"
            " json` wrote, without the published accuracies of single cells, is"
            f" {name.removeprefix('report:')}.json beside this page."
        )
    else:
        suite, records, _failures = Reference(Path(name)).contents()
        spent = sum((record.get("energy") or {}).get("cpu_seconds") or 0.0 for record in records)
        version = (suite.get("environment") or {}).get("harness", "of an unknown version")
        text = (
            f"Made by `{suite['command']}` of version {version} on {where}, in"
            f" {spent / 3600:.2g} CPU hours; `harness report {name}` prints all of it, and"
            f" `harness diff {name} runs/mine` says whether your machine comes to the same."
        )
    return textwrap.fill(text, WIDTH, break_on_hyphens=False, break_long_words=False)


FILL: dict[str, Callable[[str, str], str]] = {
    "table": table,
    "note": note,
    "answer": answer,
    "verdict": verdict,
    "run": run,
}


def filled(text: str) -> str:
    """Return the text of a page with every block brought up to date."""

    def fill(found: re.Match[str]) -> str:
        kind, name, which = found[1], found[2], found[3] or ""
        return f"{found[0].partition(chr(10))[0]}\n\n{FILL[kind](name, which)}\n\n<!-- end -->"

    return BLOCK.sub(fill, text)


def due() -> dict[Path, str]:
    """Return the pages that differ from their records, with what they should be."""
    texts = {path: path.read_text(encoding="utf-8") for path in pages()}
    wanted = {path: filled(text) for path, text in texts.items()}
    wanted[NAS_BENCH.with_suffix(".md")] = nas_bench_page()
    return {path: text for path, text in wanted.items() if texts[path] != text}


def main(words: list[str]) -> int:
    """Write or check the tables, and return the exit status."""
    found = due()
    for path, text in found.items():
        if "--check" in words:
            name = path.relative_to(ROOT)
            print(f"{name}: a table differs from its records; {REPAIR}", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8")
    return 1 if found and "--check" in words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
