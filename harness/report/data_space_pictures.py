"""Scatter plots of sets among real images: which are shown, and how they are drawn from the built report."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.population_plots import Population, populations
from harness.report.curves import label
from harness.report.data_space_correlations import SPACE
from harness.report.definitions import IN
from harness.report.results import Record, by_entry
from harness.report.wording import listed, some

SHOWN = 24
NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}


def scattered(records: Sequence[Record]) -> list[dict[str, Any]]:
    """The picture of each set and reference, of its first seed, references last; of `SHOWN` at most."""
    found = []
    for entry, group in by_entry(records).items():
        picture = ((group[0].get("outcome") or {}).get("detail") or {}).get("picture")
        if entry.scenario == SPACE and picture and picture["coordinates"]:
            found.append({**entry.named(), **picture, "class_names": group[0]["outcome"]["detail"]["class_names"]})
    return sorted(found, key=lambda part: bool(part["reference"]))[:SHOWN]


def space_notes(records: Sequence[Record]) -> list[str]:
    """What the data space did not measure or draw, a sentence each."""
    said: dict[str, None] = {}
    lacking: dict[tuple[str, ...], list[str]] = {}
    pictured = 0
    for entry, group in by_entry(records).items():
        detail = (group[0].get("outcome") or {}).get("detail") or {}
        if entry.scenario != SPACE or "picture" not in detail:
            continue
        pictured += bool(detail["picture"]["coordinates"])
        names = dict.fromkeys(name.partition(IN)[0] for name in detail["undefined"])
        if names:
            lacking.setdefault((entry.data, *names), []).append(label(entry.named()))
        for name, why in detail["picture"]["skipped"].items():
            said[f"{SPACE} on {entry.data}: no {NAMES.get(name, name)} projection: {why}."] = None
    for (data, *lacked), sets in lacking.items():
        said[f"{SPACE} on {data}: no {listed(lacked)} of {some(sets)}: not defined on one image a class."] = None
    if pictured > SHOWN:
        said[f"{SPACE}: scatter plots of the first {SHOWN} of {pictured} sets are shown; the others are in the records."] = None
    return list(said)


def space_pictures(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    """A figure for each projection of each set, the first projection of all sets first."""
    names = dict.fromkeys(name for part in parts for name in part["coordinates"])
    return [_figure(part, name) for name in names for part in parts if name in part["coordinates"]]


def _figure(part: Mapping[str, Any], name: str) -> str:
    size = f", {part['budget']:,} bytes" if part["budget"] else ""
    who = f"{part['condenser']}{size}" if size else label(part)
    title = f"{who} on {part['data']}: {NAMES.get(name, name)} of {part['embedding']}"
    sides = {side: (part["coordinates"][name][side], part["labels"][side]) for side in ("real", "synthetic")}
    return populations(Population(*sides["real"]), Population(*sides["synthetic"]), part["class_names"], title)
