"""What the images of a set are: a condenser says it, the set's card and the run's records carry it,
reports go by it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from condensers.errors import UsageError, suggestion

REAL = "real images"
TAUGHT = "real images with taught labels"
AVERAGES = "averages of real images"
LEARNED = "learned images"
UNKNOWN = "unknown"

# From real images as they are to what is farthest from them; what is not known may be anything.
ORIGINS = (REAL, TAUGHT, AVERAGES, LEARNED, UNKNOWN)
SELECTED = (
    REAL,
    TAUGHT,
)  # each image is one of the data: a set cannot have more of a class than there are


def known(origin: str, where: str) -> str:
    """`origin` itself; UsageError where it is none of ORIGINS."""
    if origin not in ORIGINS:
        raise UsageError(
            f"{where}: '{origin}' is no origin of images; {suggestion(str(origin), ORIGINS)}"
        )
    return origin


def of(card: Mapping[str, Any]) -> str:
    """What the card of a set says of its images; not known where it says nothing that is known
    here.
    """
    said = card.get("origin")
    return said if said in ORIGINS else UNKNOWN


def farthest(origins: Iterable[str]) -> str:
    """Return the origin that is farthest from real images: that of a set made of several."""
    return max(origins, key=ORIGINS.index)
