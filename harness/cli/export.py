"""`export`: a set of this harness in a form that others read."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    file: Annotated[Path, typer.Argument(help="A set: FILE.safetensors, or gallery:NAME.")],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help=(
                "pt (as DC's code), npz (no pickle), png (as ImageFolder reads), hf (a Hugging Face"
                " dataset)."
            ),
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Where; FILE.pt, FILE.npz, or the folder FILE-png or FILE-hf if left out."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    measured: Annotated[
        Path | None,
        typer.Option(
            "--measured",
            help="A run directory: what it measured with this set goes into the card of hf.",
        ),
    ] = None,
) -> None:
    """Write the decoded images and labels of a set in a form that others read.

    What its card says goes with them.
    """
    from condensers.errors import UsageError
    from condensers.sets.files import load_set
    from harness import gallery
    from harness.printable import visible
    from harness.sets.exporting import MARKS
    from harness.sets.exporting import export as write
    from harness.sets.measured import find_measurements

    if measured is not None and to != "hf":
        raise UsageError(
            f"--measured goes into the dataset card of --to hf; leave it out of --to {to}"
        )
    source = gallery.locate(file)
    synthetic = load_set(source)
    beside = gallery.output_path(file)
    target = out or (
        beside.with_name(f"{beside.stem}-{to}") if to in MARKS else beside.with_suffix(f".{to}")
    )
    images = write(
        synthetic, target, to, force, find_measurements(source, measured) if measured else ()
    )
    typer.echo(
        visible(
            f"{target}: {images} images of {synthetic.card['dataset']}, {synthetic.card['method']},"
            f" as {to}"
        )
    )
