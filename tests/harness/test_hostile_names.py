"""Names that others chose (labels, classes, suites, commands, failures, cards) are text in every
format, and nothing else.

Each goes through the verbs that print it; what a format would obey is looked for in what came out.
"""

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from condensers.engine.context import Progress
from harness.plots.bars import draw_bars
from harness.plots.figure import Labels, Series
from harness.plots.heat_maps import draw_heat_maps
from harness.plots.lines import draw_lines
from harness.printable import all_visible, flat, no_formula, visible
from harness.report.building import build, render
from harness.report.chapters.masks import draw_rows
from harness.report.formats.terminal import print_report
from harness.running.cell_work import Event
from harness.running.progress import ProgressBoard
from harness.store.store import Store
from harness.suite.cell import Cell
from tests.harness.report.conftest import made, with_values
from tests.helpers.command_line import Harness

ESCAPE = "\x1b[31mred\x1b[0m\x9b2J\x07\u202e"
NAMES = {
    "markup": "[/red] [link=file:///x]y[/link]",
    "escape": ESCAPE,
    "line": "x\nNo: a forged line",
    "html": "</td></title><script>alert(1)</script>\"'&",
    "markdown": "[a](javascript:alert(1)) ![b](x) | **c** `d` [e]: http://x [f][g] #h",
    "latex": "\\input{/etc/passwd} %$&#_^~ ^^M",
    "mathtext": "$\\frac$ $x$",
    "underscore": "_hidden",
    "formula": "=cmd|' /C calc'!A0",
    "plus": "+1+1",
    "minus": "-1+1",
    "at": "@SUM(1)",
    "tab": "\t=1+1",
}
KEYS = list(NAMES)


@pytest.fixture(scope="module")
def report() -> dict[str, object]:
    """Every name as set, scenario, data set, suite, command, failure and environment of one run."""
    records = []
    for name in NAMES.values():
        for seed in range(3):
            record = with_values(
                made(name, name, 10, seed), ("test-accuracy", [50.0 + seed], "%", True)
            )
            record["cell"]["data"] = name
            record["command"], record["environment"] = (
                name,
                {name: name, "device": name, "cpu": name},
            )
            records.append(record)
    failures = [
        {"key": str(i), "cell": {"label": n, "data": n}, "sentence": n}
        for i, n in enumerate(NAMES.values())
    ]
    return build(
        {"suite": "".join(NAMES.values()), "cells": [r["key"] for r in records]}, records, failures
    )


def controls(text: str) -> set[str]:
    return {c for c in text if not c.isprintable() and c != "\n"}


@pytest.mark.parametrize("form", ["md", "csv", "latex", "html"])
def test_no_format_holds_a_control_character(report: dict[str, object], form: str) -> None:
    text = render(report, form)
    assert not controls(text)
    assert "\\x1b" in text.replace("\\textbackslash{}", "\\"), "what was there is shown"


def test_json_keeps_names_as_they_are_behind_its_own_escapes(report: dict[str, object]) -> None:
    text = render(report, "json")
    assert not controls(text) and ESCAPE in {row["condenser"] for row in json.loads(text)["rows"]}


@pytest.mark.parametrize("colour", [False, True], ids=["file", "terminal"])
def test_a_terminal_obeys_nothing(report: dict[str, object], colour: bool) -> None:
    file = io.StringIO()
    print_report(
        report,
        Console(
            file=file, width=200, force_terminal=colour, color_system="standard" if colour else None
        ),
    )
    text = re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue()) if colour else file.getvalue()
    assert not controls(text) and "\x1b[31mred" not in file.getvalue()
    assert "[/red] [link=file:///x]y[/link]" in text
    assert not any(line.startswith("No: a forged line") for line in text.splitlines())


def test_a_spreadsheet_finds_no_formula(report: dict[str, object]) -> None:
    rows = list(csv.reader(io.StringIO(render(report, "csv"))))
    cells = [cell for row in rows[1:] for cell in row]
    risky = [
        c
        for c in cells
        if c.startswith(("=", "+", "-", "@", "\t")) and not re.fullmatch(r"-?[\d.e-]+", c)
    ]
    assert not risky
    assert {"'=cmd|' /C calc'!A0", "'+1+1", "'-1+1", "'@SUM(1)", "' =1+1"} <= set(cells)
    assert [no_formula(value) for value in (-1.5, None, True, "dm", "\uff1d1")] == [
        -1.5,
        None,
        True,
        "dm",
        "'\uff1d1",
    ]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.scripts, self.handlers, self.links = 0, 0, 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.handlers += sum(name.startswith("on") for name, _ in attributes)
        self.links += sum(
            name in ("href", "src") and not str(value).startswith(("#", "data:"))
            for name, value in attributes
        )


def test_a_page_runs_our_one_script_and_fetches_nothing(report: dict[str, object]) -> None:
    page = render(report, "html")
    found = _Tags()
    found.feed(page)
    assert (found.scripts, found.handlers, found.links) == (1, 0, 0)
    assert page.count("<title>Report of") == 1 and "<script>alert" not in page


def test_what_a_picture_of_masks_says_is_text() -> None:
    pixel = (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4"
        "nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
    )
    row = "</text><script>alert(1)</script>"
    part = {
        "title": row,
        "condenser": row,
        "data": row,
        "budget": None,
        "ipc": 1,
        "reference": False,
        "rows": [row, row],
        "png": pixel + '"/><script>',
    }
    drawing = draw_rows(part)
    assert "<script>" not in drawing and drawing.count('"/>') == 1


def test_markdown_makes_no_link_no_formula_and_no_tag(report: dict[str, object]) -> None:
    text = render(report, "md").partition("## Environment")[0]  # after it commands stand, as code
    assert not re.search(r"(?<!\\)\](\(|\[|:)", text)
    assert not re.search(r"(?<!\\)(\$|`)", text)
    assert "<script" not in text
    tables = re.findall(r"(?:^\| .*\n)+", text, re.MULTILINE)
    assert any("forged" in table and "javascript" in table for table in tables)
    for table in tables:
        columns = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(columns) == 1, "no name opens a column"


def test_latex_reads_no_file(report: dict[str, object]) -> None:
    lines_ = [line for line in render(report, "latex").splitlines() if not line.startswith("%")]
    assert any("etc/passwd" in line for line in lines_) and not any(
        "\\input" in line or "^^" in line for line in lines_
    )


@pytest.mark.parametrize("name", NAMES.values(), ids=KEYS)
def test_figures_draw_any_name(name: str) -> None:
    labels = Labels(name, name, name, name)
    drawn = [
        draw_bars([Series(name, [0], [1.0], [0.5], [1.5])], labels, width=5.0),
        draw_lines(
            [Series(name, [1.0, 2.0], [1.0, 2.0])], labels, [Series(name, [], [1.5])], width=5.0
        ),
        draw_heat_maps([(name, [[1.0, 0.0], [1.0, 2.0]])], labels, width=5.0),
    ]
    assert all(one.startswith("<svg") and "<script" not in one for one in drawn)


def test_a_legend_leaves_out_no_name(recwarn: pytest.WarningsRecorder) -> None:
    one, other = (
        draw_lines([Series(name, [1.0], [1.0])], Labels("t", "x", "y"), width=5.0)
        for name in ("_hid", "x")
    )
    assert len(one) > len(other) + 500, "the letters are drawn"
    assert not [w for w in recwarn if "legend" in str(w.message)]


@pytest.mark.parametrize("name", ["[/red]", ESCAPE, "x\nforged"], ids=["markup", "escape", "line"])
def test_a_running_suite_shows_any_name(name: str) -> None:
    file = io.StringIO()
    cell = Cell("condense", "digits", {}, 0, name, {"name": name}, ("ipc", 1))
    board = ProgressBoard(
        [cell],
        {cell.key: 1.0},
        Console(file=file, force_terminal=True, color_system=None, width=100),
    )
    with board.bars:
        board.listen(Event(cell.key, "started"))
        board.listen(Event(cell.key, "progress", Progress(name, 1, 2, name)))
        board.bars.refresh()
    shown = file.getvalue()
    assert "\x1b[31mred" not in shown and "\u202e" not in shown and "\nforged" not in shown
    assert flat(f"condense {name}")[:16] in shown


def test_text_that_can_be_printed_is_left_alone() -> None:
    for text in ("dm, ipc 10", "größe 数据 😀", "a\nb"):
        assert visible(text) == text
    assert (
        visible("\x1b[2J\u202e\x9b\tx\xa0y") == "\\x1b[2J\\u202e\\x9b x y"
        and flat(" a\n b ") == "a b"
    )

    assert all_visible({"\x07": ["\x07", 1, None]}) == {"\\x07": ["\\x07", 1, None]}


SUITE = """
name = "[red]$x$ <b>"
about = "[/b]</p>"
data = ["folder:{folder}"]
seeds = 1
ipc = [1]
[[condensers]]
method = "random"
[[condensers]]
method = "k-center"
label = "[/b]$\\\\frac$ <script>alert(1)</script>"
[[scenarios]]
scenario = "accuracy"
label = "</title>[red]"
network = {{ name = "convnet", depth = 1, width = 4 }}
networks = 1
epochs = 1
references = []
"""


def test_hostile_classes_and_labels_go_through_every_verb(harness: Harness, tmp_path: Path) -> None:
    classes = ["=cmd|' C'!A0", "\x1b[31mred", "$x^{$ \\input{a}", "[a](javascript:b) | <script>"]
    for number, name in enumerate(classes):
        for part, count in (("train", 6), ("test", 2)):
            folder = tmp_path / "pics" / part / name
            folder.mkdir(parents=True)
            for index in range(count):
                Image.fromarray(np.full((8, 8), 20 * number + index, np.uint8)).save(
                    folder / f"{index}.png"
                )
    (tmp_path / "s.toml").write_text(SUITE.format(folder=tmp_path / "pics"), encoding="utf-8")
    out = tmp_path / "out"
    refused = harness("plan", tmp_path / "s.toml", "--set", 'about="\\u001b[2J"')
    assert (
        refused.status == 2
        and "holds a control character" in refused.err
        and not controls(refused.err)
    )
    planned = harness("plan", tmp_path / "s.toml", "--out", out)
    assert planned.status == 0 and not controls(planned.out) and "\nforged" not in planned.out
    ran = harness("run", tmp_path / "s.toml", "--out", out, "--workers", 1)
    assert ran.status == 0 and not controls(ran.out + ran.err), ran.err
    answer = harness(
        "report", out, "--format", "md,csv,json,latex,html,rich", "--out", tmp_path / "all"
    )
    assert answer.status == 0, answer.err
    for file in (tmp_path / "all").iterdir():
        assert not controls(file.read_text(encoding="utf-8")), file.name
    sets = [
        Store(out).set_path(r["key"]) for r in Store(out).contents()[1] if r["kind"] == "condense"
    ]
    for form in ("hf", "png"):
        answer = harness("export", sets[0], "--to", form, "--out", tmp_path / form)
        assert answer.status == 0 and not controls(answer.out), answer.err
    assert not controls((tmp_path / "hf" / "README.md").read_text(encoding="utf-8"))
    assert all(path.parent.parent == tmp_path / "png" for path in (tmp_path / "png").rglob("*.png"))
