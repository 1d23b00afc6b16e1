"""The first screen of the page: cards, drawn intervals, navigation, date; dark mode and colours."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from harness.plots.figure import Series
from harness.plots.rate_axis import RateAxis
from harness.plots.rate_utility import RatePanel, draw_rate_utility
from harness.report.building import build, render
from harness.report.formats.first_screen import draw_cards, draw_interval
from harness.report.formats.html import STYLE

Runs = Callable[..., list[dict[str, Any]]]
FIGURE = {
    "name": "final accuracy",
    "of": "dm less random",
    "mean": 2.0,
    "low": 1.0,
    "high": 4.0,
    "unit": "points",
    "higher_is_better": True,
}


@pytest.fixture(scope="module")
def report(suite: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
    return build({**suite, "date": "2026-01-31"}, records, [])


@pytest.fixture(scope="module")
def page(report: dict[str, Any]) -> str:
    return render(report, "html")


def test_verdicts_then_summary_then_picture_lead_the_page(page: str) -> None:
    order = [
        page.index(text)
        for text in (
            '<section id="glance">',
            "As replay memory",
            "As proxy data",
            "All sets at a glance",
            "<figure",
            '<section id="chapter0">',
            "questions answered in words",
        )
    ]
    assert order == sorted(order)


def test_every_chapter_is_in_the_navigation(page: str) -> None:
    navigation = page[page.index("<nav") : page.index("</nav>")]
    links = re.findall(r'href="#(\w+)"', navigation)
    assert links == re.findall(r'<section id="(\w+)"', page)
    assert {"glance", "notes", "method", "repeat"} <= set(links)


def test_headlines_stand_in_the_chapter_that_they_belong_to(
    report: dict[str, Any], page: str
) -> None:
    assert report["headlines"]
    sections = re.split(r'<section id="(chapter\d+|\w+)">', page)
    for headline in report["headlines"]:
        holding = [part for part in sections if headline["question"].replace("'", "&#x27;") in part]
        assert len(holding) == 1


def test_the_day_and_the_commands_are_said(page: str, runs: Runs) -> None:
    assert "run on 2026-01-31" in page and "<pre>harness run demo" in page
    without = render(build({"suite": "s"}, runs("dm", [1.0]), []), "html")
    assert "run on" not in without.lower()


def test_a_run_without_the_two_jobs_has_no_card_and_its_answers_open(runs: Runs) -> None:
    page = render(build({"suite": "s"}, runs("dm", [80.0, 81.0, 82.0]), []), "html")
    assert 'class="card"' not in page and "questions answered in words" not in page
    assert '<ul class="headlines"><li><b>Which set trains' in page


def test_many_verdicts_fold_away_and_are_counted(report: dict[str, Any]) -> None:
    (one,) = [v for v in report["verdicts"] if v["job"] == "proxy"]
    several = [{**one, "answer": answer} for answer in ("no", "no", "yes", "undecided", "yes")]
    cards = draw_cards(several)
    assert cards.count('class="card"') == 1 and cards.count('class="verdict"') == 5
    assert "3 more: 2 yes, 1 undecided" in cards


@pytest.mark.parametrize(
    ("change", "colour"),
    [
        ({}, "good"),
        ({"low": -1.0}, "even"),
        ({"mean": -2.0, "low": -4.0, "high": -1.0}, "bad"),
        ({"higher_is_better": False}, "bad"),
        ({"low": None, "high": None}, "even"),
    ],
)
def test_an_interval_is_coloured_by_what_it_excludes(change: dict[str, Any], colour: str) -> None:
    drawn = draw_interval(FIGURE | change, 4.0)
    assert f'class="bar {colour}"' in drawn and drawn.count('class="zero"') == 1
    assert drawn.count('class="interval"') == (0 if change.get("low", 1.0) is None else 1)


def test_an_interval_stands_where_its_values_are() -> None:
    drawn = draw_interval(FIGURE, 4.0)
    zero, low, high = (
        float(value)
        for value in re.findall(r'class="zero" x1="([\d.]+)"', drawn)
        + list(re.findall(r'class="interval" x1="([\d.]+)" y1="8.0" x2="([\d.]+)"', drawn)[0])
    )
    assert (high - zero) == pytest.approx(4 * (low - zero), abs=0.5) and low > zero
    assert 'aria-label="Final accuracy, dm less random: +2.0 [+1.0, +4.0] points"' in drawn


def test_the_page_suits_light_and_dark_and_small_screens(page: str) -> None:
    assert "@media (prefers-color-scheme: dark)" in STYLE and "color-scheme: light dark" in STYLE
    assert re.search(r"td:first-child \{ position: sticky; left: 0", STYLE)
    assert "background-attachment: local, local, scroll, scroll" in STYLE
    for variable in set(re.findall(r"var\((--[\w-]+)\)", STYLE)):
        assert STYLE.count(f"{variable}:") == 2, f"{variable} has one colour for light and for dark"
    assert not re.search(r"""(src|href)=["']https?:""", page)


def test_a_reference_far_away_does_not_flatten_the_sets() -> None:
    series = Series("dm", [785.0, 7850.0], [80.0, 85.0], [79.0, 84.0], [81.0, 86.0], 0)
    near, far = (
        draw_rate_utility(
            [RatePanel("accuracy, %", [series], [("joint", at), ("naive", at - 1.0)])],
            f"to {at}",
            RateAxis.of(7850, 6280.0),
        )
        for at in (87.0, 20.0)
    )
    dotted = "stroke-dasharray"
    assert near.count(dotted) > far.count(dotted) == 0
    assert "currentColor" in near
