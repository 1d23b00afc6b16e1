"""Images of the sets that a run made, as small PNG sheets inside the page: a column of images a
class, one sheet a set.
"""

import base64
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condensers.errors import UsageError
from harness.installation import digest_installation
from harness.report.place import MAKING, Size
from harness.report.results import CONDENSED, Record, group_by_entry
from harness.report.text_cache import TextCache

if TYPE_CHECKING:
    from PIL.Image import Image

    from condensers.sets.synthetic_set import SyntheticSet

CLASSES, PER_CLASS, SIDE = 20, 10, 32
COLOURS = 48  # of a sheet; a colour image of a set needs no more to be recognised
ROOM = 1_500_000  # characters of all sheets together
SHOWN = 6
MAGNIFIED = 1.25


def list_sets(records: Sequence[Record]) -> list[dict[str, Any]]:
    """List the key of the first seed of every set that was made."""
    groups = group_by_entry([record for record in records if record["kind"] == MAKING])
    first = {
        entry: min(group, key=lambda record: record["cell"]["seed"])
        for entry, group in groups.items()
    }
    return [
        {**entry.as_json(), "seed": record["cell"]["seed"], "key": record["key"]}
        for entry, record in first.items()
    ]


def with_set_images(
    report: Mapping[str, Any], folders: Sequence[Path], cache: TextCache | None = None
) -> dict[str, Any]:
    """Add pictures of the sets to a report, as far as a page has room for them.

    Args:
        report: what `build` returned.
        folders: folders of cells, in which the files of the sets lie.
        cache: where pictures are kept; None for nowhere.

    Returns:
        The report with "galleries", and with "unpictured": the number of sets whose file is missing
        or damaged, or for which there was no room.
    """
    room, galleries = ROOM, []
    for made in report["sets"]:
        png = _sheet(made["key"], folders, cache or TextCache(None)) if room > 0 else None
        if png is not None and len(png[0]) <= room:
            room -= len(png[0])
            galleries.append(
                {**made, "png": png[0], "width": png[1], "height": png[2], "classes": png[3]}
            )
    return {**report, "galleries": galleries, "unpictured": len(report["sets"]) - len(galleries)}


def draw_set(
    synthetic: "SyntheticSet",
    per_class: int = PER_CLASS,
    *,
    across: bool = True,
    classes: int | None = None,
    side: int | None = None,
) -> "Image":
    """Draw the images of a set side by side, a class a line.

    Args:
        synthetic: the set.
        per_class: how many images of each class are drawn at most.
        across: whether a class is a row; a column where not.
        classes: how many classes are drawn; None for all.
        side: pixels of the longer side of an image, to which larger ones are made smaller.
    """
    import torch

    from harness.plots.set_sheet import draw_sheet

    images, _ = synthetic.decode()
    mean, std = (torch.tensor(synthetic.card[name]).view(1, -1, 1, 1) for name in ("mean", "std"))
    each = len(images) // len(synthetic.classes)  # sets are ordered by class
    by_class = torch.split(images * std + mean, each)[: len(synthetic.classes)][:classes]
    return draw_sheet([part[:per_class] for part in by_class], across=across, side=side)


Sheet = tuple[str, int, int, list[str]]  # PNG in base64, width, height, names of the classes


def _sheet(key: str, folders: Sequence[Path], cache: TextCache) -> Sheet | None:
    """The sheet of a set as it is shown; None where its file is missing or damaged."""
    path = next(
        (path for folder in folders if (path := folder / key / "set.safetensors").is_file()), None
    )
    if path is None:
        return None
    content = _digest_of_set(path)
    known = cache.read("sheet", content)
    if known is None:
        sheet = _draw_sheet(path)
        if sheet is None:
            return None
        known = json.dumps(sheet)
        cache.write("sheet", content, known)
    png, width, height, names = json.loads(known)
    return png, width, height, names


def _digest_of_set(path: Path) -> str:
    """Digest of what a sheet is drawn from: the file of a set, and the code here."""
    return hashlib.sha256(digest_installation().encode() + path.read_bytes()).hexdigest()


def _draw_sheet(path: Path) -> Sheet | None:
    from condensers.sets.files import load_set

    try:
        synthetic = load_set(path)
    except UsageError:
        return None
    image, file = (
        draw_set(synthetic, PER_CLASS, across=False, classes=CLASSES, side=SIDE),
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
    """Write the sheets of a report with set images, by data set and size; condensed ones first,
    many folded away.
    """
    groups: dict[tuple[str, Size], list[Mapping[str, Any]]] = {}
    for made in sorted(report.get("galleries", []), key=lambda made: made["kind"] != CONDENSED):
        groups.setdefault((made["data"], Size.of(made)), []).append(made)
    parts = []
    for data, size in sorted(groups):
        own = groups[data, size]
        figures = [_figure(made) for made in own]
        parts.append(
            f"<h3>{escape(f'Sets of {data}, {size}')}</h3>"
            f'<p class="notes">{escape(_columns(own))}</p>'
        )
        parts.append(f'<div class="figures">{"".join(figures[:SHOWN])}</div>')
        if figures[SHOWN:]:
            more = f'<div class="figures">{"".join(figures[SHOWN:])}</div>'
            parts.append(
                f"<details><summary>{len(figures) - SHOWN} more sets</summary>{more}</details>"
            )
    if groups and report["unpictured"]:
        parts.append(f'<p class="notes">{report["unpictured"]} more sets are not pictured.</p>')
    return "".join(parts)


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
