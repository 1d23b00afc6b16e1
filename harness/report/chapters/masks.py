"""The chapter on mask quality: what the masks of views are worth, and their pictures.

The pictures are images in rows: the masks of a view and what they keep, or a set's images above the
nearest real ones.
"""

import base64
import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any

from harness.report.chapters.base import (
    COST_DEFINITIONS,
    COSTS,
    Chapter,
    Figure,
    Run,
    Styles,
    plain_layouts,
)
from harness.report.place import Size
from harness.report.results import Record, group_by_entry
from harness.report.table import MetricColumns, Row, TableLayout

MEASURES = ("deletion-auc", "insertion-auc", "pointing-accuracy", "mask-overlap", "kept")
SCALE = 1.6  # points a pixel; two pictures of eight images then stand side by side
MASKS = {"title": "Masks", "rows": ("images", "masks", "kept")}
LETTER, GAP, TITLE = 6, 12, 20  # points
DEFINITIONS = {
    "deletion-auc": (
        "Mean probability that a classifier, which the view has not seen, gives to the true"
        " class while the most relevant pixels are replaced by the mean colour, from none to"
        " all. Less is better: the mask marks what matters."
    ),
    "insertion-auc": (
        "The same while the most relevant pixels of the sharp image are put into the blurred one;"
        " more is better."
    ),
    "pointing-accuracy": (
        "Percentage of the images whose most relevant pixel lies in the true mask."
    ),
    "mask-overlap": (
        "Intersection over union with the true mask, of as many most relevant pixels as it has."
    ),
    "kept": "Mean of the masks: how much of an image they keep, in %.",
}


class MaskQualityChapter(Chapter):
    """Mask quality: whether the views' masks mean something."""

    definitions = COST_DEFINITIONS | DEFINITIONS
    column_titles = COSTS | {
        "deletion-auc": "deletion AUC (less is better)",
        "insertion-auc": "insertion AUC",
        "pointing-accuracy": "pointing, %",
        "mask-overlap": "overlap with the true mask",
        "kept": "kept, %",
    }

    @property
    def title(self) -> str:
        return "Mask quality: whether the views' masks mean something"

    @classmethod
    def can_read(cls, metrics: Collection[str]) -> bool:
        return any(name in metrics for name in MEASURES)

    def facts(self, run: Run) -> dict[str, Any]:
        """masks: a picture of the masks of each view."""
        return {"masks": read_pictures(run.records_of(self.scenario))}

    def layouts(self, metrics: Sequence[str], rows: Sequence[Row]) -> list[TableLayout]:
        """All measures of masks in one table."""
        usual = MetricColumns(rows, self.column_titles)
        shown = [name for name in MEASURES if name in metrics]
        rest = plain_layouts([name for name in metrics if name not in shown], usual)
        if not shown:
            return rest
        name = replace(usual.name_and_bytes()[0], title="masks")
        columns = [name, *map(usual.value, shown), usual.count(shown[0])]
        return [TableLayout("", shown, columns), *rest]

    def figures(self, report: Mapping[str, Any], styles: Styles) -> list[Figure]:
        """The pictures of the masks."""
        return draw_pictures(self.select(report, "masks"))


def read_pictures(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Read the picture of each view or set that has one, of its first seed.

    Args:
        records: the records of one scenario.

    Returns:
        One mapping a picture: what it is of, a PNG in base64, and the names of its rows.
    """
    pictures = []
    for entry, group in group_by_entry(records).items():
        detail = (group[0].get("outcome") or {}).get("detail") or {}
        if "pictures" in detail:
            words = detail.get("pictured") or MASKS
            pictures.append({**entry.as_json(), "png": detail["pictures"], **words})
    return pictures


def draw_pictures(parts: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """Draw an SVG figure for each picture; the PNG is inside it."""
    return [Figure(part["scenario"], draw_rows(part)) for part in parts]


def draw_rows(part: Mapping[str, Any]) -> str:
    """Draw one picture with the names of its rows and its title, as one SVG element."""
    png, words = str(part["png"]), list(part["rows"])
    margin = GAP + LETTER * max(map(len, words))
    # The header of a PNG: 8 bytes of signature, 8 of the first chunk's length and name, then width
    # and height.
    image = base64.b64decode(png)
    png = base64.b64encode(image).decode()  # nothing but base64 goes into the page
    pixels = struct.unpack(">II", image[16:24])
    width, height = (SCALE * side for side in pixels)
    rows = "".join(
        f'<text x="{margin - 6}" y="{TITLE + height * (index + 0.5) / len(words):.1f}"'
        ' text-anchor="end" font-size="11" fill="currentColor"'
        f' dominant-baseline="middle">{escape(str(row))}</text>'
        for index, row in enumerate(words)
    )
    size = Size.of(part)
    shown = f" at {size}" if size.budget or size.ipc else ""
    title = escape(f"{part['title']}: {part['condenser']}{shown}, {part['data']}")
    across = margin + max(width, LETTER * len(title))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{across:.1f}pt"'
        f' height="{height + TITLE:.1f}pt" viewBox="0 0 {across:.1f} {height + TITLE:.1f}"'
        f' role="img"><title>{title}</title><text x="{margin}" y="13" font-size="12"'
        f' font-weight="600" fill="currentColor">{title}</text>{rows}<image x="{margin}"'
        f' y="{TITLE}" width="{width:.1f}" height="{height:.1f}" style="image-rendering: pixelated"'
        f' href="data:image/png;base64,{png}"/></svg>'
    )
