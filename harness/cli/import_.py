"""`import`: a set that others published, as a set of this harness."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options


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
        typer.Option("--data", help="The data set it was made from, which the file cannot prove."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="NAME.safetensors; a card and a PNG preview go beside it."),
    ] = None,
    labels_file: Annotated[
        Path | None, typer.Option("--with-labels", help="labels_best.pt of an MTT set.")
    ] = None,
    rate_file: Annotated[
        Path | None, typer.Option("--with-lr", help="lr_best.pt of an MTT set.")
    ] = None,
    format: Annotated[
        str, typer.Option("--format", help="auto, dc, mtt, idc, dd, dict or npz.")
    ] = "auto",
    experiment: Annotated[
        int,
        typer.Option(
            "--experiment", help="Which of several in a DC file; the last one if left out."
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
        ),
    ] = "",
    zca_eps: Annotated[
        float,
        typer.Option("--zca-eps", help="What whitening adds to variances; kornia and MTT: 0.1."),
    ] = 0.1,
    any_contrast: Annotated[
        bool,
        typer.Option(
            "--any-contrast", help="Take images whose contrast is implausible beside the real ones."
        ),
    ] = False,
    soft: Annotated[
        str,
        typer.Option(
            "--soft-labels", help="What rows of labels are: probabilities, scores or logits."
        ),
    ] = "",
    factor: Annotated[
        int,
        typer.Option(
            "--factor", min=1, help="Tiles along each side of an image (IDC: 2, ImageNet 3)."
        ),
    ] = 1,
    storage: Annotated[
        str, typer.Option("--storage", help="float32 as published, float16, or uint8 at a quarter.")
    ] = "float32",
    augmentation: Annotated[
        str, typer.Option("--augmentation", help="Of the training on it: dsa or none.")
    ] = "",
    method: Annotated[
        str, typer.Option("--method", help="The method's name, for its card.")
    ] = "imported",
    origin: Annotated[
        str,
        typer.Option(
            "--origin",
            help=(
                "What its images are: real, taught (real, labels of a teacher), averages or"
                " learned."
            ),
        ),
    ] = "",
    data_dir: options.DataDir = None,
    download: options.Download = False,
) -> None:
    """Turn a published set into one of this harness.

    Writes FILE.safetensors, FILE.card.json and FILE.png. Nothing in the published file is run, and
    nothing is assumed that it does not say.
    """
    from condensers.formats.choices import Choices
    from condensers.formats.reading import Files
    from harness.printable import visible
    from harness.sets.importing import bring_in

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
    bring_in(source, choices, path, data, read, lambda told: typer.echo(visible(told)))
