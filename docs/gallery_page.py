"""The page of the gallery, made from the sets that ship: a table of their cards, and a picture of
each beside the command that makes it.
"""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from condensers.sets.rate import bits_per_class, format_bits

FOLDER = "results"  # of the site
PAGE = f"{FOLDER}/gallery.md"
INTRO = """# The gallery

Sets that ship with the package, under names that stand wherever the file of a set may:

```sh
harness evaluate gallery:dm-fast-cifar10-10 --scenario continual   # where CIFAR-10 is
harness export gallery:dm-fast-cifar10-10 --to images
```

```python
from condensers import load
from scenarios import CondensedMemory

proxy = load("gallery:dm-fast-mnist-10")            # a torch dataset
memory = CondensedMemory("gallery:dm-fast-mnist-10")  # in any Avalanche strategy
```

A condensed set is [not anonymous](privacy.md). `harness run gallery` measures what these sets are
worth beside real images of equal bytes, and what they reveal. Tiles hold four images in the place
of one.
"""
HEAD = (
    "| name | made by | data | images a class | bytes | bits per class | made in | licence of the"
    " data |"
)


def table_row(name: str, card: Mapping[str, Any]) -> str:
    """Return the line of a set in the table."""
    facts = (
        f"`{name}`",
        f"`{card['method']}`",
        card["dataset"],
        card["images_per_class"],
        f"{card['nbytes']:,}",
        format_bits(bits_per_class(card["nbytes"], len(card["classes"]))),
        f"{card['cost']['seconds']:.1f} s",
        card["licence"],
    )
    return f"| {' | '.join(map(str, facts))} |"


def draw_picture(path: Path) -> bytes:
    """Return the first images of each class of a set as a PNG."""
    from condensers.sets.files import load_set
    from harness.report.set_sheets import draw_set

    file = io.BytesIO()
    draw_set(load_set(path)).save(file, "PNG")
    return file.getvalue()


def gallery_pages() -> dict[str, str | bytes]:
    """Return the page and its pictures, each by its place on the site."""
    from harness import gallery

    rows, shown = [HEAD, "|---|---|---|---|---|---|---|---|"], []
    pages: dict[str, str | bytes] = {}
    for name, path in gallery.built_in().items():
        rows.append(table_row(name, gallery.read_card(path)))
        picture = f"gallery-{path.stem}.png"
        pages[f"{FOLDER}/{picture}"] = draw_picture(path)
        shown.append(
            f"## {path.stem}\n\n```sh\n{gallery.command(path)}\n```\n\n"
            f"![Images of {name}, a line for each class]({picture})"
        )
    pages[PAGE] = "\n\n".join([INTRO.rstrip(), "\n".join(rows), *shown]) + "\n"
    return pages
