"""A set of this harness -> files that others read: `.pt` as DC's code does, `.npz` without pickle, a folder of PNG images."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from condensers.errors import UsageError, suggestion
from condensers.exchange import dc, npz
from condensers.synthetic import SyntheticSet

CARD = "card.json"


def export(synthetic: SyntheticSet, place: Path, form: str, force: bool = False) -> None:
    """Write to `place`, whole or not at all; UsageError where it is there already and `force` is not given.

    With `force` a file is replaced, and a folder only if it is an earlier export.
    """
    if form not in WRITERS:
        raise UsageError(f"--to {form}: unknown; {suggestion(form, WRITERS)}")
    _require_free(place, form, force)
    partial = place.with_name(f".{place.name}.partial")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _remove(partial)
        WRITERS[form](partial, content(synthetic))
        if place.is_dir():
            _remove(place)
        partial.replace(place)
    except OSError as fault:
        raise UsageError(f"{place}: cannot be written ({fault.strerror}); choose another place") from fault
    finally:
        _remove(partial)


def content(synthetic: SyntheticSet) -> dict[str, Any]:
    """What every format holds: images (M, C, H, W) float32 normalised, decoded; labels; and what the card says of them."""
    images, labels = synthetic.decode()
    card = synthetic.card
    said: dict[str, Any] = {key: list(card[key]) for key in ("mean", "std", "class_names")}
    rates = {"rates": synthetic.tensors["rates"].float()} if "rates" in synthetic.tensors else {}
    said |= {"dataset": card["dataset"], "recipe": dict(synthetic.recipe), "card": json.dumps(dict(card), sort_keys=True)}
    return {"images": images, "labels": labels, "classes": list(synthetic.classes), **rates, **said}


def write_folder(path: Path, content: dict[str, Any]) -> None:
    """LABEL-CLASS/INDEX.png, which ImageFolder reads with labels in this order; card.json; labels.csv where labels are soft.

    Pixels are rounded to 0..255 and clamped there.
    """
    images, labels = _bytes(content), content["labels"]
    hard = labels if labels.ndim == 1 else labels.argmax(1)
    digits, written = len(str(len(content["class_names"]) - 1)), []
    for label in content["classes"]:
        name = f"{label:0{digits}}-{re.sub(r'[^A-Za-z0-9._ -]', '_', content['class_names'][label])}"
        (path / name).mkdir(parents=True)
        for index, position in enumerate((hard == label).nonzero().flatten().tolist()):
            _picture(images[position]).save(path / name / f"{index:04}.png")
            written.append((f"{name}/{index:04}.png", position))
    if labels.ndim == 2:
        with (path / "labels.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["file", *content["class_names"]])
            table.writerows([name, *labels[position].tolist()] for name, position in written)
    card = json.loads(content["card"])
    if "rates" in content:
        card["rates"] = content["rates"].tolist()
    (path / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def _bytes(content: dict[str, Any]) -> Tensor:
    mean, std = (torch.tensor(content[key]).view(-1, 1, 1) for key in ("mean", "std"))
    pixels: Tensor = (content["images"] * std + mean) * 255
    return pixels.round().clamp(0, 255).to(torch.uint8)


def _picture(image: Tensor) -> Image.Image:
    return Image.fromarray((image[0] if len(image) == 1 else image.permute(1, 2, 0)).contiguous().numpy())


def _require_free(place: Path, form: str, force: bool) -> None:
    if not place.exists():
        return
    if not force:
        raise UsageError(f"{place}: is there already; choose another place, or pass --force to replace it")
    if place.is_dir() != (form == "png") or (place.is_dir() and any(place.iterdir()) and not (place / CARD).is_file()):
        raise UsageError(f"{place}: is not an earlier export of this kind, so it is not replaced; choose another place")


def _remove(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


WRITERS: dict[str, Callable[[Path, dict[str, Any]], None]] = {"pt": dc.write, "npz": npz.write, "png": write_folder}
