"""`export`: a set of this harness in a form that others read."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    file: Annotated[Path, typer.Argument(help="A set: FILE.safetensors.")],
    to: Annotated[str, typer.Option("--to", help="pt (as DC's code), npz (no pickle), png (a folder as ImageFolder reads).")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where; FILE.pt, FILE.npz or the folder FILE-png if left out.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Write a set's images, decoded, and its labels as .pt, .npz or PNG files; what the card says goes with them."""
    from condensers.artifact import load_set
    from harness.exporting import export as write

    synthetic = load_set(file)
    place = out or (file.with_name(f"{file.stem}-png") if to == "png" else file.with_suffix(f".{to}"))
    write(synthetic, place, to, force)
    images = int(synthetic.card["images_per_class"]) * len(synthetic.classes)
    typer.echo(f"{place}: {images} images of {synthetic.card['dataset']}, {synthetic.card['method']}, as {to}")
