"""`condense`: make one set."""

from pathlib import Path
from typing import Annotated

import typer

from harness.catalogue import completion
from harness.cli import options

SIZE = "How large the set is (one of them)"


def condense(
    method: Annotated[
        str,
        typer.Argument(
            help="A method or selection: dm, dsa, dc, random, herding, ...",
            autocompletion=completion.complete_method,
        ),
    ],
    data: Annotated[
        str,
        typer.Option(
            "--data",
            help="A data set that `list datasets` shows, or folder:PATH, npz:FILE, hf:PATH,"
            " torchvision:NAME.",
            rich_help_panel=options.DATA,
            autocompletion=completion.complete_dataset,
        ),
    ],
    ipc: Annotated[
        int | None, typer.Option("--ipc", help="Images per class.", rich_help_panel=SIZE)
    ] = None,
    nbytes: Annotated[
        int | None,
        typer.Option("--bytes", help="Stored bytes of the whole set.", rich_help_panel=SIZE),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="FILE.safetensors; a card and a PNG preview go beside it.",
            rich_help_panel=options.WHAT,
        ),
    ] = None,
    seed: options.Seed = 0,
    overrides: options.Overrides = None,
    device: options.Device = "auto",
    threads: options.Threads = 1,
    data_dir: options.DataDir = None,
    download: options.Download = False,
) -> None:
    """Make one condensed set: FILE.safetensors, FILE.card.json and FILE.png.

    Interrupted, it goes on when run again.
    """
    from condensers.registry.registry import create_condenser
    from condensers.sets.rate import describe_size
    from condensers.sets.synthetic_set import Budget
    from harness.printable import visible
    from harness.process import choose_device, prepare
    from harness.sets.make import make_set

    condenser = create_condenser(options.spec_of(method, "method", overrides))
    budget = Budget(ipc, nbytes)
    size = f"ipc{ipc}" if ipc is not None else f"bytes{nbytes}"
    path = out or Path(
        f"{data}-{method}-{size}-seed{seed}.safetensors".replace(":", "-").replace("/", "-")
    )
    if path.suffix != ".safetensors":
        path = path.with_name(path.name + ".safetensors")
    options.writable(path, "--out")
    prepare(threads)
    splits = options.load_data(data, data_dir, download)
    synthetic = make_set(condenser, splits.train, budget, path, (seed, choose_device(device)))
    images = synthetic.card["images_per_class"]
    instead = "" if images == synthetic.ipc else f" in place of {synthetic.ipc}"
    said = (
        f"{path}: {method} on {data}, {images} images per class{instead},"
        f" {describe_size(synthetic.nbytes, len(synthetic.classes))},"
        f" {synthetic.cost['seconds']:.1f} s; preview {path.with_suffix('.png')}"
    )
    typer.echo(visible(said))
    for doubt in synthetic.card.get("doubts", []):
        typer.echo(visible(f"warning: {path}: {doubt}"), err=True)
