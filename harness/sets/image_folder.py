"""The images of a set as PNG files in one folder a class, for ImageFolder of torchvision and
imagefolder of `datasets`.
"""

import csv
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from harness.printable import no_formula

CARD = "card.json"


def write_folder(path: Path, content: dict[str, Any]) -> None:
    """LABEL-CLASS/INDEX.png, which ImageFolder reads with labels in this order; card.json;
    labels.csv where labels are soft.

    Pixels are rounded to 0..255 and clamped there.
    """
    labels, written = content["labels"], write_pictures(path, content)
    if labels.ndim == 2:
        with (path / "labels.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["file", *map(no_formula, content["class_names"])])
            table.writerows([name, *labels[position].tolist()] for name, position in written)
    card = json.loads(content["card"])
    if "rates" in content:
        card["rates"] = content["rates"].tolist()
    (path / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def write_pictures(path: Path, content: Mapping[str, Any]) -> list[tuple[str, int]]:
    """LABEL-CLASS/INDEX.png of every image, under its likeliest class; the names below `path`, each
    with its position.
    """
    images = _pixels(content).round().clamp(0, 255).to(torch.uint8)
    hard, written = hard_labels(content), []
    digits = len(str(len(content["class_names"]) - 1))
    for label in sorted(set(hard.tolist())):  # a class without a picture would stop ImageFolder
        name = (
            f"{label:0{digits}}-{re.sub(r'[^A-Za-z0-9._ -]', '_', content['class_names'][label])}"
        )
        (path / name).mkdir(parents=True)
        for index, position in enumerate((hard == label).nonzero().flatten().tolist()):
            _picture(images[position]).save(path / name / f"{index:04}.png")
            written.append((f"{name}/{index:04}.png", position))
    return written


def hard_labels(content: Mapping[str, Any]) -> Tensor:
    """(M,) int64: the labels, or of soft ones the likeliest."""
    labels: Tensor = content["labels"]
    return labels if labels.ndim == 1 else labels.argmax(1)


def rounding(content: Mapping[str, Any]) -> tuple[float, float]:
    """What writing pictures loses: the largest change of a pixel in grey levels of 255, and the
    share that was clamped.
    """
    pixels = _pixels(content)
    clamped = (pixels.round() < 0) | (pixels.round() > 255)
    return float((pixels - pixels.round().clamp(0, 255)).abs().max()), float(clamped.float().mean())


def _pixels(content: Mapping[str, Any]) -> Tensor:
    """(M, C, H, W) float32, black being 0 and white 255."""
    mean, std = (torch.tensor(content[key]).view(-1, 1, 1) for key in ("mean", "std"))
    pixels: Tensor = (content["images"] * std + mean) * 255
    return pixels


def _picture(image: Tensor) -> Image.Image:
    return Image.fromarray(
        (image[0] if len(image) == 1 else image.permute(1, 2, 0)).contiguous().numpy()
    )
