"""What the HTML report has beyond its tables' text: sorting by their headings, and pictures of the
sets in the store.
"""

import base64
import io
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.registry.registry import create_condenser
from condensers.sets.files import save_set
from condensers.sets.synthetic_set import Budget
from harness.plots.figure import Labels, Series
from harness.plots.points import draw_scatter
from harness.report.building import build, render
from harness.report.formats.html import SCRIPT
from harness.report.set_sheets import draw_set, with_set_images
from harness.store.store import Store
from tests.harness.report.conftest import made

Runs = Callable[..., list[dict[str, Any]]]
CHROMIUM = shutil.which("chromium")


def test_the_script_fetches_nothing_and_says_the_order() -> None:
    assert 'setAttribute("aria-sort"' in SCRIPT and 'createElement("button")' in SCRIPT
    assert not re.search(r"https?:|fetch\(|import|XMLHttp|src", SCRIPT)


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium, which runs the page's script")
def test_a_heading_sorts_within_sections_and_gives_the_first_order_back(
    runs: Runs, tmp_path: Path
) -> None:
    records = runs("random", [50.0, 51.0]) + runs("herding", [9.0, 9.5]) + runs("dm", [60.0, 61.0])
    page = render(
        build(
            {"suite": "s"},
            records + runs("dm", [30.0, 31.0], ipc=1) + runs("random", [70.0, 71.0], ipc=1),
            [],
        ),
        "html",
    )
    press = (
        "<script>const table = document.querySelectorAll('table')[1], head ="
        " table.tHead.rows[0].cells[3], said = [];const look = () =>"
        " said.push([head.getAttribute('aria-sort'), ...[...table.tBodies].map(body =>"
        " [...body.rows].slice(1).map(row => row.cells[0].textContent).join())].join(' '));look();"
        " for (let i = 0; i < 3; i++) { head.querySelector('button').click(); look();"
        " }document.title = said.join('; ');</script></body>"
    )
    path = tmp_path / "page.html"
    path.write_text(page.replace("</body>", press), encoding="utf-8")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-sync",
        "--disable-component-update",
        "--no-first-run",
    ]
    command = [
        str(CHROMIUM),
        *options,
        f"--user-data-dir={tmp_path / 'profile'}",
        "--dump-dom",
        path.as_uri(),
    ]
    told = re.findall(
        "<title>(.*?)</title>",
        subprocess.run(command, capture_output=True, text=True, timeout=120).stdout,
    )
    written = "dm,random random,herding,dm"
    falling = "random,dm dm,random,herding"
    assert (
        told[0]
        == f"none {written}; ascending dm,random herding,random,dm; descending {falling}; none"
        f" {written}"
    )


def stored(root: Path, data: ClassData, ipc: int) -> tuple[Store, list[dict[str, Any]]]:
    """Two seeds of random images of `data`, made and stored."""
    store, records = Store(root), [made(None, "random", ipc, seed) for seed in range(2)]
    for record in records:
        synthetic = create_condenser({"name": "random"}).condense(
            data, Budget(ipc=ipc), Context(seed=record["cell"]["seed"])
        )
        store.folder(record["key"]).mkdir(parents=True)
        save_set(synthetic, store.set_path(record["key"]))
    return store, records


def test_a_gallery_shows_the_first_seed_with_a_column_a_class(
    colour32: ClassData, tmp_path: Path
) -> None:
    store, records = stored(tmp_path, colour32, 2)
    report = with_set_images(build({"suite": "s"}, records, []), [store.root / "cells"])
    (gallery,) = report["galleries"]
    assert (gallery["seed"], gallery["condenser"], report["unpictured"]) == (0, "random", 0)
    assert gallery["classes"] == list(colour32.class_names)
    with Image.open(io.BytesIO(base64.b64decode(gallery["png"]))) as image:
        assert image.size == (3 * 33 + 1, 2 * 33 + 1)
    page = render(report, "html")
    assert page.count('<img src="data:image/png;base64,') == 1 and "Sets of mnist-5k, ipc 2" in page
    assert 'alt="random, seed 0: images by class"' in page
    assert "galleries" not in build({"suite": "s"}, records, [])


def test_sets_that_are_gone_or_find_no_room_are_counted(
    grey28: ClassData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, records = stored(tmp_path, grey28, 2)
    more = [
        record | {"key": "gone", "cell": record["cell"] | {"label": "dm"}} for record in records[:1]
    ]
    report = with_set_images(build({"suite": "s"}, records + more, []), [store.root / "cells"])
    assert (len(report["galleries"]), report["unpictured"]) == (1, 1)
    assert "1 more sets are not pictured" in render(report, "html")
    monkeypatch.setattr("harness.report.set_sheets.ROOM", 10)
    assert (
        with_set_images(build({"suite": "s"}, records, []), [store.root / "cells"])["unpictured"]
        == 1
    )


def test_a_sheet_has_the_images_at_their_places_and_makes_large_ones_smaller(
    grey28: ClassData,
) -> None:
    synthetic = create_condenser({"name": "random"}).condense(grey28, Budget(ipc=2), Context())
    images, _ = synthetic.decode()
    pixels = (
        ((images * synthetic.card["std"][0] + synthetic.card["mean"][0]) * 255)
        .round()
        .to(torch.uint8)
        .numpy()
    )
    rows, columns = np.asarray(draw_set(synthetic)), np.asarray(draw_set(synthetic, across=False))
    assert rows.shape == (3 * 29 + 1, 2 * 29 + 1) and columns.shape == rows.shape[::-1]
    assert np.array_equal(rows[30:58, 1:29], pixels[2, 0]), (
        "the first image of the second class begins the second row"
    )
    assert np.array_equal(columns[30:58, 1:29], pixels[1, 0]), (
        "the second image of the first class stands below the first"
    )
    assert draw_set(synthetic, 1, classes=2, side=14).size == (15 + 1, 2 * 15 + 1)


def test_points_are_named_by_keyboard_and_marked_in_every_panel(tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("needs chromium, which runs the page's script")
    names = [f"a{i}: score {i}, true 9{i} %" for i in range(3)]
    panels = [Series(label, [1, 2, 3], [4, 5, 6], names=names) for label in ("dm", "random")]
    svg = draw_scatter(panels, Labels("t", "x", "y"), width=9.0)
    assert all(svg.count(f"<title>{name}</title>") == 2 for name in names), "without a script"
    press = (
        "<script>const points = [...document.querySelectorAll('[aria-label]')];"
        " const said = [points.filter(p => p.getAttribute('tabindex') === '0').length];"
        " points[0].focus(); points[0].dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'ArrowRight', bubbles: true}));"
        " said.push(document.querySelector('[role=status]').textContent,"
        " points.filter(p => p.style.filter).length); document.title = said.join('; ');</script>"
    )
    path = tmp_path / "page.html"
    body = f"<body><figure>{svg}</figure><script>{SCRIPT}</script>{press}</body>"
    path.write_text(f"<!doctype html><html>{body}</html>", encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    command = [CHROMIUM, *options, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    found = subprocess.run(
        [*command, path.as_uri()], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert "<title>1; a1: score 1, true 91 %; 2</title>" in found
