"""What determines the truth about a space: its settings, the recipe, and what the data hold.

Seed, device and version of torch are recorded beside each row, but do not enter: one table holds rows of many.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from condensers.hyperparameters import settings_of
from scenarios.protocol import Splits

FORMAT = 1
RECIPE = ("truth_epochs", "truth_batch", "truth_lr", "truth_augmentation", "precision")


@dataclass(frozen=True)
class Target:
    """space: name and settings, as it fits the images. recipe: the settings of `RECIPE`. data: name, digests, shape, images."""

    space: Mapping[str, Any]
    recipe: Mapping[str, Any]
    data: Mapping[str, Any]

    @property
    def key(self) -> str:
        """16 hex digits, equal where rows may be compared. The data enter by their digests, not by their name."""
        parts = [FORMAT, self.space, self.recipe, self.data["digests"]]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    def differences(self, other: "Target") -> list[str]:
        """What makes the keys differ, as "widths [8] and [8, 16]"; this one's value first."""
        tables = [(self.space, other.space), (self.recipe, other.recipe), (self.data["digests"], other.data["digests"])]
        found = []
        for which, (mine, theirs) in enumerate(tables):
            for name in dict.fromkeys([*mine, *theirs]):
                if mine.get(name) != theirs.get(name):
                    what = ("space " if name == "name" else "", "", "images for ")[which]
                    found.append(f"{what}{name} {mine.get(name)} and {theirs.get(name)}")
        return found

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def target_of(settings: Any, space: Any, data: Splits) -> Target:
    """The target of a `Search` with these settings; space: as it fits `data`."""
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    described = {
        "name": data.train.name,
        "digests": {name: part.digest for name, part in parts.items()},
        "shape": list(data.train.shape),
        "classes": len(data.train.class_names),
        "images": {name: len(part.images) for name, part in parts.items()},
    }
    recipe = {name: getattr(settings, name) for name in RECIPE}
    return Target({"name": space.registered, **settings_of(space)}, recipe, described)
