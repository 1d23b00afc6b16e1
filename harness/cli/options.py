"""Options that several verbs share, and how they are turned into what the verbs need."""

import inspect
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from condensers.errors import UsageError
from harness.catalogue import completion

if TYPE_CHECKING:
    from harness.suite.plan import SuitePlan
    from scenarios.protocol import Splits

DATA_DIR_HELP = "Folder with the data sets, in torchvision's layout."
DOWNLOAD_HELP = "Fetch a missing data set; nothing is fetched without it."
DEVICE_HELP = "auto, cpu, cuda or cuda:N."
SET_HELP = "Change a value: KEY=VALUE, KEY dotted; may be repeated."
COMPARE_HELP = (
    "Of what: two sets or references; the first learned set and random images if left out."
)
METRIC_HELP = "In what: a metric, or a scenario, which means the metric of its first question."
THREADS_HELP = "Threads of each process."
LIMIT_HELP = (
    "A quick try: one seed, N cells of each scenario, and at most N steps, epochs, networks and"
    " class orders in each."
)
JSON_HELP = "Print one JSON object, and all else on standard error."
# The groups in which help shows options.
WHAT, DATA, WHEN, WHERE, RESUME, CLUSTER, OUTPUT = (
    "What is run",
    "Data",
    "How many seeds",
    "Where it is computed",
    "Stopping and going on",
    "On a cluster",
    "What is shown",
)
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", envvar="HARNESS_DATA", help=DATA_DIR_HELP, rich_help_panel=DATA),
]
Download = Annotated[bool, typer.Option("--download", help=DOWNLOAD_HELP, rich_help_panel=DATA)]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        help=DEVICE_HELP,
        rich_help_panel=WHERE,
        autocompletion=lambda: ["auto", "cpu", "cuda"],
    ),
]
Seed = Annotated[
    int,
    typer.Option("--seed", min=0, help="Decides all that is random.", rich_help_panel=WHAT),
]
Overrides = Annotated[list[str] | None, typer.Option("--set", help=SET_HELP, rich_help_panel=WHAT)]
Threads = Annotated[int, typer.Option("--threads", min=1, help=THREADS_HELP, rich_help_panel=WHERE)]
Limit = Annotated[
    int | None,
    typer.Option("--limit", min=1, metavar="N", help=LIMIT_HELP, rich_help_panel=WHAT),
]
AsJson = Annotated[bool, typer.Option("--json", help=JSON_HELP, rich_help_panel=OUTPUT)]
Compare = Annotated[
    str | None,
    typer.Option("--compare", metavar="A:B", help=COMPARE_HELP, rich_help_panel=WHEN),
]
Metric = Annotated[str | None, typer.Option("--metric", help=METRIC_HELP, rich_help_panel=WHEN)]
SuiteName = Annotated[
    str,
    typer.Argument(
        metavar="SUITE",
        help="A built-in suite, or a TOML file.",
        autocompletion=completion.complete_suite,
    ),
]


def examples(*lines: str) -> str:
    """The epilog of a verb's help: commands, a line each."""
    return "\n\n".join(["Examples:", *lines])


def help_of(verb: Callable[..., None]) -> str:
    """The text of a verb's help: its docstring, a paragraph a line, so that it fits any width."""
    paragraphs = (inspect.getdoc(verb) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def print_json(verb: str, content: Mapping[str, Any]) -> None:
    """Print the one JSON object of a verb; docs/guide/command-line.md says what it holds."""
    typer.echo(json.dumps({"verb": verb, **content}, indent=1, default=str))


def spec_of(
    name: str, kind: str, overrides: list[str] | None, given: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A part's table from its name and kind, what is `given`, and `--set` values, which may change
    that.
    """
    from harness.suite.overrides import apply_override

    table: dict[str, Any] = {"name": name, **(given or {})}
    for override in overrides or []:
        apply_override(table, override, kind)
    return table


def load_data(
    name: str, data_dir: Path | None, download: bool, validation: float = 0.1
) -> "Splits":
    """A data set; what should be known of it is printed as notes."""
    from scenarios.datasets import load

    splits = load(name, data_dir=data_dir, download=download, validation=validation)
    tell_notes(splits)
    return splits


def tell_notes(splits: "Splits") -> None:
    """On standard error, where they do not mix with what is asked for."""
    for note in name_notes(splits):
        typer.echo(note, err=True)


def name_plan_notes(plan: "SuitePlan") -> list[str]:
    """What should be known of a suite's data and cells before it is run, a line each."""
    of_data = [note for splits in plan.data.values() for note in name_notes(splits)]
    return of_data + [f"note: {note}" for note in plan.notes]


def name_notes(splits: "Splits") -> list[str]:
    """What the reader of a data set says of it, a line each."""
    return [f"note: {splits.train.name}: {note}" for note in splits.train.notes]


def writable(path: Path, option: str) -> Path:
    """`path`, after a file was really made and removed beside it; UsageError now rather than after
    the work.
    """
    probe = path.with_name(f".{path.name}.probe")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as fault:
        raise UsageError(
            f"{option} {path}: cannot be written ({fault.strerror}); choose another place"
        ) from fault
    if path.is_dir():
        raise UsageError(f"{option} {path}: is a folder; name a file")
    return path
