"""Images that are in several parts of a data set, or in several of its classes, equal in every pixel."""

from collections.abc import Mapping, Sized
from hashlib import blake2b

from scenarios.datasets.raw import Part

Places = dict[bytes, list[tuple[str, int, str]]]  # pixels -> (part, label, file) of each image that has them


def copies(parts: Mapping[str, Part]) -> list[str]:
    """A sentence on each kind of copy that there is; the first part is the one that is learned from.

    Each part needs its files, which the sentences name.
    """
    places = _places(parts)
    learned, *others = parts
    found = []
    for name in others:
        pairs = [pair for of in places.values() for pair in _across(of, learned, name)]
        if pairs:
            known, them = len(parts[name].labels), "it" if len(pairs) == 1 else "them"
            found.append(
                f"{len(pairs)} of {known} {name} images {_are(pairs)} in the {learned} part too, equal in"
                f" every pixel: {_named(pairs[0])}; figures on the {name} part count {them} as unseen"
            )
    mixed = [of for of in places.values() if len({label for _, label, _ in of}) > 1]
    if mixed:
        one, other = mixed[0][0], next(place for place in mixed[0] if place[1] != mixed[0][0][1])
        found.append(
            f"{len(mixed)} image{'s' * (len(mixed) > 1)} {_are(mixed)} in more than one class, equal in"
            f" every pixel: {_named((one[2], other[2]))}"
        )
    return found


def _places(parts: Mapping[str, Part]) -> Places:
    places: Places = {}
    for name, part in parts.items():
        for image, label, file in zip(part.images, part.labels, part.files, strict=True):
            places.setdefault(blake2b(image.tobytes()).digest(), []).append((name, int(label), file))
    return places


def _across(of: list[tuple[str, int, str]], learned: str, name: str) -> list[tuple[str, str]]:
    """(file in the learned part, file) of each image in the part `name`."""
    first = next((file for part, _, file in of if part == learned), None)
    return [] if first is None else [(first, file) for part, _, file in of if part == name]


def _are(found: Sized) -> str:
    return "is" if len(found) == 1 else "are"


def _named(pair: tuple[str, str]) -> str:
    return f"{pair[0]} and {pair[1]}"
