"""`export`: a set of this harness in a form that others read."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    file: Annotated[
        Path,
        typer.Argument(
            help="A set: FILE.safetensors, or gallery:NAME; for `reference` a run directory."
        ),
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help=(
                "pt (as DC's code), npz (no pickle), png (as ImageFolder reads), hf (a Hugging Face"
                " dataset); reference (the results of a run, for report and diff)."
            ),
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help=(
                "Where; FILE.pt, FILE.npz, RUN.json, or the folder FILE-png or FILE-hf if left out."
            ),
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

    What its card says goes with them. Of a run directory: its records in one JSON file.
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
    if to == "reference":
        _export_reference(file, out or Path(f"{file.name}.json"), force)
        return
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


def _export_reference(run: Path, target: Path, force: bool) -> None:
    from condensers.errors import UsageError
    from harness.cli.options import writable
    from harness.printable import visible
    from harness.reference.files import LARGEST, write_reference
    from harness.report.notes import progress, progress_sentence
    from harness.store.store import Store

    if target.exists() and not force:
        raise UsageError(
            f"{target}: is there already; choose another place, or pass --force to replace it"
        )
    writable(target, "--out")
    store = Store(run)
    size = write_reference(store, target)
    if partial := progress_sentence(progress(*store.contents())):
        typer.echo(visible(f"note: {partial}"), err=True)
    if size > LARGEST:
        typer.echo(f"note: more than {LARGEST:,} bytes, which the package does not take", err=True)
    typer.echo(visible(f"{target}: the results of {run}, {size:,} bytes"))
