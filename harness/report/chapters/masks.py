"""Pictures of images in rows: the masks of a view and what they keep, or a set's images above the
nearest real ones.
"""

import base64
import struct
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from harness.report.results import Record, by_entry

SCALE = 1.6  # points a pixel; two pictures of eight images then stand side by side
MASKS = {"title": "Masks", "rows": ("images", "masks", "kept")}
LETTER, GAP, TITLE = 6, 12, 20  # points


def mask_pictures(records: Sequence[Record]) -> list[dict[str, Any]]:
    """For each view or set with one the picture of its first seed: a PNG in base64, and what its
    rows are.
    """
    found = []
    for entry, group in by_entry(records).items():
        detail = (group[0].get("outcome") or {}).get("detail") or {}
        if "pictures" in detail:
            found.append(
                {**entry.named(), "png": detail["pictures"], **(detail.get("pictured") or MASKS)}
            )
    return found


def drawn_masks(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    """An SVG figure for each picture; the picture is inside it, nothing is fetched."""
    return [_figure(part) for part in parts]


def _figure(part: Mapping[str, Any]) -> str:
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
    size = (
        f" at {part['budget']:,} bytes"
        if part["budget"]
        else f" at ipc {part['ipc']}"
        if part["ipc"]
        else ""
    )
    title = escape(f"{part['title']}: {part['condenser']}{size}, {part['data']}")
    across = margin + max(width, LETTER * len(title))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{across:.1f}pt"'
        f' height="{height + TITLE:.1f}pt" viewBox="0 0 {across:.1f} {height + TITLE:.1f}"'
        f' role="img"><title>{title}</title><text x="{margin}" y="13" font-size="12"'
        f' font-weight="600" fill="currentColor">{title}</text>{rows}<image x="{margin}"'
        f' y="{TITLE}" width="{width:.1f}" height="{height:.1f}" style="image-rendering: pixelated"'
        f' href="data:image/png;base64,{png}"/></svg>'
    )
