"""What a dataset card and Croissant metadata both say of a set: its name, its licence, a sentence;
each a line of plain text.
"""

from collections.abc import Mapping
from typing import Any

from condensers.sets import origins

LICENCES = {
    "CC BY 4.0": ("cc-by-4.0", "https://creativecommons.org/licenses/by/4.0/"),
    "CC BY-SA 3.0": ("cc-by-sa-3.0", "https://creativecommons.org/licenses/by-sa/3.0/"),
    "CC BY-SA 4.0": ("cc-by-sa-4.0", "https://creativecommons.org/licenses/by-sa/4.0/"),
    "MIT": ("mit", "https://opensource.org/license/mit"),
}
UNKNOWN = ("not recorded", "not stated by the authors")
MADE = {
    origins.REAL: "real images, chosen by",
    origins.TAUGHT: "real images with labels of a teacher, chosen by",
    origins.AVERAGES: "averages of real images, made by",
    origins.LEARNED: "synthetic images, made by",
    origins.UNKNOWN: "images of an origin that is not recorded, by",
}


def plain(value: Any) -> str:
    """One line of printable text."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())


def title(card: Mapping[str, Any], count: int) -> str:
    return plain(f"{card['dataset']} condensed by {card['method']}, {a_class(card, count)}")


def a_class(card: Mapping[str, Any], count: int) -> str:
    each = count // len(card["classes"])
    return f"{each} image{'s' * (each != 1)} a class"


def sentence(card: Mapping[str, Any], count: int) -> str:
    """How many images of what, from what, by what."""
    made = MADE[origins.of(card)]
    shape = "x".join(map(str, card["shape"]))
    return plain(
        f"{count} {made} {card['method']} from the training part of {card['dataset']};"
        f" {len(card['classes'])} classes, {shape}."
    )


def licence(card: Mapping[str, Any]) -> str:
    """That of the images which the set was made from, in the card's words."""
    return plain(card.get("licence", "not recorded"))


def tags(card: Mapping[str, Any]) -> list[str]:
    return [
        "dataset-condensation",
        "dataset-distillation",
        plain(card["method"]),
        plain(card["dataset"]),
    ]
