"""The command `harness`: one verb a file; what is heavy is imported inside the verbs, so that help
answers at once.
"""

import os
import sys
import warnings
from collections.abc import Callable
from typing import Annotated, TextIO

import typer

from condensers.errors import HarnessError, Interrupted, NotStored, visible
from condensers.hyperparameters import RenamedKey
from condensers.notices import Notice
from harness import __version__
from harness.catalogue.completion import joined_colons
from harness.cli import (
    compare,
    condense,
    doctor,
    evaluate,
    export,
    import_,
    list_show,
    new,
    plan,
    report,
    run,
    runs,
    truth,
)
from harness.cli.options import examples, help_of
from harness.process import Stopped, deafen, raise_on_signals, resume_advice, shortage

app = typer.Typer(
    name="harness",
    help=(
        "Benchmark condensed datasets on the tasks they are used for: replay memory and"
        " architecture search."
    ),
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _add(name: str, verb: Callable[..., None], epilog: str) -> None:
    app.command(name, help=help_of(verb), epilog=epilog)(verb)


_add("list", list_show.list_names, examples("harness list", "harness list methods --json"))
_add("show", list_show.show, examples("harness show dm", "harness show gallery:dm --json"))
_add(
    "condense",
    condense.condense,
    examples(
        "harness condense dm --data mnist-5k --ipc 10 --out dm.safetensors",
        "harness condense herding --data mnist-5k --bytes 50000",
        "harness condense dm --data folder:photos --ipc 1 --set iterations=100",
    ),
)
_add(
    "evaluate",
    evaluate.evaluate,
    examples(
        "harness evaluate dm.safetensors",
        "harness evaluate gallery:dm --scenario privacy --set shadows=8",
    ),
)
_add(
    "plan",
    plan.plan,
    examples(
        "harness plan my.toml --set seeds=3",
        "harness plan demo --detect 1.0",
        "harness plan demo --limit 2 --json",
    ),
)
_add("run", run.run, run.EXAMPLES)
_add(
    "report",
    report.report,
    examples(
        "harness report runs/demo",
        "harness report runs/a runs/b --format html --out report.html",
        "harness report runs/demo --format md,csv,json --out figures",
        "harness report reference:demo --format parquet --out demo.parquet",
    ),
)
_add("runs", runs.runs, examples("harness runs", "harness runs elsewhere --json"))
_add("verify", runs.verify, examples("harness verify runs/demo", "harness verify runs/* --json"))
_add(
    "diff",
    compare.diff,
    examples("harness diff runs/a runs/b", "harness diff runs/demo reference:demo"),
)
_add(
    "rank",
    compare.rank,
    examples(
        "harness rank runs/demo",
        "harness rank runs/a runs/b --scenario accuracy",
        "harness rank reference:demo --format html --out ranks.html",
    ),
)
_add(
    "import",
    import_.import_set,
    examples(
        "harness import published.pt --data cifar10 --out theirs.safetensors",
        "harness import published.pt --data cifar10 --json",
    ),
)
_add(
    "export",
    export.export,
    examples(
        "harness export dm.safetensors --to png --out pictures",
        "harness export gallery:dm --to npz",
        "harness export gallery:dm --to hf --push me/dm-mnist",
        "harness export runs/mine --to reference --out mine.json",
    ),
)
_add("doctor", doctor.doctor, examples("harness doctor", "harness doctor --json"))
app.add_typer(truth.app, name="truth")
_add(
    "new",
    new.new,
    examples(
        "harness new method mine",
        "harness new strategy my-strategy --dir parts",
        "harness new dataset my-photos",
    ),
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options that go before the verb."""


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning that is meant for people as one sentence, others as Python does."""
    if issubclass(category, RenamedKey | NotStored | Notice):
        typer.echo(f"warning: {visible(str(message))}", err=True)
    else:
        print(warnings.formatwarning(message, category, filename, lineno, line), file=sys.stderr)


def main() -> None:
    """Run a verb; an error becomes one sentence and its exit status."""
    warnings.showwarning = _show_warning
    os.environ.setdefault(
        "OMP_WAIT_POLICY", "passive"
    )  # read when torch is loaded: threads that wait must not spin
    debug = "--debug" in sys.argv
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    try:
        with joined_colons():
            _run(arguments)
    except (Interrupted, Stopped) as fault:
        if debug:
            raise
        deafen()
        for line in f"interrupted: {str(fault) or resume_advice()}".split("\n"):
            typer.echo(visible(line), err=True)
        sys.exit(130)
    except HarnessError as fault:
        if debug:
            raise
        for sentence in str(fault).split("\n"):
            typer.echo(f"error: {visible(sentence)}", err=True)
        sys.exit(fault.status)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as fault:
        if debug:
            raise
        sys.exit(_tell_unexpected(fault))


def _tell_unexpected(fault: Exception) -> int:
    """Print what the machine is short of, or that the fault is ours; the exit status."""
    short = shortage(fault)
    said = (
        short
        or f"unexpected {type(fault).__name__}: {fault};"
        " run `harness --debug ...` for the traceback"
    )
    typer.echo(f"error: {visible(said)}", err=True)
    return 2 if short else 1


def _run(arguments: list[str]) -> None:
    """Run a verb; Stopped where a signal came."""
    with raise_on_signals() as asked:
        try:
            app(args=arguments, prog_name="harness")
        except (Exception, SystemExit) as fault:
            done = isinstance(fault, SystemExit) and not fault.code
            # An import that is broken off may make an error of its own of it.
            if asked.is_set() and not done:
                raise Stopped from fault
            raise
