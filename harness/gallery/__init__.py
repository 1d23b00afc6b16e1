"""Sets that ship with the package, made from mnist-5k and under its licence, CC BY-SA 3.0;
`gallery:NAME` names one.

The card of each says which command made it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from condensers.sets.gallery import PREFIX, built_in, locate
from condensers.sets.rate import describe_size

__all__ = ["PREFIX", "about", "built_in", "command", "locate", "output_path"]


def output_path(file: Path) -> Path:
    """Where what is made of `file` goes: beside it, or into the current folder for a set of the
    gallery.
    """
    return Path(f"{str(file).removeprefix(PREFIX)}.safetensors") if locate(file) != file else file


def read_card(path: Path) -> Mapping[str, Any]:
    """Read the card beside a set."""
    card: Mapping[str, Any] = json.loads(path.with_suffix(".card.json").read_text(encoding="utf-8"))
    return card


def about(path: Path) -> str:
    """A set in one line, from the card beside it."""
    card = read_card(path)
    count = card["images_per_class"]
    return (
        f"{card['method']} on {card['dataset']}, {count} image{'s' * (count != 1)} a class,"
        f" {describe_size(card['nbytes'], len(card['classes']))}"
    )


def command(path: Path) -> str:
    """The command that made a set."""
    return str(read_card(path)["command"])
