"""`export`: a set of this harness in a form that others read."""

from pathlib import Path
from typing import Annotated, Any

import typer

from harness.catalogue import completion
from harness.cli import options

WRITTEN = "What is written"
HUB = "Hugging Face Hub (--to hf)"
FORMS = ("pt", "npz", "png", "hf", "reference")


def export(
    file: Annotated[
        Path,
        typer.Argument(
            help="A set: FILE.safetensors, or gallery:NAME; for `reference` a run directory.",
            autocompletion=completion.complete_set_or_run,
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
            rich_help_panel=WRITTEN,
            autocompletion=lambda: list(FORMS),
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help=(
                "Where; FILE.pt, FILE.npz, RUN.json, or the folder FILE-png or FILE-hf if left out."
            ),
            rich_help_panel=WRITTEN,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace what is there.", rich_help_panel=WRITTEN),
    ] = False,
    measured: Annotated[
        Path | None,
        typer.Option(
            "--measured",
            help="A run directory: what it measured with this set goes into the card of hf.",
            rich_help_panel=HUB,
            autocompletion=completion.complete_run,
        ),
    ] = None,
    push: Annotated[
        str | None,
        typer.Option(
            "--push",
            metavar="USER/NAME",
            help=(
                "Upload the folder as this dataset repository, which is private unless it is there"
                " already; the login is that of `hf auth login` or HF_TOKEN."
            ),
            rich_help_panel=HUB,
        ),
    ] = None,
    public: Annotated[
        bool,
        typer.Option(
            "--public",
            help="Let everybody see a repository that --push makes.",
            rich_help_panel=HUB,
        ),
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Write the decoded images and labels of a set in a form that others read.

    What its card says goes with them. Of a run directory: its records in one JSON file.
    """
    _require_hub_options(to, measured, push, public)
    if to == "reference":
        found = _export_reference(file, out or Path(f"{file.name}.json"), force)
    else:
        found = _export_set(file, to, out, force, measured)
    told = found.pop("told")
    typer.echo(told, err=as_json)
    if push is not None:
        found["pushed"] = _push(Path(found["out"]), push, not public)
        typer.echo(f"{found['pushed']}: uploaded", err=as_json)
    if as_json:
        options.print_json("export", {"file": str(file), "to": to, **found})


def _require_hub_options(to: str, measured: Path | None, push: str | None, public: bool) -> None:
    """UsageError for options that only `--to hf` or `--push` have."""
    from condensers.errors import UsageError

    if measured is not None and to != "hf":
        raise UsageError(
            f"--measured goes into the dataset card of --to hf; leave it out of --to {to}"
        )
    if push is not None and to != "hf":
        raise UsageError(f"--push uploads the folder of --to hf; leave it out of --to {to}")
    if public and push is None:
        raise UsageError("--public says how --push makes a repository; add --push USER/NAME")
    if push is not None:
        from harness.sets.hub import require_hub

        require_hub(push)


def _push(folder: Path, repository: str, private: bool) -> str:
    from harness.sets.hub import push_folder

    return push_folder(folder, repository, private)


def _export_set(
    file: Path, to: str, out: Path | None, force: bool, measured: Path | None
) -> dict[str, Any]:
    """Write the files; what `--json` says of them, and the sentence for people as `told`."""
    from condensers.sets.files import load_set
    from harness import gallery
    from harness.printable import visible
    from harness.sets.exporting import MARKS
    from harness.sets.exporting import export as write
    from harness.sets.measured import find_measurements

    source = gallery.locate(file)
    synthetic = load_set(source)
    beside = gallery.output_path(file)
    target = out or (
        beside.with_name(f"{beside.stem}-{to}") if to in MARKS else beside.with_suffix(f".{to}")
    )
    images = write(
        synthetic, target, to, force, find_measurements(source, measured) if measured else ()
    )
    card = synthetic.card
    return {
        "out": str(target),
        "images": images,
        "dataset": card["dataset"],
        "method": card["method"],
        "pushed": None,
        "told": visible(
            f"{target}: {images} images of {card['dataset']}, {card['method']}, as {to}"
        ),
    }


def _export_reference(run: Path, target: Path, force: bool) -> dict[str, Any]:
    """Write the results of a run; as `_export_set` returns it."""
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
    return {
        "out": str(target),
        "bytes": size,
        "partial": partial,
        "told": visible(f"{target}: the results of {run}, {size:,} bytes"),
    }
