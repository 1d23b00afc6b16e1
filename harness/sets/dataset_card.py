"""The dataset card, README.md: YAML front matter for the Hub, then what the set is, what was
measured, and how to load it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from condensers.sets.rate import bits_per_class, format_bits
from harness.energy import NOT_MEASURED
from harness.report.formats.markdown import escape
from harness.sets.description import (
    LICENCES,
    UNKNOWN,
    a_class,
    licence,
    plain,
    sentence,
    tags,
    title,
)
from harness.sets.image_folder import rounding

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
PRIVACY = "privacy"
LOADING = """## How to load it

With condensation-harness, unrounded, as a torch Dataset:

```python
import condensers
dataset = condensers.load("set.safetensors")
image, label = dataset[0]  # {shape} float32, normalised
```

With `datasets`, from this folder; from the Hub, `load_dataset(NAME, split="train")`:

```python
from pathlib import Path
from datasets import load_dataset
dataset = load_dataset(str(Path().resolve()), split="train")
image, label = dataset[0]["image"], dataset[0]["label"]
name = dataset.features["label"].int2str(label)
```

With torch, where labels count the folders:

```python
from torchvision import datasets, transforms as T
normalise = T.Compose([{grey}T.ToTensor(), T.Normalize({mean}, {std})])
dataset = datasets.ImageFolder("data/train", normalise)
```
"""


def dataset_card(content: Mapping[str, Any]) -> str:
    """The text of README.md. content: what every export has, with `synthetic` and `measured`, rows
    of a report.
    """
    card, rows = content["synthetic"].card, content["measured"]
    private = [row for row in rows if PRIVACY in row["scenario"]]
    blocks = [
        _front_matter(content),
        f"# {escape(title(card, len(content['images'])))}",
        escape(sentence(card, len(content["images"]))),
        _facts(content),
        (
            f"## Hyperparameters\n\n```json\n"
            f"{json.dumps(card.get('hyperparameters', {}), indent=2)}\n```"
        ),
        _unverified(card),
        f"Made by:\n\n    {plain(card['command'])}" if card.get("command") else "",
        f"## Measured usefulness\n\n{_table([row for row in rows if row not in private])}",
        f"## Measured privacy\n\n{_table(private)}",
        _loading(card),
    ]
    return "\n\n".join(block for block in blocks if block)


def _front_matter(content: Mapping[str, Any]) -> str:
    """YAML whose values are JSON, which is YAML too: nothing in a name can end it."""
    card, count = content["synthetic"].card, len(content["images"])
    said = licence(card)
    known = LICENCES.get(said, ("unknown" if said in UNKNOWN else "other", ""))[0]
    values: dict[str, Any] = {
        "license": known,
        **({"license_name": said} if known == "other" else {}),
        "task_categories": ["image-classification"],
        "size_categories": [next((name for limit, name in SIZES if count < limit), "n>1M")],
        "pretty_name": title(card, count),
        "tags": tags(card),
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": "train", "path": "data/train/**"}],
                "features": _features(content),
            }
        ],
        "dataset_info": {"features": _features(content)},
    }
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "\n".join(["---", *lines, "---"])


def _features(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The columns, as `datasets` writes its features into cards: `label` is a ClassLabel."""
    shown = [plain(name) for name in content["class_names"]]
    # A ClassLabel takes no name twice.
    names = {
        str(at): name if shown.count(name) == 1 else f"{name} ({at})"
        for at, name in enumerate(shown)
    }
    features: list[dict[str, Any]] = [
        {"name": "image", "dtype": "image"},
        {"name": "label", "dtype": {"class_label": {"names": names}}},
        {"name": "class_name", "dtype": "string"},
    ]
    if content["labels"].ndim == 2:
        features.append({"name": "soft_label", "list": "float64"})
    return features + ([{"name": "rates", "list": "float64"}] if "rates" in content else [])


def _facts(content: Mapping[str, Any]) -> str:
    synthetic = content["synthetic"]
    card, recipe = synthetic.card, synthetic.recipe
    change, clamped = rounding(content)
    facts = {
        "Made from": f"{card['dataset']}, training part, SHA-256 {card['digest']}...",
        "Licence of that": licence(card),
        "Method": card["method"],
        "Seed": "not recorded" if card.get("seed") is None else card["seed"],
        "Images": f"{len(content['images'])}, {a_class(card, len(content['images']))}",
        "Stored bytes": f"{synthetic.nbytes}, as {card['parameterisation']['name']}",
        "Bits per class": format_bits(bits_per_class(synthetic.nbytes, len(synthetic.classes))),
        "Labels": (
            "hard"
            if content["labels"].ndim == 1
            else f"soft ({recipe.get('labels', 'probabilities')}), column soft_label"
        ),
        "Learned rates": f"{len(content['rates'])}, column rates" if "rates" in content else "none",
        "Normalisation": (
            f"pixels in 0..1, less the mean {card['mean']}, over the deviation {card['std']}"
        ),
        "Augmentation in training": recipe.get("augmentation", "not recorded"),
        "Energy of making it": _joules(synthetic.cost),
        "Pictures": (
            f"8 bits; rounding changed a pixel by up to {change:.2f} of 255, {clamped:.1%} were"
            " clamped to 0 or 255; set.safetensors has them as stored"
        ),
    }
    facts |= {"Note": card["note"]} if card.get("note") else {}
    facts |= (
        {"Of the data": "; ".join(map(str, card["data_notes"]))} if card.get("data_notes") else {}
    )
    lines = [f"| {name} | {_text(value)} |" for name, value in facts.items()]
    return "\n".join(["| | |", "| :--- | :--- |", *lines])


def _text(value: Any) -> str:
    return escape(plain(value))


def _joules(cost: Mapping[str, Any]) -> str:
    joules = cost.get("joules", NOT_MEASURED)
    return f"{joules:.0f} J" if isinstance(joules, int | float) else NOT_MEASURED


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Means with 95 % intervals, a row saying what its n values are; then the settings of the
    scenarios.
    """
    if not rows:
        return NOT_MEASURED.capitalize() + "."
    lines = [
        "| Scenario | Metric | Mean | 95 % interval | n |",
        "| :--- | :--- | ---: | ---: | :--- |",
    ]
    order = list(dict.fromkeys(row["scenario"] for row in rows))
    for row in sorted(rows, key=lambda row: order.index(row["scenario"])):
        where = row["scenario"] + (f" ({row['variant']})" if row["variant"] else "")
        mean = "undefined" if row["mean"] is None else f"{row['mean']:.2f} {row['unit']}".strip()
        bounds = (
            ""
            if row["low"] is None or row["high"] is None
            else f"{row['low']:.2f} to {row['high']:.2f}, "
        )
        cells = (
            where,
            row["metric"],
            mean,
            f"{bounds}{row['interval']}",
            f"{row['n']} ({row['over']})",
        )
        lines.append(f"| {' | '.join(_text(cell) for cell in cells)} |")
    settings = json.dumps({row["scenario"]: row["settings"] for row in rows}, indent=2)
    return "\n".join([*lines, "", "Settings of the scenarios:", "", "```json", settings, "```"])


def _unverified(card: Mapping[str, Any]) -> str:
    """A sentence on defaults whose source was not looked up; "" if there are none."""
    names = card.get("unverified", [])
    listed = ", ".join(f"`{plain(name)}`" for name in names)
    return f"Unverified, the source of the default was not found: {listed}." if names else ""


def _loading(card: Mapping[str, Any]) -> str:
    grey = "T.Grayscale(), " if card["shape"][0] == 1 else ""
    shape = f"({', '.join(map(str, card['shape']))})"
    return LOADING.format(
        shape=shape,
        grey=grey,
        mean=[float(v) for v in card["mean"]],
        std=[float(v) for v in card["std"]],
    )
