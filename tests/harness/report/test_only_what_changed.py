"""Reports make again only what changed: the report, its figures, the pictures of its sets."""

import shutil
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import Damaged
from condensers.registry.registry import create_condenser
from condensers.sets.budget import Budget
from condensers.sets.files import save_set
from harness.plots import caching
from harness.power import Power
from harness.report.building import FORMATS, build, render
from harness.report.text_cache import TextCache
from harness.running import reporting
from harness.running.reporting import Reporter
from harness.store.store import Store

DRAWING = ("bars", "lines", "points", "forest", "heat_maps", "rate_utility")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The titles of the figures that are drawn, without matplotlib's work."""
    titles: list[str] = []

    def write_svg(build: object, title: str, names: object = None) -> str:
        titles.append(title)
        return f'<svg width="100pt">{title}</svg>'

    for module in DRAWING:
        monkeypatch.setattr(f"harness.plots.{module}.write_svg", write_svg)
    return titles


@pytest.fixture(scope="module")
def some(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Three seeds of accuracy and continual: searches take longer to resample."""
    return [
        record
        for record in records
        if record["cell"]["seed"] < 3 and record["cell"]["scenario"] != "search"
    ]


@pytest.fixture
def store(tmp_path: Path, some: Sequence[Mapping[str, Any]]) -> Store:
    """A run of made-up records, on disk."""
    store = Store(tmp_path / "run")
    for record in some:
        store.write_record(record["key"], record)
    keys = [record["key"] for record in some]
    store.describe({"suite": "demo", "cells": keys, "command": "harness run x"})
    return store


def write_page(store: Store) -> str:
    reporter = Reporter({"run": store})
    return reporter.write_page(reporter.build())


def raise_a_value(store: Store, records: Sequence[Mapping[str, Any]], scenario: str) -> None:
    """Change one record of a scenario: all its values by 1."""
    record = next(
        r for r in records if r["cell"]["scenario"] == scenario and not r["cell"]["reference"]
    )
    changed = {**store.record(record["key"])}
    for name in ("sha256", "format", "key"):
        changed.pop(name, None)
    outcome = changed["outcome"]
    measurements = [
        {**m, "values": [value + 1 for value in m["values"]]} for m in outcome["measurements"]
    ]
    store.write_record(
        record["key"], {**changed, "outcome": {**outcome, "measurements": measurements}}
    )


def test_a_second_page_is_the_same_and_draws_nothing(store: Store, drawn: list[str]) -> None:
    first = write_page(store)
    assert len(drawn) > 5
    drawn.clear()
    assert write_page(store) == first
    assert not drawn


def test_a_changed_record_redraws_its_figures_alone(
    store: Store, some: Sequence[Mapping[str, Any]], drawn: list[str], tmp_path: Path
) -> None:
    before = write_page(store)
    everything = set(drawn)
    drawn.clear()
    raise_a_value(store, some, "accuracy")
    after = write_page(store)
    redrawn = set(drawn)
    place = "on mnist-5k"
    overview = "What sets of mnist-5k are worth"
    assert redrawn == {overview, f"Test accuracy {place}", f"Gain over random images {place}"}
    assert redrawn < everything and after != before
    shutil.rmtree(store.root / "report")
    drawn.clear()
    assert write_page(store) == after  # as without anything kept
    assert set(drawn) == everything


def test_other_drawing_code_redraws_all(
    store: Store, drawn: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_page(store)
    everything = list(drawn)
    drawn.clear()
    monkeypatch.setattr(caching, "_code", lambda: "other code")
    write_page(store)
    assert drawn == everything


def test_the_drawing_code_is_that_of_every_module_and_of_matplotlib(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "plots"
    shutil.copytree(Path(caching.__file__).parent, copy, ignore=shutil.ignore_patterns("*.pyc"))
    monkeypatch.setattr(caching, "__file__", str(copy / "caching.py"))
    seen = {caching._code.__wrapped__()}
    for path in sorted(copy.glob("*.py")):
        path.write_text(path.read_text() + "\n# changed\n")
        seen.add(caching._code.__wrapped__())
    monkeypatch.setattr(caching, "version", lambda name: "0.0")
    seen.add(caching._code.__wrapped__())
    assert len(seen) == len(list(copy.glob("*.py"))) + 2


def test_figures_without_use_are_removed(
    store: Store, some: Sequence[Mapping[str, Any]], drawn: list[str]
) -> None:
    write_page(store)
    count = len(list((store.root / "report").iterdir()))
    raise_a_value(store, some, "accuracy")
    write_page(store)
    assert len(list((store.root / "report").iterdir())) == count


def test_damaged_texts_are_made_again(store: Store, drawn: list[str]) -> None:
    page = write_page(store)
    whole = {path: path.read_bytes() for path in (store.root / "report").iterdir()}
    damages = [lambda b: b[:-1], lambda b: b[:-2] + b"!>", lambda b: b"", lambda b: b"\xff" + b]
    for damage in damages:
        for path, content in whole.items():
            path.write_bytes(damage(content))
        drawn.clear()
        assert write_page(store) == page
        assert drawn
    for path in whole:
        path.unlink()
        path.mkdir()
    assert write_page(store) == page


def test_a_text_that_another_user_sealed_is_not_read(
    store: Store, drawn: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = write_page(store)
    monkeypatch.setattr("harness.report.text_cache._secret", lambda: b"another")
    for path in (store.root / "report").iterdir():
        section, _, key = path.name.partition("-")
        TextCache(store.root / "report").write(section, key, "<script>alert(1)</script>")
    monkeypatch.undo()
    assert "alert(1)" not in write_page(store) and "<svg" in page


def test_every_format_says_the_same_of_a_kept_report(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    described, found, failures = store.contents()
    fresh = build(described, found, failures)
    first = Reporter({"run": store}).build()
    monkeypatch.setattr(reporting, "build", None)  # so that it cannot be built again
    kept = Reporter({"run": store}).build()
    for form in FORMATS:
        if form != "html":
            assert render(kept, form) == render(first, form) == render(fresh, form)


def test_another_power_is_another_report(store: Store) -> None:
    Reporter({"run": store}).build()
    plain = Reporter({"run": store}, Power(5.0, None)).build()
    described, found, failures = store.contents()
    assert render(plain, "json") == render(
        build(described, found, failures, Power(5.0, None)), "json"
    )


def test_a_damaged_record_is_refused_though_a_report_is_kept(store: Store) -> None:
    Reporter({"run": store}).build()
    path = next(store.root.glob("cells/accuracy-*/record.json"))
    path.write_bytes(path.read_bytes().replace(b'"test-accuracy"', b'"test-ACCURACY"', 1))
    with pytest.raises(Damaged, match="its checksum differs"):
        Reporter({"run": store}).build()


def test_a_cell_that_ends_while_a_report_is_built_is_in_the_next(
    store: Store, some: Sequence[Mapping[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def build_and_write(*parts: Any) -> dict[str, Any]:
        built = build(*parts)
        raise_a_value(store, some, "accuracy")
        return built

    monkeypatch.setattr(reporting, "build", build_and_write)
    early = Reporter({"run": store}).build()
    monkeypatch.undo()
    late = Reporter({"run": store}).build()
    assert render(late, "csv") != render(early, "csv")
    assert render(late, "json") == render(build(*store.contents()), "json")


def test_two_reports_at_a_time_write_the_same_page(store: Store, drawn: list[str]) -> None:
    pages: list[str] = []
    both = threading.Barrier(2)

    def write() -> None:
        both.wait()
        pages.append(write_page(store))

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pages) == 2 and pages[0] == pages[1] == write_page(store)


def test_an_interrupted_report_leaves_whole_files_and_no_others(
    store: Store, monkeypatch: pytest.MonkeyPatch, drawn: list[str]
) -> None:
    def stop(path: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write_page(store)
    monkeypatch.undo()
    assert not list((store.root / "report").iterdir())


def test_a_directory_that_cannot_be_written_is_reported_all_the_same(
    store: Store, drawn: list[str]
) -> None:
    (store.root / "report").write_text("a file in place of the folder")
    assert "<svg" in write_page(store)


def test_pictures_of_sets_are_kept_until_the_set_changes(
    store: Store,
    some: Sequence[Mapping[str, Any]],
    grey28: ClassData,
    drawn: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = some[0]["key"]

    def put(seed: int) -> None:
        made = create_condenser({"name": "random"}).condense(
            grey28, Budget(ipc=2), Context(seed=seed)
        )
        save_set(made, store.set_path(key))

    put(0)
    first = write_page(store)
    with monkeypatch.context() as patch:
        patch.setattr("harness.report.set_sheets._draw_sheet", None)
        assert write_page(store) == first
    put(1)
    assert write_page(store) != first
