"""A set as files: NAME.safetensors (tensors and card, the same bytes for the same seed) and
NAME.card.json beside it.

The second file is the card for people, with the cost (seconds, joules), which differs from run to
run; a set without it is complete, its cost then counts as not recorded.
"""

import json
import struct
from os import PathLike
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.files import write_atomically
from condensers.errors import UsageError, brief, shown
from condensers.plain import parse_json
from condensers.sets import gallery
from condensers.sets.soundness import require_sound
from condensers.sets.synthetic_set import FORMAT, SyntheticDataset, SyntheticSet

NEEDED = (
    "format",
    "dataset",
    "digest",
    "class_names",
    "classes",
    "shape",
    "mean",
    "std",
    "method",
    "parameterisation",
    "ipc",
)


def card_path(path: Path) -> Path:
    return path.with_suffix(".card.json")


def save_set(synthetic: SyntheticSet, path: str | Path) -> None:
    """Write a set as FILE.safetensors, with FILE.card.json beside it for people.

    Each file is written whole or not at all.

    Args:
        synthetic: The set.
        path: FILE.safetensors.

    Raises:
        UsageError: The set is unsound: pixels that are not finite, labels of no class.
        StorageFailed: The file cannot be written.
    """
    path = Path(path)
    require_sound(synthetic, path)
    tensors = {name: t.contiguous() for name, t in synthetic.tensors.items()}
    card = json.dumps(dict(synthetic.card), sort_keys=True)
    readable = {**synthetic.card, "nbytes": synthetic.nbytes, "cost": dict(synthetic.cost)}
    write_atomically(path, save(tensors, metadata={"card": card}))
    write_atomically(card_path(path), (json.dumps(readable, indent=2) + "\n").encode())


def load(path: str | PathLike[str]) -> SyntheticDataset:
    """Read a set as a torch Dataset of (image, label).

    Args:
        path: FILE.safetensors, or `gallery:NAME`.

    Raises:
        UsageError: The file is missing, damaged, or not a set.
    """
    return SyntheticDataset(load_set(Path(path)))


def load_set(path: str | Path) -> SyntheticSet:
    """Read a set that `save_set` wrote.

    Args:
        path: FILE.safetensors; FILE.card.json beside it is read for the cost, if it is there. Or
            `gallery:NAME`, a set that ships with the package.

    Raises:
        UsageError: The file is missing, cut short, unsound, or not a set of this harness.
    """
    path = gallery.locate(Path(path))
    tensors, metadata = _read(path)
    try:
        card = parse_json(metadata["card"].encode())
    except (KeyError, ValueError) as fault:
        why = "" if isinstance(fault, KeyError) else f" that can be read ({fault})"
        raise UsageError(
            f"{path}: has no card{why}, so it is not a condensed set of this harness; take a file"
            " that `harness condense` made"
        ) from None
    if not isinstance(card, dict):
        raise UsageError(
            f"{path}: its card is not a table; the file was not written by this harness or is"
            " damaged"
        )
    missing = [key for key in NEEDED if key not in card]
    if missing:
        raise UsageError(
            f"{path}: its card lacks '{missing[0]}'; the file was not written by this harness or is"
            " damaged"
        )
    if card["format"] != FORMAT:
        raise UsageError(
            f"{path}: is of format {shown(card['format'])}, this harness reads {FORMAT}; update it,"
            " or condense again"
        )
    # Only reading checks cards: what makes and saves sets needs no pydantic.
    from condensers.schema import brief_faults
    from condensers.sets.card import CardShape

    faults = brief_faults(CardShape, card)
    if faults:
        raise UsageError(
            f"{path}: its card is wrong ({faults}); the file was not written by this harness,"
            " condense it again"
        )
    synthetic = SyntheticSet(tensors, card, _cost(path))
    require_sound(synthetic, path)
    return synthetic


def require_same_data(synthetic: SyntheticSet, data: ClassData, path: Path) -> None:
    """Refuse a set that was made from other images than `data` (the training part).

    Equal images are enough: a folder may have another name by now.
    """
    card = synthetic.card
    if card["digest"] == data.digest:
        return
    if card["dataset"] != data.name:
        source = card["dataset"]
        raise UsageError(
            f"{path}: its card says it was made from {source}, not {data.name}; pass --data"
            f" {source}"
        )
    raise UsageError(
        f"{path}: made from a {data.name} with digest {card['digest']}, but the one here has"
        f" {data.digest}; use the same files, or condense again"
    )


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    if not path.is_file():
        raise UsageError(
            f"{path}: there is no such file; make one with: harness condense METHOD --data D --ipc"
            f" N --out {path}"
        )
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, struct.error, OSError, ValueError) as fault:
        raise UsageError(
            f"{path}: is cut short or not a .safetensors file ({brief(fault)}); copy or condense it"
            " again"
        ) from fault


def _cost(path: Path) -> dict[str, Any]:
    from condensers.schema import faults_of
    from condensers.sets.card import CostShape

    try:
        cost: dict[str, Any] = parse_json(card_path(path).read_bytes())["cost"]
        return {} if faults_of(CostShape, cost) else cost
    except (OSError, KeyError, TypeError, ValueError):
        return {}
