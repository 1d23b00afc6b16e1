"""Tables of results are those of the reference results, and a changed one is refused."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
TYPED = re.compile(r"^\|.*\d \[[-+]?\d", re.MULTILINE)  # a row with an interval
GENERATED_WHOLE = {"docs/results/nas-bench-201.md"}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("result_tables", ROOT / "docs/result_tables.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_figure_with_an_interval_is_typed_into_a_table(script: ModuleType) -> None:
    found = {}
    for path in script.pages():
        name = path.relative_to(ROOT).as_posix()
        rest = script.BLOCK.sub("", path.read_text(encoding="utf-8"))
        if name not in GENERATED_WHOLE and TYPED.search(rest):
            found[name] = len(TYPED.findall(rest))
    assert not found


def test_a_figure_that_differs_is_refused_and_mended(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = ROOT / "docs" / "results" / "demo.md"
    text = page.read_text(encoding="utf-8")
    table = script.BLOCK.findall(text)
    assert {kind for kind, _, _ in table} == {"table", "answer", "run"}
    spoilt = re.sub(r"\| 87\.8 \[", "| 88.8 [", text, count=1)
    assert spoilt != text and script.filled(spoilt) == text
    monkeypatch.setattr(script, "due", lambda: {page: text})
    assert script.main(["--check"]) == 1
    assert "docs/results/demo.md: a table differs from its records" in capsys.readouterr().err


def test_a_table_that_is_not_there_is_named(script: ModuleType) -> None:
    block = "<!-- table of reference:demo: no such table -->\n<!-- end -->"
    with pytest.raises(ValueError, match="has no table 'no such table'; it has: Accuracy on"):
        script.filled(block)
    with pytest.raises(ValueError, match="answers no question that begins with 'Why'"):
        script.filled("<!-- answer of reference:demo: Why -->\n<!-- end -->")
    with pytest.raises(ValueError, match="has no 'Nothing'; it has: What one may quote"):
        script.filled("<!-- table of nas-bench-201: Nothing -->\n<!-- end -->")
    with pytest.raises(ValueError, match="has no table under 'What one may quote'"):
        script.filled("<!-- table of nas-bench-201: What one may quote -->\n<!-- end -->")


def test_a_table_of_nas_bench_is_that_of_its_page(script: ModuleType) -> None:
    table = script.table("nas-bench-201", "Scores that train nothing")
    page = (ROOT / "docs" / "results" / "nas-bench-201.md").read_text(encoding="utf-8")
    assert f"one minibatch of 64 images:\n\n{table}\n\n" in page


def test_a_verdict_is_filled_in_from_the_records(script: ModuleType) -> None:
    for job in ("memory", "proxy"):
        filled = script.filled(f"<!-- verdict of reference:demo: {job} -->\n<!-- end -->")
        (first, *_) = [v for v in script.report("reference:demo")["verdicts"] if v["job"] == job]
        assert f"**{first['question']}**" in filled
        assert f"**{first['answer'].capitalize()}** (mnist-5k, " in filled
        assert "- What to use: " in filled and "- What this run could see: " in filled
        assert script.filled(filled) == filled
        short = script.verdict("reference:demo", f"{job}, in short")
        assert short.startswith(f"- **{first['answer'].capitalize()}** (mnist-5k, ")
        assert "What to use: " in short and "What this run could see" not in short
    with pytest.raises(ValueError, match="no verdict on 'memroy'; the jobs are memory and proxy"):
        script.filled("<!-- verdict of reference:demo: memroy -->\n<!-- end -->")


def test_a_note_below_a_table_is_filled_by_its_beginning(script: ModuleType) -> None:
    title = "Architecture search on mnist-5k: proxies against baselines of equal cost, all of them"
    block = f"<!-- note of reference:demo: {title}: In intervals that hold -->\n\n<!-- end -->"
    text = " ".join(script.filled(block).split())
    assert re.search(r"hold for all \d+ differences at once \(95 %\), \w+ above 0", text)
    with pytest.raises(ValueError, match=r"no note below .* that begins with 'No such'"):
        script.filled(block.replace("In intervals that hold", "No such"))


def test_a_kept_report_has_tables_and_no_accuracy_of_a_single_cell(script: ModuleType) -> None:
    kept = script.report("report:proxies-nas-bench-201")
    assert kept["scatters"] == []
    title = "Architecture search on cifar10: Kendall tau by steps"
    assert "early-stopping" in script.table("report:proxies-nas-bench-201", title)
    assert kept["commands"][0] in script.run("report:proxies-nas-bench-201", "")
