"""What `list` and `show` know: every registered part, suites and the gallery.

Imports no torch, but for a part at an import path.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from condensers.errors import UsageError, suggestion
from condensers.registry import import_path, introspection
from condensers.registry.registry import is_registered
from harness import gallery, reference
from harness.catalogue.descriptions import descriptions
from harness.catalogue.registries import FILES, REGISTRIES, kinds
from harness.suite.definition import about, built_in


def plural_of(kind: str) -> str:
    """The plural by which `list` knows a kind of part; "" where there is no such kind."""
    return next((registry.plural for registry in REGISTRIES if registry.kind == kind), "")


def names(kind: str | None = None) -> dict[str, dict[str, str]]:
    """Kind (plural) -> name -> one-line summary; of one kind only where it is given, in singular or
    plural.
    """
    former = {r.former_plural: r.plural for r in REGISTRIES if r.former_plural}
    kind = former.get(kind or "", former.get(f"{kind}s", kind))
    wanted = [
        k for k in kinds() if kind in (None, k, k.removesuffix("s"), k.removesuffix("ies") + "y")
    ]
    if not wanted:
        raise UsageError(f"unknown kind '{kind}'; {suggestion(str(kind), kinds())}")
    tables = descriptions() if set(wanted) - set(FILES) else {}
    found: dict[str, dict[str, str]] = {}
    for plural in wanted:
        if plural == "suites":
            found[plural] = {name: about(path) for name, path in built_in().items()}
        elif plural == "gallery":
            found[plural] = {name: gallery.about(path) for name, path in gallery.built_in().items()}
        elif plural == "references":
            known = reference.built_in()
            found[plural] = {name: reference.about(path) for name, path in known.items()}
        else:
            found[plural] = {
                name: part.get("summary") or f"({part['fault']})"
                for name, part in tables[plural].items()
            }
    return found


def describe(name: str) -> list[dict[str, Any]]:
    """Every part called `name` (a name may stand under several kinds), with its fields; UsageError
    with a near name.

    A part that is not registered is named by its import path, FILE.py:Name or module:Name, and is
    imported for that.
    """
    if name in gallery.built_in():
        path = gallery.built_in()[name]
        line = gallery.about(path)
        return [_describe_file(name, "set", line, f"{line}\n\nMade by: {gallery.command(path)}")]
    if name in reference.built_in():
        path = reference.built_in()[name]
        line = reference.about(path)
        return [_describe_file(name, "reference", line, f"{line}\n\n{reference.describe(path)}")]
    if name.startswith(reference.PREFIX):
        reference.locate(Path(name))
    family = next((registry for registry in REGISTRIES if registry.has_family(name)), None)
    if family is not None:
        return [family.describe(name)]
    if ":" in name:
        return [_describe_import_path(name)]
    found = [table[name] for table in descriptions().values() if name in table]
    for part in found:
        if "fault" in part:
            raise UsageError(part["fault"])
    if name in built_in():
        path = built_in()[name]
        text = path.read_text(encoding="utf-8")
        found.append(_describe_file(name, "suite", about(path), text))
    if not found:
        known = [n for table in names().values() for n in table]
        raise UsageError(f"nothing is called '{name}'; {suggestion(name, set(known))}")
    return found


def _describe_file(name: str, kind: str, summary: str, about: str) -> dict[str, Any]:
    """Describe a file that ships with the package."""
    return {
        "name": name,
        "kind": kind,
        "where": "built in",
        "summary": summary,
        "about": about,
        "fields": [],
    }


def _describe_import_path(where: str) -> dict[str, Any]:
    """Describe a part at an import path; its kind is the first one that asks for what it has."""
    part = import_path.load(where, is_registered)
    kind = next(
        (r.kind for r in REGISTRIES if (r.base or r.needs) and not r.lacks(part)),
        "part",
    )
    return {"name": where, "kind": kind, "where": where, **introspection.describe(part)}


def as_markdown(tables: Mapping[str, Mapping[str, str]]) -> str:
    """A table of names and summaries for each kind, as the README has them."""
    blocks = []
    for plural, table in tables.items():
        cells = [(f"`{name}`", summary.replace("|", "\\|")) for name, summary in table.items()]
        lines = [f"| {name} | {summary} |" for name, summary in [(plural, ""), *cells]]
        blocks.append("\n".join([lines[0], "|---|---|", *lines[1:]]))
    return "\n\n".join(blocks)
