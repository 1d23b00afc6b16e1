"""`list` and `show`: what there is, and each part's fields with default, unit and source."""

import json
from typing import Annotated, Any

import typer


def list_names(
    kind: Annotated[
        str | None, typer.Argument(help="methods, selections, datasets, scenarios, networks, ...; all if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object: kind -> name -> summary.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table a kind.")] = False,
) -> None:
    """List what is registered, by kind."""
    from harness.catalogue import as_markdown, names

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
    name: Annotated[str, typer.Argument(help="A name that `list` shows.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list of the parts of that name.")] = False,
) -> None:
    """Show a part: what it is, its source, and every field's default, unit and source."""
    from harness.catalogue import describe

    found = describe(name)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    for part in found:
        typer.secho(f"{part['kind']} {part['name']}", bold=True)
        typer.echo(f"{part['about'].strip()}\n")
        for field in part["fields"]:
            _print_field(field)


def _print_field(field: dict[str, Any]) -> None:
    unit = f" {field['unit']}" if field.get("unit") else ""
    typer.echo(f"  {field['name']} = {field['default']!r}{unit}  ({field['type']})")
    details = [f"source: {field['source']}"] if field.get("source") else []
    if field.get("values"):
        details.append("one of " + ", ".join(map(str, field["values"])))
    if field.get("minimum") is not None:
        details.append(f"at least {field['minimum']}")
    if details:
        typer.echo(f"      {'; '.join(details)}")
