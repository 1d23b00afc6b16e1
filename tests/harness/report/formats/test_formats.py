"""Formats: layout, escaping, partial runs, a page that stands alone."""

import csv
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from rich.console import Console

from condensers.errors import UsageError
from harness.report.building import FORMATS, build, render
from harness.report.formats.latex import escape as latex_escape
from harness.report.formats.markdown import escape as markdown_escape
from harness.report.formats.terminal import print_report

Runs = Callable[..., list[dict[str, Any]]]
NASTY = "dm_<b>&|50%$#{x}"
FAILURE = {
    "key": "lost",
    "cell": {"scenario": "search", "data": "mnist-5k", "label": NASTY, "ipc": 1, "seed": 3},
    "sentence": "ran out of <memory> & 50% of time",
}


@pytest.fixture(scope="module")
def report(suite: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
    partial = suite | {"cells": [*suite["cells"], "lost", "later"]}
    return build(partial, records, [FAILURE])


def on_terminal(report: dict[str, Any], width: int = 100) -> str:
    file = io.StringIO()
    print_report(report, Console(width=width, file=file))
    return file.getvalue()


def test_terminal_fits_a_hundred_columns_and_shows_what_counts(report: dict[str, Any]) -> None:
    text = on_terminal(report)
    assert max(map(len, text.splitlines())) <= 100
    assert re.search(
        r"dm +7,850 +6,280 +\d\d\.\d \[\d\d\.\d, \d\d\.\d\]"
        r" +\+\d\.\d \[\+\d\.\d, \+\d\.\d\] +better +5",
        text,
    )
    assert "GDumb on mnist-5k" in text and "not distinguishable" in text
    assert (
        "references" in text
        and "joint" in text
        and "Energy: not measured (no readable meter)." in text
    )


def test_a_narrow_continual_table_with_long_verdicts_still_fits(runs: Runs) -> None:
    records = []
    for label, values in (
        ("k-means-centroids", [52.0, 59.0, 73.0]),
        ("random", [50.0, 60.0, 70.0]),
    ):
        for record in runs(label, values):
            base = record["outcome"]["measurements"][0]
            record["cell"]["scenario"] = "continual"
            metrics = (("replay/forgetting", False), ("replay/final-accuracy", True))
            record["outcome"]["measurements"] = [
                base | {"metric": m, "higher_is_better": h} for m, h in metrics
            ]
            records.append(record)
    text = on_terminal(build({"suite": "s"}, records, []))
    assert max(map(len, text.splitlines())) <= 100
    *_, line = [line for line in text.splitlines() if line.startswith("k-means-centroids  ")]
    assert line.count("not distinguishable") == 2


@pytest.mark.parametrize("format", ["md", "latex", "html", "terminal"])
def test_partial_runs_and_failures_are_said(report: dict[str, Any], format: str) -> None:
    text = on_terminal(report) if format == "terminal" else render(report, format)
    total = report["cells"]["total"]
    assert f"of {total} cells {total - 2} are done, 1 failed, 1 not run yet" in text
    assert "ran out of" in text
    assert report["cells"]["missing"] == ["later"] and report["failures"] == [FAILURE]


def test_a_whole_run_has_no_warning(suite: dict[str, Any], records: list[dict[str, Any]]) -> None:
    assert "partial" not in on_terminal(build(suite, records, []))


def test_an_empty_store_still_reports() -> None:
    empty = build({"suite": "demo", "cells": ["a", "b"]}, [], [])
    assert empty["rows"] == [] and empty["cells"] == {
        "total": 2,
        "done": 0,
        "failed": 0,
        "missing": ["a", "b"],
    }
    for format in FORMATS:
        assert render(empty, format)
    assert "0 are done, 2 not run yet" in on_terminal(empty)


def test_json_round_trip_and_unknown_format(report: dict[str, Any]) -> None:
    assert json.loads(render(report, "json")) == report
    with pytest.raises(UsageError, match="did you mean 'html'"):
        render(report, "htm")


def test_csv_has_every_row_in_full(report: dict[str, Any]) -> None:
    lines = list(csv.DictReader(io.StringIO(render(report, "csv"))))
    assert len(lines) == len(report["rows"])
    first = next(i for i, row in enumerate(report["rows"]) if row["comparison"])
    assert float(lines[first]["mean"]) == report["rows"][first]["mean"]
    assert float(lines[first]["difference"]) == report["rows"][first]["comparison"]["difference"]


def test_markdown_tables_are_rectangular(report: dict[str, Any]) -> None:
    lines = render(report, "md").splitlines()
    blocks = [lines[i : i + 2] for i, line in enumerate(lines) if line.startswith("| set")]
    assert len(blocks) >= 6
    for head, rule in blocks:
        assert head.count("|") == rule.count("|")


def test_labels_and_sentences_are_escaped(runs: Runs) -> None:
    records = runs(NASTY, [80.0, 81.0])
    page = render(build({"suite": NASTY, "cells": ["lost"]}, records, [FAILURE]), "html")
    assert "<b>&|" not in page and "<memory>" not in page and "&lt;memory&gt; &amp; 50%" in page
    tex = render(build({"suite": "s"}, records, []), "latex")
    assert r"dm\_\textless{}b\textgreater{}\&|50\%\$\#\{x\} &" in tex
    assert latex_escape("\\[~^") == r"\textbackslash{}{[}\textasciitilde{}\textasciicircum{}"
    assert markdown_escape("a|b_c*<i>\n`d`") == r"a\|b\_c\*&lt;i&gt; \`d\`"
    assert markdown_escape("91.2 [90.1, 92.0]") == "91.2 [90.1, 92.0]"


def test_latex_is_balanced(report: dict[str, Any]) -> None:
    tex = render(report, "latex")
    assert (
        tex.count(r"\begin{tabular}") == tex.count(r"\end{tabular}") == tex.count(r"\toprule") >= 6
    )
    body = re.sub(r"(?m)^%.*$", "", tex).replace(r"\{", "").replace(r"\}", "")
    assert body.count("{") == body.count("}")


class _Page(HTMLParser):
    """Collects what a page would fetch, its ids, and whether its tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.fetched: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta",):
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in ("src", "href", "xlink:href") and not str(value).startswith("#"):
                self.fetched.append(str(value))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_is_one_self_contained_reproducible_page(report: dict[str, Any]) -> None:
    text = render(report, "html")
    page = _Page()
    page.feed(text)
    assert (
        page.open == []
        and page.fetched == []
        and page.tags.count("script") == 1
        and "link" not in page.tags
    )
    assert len(page.ids) == len(set(page.ids))
    assert page.tags.count("svg") == 17 + 1 + 6 and "@import" not in text and "url(http" not in text
    assert "harness run demo --seeds 0,1,2,3,4" in text and "made-up CPU" in text
    assert render(report, "html") == text


def test_html_definitions_cover_what_is_shown(report: dict[str, Any]) -> None:
    text = render(report, "html")
    for name in (
        "test-accuracy",
        "forgetting",
        "kendall-tau",
        "regret",
        "break-even-architectures",
        "gdumb",
    ):
        assert f"<dt>{name}</dt>" in text
