"""`doctor`: what works on this machine and what does not."""

from typing import Annotated

import typer

from harness.cli import options


def doctor(
    data_dir: options.DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Check Python, the packages, the device, this folder and the data sets.

    The exit status is 1 if something is wrong.
    """
    import json
    import warnings

    from harness.doctor import checks
    from harness.printable import fold

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = checks(data_dir)
    if as_json:
        typer.echo(json.dumps([check._asdict() for check in found], indent=1))
    else:
        words = {True: "ok", False: "WRONG", None: "note"}
        for check in found:
            line = f"{words[check.fine]:<6} {check.name:<18} {check.sentence}"
            typer.echo(fold(line, hang=26))
    if any(check.fine is False for check in found):
        raise typer.Exit(1)
