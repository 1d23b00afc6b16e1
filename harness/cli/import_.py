"""`import`: a set that others published, as a set of this harness."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from harness.catalogue import completion
from harness.cli import options

WRITTEN, FILES, PIXELS, LABELS, CARD = (
    "What is written",
    "The published files",
    "What its pixels are",
    "What its labels are",
    "What its card says",
)


def import_set(
    file: Annotated[
        Path,
        typer.Argument(
            help=(
                "res_*.pt (DC, DSA, DM), images_best.pt (MTT), data.pt (IDC), results.pth (DD), a"
                " dict, or *.npz."
            )
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="The data set it was made from, which the file cannot prove.",
            rich_help_panel=options.DATA,
            autocompletion=completion.complete_dataset,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="NAME.safetensors; a card and a PNG preview go beside it.",
            rich_help_panel=WRITTEN,
        ),
    ] = None,
    labels_file: Annotated[
        Path | None,
        typer.Option("--with-labels", help="labels_best.pt of an MTT set.", rich_help_panel=FILES),
    ] = None,
    rate_file: Annotated[
        Path | None,
        typer.Option("--with-lr", help="lr_best.pt of an MTT set.", rich_help_panel=FILES),
    ] = None,
    format: Annotated[
        str,
        typer.Option(
            "--format",
            help="auto, dc, mtt, idc, dd, dict or npz.",
            rich_help_panel=FILES,
            autocompletion=lambda: ["auto", "dc", "mtt", "idc", "dd", "dict", "npz"],
        ),
    ] = "auto",
    experiment: Annotated[
        int,
        typer.Option(
            "--experiment",
            help="Which of several in a DC file; the last one if left out.",
            rich_help_panel=FILES,
        ),
    ] = -1,
    normalised: Annotated[
        str,
        typer.Option(
            "--normalised",
            help=(
                "How pixels are normalised: with-data, MEAN/STD such as 0.13/0.31, or none; 0 to 1"
                " and 0 to 255 show it."
            ),
            rich_help_panel=PIXELS,
        ),
    ] = "",
    labels: Annotated[
        str,
        typer.Option(
            "--labels",
            help=(
                "The classes of labels: with-data (0, 1, ...), from-1 (1, 2, ...), a list, or pairs"
                " 1=cat,7=dog."
            ),
            rich_help_panel=LABELS,
        ),
    ] = "",
    zca: Annotated[
        str,
        typer.Option(
            "--zca",
            help=(
                "Whitened images: with-data undoes it as fitted on the training images"
                " (--normalised says of which pixels);"
                " FILE (.pt, .npz) has mean and inverse; none: plain. `evaluate --set"
                " whitening=card` measures under it."
            ),
            rich_help_panel=PIXELS,
        ),
    ] = "",
    zca_eps: Annotated[
        float,
        typer.Option(
            "--zca-eps",
            help="What whitening adds to variances; kornia and MTT: 0.1.",
            rich_help_panel=PIXELS,
        ),
    ] = 0.1,
    any_contrast: Annotated[
        bool,
        typer.Option(
            "--any-contrast",
            help="Take images whose contrast is implausible beside the real ones.",
            rich_help_panel=PIXELS,
        ),
    ] = False,
    soft: Annotated[
        str,
        typer.Option(
            "--soft-labels",
            help="What rows of labels are: probabilities, scores or logits.",
            rich_help_panel=LABELS,
        ),
    ] = "",
    factor: Annotated[
        int,
        typer.Option(
            "--factor",
            min=1,
            help="Tiles along each side of an image (IDC: 2, ImageNet 3).",
            rich_help_panel=PIXELS,
        ),
    ] = 1,
    storage: Annotated[
        str,
        typer.Option(
            "--storage",
            help="float32 as published, float16, or uint8 at a quarter.",
            rich_help_panel=PIXELS,
        ),
    ] = "float32",
    augmentation: Annotated[
        str,
        typer.Option(
            "--augmentation", help="Of the training on it: dsa or none.", rich_help_panel=CARD
        ),
    ] = "",
    method: Annotated[
        str,
        typer.Option("--method", help="The method's name, for its card.", rich_help_panel=CARD),
    ] = "imported",
    origin: Annotated[
        str,
        typer.Option(
            "--origin",
            help=(
                "What its images are: real, taught (real, labels of a teacher), averages or"
                " learned."
            ),
            rich_help_panel=CARD,
        ),
    ] = "",
    data_dir: options.DataDir = None,
    download: options.Download = False,
    as_json: options.AsJson = False,
) -> None:
    """Turn a published set into one of this harness.

    Writes FILE.safetensors, FILE.card.json and FILE.png. Nothing in the published file is run, and
    nothing is assumed that it does not say.
    """
    from condensers.formats.choices import Choices
    from condensers.formats.reading import Files
    from harness.printable import visible
    from harness.sets.importing import bring_in, describe_set

    choices = Choices(
        normalised,
        labels,
        soft,
        factor,
        storage,
        augmentation,
        method,
        origin,
        zca=zca,
        zca_eps=zca_eps,
        any_contrast=any_contrast,
    )
    path = out or Path(f"{file.stem}.safetensors")
    path = options.writable(
        path if path.suffix == ".safetensors" else path.with_name(f"{path.name}.safetensors"),
        "--out",
    )
    source = (Files(file, labels_file, rate_file, experiment), format)
    read = partial(options.load_data, data_dir=data_dir, download=download)

    def tell(told: str) -> None:
        typer.echo(visible(told), err=as_json)

    synthetic = bring_in(source, choices, path, data, read, tell)
    if as_json:
        options.print_json("import", {"file": str(file), **describe_set(synthetic, path)})
