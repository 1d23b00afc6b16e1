"""`list` and `show`: what there is, and each part's fields with default, help, unit and source."""

import json
import re
import textwrap
from typing import Annotated, Any

import typer

from harness.catalogue import completion
from harness.catalogue.registries import kinds
from harness.suite.toml_files import to_toml


def list_names(
    kind: Annotated[
        str | None,
        typer.Argument(
            help=f"One of {', '.join(kinds())}; all if left out.",
            autocompletion=completion.complete_kind,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object: kind -> name -> summary.")
    ] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a Markdown table a kind.")
    ] = False,
) -> None:
    """List what is registered, by kind."""
    from harness.catalogue.catalogue import as_markdown, names

    found = names(kind)
    if markdown:
        typer.echo(as_markdown(found))
        return
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    for plural, table in found.items():
        typer.secho(plural, bold=True)
        width = max((len(name) for name in table), default=0)
        for name, summary in table.items():
            typer.echo(f"  {name:<{width}}  {summary}".rstrip())


def show(
    name: Annotated[
        str,
        typer.Argument(
            help="A name that `list` shows, or FILE.py:Name for a part of your own.",
            autocompletion=completion.complete_name,
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON list of the parts of that name.")
    ] = False,
) -> None:
    """Show a part and its settings.

    Each setting has its type and its default, as a suite or --set would write it, what it is for,
    what it may be, and where the default comes from.
    """
    from harness.catalogue.catalogue import describe, plural_of

    found = describe(name)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    for part in found:
        typer.secho(f"{part['kind']} {part['name']}", bold=True)
        typer.echo(f"{part['about'].strip()}\n")
        for field in part["fields"]:
            print_field(field, plural_of(field.get("part", "")))


INDENT, WIDTH = " " * 6, 110
WORDS = {"int": "whole number", "float": "number", "str": "text", "bool": "true or false"}


def print_field(field: dict[str, Any], plural: str) -> None:
    """Print `name: type = default  help`, and below it unit, allowed values and source."""
    default, purpose = field.get("default"), field.get("help", "")
    first = f"  {field['name']}: {field['type']}"
    first += "" if default is None else f" = {to_toml(default)}"
    fits = len(first) + len(purpose) + 2 <= WIDTH
    typer.echo(f"{first}  {purpose}".rstrip() if fits else first)
    details = [purpose] if purpose and not fits else []
    details += [field["unit"]] if field.get("unit") else []
    details.append(words_of(field, plural))
    if field.get("minimum") is not None:
        details[-1] += f", at least {to_toml(field['minimum'])}"
    if default is None:
        details.append("left out by default" if "default" in field else "must be given")
    if field.get("source"):
        doubt = "" if field.get("verified", True) else " (unverified)"
        details.append(f"source: {field['source']}{doubt}")
    typer.echo(
        textwrap.fill(
            "; ".join(details),
            WIDTH,
            initial_indent=INDENT,
            subsequent_indent=INDENT,
            break_on_hyphens=False,
        )
    )


def words_of(field: dict[str, Any], plural: str) -> str:
    """What a value may be, in words: of a part its kind, and where its names are listed."""
    several = field["type"].startswith(("tuple", "list"))
    if field.get("part"):
        return f"{f'list of {plural}' if several else field['part']}, see `harness list {plural}`"
    if field.get("values"):
        return "one of " + ", ".join(map(to_toml, field["values"]))
    words = [WORDS[name] for name in re.findall(r"\w+", field["type"]) if name in WORDS]
    if several:
        return f"list of {words[0]}s" if words else "list of names or tables"
    return " or ".join(words) or "value"
