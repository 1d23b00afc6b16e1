"""A folder as Hugging Face lays out a dataset: pictures that `datasets` loads without a script,
dataset card, Croissant, the set.

data/train/LABEL-CLASS/INDEX.png, data/train/metadata.jsonl (a line an image, in the set's order:
file_name, label, class_name, soft_label where labels are soft, rates where they were learned),
set.safetensors with set.card.json, README.md, croissant.json. Source: the `imagefolder` builder of
the library `datasets`; the dataset card's fields are those of the Hub's documentation.
"""

import json
from pathlib import Path
from typing import Any

from condensers.sets.files import save_set
from harness.sets.croissant import croissant
from harness.sets.dataset_card import dataset_card
from harness.sets.image_folder import hard_labels, write_pictures

TRAIN = "data/train"
CROISSANT = "croissant.json"
SET = "set.safetensors"


def write(path: Path, content: dict[str, Any]) -> None:
    """Write the folder `path`.

    Beside what every format holds, content has `synthetic` and `measured`, rows of a report.
    """
    (path / TRAIN).mkdir(parents=True)
    written = write_pictures(path / TRAIN, content)
    lines = [
        json.dumps(_line(name, position, content))
        for name, position in sorted(written, key=lambda file: file[1])
    ]
    (path / TRAIN / "metadata.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    save_set(content["synthetic"], path / SET)
    (path / "README.md").write_text(dataset_card(content), encoding="utf-8")
    (path / CROISSANT).write_text(
        json.dumps(croissant(path, content), indent=2) + "\n", encoding="utf-8"
    )


def _line(name: str, position: int, content: dict[str, Any]) -> dict[str, Any]:
    label = int(hard_labels(content)[position])
    line: dict[str, Any] = {
        "file_name": name,
        "label": label,
        "class_name": content["class_names"][label],
    }
    if content["labels"].ndim == 2:
        line["soft_label"] = content["labels"][position].tolist()
    return line | ({"rates": content["rates"].tolist()} if "rates" in content else {})
