"""Images of the sets that a run made, as small PNG sheets inside the page: a column of images a
class, one sheet a set.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from condensers.errors import UsageError
from harness.report.origin import CONDENSED
from harness.report.results import Record, by_entry

CLASSES, PER_CLASS, SIDE = 20, 10, 32
COLOURS = 48  # of a sheet; a colour image of a set needs no more to be recognised
ROOM = 1_500_000  # characters of all sheets together
SHOWN = 6
MAGNIFIED = 1.25


def made_sets(records: Sequence[Record]) -> list[dict[str, Any]]:
    """The key of the first seed of every set that was made."""
    groups = by_entry([record for record in records if record["kind"] == "condense"])
    first = {
        entry: min(group, key=lambda record: record["cell"]["seed"])
        for entry, group in groups.items()
    }
    return [
        {**entry.named(), "seed": record["cell"]["seed"], "key": record["key"]}
        for entry, record in first.items()
    ]


def illustrated(report: Mapping[str, Any], folders: Sequence[Path]) -> dict[str, Any]:
    """The report with `galleries`: pictures of its sets, from the cells in `folders`, as far as a
    page has room for them.

    A set whose file is missing or damaged has no picture, and is counted in `unpictured` with those
    that found no room.
    """
    room, found = ROOM, []
    for made in report["sets"]:
        png = _sheet(made["key"], folders) if room > 0 else None
        if png is not None and len(png[0]) <= room:
            room -= len(png[0])
            found.append(
                {**made, "png": png[0], "width": png[1], "height": png[2], "classes": png[3]}
            )
    return {**report, "galleries": found, "unpictured": len(report["sets"]) - len(found)}


def _sheet(key: str, folders: Sequence[Path]) -> tuple[str, int, int, list[str]] | None:
    """PNG in base64, its width and height as shown, and the names of the classes in it."""
    from condensers.sets.files import load_set
    from harness.plots.set_sheet import sheet

    path = next(
        (path for folder in folders if (path := folder / key / "set.safetensors").is_file()), None
    )
    try:
        synthetic = load_set(path) if path else None
    except UsageError:
        return None
    if synthetic is None:
        return None
    image, file = (
        sheet(synthetic, PER_CLASS, across=False, classes=CLASSES, side=SIDE),
        io.BytesIO(),
    )
    image.quantize(COLOURS).save(file, "PNG", optimize=True)
    names = [str(synthetic.card["class_names"][label]) for label in synthetic.classes[:CLASSES]]
    return (
        base64.b64encode(file.getvalue()).decode(),
        round(image.width * MAGNIFIED),
        round(image.height * MAGNIFIED),
        names,
    )


def gallery_page(report: Mapping[str, Any]) -> str:
    """The sheets of a report that was illustrated, by data set and size; condensed ones first, many
    folded away.
    """
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for made in sorted(report.get("galleries", []), key=lambda made: made["kind"] != CONDENSED):
        groups.setdefault(
            (made["data"], made["budget"] or 0, 0 if made["budget"] else made["ipc"]), []
        ).append(made)
    found = []
    for key in sorted(groups):
        own, figures = groups[key], [_figure(made) for made in groups[key]]
        found.append(
            f'<h3>{escape(_heading(own[0]))}</h3><p class="notes">{escape(_columns(own))}</p>'
        )
        found.append(f'<div class="figures">{"".join(figures[:SHOWN])}</div>')
        if figures[SHOWN:]:
            more = f'<div class="figures">{"".join(figures[SHOWN:])}</div>'
            found.append(
                f"<details><summary>{len(figures) - SHOWN} more sets</summary>{more}</details>"
            )
    if groups and report["unpictured"]:
        found.append(f'<p class="notes">{report["unpictured"]} more sets are not pictured.</p>')
    return "".join(found)


def _heading(made: Mapping[str, Any]) -> str:
    return f"sets of {made['data']}, " + (
        f"{made['budget']:,} bytes" if made["budget"] else f"ipc {made['ipc']}"
    )


def _columns(galleries: Sequence[Mapping[str, Any]]) -> str:
    names = max((made["classes"] for made in galleries), key=len)
    most = f"at most {PER_CLASS} images of each of the first {CLASSES} classes"
    return f"A column a class, {most}. From left to right: {', '.join(names)}."


def _figure(made: Mapping[str, Any]) -> str:
    name = escape(f"{made['condenser']}, seed {made['seed']}")
    picture = (
        f'src="data:image/png;base64,{made["png"]}" width="{made["width"]}"'
        f' height="{made["height"]}"'
    )
    return (
        f'<figure class="sheet"><img {picture} alt="{name}: images by'
        f' class"><figcaption>{name}</figcaption></figure>'
    )
