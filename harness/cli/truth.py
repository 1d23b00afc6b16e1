"""`truth`: ground-truth tables of a search space: build, merge, show, csv."""

from pathlib import Path
from typing import Annotated, Any

import typer

from condensers.errors import UsageError
from harness.catalogue import completion
from harness.cli import options

app = typer.Typer(
    help="Train the architectures of a space once, for all later searches.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
File = Annotated[
    str, typer.Argument(help="A table: FILE.json, or the name of one that ships with the package.")
]


@app.callback()
def truth() -> None:
    """Train the architectures of a space once, for all later searches."""


@app.command(
    epilog=options.examples(
        "harness truth build convnet-small --data mnist-5k --out truth.json",
        "harness truth build convnet-small --data digits --part 1/2 --out one.json",
    )
)
def build(
    space: Annotated[
        str,
        typer.Argument(
            help="A search space; harness list spaces.",
            autocompletion=completion.complete_space,
        ),
    ],
    data: Annotated[
        str,
        typer.Option(
            "--data",
            help="A data set; NAME@PIXELS for smaller images, such as fashion-mnist@14.",
            rich_help_panel=options.DATA,
            autocompletion=completion.complete_dataset,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="The table: FILE.json. What is not finished is kept in FILE.work."
        ),
    ],
    seeds: Annotated[
        int,
        typer.Option(
            "--seeds", min=1, help="Seeds 0 to N - 1, each with weights and batches of its own."
        ),
    ] = 2,
    architectures: Annotated[
        str, typer.Option("--architectures", help="all, or how many a random search would try.")
    ] = "all",
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="A setting of the search, such as truth_epochs=5; may be repeated."
        ),
    ] = None,
    part: Annotated[
        str,
        typer.Option(
            "--part", help="I/N: the I-th of N parts, to be merged; for several machines."
        ),
    ] = "1/1",
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes; one a processor if left out.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="Stop cleanly after this long; again: go on.")
    ] = None,
    validation: Annotated[
        float, typer.Option("--validation", help="Share of each class's training images held out.")
    ] = 0.1,
    threads: options.Threads = 1,
    device: options.Device = "auto",
    data_dir: options.DataDir = None,
    download: options.Download = False,
) -> None:
    """Train each architecture of SPACE on all of a data set, and write what each reached.

    Run again, it goes on.
    """
    import time

    from harness.ground_truth.build import TableRequest
    from harness.ground_truth.build import build as make
    from harness.printable import flat
    from harness.process import choose_device, command_line, default_workers, prepare
    from harness.running.cell_work import RunSettings
    from harness.running.processes import WorkerSpec
    from harness.running.run import RunOptions
    from scenarios.registry import SCENARIOS

    count, chosen_part = _count(architectures), _part(part)
    search = SCENARIOS.create(
        options.spec_of("search", "scenario", overrides, {"space": space}), "search"
    )
    prepare(threads)
    splits = options.load_data(data, data_dir, download, validation)
    chosen = choose_device(device)
    settings = RunSettings(
        root=options.writable(out, "--out").with_suffix(".work"),
        command=command_line(),
        data_dir=data_dir,
        validation=validation,
        device=chosen,
        threads=threads,
        deadline=None if minutes is None else time.monotonic() + 60 * minutes,
    )
    processes = workers or default_workers(chosen, threads)
    built = make(
        TableRequest(search, splits, seeds, count, chosen_part),
        out,
        settings,
        RunOptions(WorkerSpec(processes)),
    )
    _print_size(out, built.table)
    for sentence in built.failures:
        typer.echo(f"failed: {flat(str(sentence))}", err=True)
    if built.failures:
        raise typer.Exit(1)


@app.command(
    "import",
    epilog=options.examples("harness truth import NAS-Bench-201-v1_1-096897.pth --data cifar10"),
)
def import_published(
    file: Annotated[
        Path,
        typer.Argument(
            help="NAS-Bench-201's .pth, NATS-Bench's .pbz2, or a .npz, .csv or .json of cells."
        ),
    ],
    data: Annotated[
        str, typer.Option("--data", help="cifar10, cifar100 or imagenet16-120.")
    ] = "cifar10",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="The table; in the data folder, where searches look, if left out."
        ),
    ] = None,
    column: Annotated[
        str, typer.Option("--column", help="The column with test accuracies; else by its name.")
    ] = "",
    partial: Annotated[
        bool, typer.Option("--partial", help="Take a file of fewer than all 15,625 cells.")
    ] = False,
) -> None:
    """Check the published accuracies of NAS-Bench-201 in FILE, and write them as a table."""
    from condensers.errors import suggestion
    from harness.process import command_line
    from scenarios.search.ground_truth import files
    from scenarios.search.ground_truth.published import DATA, SOURCE, make_published_table
    from scenarios.search.ground_truth.published_files import read_published

    if data not in DATA:
        raise UsageError(f"--data {data}: NAS-Bench-201 has no such data; {suggestion(data, DATA)}")
    made = {"command": command_line(), "torch": None, "device": None, "published": SOURCE}
    trained = read_published(file, data, column)
    try:
        table = make_published_table(trained, data, made, partial=partial)
    except UsageError as fault:
        raise UsageError(f"{file}: {fault}") from None
    path = out or files.locate_imported(f"{files.PUBLISHED}{data}")
    files.write_table(options.writable(path, "--out"), table)
    _print_size(path, table)


@app.command(
    epilog=options.examples("harness truth sample whole.json --architectures 50 --out some.json")
)
def sample(
    table: File,
    out: Annotated[Path, typer.Option("--out", help="The table of the chosen architectures.")],
    architectures: Annotated[int, typer.Option("--architectures", min=2, help="How many.")] = 100,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draws.")] = 0,
    above: Annotated[
        float, typer.Option("--above", min=0, help="Mean test accuracy in % to exceed.")
    ] = 0.0,
) -> None:
    """Draw architectures from equal parts of a TABLE's order, no two of which are one network."""
    from scenarios.search.ground_truth import files
    from scenarios.search.ground_truth.sampling import sample_strata

    drawn = sample_strata(files.read_table(files.find_path(table)), architectures, seed, above)
    files.write_table(options.writable(out, "--out"), drawn)
    _print_size(out, drawn)


@app.command(epilog=options.examples("harness truth merge one.json two.json --out whole.json"))
def merge(
    tables: Annotated[
        list[str], typer.Argument(help="Tables of one truth: same space, recipe and data.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The table of all their rows.")],
) -> None:
    """Put the rows of several TABLES into one; rows that two of them have must be equal."""
    from scenarios.search.ground_truth import files
    from scenarios.search.ground_truth.table import merge_tables

    if len(tables) < 2:
        raise UsageError(
            f"truth merge: one table, {tables[0]}, has nothing to be merged with; name two or more"
        )
    whole = merge_tables([(name, files.read_table(files.find_path(name))) for name in tables])
    files.write_table(options.writable(out, "--out"), whole)
    _print_size(out, whole)


@app.command(epilog=options.examples("harness truth show truth.json"))
def show(table: File) -> None:
    """Describe a TABLE.

    Its origin, the agreement of its seeds, its best architectures and their cost.
    """
    from harness.ground_truth.summary import print_summary
    from harness.report.formats.terminal import wide_console
    from scenarios.search.ground_truth import files

    print_summary(table, files.read_table(files.find_path(table)), wide_console())


@app.command(epilog=options.examples("harness truth csv truth.json --out truth.csv"))
def csv(
    table: File,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where; the terminal if left out.")
    ] = None,
) -> None:
    """A line for each architecture and seed, with its curve."""
    from condensers.engine.files import write_atomically
    from scenarios.search.ground_truth import files

    text = files.read_table(files.find_path(table)).as_csv()
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_atomically(options.writable(out, "--out"), text.encode())


def _count(architectures: str) -> int | None:
    if architectures == "all":
        return None
    if not architectures.isdecimal() or int(architectures) < 2:
        raise UsageError(
            f"--architectures {architectures}: neither all nor a whole number of at least 2"
        )
    return int(architectures)


def _part(part: str) -> tuple[int, int]:
    index, _, parts = part.partition("/")
    if not (index.isdecimal() and parts.isdecimal() and 1 <= int(index) <= int(parts)):
        raise UsageError(f"--part {part}: write it as I/N with I from 1 to N, such as 2/3")
    return int(index), int(parts)


def _print_size(out: Path, table: Any) -> None:
    known = [row["seconds"] for row in table.rows if row["seconds"] is not None]
    trained = f"{sum(known):.0f} s of training" if known else "seconds not published"
    size = (
        f"{len(table.rows)} rows, {len(table.ids)} architectures, seeds"
        f" {', '.join(map(str, table.seeds))}"
    )
    typer.echo(
        f"{out}: {size}, {trained}, content {table.content[:16]}; see it by:"
        f" harness truth show {out}"
    )
