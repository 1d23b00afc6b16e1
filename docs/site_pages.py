"""MkDocs hook: pages of the site that are made when it is built.

From the packages: the public names, base classes, scenarios, statistics and all modules. From the
registries: the hyperparameters of each kind of part. From files of the repository: examples,
contributing, security and the changelog. From the sets that ship: the gallery. From the reference
results: rate and utility, and the figures that other pages ask for.
"""

import base64
import importlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).parents[1]
PACKAGES = ("condensers", "scenarios", "harness")
# Modules of these names, and some more, hold what people subclass or are given.
BASE_FILES = ("base.py", "condenser.py", "protocol.py", "setting.py")
BASES = (
    "condensers.composition.composition",
    "condensers.data",
    "condensers.engine.context",
    "condensers.parts.labels",
    "condensers.parts.samplers",
    "condensers.parts.stopping",
    "condensers.sets.synthetic_set",
    "scenarios.datasets.raw",
    "scenarios.recipes",
)
# Their fields fill pages; a signature would repeat them with all that `hyper` says.
WITHOUT_SIGNATURE = {"condensers.Composition"}
SETTINGS = "reference/hyperparameters"  # folder of the site
COPIES = {
    "project/changelog.md": "CHANGELOG.md",
    "project/contributing.md": "CONTRIBUTING.md",
    "project/security.md": "SECURITY.md",
}

for folder in (str(ROOT), str(ROOT / "docs")):
    if folder not in sys.path:
        sys.path.insert(0, folder)

import rate_utility_page  # noqa: E402
import reference_figures  # noqa: E402
from gallery_page import gallery_pages  # noqa: E402
from readme_tables import first_sentence  # noqa: E402


def on_config(config: "MkDocsConfig") -> "MkDocsConfig":
    """Put the pages made here into the navigation."""
    examples = [{title: page} for page, (title, _) in example_pages().items()]
    fill(config.nav or [], "Examples", ["examples/index.md", *examples])
    kinds = [{title_of(plural): f"{SETTINGS}/{plural}.md"} for plural in hyperparameters()]
    fill(config.nav or [], "Hyperparameters", [f"{SETTINGS}/index.md", *kinds])
    return config


def on_files(files: "Files", config: "MkDocsConfig") -> "Files":
    """Add the pages made here."""
    from mkdocs.structure.files import File

    pages: dict[str, str | bytes] = {
        "reference/python.md": public_names(),
        "reference/base-classes.md": base_classes(),
        "reference/scenarios.md": scenarios(),
        "reference/statistics.md": statistics(),
        "reference/modules.md": modules(),
        f"{SETTINGS}/index.md": hyperparameter_index(),
        **{page: copied(name) for page, name in COPIES.items()},
        **{page: text for page, (_, text) in example_pages().items()},
        **example_pictures(),
        **gallery_pages(),
        rate_utility_page.PAGE: rate_utility_page.rate_utility_page(),
    }
    for plural, table in hyperparameters().items():
        pages[f"{SETTINGS}/{plural}.md"] = hyperparameter_page(plural, table)
    for page, content in pages.items():
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, **unused: Any) -> str:
    """Draw the figures that a page asks for."""
    return reference_figures.fill_figures(markdown)


def fill(nav: list[Any], title: str, pages: list[Any]) -> None:
    """Give the section `title`, wherever it is in the navigation, its pages."""
    for entry in nav:
        if isinstance(entry, dict):
            for name, inner in entry.items():
                if name == title:
                    entry[name] = pages
                elif isinstance(inner, list):
                    fill(inner, title, pages)


# From the packages.


def identifiers(names: Iterable[str], level: int = 3, **options: bool) -> str:
    """Return the lines that have mkdocstrings document each name, under headings of a level."""
    chosen = {"heading_level": level, **options}
    lines = "".join(f"      {key}: {json.dumps(value)}\n" for key, value in chosen.items())
    return "\n".join(f"::: {name}\n    options:\n{lines}" for name in names)


def public_names() -> str:
    """Return the page of what `from PACKAGE import ...` gives."""
    parts = ["# Python", "What may be imported from the packages; these names are stable."]
    for package in PACKAGES:
        exported = getattr(importlib.import_module(package), "__all__", ())
        names = sorted(name for name in exported if not name.startswith("_"))
        parts += [f"## {package}", first_sentence(ROOT / package / "__init__.py") + "."]
        full = [f"{package}.{name}" for name in names]
        parts += [
            identifiers([name], merge_init_into_class=name not in WITHOUT_SIGNATURE)
            for name in full
        ]
    return "\n\n".join(parts)


def dotted(path: Path) -> str:
    """Return the dotted name of a module file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def base_classes() -> str:
    """Return the page of what parts, networks, data sets, scenarios and chapters derive from."""
    folders = [ROOT / package for package in PACKAGES]
    found = {dotted(p) for top in folders for name in BASE_FILES for p in top.rglob(name)}
    intro = (
        "What a part, a data set, a scenario or a chapter of the report derives from, and what it"
        " is given."
    )
    names = sorted({*found, *BASES})
    return f"# Base classes\n\n{intro}\n\n" + identifiers(
        names, 2, merge_init_into_class=False, show_root_full_path=True
    )


def scenarios() -> str:
    """Return the page of the registered scenarios' classes."""
    classes = [entry["where"].replace(":", ".") for entry in hyperparameters()["scenarios"]]
    intro = "The settings of each are [its hyperparameters](hyperparameters/scenarios.md)."
    return f"# Scenarios\n\n{intro}\n\n" + identifiers(classes, 2, merge_init_into_class=False)


def statistics() -> str:
    """Return the page of intervals, differences and rank statistics."""
    paths = sorted((ROOT / "harness" / "statistics").glob("[!_]*.py"))
    return "# Statistics\n\n" + identifiers(map(dotted, paths), 2, show_root_full_path=True)


def modules() -> str:
    """Return the page that lists every module with the first sentence of its docstring."""
    parts = ["# Modules", "Every module and the first sentence of its docstring."]
    for package in PACKAGES:
        parts.append(f"## {package}")
        for folder in sorted({path.parent for path in (ROOT / package).rglob("*.py")}):
            rows = [
                f"| `{path.name}` | {escaped(first_sentence(path))} |"
                for path in sorted(folder.glob("[!_]*.py"))
            ]
            if rows:
                name = folder.relative_to(ROOT).as_posix()
                parts.append("\n".join([f"| {name}/ | |", "|---|---|", *rows]))
    return "\n\n".join(parts)


# From the registries.


def hyperparameters() -> Mapping[str, list[dict[str, Any]]]:
    """Return kind (plural) -> the descriptions of its parts that have no fault."""
    from harness.catalogue.descriptions import descriptions

    return {
        plural: [part for part in table.values() if "fault" not in part]
        for plural, table in descriptions().items()
    }


def hyperparameter_index() -> str:
    """Return the page that lists all kinds of parts."""
    rows = []
    for plural, table in hyperparameters().items():
        names = ", ".join(f"`{part['name']}`" for part in table)
        rows.append(f"| [{plural}]({plural}.md) | {names} |")
    intro = "Made from the registry: what `harness list` and `harness show NAME` print."
    return "\n".join(["# Hyperparameters", "", intro, "", "| kind | names |", "|---|---|", *rows])


def hyperparameter_page(plural: str, table: list[dict[str, Any]]) -> str:
    """Return the page of one kind of part: each with its docstring and its fields."""
    parts = [f"# {title_of(plural)}"]
    for part in table:
        rows = [field_row(field) for field in part["fields"]]
        head = ["| field | default | unit | meaning | source |", "|---|---|---|---|---|"]
        parts += [f"## {part['name']}", f"`{part['where']}`", f"```text\n{part['about']}\n```"]
        parts.append("\n".join(head + rows) if rows else "It has no hyperparameters.")
    return "\n\n".join(parts)


def title_of(plural: str) -> str:
    """Return the heading of a kind of part."""
    return re.sub("[-_]", " ", plural).capitalize()


def field_row(field: Mapping[str, Any]) -> str:
    """Return a field as a row: name, default, unit, explanation with limits, source."""
    default = "must be given" if "default" not in field else f"`{toml(field['default'])}`"
    meaning = "; ".join(part for part in (field.get("help", ""), limits(field)) if part)
    source = field.get("source", "") + ("" if field.get("verified", True) else " (unverified)")
    told = [escaped(text) for text in (field.get("unit", ""), meaning, source)]
    return " | ".join([f"| `{field['name']}`", default, *told]) + " |"


def limits(field: Mapping[str, Any]) -> str:
    """Return in words which values a field takes."""
    if field.get("part"):
        return f"{'an' if field['part'][0] in 'aeiou' else 'a'} {field['part']}"
    if field.get("values"):
        return "one of " + ", ".join(f"`{toml(value)}`" for value in field["values"])
    if field.get("minimum") is not None:
        return f"at least {field['minimum']}"
    return ""


def toml(value: object) -> str:
    """Return a JSON value as TOML writes it; None, which TOML lacks, as "left out"."""
    if value is None:
        return "left out"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def escaped(text: object) -> str:
    return str(text).replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


# From files of the repository.


def copied(name: str) -> str:
    """Return a Markdown file of the repository, its links turned to where the site has them."""
    homes = {source: page for page, source in COPIES.items()}
    text = (ROOT / name).read_text(encoding="utf-8")
    text = re.sub(r"<!--.*?-->\n?", "", text)

    def turned(found: "re.Match[str]") -> str:
        label, target = found[1], found[2]
        if target.startswith(("http", "#")):
            return found[0]
        path, _, anchor = target.partition("#")
        place = (ROOT / name).parent.joinpath(path).resolve().relative_to(ROOT).as_posix()
        page = homes.get(place, place.removeprefix("docs/") if place.startswith("docs/") else "")
        if not page.endswith(".md"):
            return f"`{label}`" if "`" not in label else label
        return f"[{label}](../{page}{'#' + anchor if anchor else ''})"

    return re.sub(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)", turned, text)


def example_files() -> Iterator[Path]:
    """Give the scripts and notebooks under docs/examples, in order."""
    yield from sorted((ROOT / "docs" / "examples").glob("*.ipynb"))
    yield from sorted((ROOT / "docs" / "examples").glob("*.py"))


def example_pages() -> dict[str, tuple[str, str]]:
    """Return page -> its title and text, one for each example."""
    pages: dict[str, tuple[str, str]] = {}
    for path in example_files():
        text = notebook(path) if path.suffix == ".ipynb" else script(path)
        pages[f"examples/{path.stem}.md"] = (path.name, text)
    return pages


def script(path: Path) -> str:
    """Return a script as a page: its docstring's first sentence, then its code."""
    code = path.read_text(encoding="utf-8")
    return f"# {path.name}\n\n{first_sentence(path)}.\n\n```python\n{code}```\n"


def notebook(path: Path) -> str:
    """Return a notebook as a page: its texts, its code and what the code printed and drew."""
    parts = []
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        parts += [output(path, number, one) for one in cell.get("outputs", [])]
    return "\n\n".join(filter(None, parts)) + "\n"


def output(path: Path, number: int, one: Mapping[str, Any]) -> str:
    """Return one output of a cell: its picture, else its HTML table, else its text."""
    data = one.get("data", {})
    if "image/png" in data:
        return f"![Output of the cell above]({path.stem}-{number}.png)"
    if "text/html" in data:
        text = re.sub(r"<style.*?</style>\s*", "", "".join(data["text/html"]), flags=re.DOTALL)
        return re.sub(r"<table [^>]*>", "<table>", text)  # the site's borders, not those of pandas
    text = "".join(one.get("text", data.get("text/plain", "")))
    return f"```text\n{text.rstrip()}\n```" if text else ""


def example_pictures() -> dict[str, bytes]:
    """Return file -> the PNG pictures that the notebooks hold."""
    return {
        f"examples/{path.stem}-{number}.png": base64.b64decode("".join(one["data"]["image/png"]))
        for path in example_files()
        if path.suffix == ".ipynb"
        for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"])
        for one in cell.get("outputs", [])
        if "image/png" in one.get("data", {})
    }
