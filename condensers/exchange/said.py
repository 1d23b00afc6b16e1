"""What a file may say of itself, checked: mean and std, class names, data set, recipe. Nothing more is believed."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from condensers.errors import UsageError
from condensers.origins import ORIGINS
from condensers.whitening import fit_of

AUGMENTATIONS = ("none", "dsa")
LONGEST = 100  # letters of a digest
FORMS = ("hard", "probabilities", "scores")


def statements(said: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The fields `pixels`, `names`, `dataset`, `origin`, `recipe` of a Published; what is not said is left out."""
    found: dict[str, Any] = {}
    if said.get("mean") is not None or said.get("std") is not None:
        found["pixels"] = (numbers(said.get("mean"), "mean", path), numbers(said.get("std"), "std", path))
    names = said.get("class_names")
    if names is not None:
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            raise UsageError(f"{path}: its class names are not a list of texts; the file is damaged")
        found["names"] = tuple(names)
    if isinstance(said.get("dataset"), str):
        found["dataset"] = said["dataset"]
    if said.get("origin") in ORIGINS:
        found["origin"] = said["origin"]
    found["recipe"] = recipe(said.get("recipe"))
    found["digest"] = _digest(said.get("card"))
    return found


def _digest(card: Any) -> str | None:
    """That of the data, from a card as JSON text; None where there is no such card."""
    try:
        read = json.loads(card) if isinstance(card, str) else None
    except (ValueError, RecursionError):
        return None
    digest = read.get("digest") if isinstance(read, dict) else None
    return digest if isinstance(digest, str) and len(digest) <= LONGEST else None


def numbers(value: Any, what: str, where: Path | str) -> tuple[float, ...]:
    """Finite numbers, one a channel; those of `std` positive."""
    fine = isinstance(value, list | tuple) and value and all(isinstance(v, int | float) and math.isfinite(v) for v in value)
    if not fine or (what == "std" and min(value) <= 0):
        raise UsageError(f"{where}: its {what} is not a list of {'positive ' * (what == 'std')}numbers, one a channel")
    return tuple(float(v) for v in value)


def recipe(said: Any) -> dict[str, Any]:
    """Of a recipe only what this harness knows: names that stand for parts are taken from fixed lists."""
    said = said if isinstance(said, Mapping) else {}
    known: dict[str, Any] = {
        key: said[key]
        for key, allowed in (
            ("augmentation", AUGMENTATIONS),
            ("labels", FORMS),
            ("loss", ("mse", "cross-entropy")),
            ("lr", ("rates",)),
        )
        if said.get(key) in allowed
    }
    whitening = said.get("whitening")
    if isinstance(whitening, Mapping) and isinstance(whitening.get("mean"), list):
        known["whitening"] = fit_of(whitening, len(whitening["mean"])).as_json()
    epochs = said.get("epochs")
    if said.get("ordered") is True and isinstance(epochs, int) and epochs > 0:
        known |= {"ordered": True, "epochs": epochs}
    return known
