"""A set of this harness -> files that others read: `.pt` as DC's code does, `.npz` without pickle,
folders of PNG images.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from condensers.errors import UsageError, suggestion
from condensers.formats import authors, npz
from condensers.sets import origins
from condensers.sets.synthetic_set import SyntheticSet
from harness.sets import hugging_face, image_folder


def export(
    synthetic: SyntheticSet,
    target: Path,
    form: str,
    force: bool = False,
    measured: Sequence[Mapping[str, Any]] = (),
) -> int:
    """Write to `target`, whole or not at all; UsageError where it is there already and `force` is
    not given.

    Returns how many images it wrote. With `force` a file is replaced, and a folder only if it is an
    earlier export. measured: rows of a report, for `hf`.
    """
    if form not in WRITERS:
        raise UsageError(f"--to {form}: unknown; {suggestion(form, WRITERS)}")
    _require_free(target, form, force)
    partial = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(partial)
        held = content(synthetic) | {"synthetic": synthetic, "measured": measured}
        WRITERS[form](partial, held)
        if target.is_dir():
            _remove(target)
        partial.replace(target)
        return len(held["images"])
    except OSError as fault:
        raise UsageError(
            f"{target}: cannot be written ({fault.strerror}); choose another place"
        ) from fault
    finally:
        with suppress(OSError):  # what could not be written cannot always be removed
            _remove(partial)


def content(synthetic: SyntheticSet) -> dict[str, Any]:
    """What every format holds: images (M, C, H, W) float32 normalised, decoded; labels; and what
    the card says of them.
    """
    images, labels = synthetic.decode()
    card = synthetic.card
    said: dict[str, Any] = {key: list(card[key]) for key in ("mean", "std", "class_names")}
    rates = {"rates": synthetic.tensors["rates"].float()} if "rates" in synthetic.tensors else {}
    said |= {
        "dataset": card["dataset"],
        "origin": origins.of(card),
        "recipe": dict(synthetic.recipe),
    }
    said["card"] = json.dumps(dict(card), sort_keys=True)
    return {"images": images, "labels": labels, "classes": list(synthetic.classes), **rates, **said}


def _require_free(target: Path, form: str, force: bool) -> None:
    if not target.exists():
        return
    if not force:
        raise UsageError(
            f"{target}: is there already; choose another place, or pass --force to replace it"
        )
    mark = MARKS.get(form)
    if target.is_dir() != (mark is not None) or (
        mark and any(target.iterdir()) and not (target / mark).is_file()
    ):
        raise UsageError(
            f"{target}: is not an earlier export of this kind, so it is not replaced;"
            " choose another place"
        )


def _remove(target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)


WRITERS: dict[str, Callable[[Path, dict[str, Any]], None]] = {
    "pt": authors.write_dc,
    "npz": npz.write,
    "png": image_folder.write_folder,
    "hf": hugging_face.write,
}
MARKS = {
    "png": image_folder.CARD,
    "hf": hugging_face.CROISSANT,
}  # the file by which a folder is known for an earlier export
