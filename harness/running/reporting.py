"""Reports of run directories, of which only what changed is made again.

A report is built once for what a directory holds; each figure is drawn once for the data it shows.
They are kept in `report/` of the directory. Nothing here imports torch unless a set is to be drawn.
"""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from condensers.engine.files import write_atomically
from harness.installation import digest_installation
from harness.plots.caching import keep_figures
from harness.power import Power
from harness.printable import flat
from harness.reference.files import Reference
from harness.report.building import build, render
from harness.report.chapters import CHAPTERS
from harness.report.formats.terminal import print_report, wide_console
from harness.report.formats.values import as_parquet, read_values
from harness.report.runs import merge_runs
from harness.report.set_sheets import with_set_images
from harness.report.text_cache import TextCache
from harness.store.store import Store

MADE = ("report", "figure", "sheet")  # sections of the cache that a page is made of


class Reporter:
    """Reports one run directory, or several as one.

    Args:
        stores: name -> run directory, or reference results. What is made of one directory alone is
            kept in it.
        power: how energy that was not measured is estimated.
    """

    def __init__(self, stores: Mapping[str, Store | Reference], power: Power | None = None) -> None:
        self.stores, self.power = stores, power or Power()
        self.only = next(iter(stores.values())) if len(stores) == 1 else None
        folder = self.only.root / "report" if isinstance(self.only, Store) else None
        self.cache = TextCache(folder)

    def build(self) -> dict[str, Any]:
        """Build the report, or read it where nothing has changed since it was built.

        Returns:
            The report as its JSON has it.

        Raises:
            UsageError: as `Store.contents` and `harness.report.building.build` raise it.
        """
        others = CHAPTERS.entries().keys() - CHAPTERS.builtin.keys()
        if not isinstance(self.only, Store) or others:
            return self._build_anew()  # chapters of other packages may have changed unseen
        key = self._key(self.only)
        known = self.cache.read("report", key)
        if known is None:
            known = json.dumps(self._build_anew())
            if self._key(self.only) == key:  # nothing was written meanwhile
                self.cache.write("report", key, known)
        found: dict[str, Any] = json.loads(known)
        return found

    def _key(self, store: Store) -> str:
        parts = json.dumps([store.fingerprint(), astuple(self.power), digest_installation()])
        return hashlib.sha256(parts.encode()).hexdigest()

    def _build_anew(self) -> dict[str, Any]:
        runs = [(name, store.contents()) for name, store in self.stores.items()]
        return build(*merge_runs(runs), self.power)

    def write_values(self) -> bytes:
        """Write every single value as a Parquet file; UsageError where pyarrow is missing."""
        runs = [(name, store.contents()) for name, store in self.stores.items()]
        return as_parquet(read_values(merge_runs(runs)[1]))

    def write_page(self, report: Mapping[str, Any]) -> str:
        """Write the HTML page of what `build` returned."""
        folders = [store.root / "cells" for store in self.stores.values()]
        with keep_figures(self.cache):
            page = render(with_set_images(report, folders, self.cache), "html")
        self.cache.discard_unused(*MADE)
        return page


def print_results(store: Store, quiet: bool = False) -> int:
    """Print the report and write report.html.

    Args:
        store: the run directory.
        quiet: print the failures only.

    Returns:
        The number of failed cells.
    """
    report, page = _write_report(store)
    failures: Sequence[Mapping[str, Any]] = report["failures"]
    if not quiet:
        print_report(report, wide_console())
    for failure in failures if quiet else []:
        print(f"failed: {flat(str(failure['sentence']))}", file=sys.stderr)
    print(f"wrote {page}")
    return len(failures)


def describe_run(store: Store) -> dict[str, Any]:
    """Write report.html, and say what `harness run --json` does: where, how much, what failed."""
    report, page = _write_report(store)
    cells = report["cells"]
    return {
        "suite": report["suite"],
        "directory": str(store.root),
        "report": str(page),
        "limit": store.suite().get("limit"),
        "cells": cells["total"],
        "done": cells["done"],
        "failures": [
            {"key": failure["key"], "sentence": failure["sentence"]}
            for failure in report["failures"]
        ],
    }


def _write_report(store: Store) -> tuple[dict[str, Any], Path]:
    """Build the report of a run and write its page."""
    reporter = Reporter({store.root.name: store})
    report = reporter.build()
    page = store.root / "report.html"
    write_if_new(page, reporter.write_page(report))
    return report, page


def write_if_new(path: Path, text: str) -> None:
    """Write a file unless it holds this text."""
    content = text.encode()
    if not (path.is_file() and path.read_bytes() == content):
        write_atomically(path, content)
