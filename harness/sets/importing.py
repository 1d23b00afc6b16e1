"""A published file -> a set of this harness, saved with its card and a preview."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from condensers.data import ClassData
from condensers.engine.files import write_atomically
from condensers.errors import UsageError
from condensers.formats.assembling import assemble, describe_published
from condensers.formats.choices import Choices
from condensers.formats.published import Published
from condensers.formats.reading import Files, read
from condensers.sets import origins
from condensers.sets.doubts import with_doubts
from condensers.sets.files import card_path, save_set
from condensers.sets.rate import bits_per_class, describe_size
from condensers.sets.synthetic_set import SyntheticSet
from harness.sets.make import preview
from scenarios.datasets.naming import FOLDER, locate_folders, name_in_cards, runs_code
from scenarios.protocol import Splits

Load = Callable[[str], Splits]
Tell = Callable[[str], None]


def bring_in(
    source: tuple[Files, str],
    choices: Choices,
    path: Path,
    data: str | None,
    load: Load,
    tell: Tell,
) -> SyntheticSet:
    """Read `source` (files and format), make the set for the data set called `data`, save it at
    `path` and return it.

    data: None where the file itself is to say it. tell: is told what the file holds, and what
    became of it.
    """
    files, format = source
    published = read(files, format)
    tell(f"{files.path}: {describe_published(published)}")
    train = load(_data_of(files.path, published.dataset, data)).train
    _tell_other_images(published, train, tell)
    synthetic = with_doubts(assemble(published, train, choices), train)
    save_set(synthetic, path)
    write_atomically(path.with_suffix(".png"), preview(synthetic))
    taken = synthetic.card["source"]
    tell(
        f"pixels are {taken['pixels']}; {taken['contrast']:.2f} times the contrast of {train.name}"
    )
    for doubt in synthetic.card.get("doubts", []):
        tell(f"warning: {doubt}")
    counts = synthetic.card.get("counts", {}).values()
    each = f"{min(counts)} to {max(counts)}" if counts else str(synthetic.ipc)
    stored = describe_size(synthetic.nbytes, len(synthetic.classes))
    size = f"{each} images per class, {stored}"
    tell(f"{path}: {choices.method} on {train.name}, {size}; preview {path.with_suffix('.png')}")
    return synthetic


def describe_set(synthetic: SyntheticSet, path: Path) -> dict[str, Any]:
    """What `harness import --json` says of the set that it saved at `path`."""
    card = synthetic.card
    return {
        "set": str(path),
        "card": str(card_path(path)),
        "preview": str(path.with_suffix(".png")),
        "method": card["method"],
        "dataset": card["dataset"],
        "origin": origins.of(card),
        "images_per_class": card.get("counts") or synthetic.ipc,
        "bytes": synthetic.nbytes,
        "bits_per_class": bits_per_class(synthetic.nbytes, len(synthetic.classes)),
        "pixels": card["source"]["pixels"],
        "contrast": card["source"]["contrast"],
        "doubts": list(card.get("doubts", [])),
    }


def _tell_other_images(published: Published, train: ClassData, tell: Tell) -> None:
    """Tell where a card of ours knows other images than are here, such as another share of them.

    UsageError where they are those of another folder.
    """
    if published.digest in (None, train.digest):
        return
    if published.dataset != train.name:
        raise UsageError(
            f"{published.path}: says it was made from {published.dataset}, whose images are not"
            f" those of {train.name}; pass the --data folder:PATH that it was made from"
        )
    tell(
        f"note: {published.path}: was made from other images of {train.name} (digest"
        f" {published.digest}) than are here ({train.digest})"
    )


def _data_of(file: Path, said: str | None, asked: str | None) -> str:
    """The name of the data set, by the file or by the user, who may not disagree.

    Two folders are compared by their images, once these are read.
    """
    if asked is None and said is None:
        raise UsageError(f"{file}: does not say which data set it was made from; pass --data D")
    if asked is None and runs_code(str(said)):
        raise UsageError(
            f"{file}: says it was made from {said}, which is code; if you trust that code, pass its"
            " import path: --data FILE.py:Name"
        )
    if asked is None:
        return locate_folders(str(said), file)
    both_folders = said is not None and said.startswith(FOLDER) and asked.startswith(FOLDER)
    if not both_folders and said not in (None, asked, name_in_cards(asked)):
        raise UsageError(f"{file}: says it was made from {said}, not {asked}; pass --data {said}")
    return asked
