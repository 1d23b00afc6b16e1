"""The suites of the pages for users of other codes can be planned."""

import re
from pathlib import Path

import pytest

from harness.suite.definition import Suite, parse
from harness.suite.overrides import loads
from tests.helpers.command_line import call_in_process

FOLDER = Path(__file__).parents[2] / "docs" / "coming-from"
SUITES = {
    name: text
    for path in sorted(FOLDER.glob("*.md"))
    for name, text in re.findall(
        r'^```toml title="([^"]+)"\n(.*?)^```', path.read_text(encoding="utf-8"), re.S | re.M
    )
}
# Their data and NAS-Bench-201's table are not on every machine: digits and a truth that is trained
# stand in for them.
STAND_INS = {
    r"^data = .*": 'data = ["mnist-5k"]',
    r'^strategy = "listed"': 'strategy = "random"',
    r"^truth = .*": 'truth = "train"',
    r"^ipc = \[440\]": "ipc = [44]",  # of 6,000 images a class, not 360
}


def suite_of(text: str) -> Suite:
    return parse(loads(text), "page")


def test_each_page_has_a_suite() -> None:
    assert len(SUITES) == len(list(FOLDER.glob("*.md"))) == 5


@pytest.mark.parametrize("name", SUITES)
def test_the_suite_is_planned(name: str, tmp_path: Path, monkeypatch, capfd) -> None:
    text = SUITES[name]
    for pattern, stand_in in STAND_INS.items():
        text = re.sub(pattern, stand_in, text, flags=re.MULTILINE)
    (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    answer = call_in_process(monkeypatch, capfd, "plan", name)
    assert answer.status == 0, answer.err
    assert not list(tmp_path.glob("runs"))
    for entry in suite_of(text).scenarios:
        assert entry.name in answer.out


def test_the_dd_ranking_suite_measures_what_its_scores_take() -> None:
    suite = suite_of(SUITES["dd-ranking-row.toml"])
    augmentations = {entry.settings["augmentation"] for entry in suite.scenarios}
    assert augmentations == {"dsa", "none"}
    assert "random" in {entry.label for entry in suite.condensers}
    assert [entry.references for entry in suite.scenarios] == [(), ("full-data",)]
