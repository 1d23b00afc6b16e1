"""The data space in reports: measures, correlation with usefulness, pictures; from made-up records
and from a real run.
"""

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

from harness.report.building import build, render
from harness.report.formats.terminal import print_report
from harness.report.tables import tables
from harness.report.wording import bare_verdict
from tests.harness.report.conftest import made, scored, with_values
from tests.helpers.command_line import Harness

CONDENSERS = [f"method-{i}" for i in range(9)]
SPACES = ("trained mlp", "pixels")
SUITE = """
data = ["digits"]
seeds = 1
ipc = [1, 2]

[[condensers]]
method = "random"

[[condensers]]
method = "k-means"

[[condensers]]
method = "real-tiles"

[[scenarios]]
scenario = "accuracy"
network = "mlp"
networks = 1
epochs = 10
references = []

[[scenarios]]
scenario = "data-space"
networks = ["mlp"]
epochs = 1
real = 12
projections = ["pca"]
"""


def space_record(
    label: str, ipc: int, seed: int, good: float, rng: np.random.Generator
) -> dict[str, Any]:
    """Distance falls with what makes a set good; coverage is noise; spread is not defined on one
    image a class.
    """
    found = []
    for space, noise in zip(SPACES, (0.05, 2.0), strict=True):
        found.append((f"frechet-distance in {space}", [5 - good + noise * rng.normal()], "", False))
        found.append((f"coverage in {space}", [float(rng.random())], "", True))
        if ipc > 1:
            found.append((f"within-class-spread in {space}", [float(rng.random())], "", None))
    record = with_values(made("data-space", label, ipc, seed), *found)
    labels = {"real": [0, 0, 1, 1, 2], "synthetic": [0, 2]}
    coordinates = {
        "pca": {
            "real": rng.random((5, 2)).round(3).tolist(),
            "synthetic": rng.random((2, 2)).round(3).tolist(),
        }
    }
    record["outcome"]["detail"] = {
        "undefined": [f"within-class-spread in {space}" for space in SPACES] if ipc == 1 else [],
        "class_names": ["zero <0>", "one", "two"],
        "picture": {
            "embedding": SPACES[0],
            "labels": labels,
            "coordinates": coordinates,
            "skipped": {"umap": "UMAP is away"},
        },
    }
    return record


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    found = []
    true = 90 + 6 * rng.random(12)
    for seed in range(2):
        found.append(
            scored(
                made("search", "truth", None, seed, True),
                true,
                9.0,
                true + 0.1 * rng.normal(size=12),
            )
        )
    for i, label in enumerate(CONDENSERS):
        for ipc in (1, 10):
            for seed in range(2):
                good = i / 3 + (ipc > 1) + 0.1 * rng.normal()
                found.append(space_record(label, ipc, seed, good, rng))
                accuracy = with_values(
                    made("accuracy", label, ipc, seed),
                    ("test-accuracy", [50 + 5 * good] * 2, "%", True),
                )
                forgets = (
                    "replay/forgetting",
                    (30 + 9 * rng.normal(size=2)).tolist(),
                    "points",
                    False,
                )
                found += [
                    accuracy,
                    with_values(made("continual", label, ipc, seed), forgets, drawn="order"),
                ]
                if ipc == 10:
                    found.append(
                        scored(
                            made("search", label, ipc, seed),
                            true + (4 - good) * rng.normal(size=12),
                            3.0,
                        )
                    )
    return found


@pytest.fixture(scope="module")
def report(records: list[dict[str, Any]]) -> dict[str, Any]:
    return build({"suite": "s", "cells": [r["key"] for r in records]}, records, [])


@pytest.fixture(scope="module")
def page(report: dict[str, Any]) -> str:
    return render(report, "html")


def rows_of(report: dict[str, Any], useful: str) -> dict[tuple[str, str], dict[str, Any]]:
    own = [row for row in report["data_space"]["correlations"] if row["usefulness"] == useful]
    return {(row["measure"], row["embedding"]): row for row in own}


def values(
    records: list[dict[str, Any]], scenario: str, metric: str
) -> dict[tuple[Any, ...], float]:
    return {
        (r["cell"]["label"], r["cell"]["ipc"], r["cell"]["seed"]): float(np.mean(m["values"]))
        for r in records
        if r["cell"]["scenario"] == scenario
        for m in r["outcome"]["measurements"]
        if m["metric"] == metric
    }


def test_every_usefulness_of_the_same_sets_is_correlated(report: dict[str, Any]) -> None:
    useful = dict.fromkeys(row["usefulness"] for row in report["data_space"]["correlations"])
    assert list(useful) == ["test accuracy", "forgetting (replay)", "Kendall tau of the search"]
    pairs = {
        (m, s) for s in SPACES for m in ("frechet-distance", "coverage", "within-class-spread")
    }
    for name in useful:
        assert set(rows_of(report, name)) - {("bytes", "")} == pairs


def test_the_points_are_over_sets(report: dict[str, Any], records: list[dict[str, Any]]) -> None:
    useful = values(records, "accuracy", "test-accuracy")
    for name, count in (("frechet-distance", 36), ("within-class-spread", 18)):
        measure = values(records, "data-space", f"{name} in pixels")
        row = rows_of(report, "test accuracy")[name, "pixels"]
        wanted = stats.spearmanr(
            [measure[key] for key in measure], [useful[key] for key in measure]
        ).statistic
        assert row["spearman"]["mean"] == pytest.approx(wanted)
        assert (row["sets"], row["condensers"]) == (count, 9)
    assert (
        rows_of(report, "test accuracy")["within-class-spread", "pixels"]["given_bytes"]["mean"]
        is None
    )


def test_sets_of_one_size_have_no_row_of_bytes(
    report: dict[str, Any], records: list[dict[str, Any]]
) -> None:
    assert ("bytes", "") in rows_of(report, "test accuracy")
    alike = [
        r
        for r in records
        if r["cell"]["ipc"] == 10 and r["cell"]["scenario"] in ("accuracy", "data-space")
    ]
    built = build({"suite": "s", "cells": [r["key"] for r in alike]}, alike, [])
    assert ("bytes", "") not in rows_of(built, "test accuracy")
    answer = next(h["answer"] for h in built["headlines"] if "data space" in h["question"])
    assert (
        answer.startswith("Best is frechet-distance in trained mlp (Spearman -")
        and "bytes" not in answer
    )


def test_tau_is_that_of_each_set_of_the_search(
    report: dict[str, Any], records: list[dict[str, Any]]
) -> None:
    tested = [
        r["outcome"]["detail"]["architectures"] for r in records if r["cell"]["label"] == "truth"
    ]
    truth = np.mean([[row["test"] for row in rows] for rows in tested], axis=0)
    searched = [
        r for r in records if r["cell"]["scenario"] == "search" and not r["cell"]["reference"]
    ]
    taus = {
        (r["cell"]["label"], 10, r["cell"]["seed"]): (
            stats.kendalltau(r["outcome"]["measurements"][0]["values"], truth).statistic
        )
        for r in searched
    }
    measure = values(records, "data-space", "coverage in pixels")
    wanted = stats.spearmanr([measure[key] for key in taus], list(taus.values())).statistic
    row = rows_of(report, "Kendall tau of the search")["coverage", "pixels"]
    assert row["spearman"]["mean"] == pytest.approx(wanted) and row["sets"] == 18


def test_the_headline_names_the_property_or_says_that_none_is_shown(report: dict[str, Any]) -> None:
    found = {h["question"]: h["answer"] for h in report["headlines"]}
    best = found["Which property of the data space goes with test accuracy on mnist-5k?"]
    assert best.startswith("Best is frechet-distance in trained mlp (Spearman given bytes -")
    assert "over 36 sets of 9 condensers" in best and "The bytes of a set alone" in best
    none = found["Which property of the data space goes with forgetting (replay) on mnist-5k?"]
    assert none.startswith("None is shown to. The strongest is ")
    assert "0 where their number is corrected for (Bonferroni)" in none


def test_few_condensers_are_not_ordered(records: list[dict[str, Any]]) -> None:
    few = [
        r
        for r in records
        if r["cell"]["label"] in CONDENSERS[:3]
        and r["cell"]["scenario"] in ("accuracy", "data-space")
    ]
    built = build({"suite": "s", "cells": [r["key"] for r in few]}, few, [])
    answer = next(h["answer"] for h in built["headlines"] if "data space" in h["question"])
    assert (
        answer
        == "No order can be claimed over 12 sets of 3 condensers: they are too few for intervals."
    )
    assert all(row["spearman"]["low"] is None for row in built["data_space"]["correlations"])
    (table,) = [t for t in tables(built) if "what goes with" in t.title]
    assert {row[-1] for section in table.sections for row in section.rows} == {"no interval"}


def test_tables_in_every_format(report: dict[str, Any], page: str) -> None:
    found = {table.title: table for table in tables(report)}
    space = found["Data space on mnist-5k in trained mlp"]
    assert [c.title for c in space.columns] == [
        "set",
        "bytes",
        "bits per class",
        "frechet-distance",
        "coverage",
        "within-class-spread",
        "n",
    ]
    table = found["Data space on mnist-5k: what goes with test accuracy"]
    assert [section.title for section in table.sections] == [
        "the size of the set alone",
        "in trained mlp",
        "in pixels",
    ]
    rows = {row[0]: row for row in table.sections[1].rows}
    assert (
        rows["frechet-distance"][-1] == "falls with it"
        and bare_verdict(rows["coverage"][-1]) == "not distinguishable"
    )
    for written in (render(report, "md"), render(report, "latex"), page):
        text = re.sub(r"<[^>]*>|[{}\\]", "", written)
        assert "what goes with forgetting (replay)" in text and rows["frechet-distance"][1] in text
    assert "Heusel" in render(report, "md") and "data-space,,mnist-5k" in render(report, "csv")
    assert (
        json.loads(render(report, "json"))["data_space"]["correlations"]
        == report["data_space"]["correlations"]
    )


def test_the_terminal_has_the_correlations(report: dict[str, Any]) -> None:
    file = io.StringIO()
    print_report(report, Console(width=120, file=file))
    text = file.getvalue()
    assert max(map(len, text.splitlines())) <= 120
    assert re.search(r"frechet-distance +-0\.\d+ \[.*falls with it", text)


def test_pictures_show_both_populations(report: dict[str, Any], page: str) -> None:
    scatters = report["data_space"]["scatters"]
    assert [(part["condenser"], part["ipc"]) for part in scatters] == [
        (name, ipc) for name in CONDENSERS for ipc in (1, 10)
    ]
    section = page[page.index("Data space: where") :]
    figure = section[section.index("<svg") : section.index("</svg>")]
    assert figure.count("<title>synthetic: ") == 2 and "synthetic: zero &lt;0&gt;" in figure
    assert figure.count("<image") == 1  # the real ones are pixels, so that a page stays small
    assert len(figure) < 60_000
    assert any("no UMAP projection: UMAP is away" in note for note in report["notes"])
    assert any(
        note.startswith("Data space on mnist-5k: no within-class-spread of method-0, ipc 1")
        for note in report["notes"]
    )


def test_a_run_without_a_data_space_has_none_of_it(records: list[dict[str, Any]]) -> None:
    others = [r for r in records if r["cell"]["scenario"] != "data-space"]
    built = build({"suite": "s", "cells": [r["key"] for r in others]}, others, [])
    assert built["data_space"] == {"correlations": [], "scatters": []}
    assert not any("data space" in h["question"] for h in built["headlines"])


def test_a_run_ends_in_table_and_pictures(harness: Harness, tmp_path: Path) -> None:
    path, out = tmp_path / "s.toml", tmp_path / "out"
    path.write_text(SUITE, encoding="utf-8")
    found = harness("run", path, "--out", out, "--workers", 1)
    assert found.status == 0, found.err
    assert "Data space on digits: what goes with test accuracy" in found.out
    assert (
        harness("report", out, "--format", "md,json,html", "--out", tmp_path / "reports").status
        == 0
    )
    md, js, html = (
        (tmp_path / "reports" / f"report.{name}").read_text(encoding="utf-8")
        for name in ("md", "json", "html")
    )
    built = json.loads(js)
    correlations = built["data_space"]["correlations"]
    assert {row["sets"] for row in correlations} == {
        4,
        6,
    }  # real tiles alone have two images a class at ipc 1
    assert {row["embedding"] for row in correlations} == {
        "",
        "trained mlp",
        "untrained mlp",
        "pixels",
    }
    assert all(np.isfinite(row["spearman"]["mean"]) for row in correlations)
    assert "what goes with test accuracy" in md and "real-images" in md
    assert len(built["data_space"]["scatters"]) == 7
    assert html[html.index("Data space: where") :].count("<svg") == 7
