"""A third party's scenario brings its own chapter; one that brings none gets a plain table."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from condensers.errors import UsageError
from harness.report import chapters
from harness.report.building import build, join_facts, render
from harness.report.chapters import find_chapters
from harness.report.chapters.base import PlainChapter
from harness.report.tables import tables
from tests.harness.report.conftest import made, with_values

ROOT = Path(__file__).parents[4]
CHAPTER = """
from harness.report.chapters.base import Chapter, Figure, Question


class FairnessChapter(Chapter):
    definitions = {"worst-group": "Accuracy on the group that is served worst."}
    column_titles = {"worst-group": "worst group, %"}
    questions = {"worst-group": Question("Which set is fairest", "highest", "worst-group accuracy")}

    @property
    def title(self):
        return "Fairness: how the worst group fares"

    def facts(self, run):
        return {"fairness": [{"groups": 3}]}

    def notes(self, run):
        return [f"{self.scenario}: groups come from {len(run.records_of(self.scenario))} cells."]

    def figures(self, report, styles):
        return [Figure(self.scenario, "<svg><title>fair figure</title></svg>")]
"""
PROGRAM = """
import json, sys
from harness.report.building import build, join_facts, render
records = json.loads(sys.stdin.read())
report = build({"suite": "fair"}, records, [])
print(json.dumps({name: render(report, name) for name in ("md", "html", "json")}))
"""


@pytest.fixture
def records() -> list[dict[str, Any]]:
    """A scenario "fairness" on two sets over three seeds."""
    return [
        with_values(made("fairness", label, 10, seed), ("worst-group", [value + seed], "%", True))
        for seed in range(3)
        for label, value in (("dm", 80.0), ("random", 60.0))
    ]


def render_with_plugin(
    folder: Path, module: str, records: list[dict[str, Any]]
) -> subprocess.CompletedProcess[str]:
    """Render the records in a process where an installed package brings a chapter."""
    (folder / "fair_plugin.py").write_text(module, encoding="utf-8")
    info = folder / "fair_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fair-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[condensation_harness.report_chapters]\nfairness = fair_plugin:FairnessChapter\n"
    )
    paths = [str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(records),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )


def test_an_installed_chapter_is_in_every_format(
    tmp_path: Path, records: list[dict[str, Any]]
) -> None:
    answer = render_with_plugin(tmp_path, CHAPTER, records)
    assert answer.returncode == 0, answer.stderr
    pages = json.loads(answer.stdout)
    report = json.loads(pages["json"])
    (headline,) = report["headlines"]
    assert headline["question"].startswith("Which set is fairest on mnist-5k")
    assert "dm has the highest mean worst-group accuracy, 81.0 [" in headline["answer"]
    assert "Better than random." in headline["answer"]
    assert report["fairness"] == [{"groups": 3}]
    assert "fairness: groups come from 6 cells." in report["notes"]
    assert "## Fairness on mnist-5k" in pages["md"] and "worst group, %" in pages["md"]
    assert "- **worst-group**: Accuracy on the group that is served worst." in pages["md"]
    assert "<h2>Fairness: how the worst group fares</h2>" in pages["html"]
    assert "<dt>worst-group</dt>" in pages["html"] and "fair figure" in pages["html"]


def test_a_chapter_that_is_none_is_refused_in_one_sentence(
    tmp_path: Path, records: list[dict[str, Any]]
) -> None:
    answer = render_with_plugin(tmp_path, "class FairnessChapter: pass\n", records)
    assert "UsageError: report chapter 'fairness' is no class derived from" in answer.stderr


def test_a_scenario_without_a_chapter_gets_a_plain_table(records: list[dict[str, Any]]) -> None:
    report = build({"suite": "fair"}, records, [])
    assert report["headlines"] == []
    (table,) = tables(report)
    assert (table.title, table.columns[3].title) == ("Fairness on mnist-5k", "worst-group")
    assert [row[0] for row in table.sections[0].rows] == ["dm", "random"]
    assert "<h2>fairness</h2>" in render(report, "html")


def test_a_chapter_lacks_nothing_but_its_title() -> None:
    chapter = PlainChapter("fairness")
    assert (chapter.title, chapter.figures({}, {}), chapter.results([])) == ("fairness", [], [])


def test_a_scenario_of_another_name_is_read_by_the_chapter_of_its_metrics() -> None:
    metrics = {"mine.py:Search": ["architecture-score"], "mine.py:Other": ["anything"]}
    found = find_chapters(metrics)
    assert type(found["mine.py:Search"]) is type(found["search"])
    assert type(found["mine.py:Other"]) is PlainChapter


def test_a_chapter_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = chapters.CHAPTERS.builtin | {"broken": "no_such_package:Chapter"}
    monkeypatch.setattr(chapters.CHAPTERS, "entries", lambda: entries)
    with pytest.raises(UsageError, match="report chapter 'broken' cannot be loaded"):
        find_chapters({"broken": ["anything"]})


def test_what_two_chapters_give_is_joined_and_never_lost() -> None:
    joined = join_facts({"masks": [1], "space": {"a": [1]}}, {"masks": [2], "space": {"a": [3]}})
    assert joined == {"masks": [1, 2], "space": {"a": [1, 3]}}
    with pytest.raises(UsageError, match="two report chapters give 'masks'"):
        join_facts({"masks": [1]}, {"masks": "none"})


def test_a_chapter_cannot_replace_what_every_report_has(
    tmp_path: Path, records: list[dict[str, Any]]
) -> None:
    module = CHAPTER.replace('{"fairness": [{"groups": 3}]}', '{"rows": []}')
    answer = render_with_plugin(tmp_path, module, records)
    assert "UsageError: a report chapter gives 'rows', which every report has" in answer.stderr
