"""A published file -> a set of this harness, saved with its card and a preview."""

from collections.abc import Callable
from pathlib import Path

from condensers.artifact import save_set
from condensers.context import write_atomically
from condensers.errors import UsageError
from condensers.exchange.assembling import assemble, found
from condensers.exchange.choices import Choices
from condensers.exchange.reading import Files, read
from harness.condensing import preview
from scenarios.datasets.naming import is_place, without_folder
from scenarios.protocol import Splits

Load = Callable[[str], Splits]
Tell = Callable[[str], None]


def bring_in(source: tuple[Files, str], choices: Choices, path: Path, data: str | None, load: Load, tell: Tell) -> None:
    """Read `source` (files and format), make the set for the data set called `data`, and save it at `path`.

    data: None where the file itself is to say it. tell: is told what the file holds, and what became of it.
    """
    files, format = source
    published = read(files, format)
    tell(f"{files.path}: {found(published)}")
    train = load(_data_of(files.path, published.dataset, data)).train
    synthetic = assemble(published, train, choices)
    save_set(synthetic, path)
    write_atomically(path.with_suffix(".png"), preview(synthetic))
    size = f"{synthetic.ipc} images per class, {synthetic.nbytes} bytes"
    tell(f"{path}: {choices.method} on {train.name}, {size}; preview {path.with_suffix('.png')}")


def _data_of(file: Path, said: str | None, asked: str | None) -> str:
    """The name of the data set, by the file or by the user, who may not disagree."""
    if said is None and asked is None:
        raise UsageError(f"{file}: does not say which data set it was made from; pass --data D")
    if said is not None and asked is None and is_place(said):
        raise UsageError(
            f"{file}: says it was made from {said}, which is code; if you trust that code, pass its place: --data FILE.py:Name"
        )
    if said is not None and asked is not None and said != without_folder(asked):
        raise UsageError(f"{file}: says it was made from {said}, not {asked}; pass --data {said}")
    return str(asked or said)
