"""Fill the tables of the package READMEs that say what lives where, from the modules' docstrings.

    python docs/readme_tables.py            # write them
    python docs/readme_tables.py --check    # exit with 1 if one is stale

A table stands between `<!-- modules of FOLDER -->` and `<!-- end -->`. Nothing is imported.
"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
READMES = (
    "condensers/README.md",
    "harness/README.md",
    "scenarios/README.md",
    "scenarios/continual/README.md",
    "scenarios/search/README.md",
    "tests/benchmarks/README.md",
)
BLOCK = re.compile(r"<!-- modules of (\S+) -->\n.*?<!-- end -->", re.DOTALL)
REPAIR = "run `python docs/readme_tables.py` and commit what it writes"


def first_sentence(module: Path) -> str:
    """Return the first sentence of a module's docstring, in one line; "" if there is none."""
    text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return re.split(r"(?<=[.?!])\s", paragraph, maxsplit=1)[0].rstrip(".:;")


def entries(folder: Path) -> dict[str, Path]:
    """Return name -> the file whose docstring describes it: packages first, then modules."""
    packages = {f"{path.parent.name}/": path for path in sorted(folder.glob("*/__init__.py"))}
    modules = {path.name: path for path in sorted(folder.glob("[!_]*.py"))}
    return {**packages, **{n: p for n, p in modules.items() if not n.startswith("test_")}}


def table(folder: str) -> str:
    """Return the Markdown table of a folder; ValueError if a module has no docstring."""
    rows = [f"| {folder}/ | |", "|---|---|"]
    for name, path in entries(ROOT / folder).items():
        sentence = first_sentence(path)
        if not sentence:
            raise ValueError(f"{path.relative_to(ROOT)}: has no docstring; write one sentence")
        rows.append(f"| `{name}` | {sentence.replace('|', chr(92) + '|')} |")
    return "\n".join(rows)


def filled(text: str) -> str:
    """Return a README's text with every table brought up to date."""
    return BLOCK.sub(lambda found: f"{opening(found[1])}\n{table(found[1])}\n<!-- end -->", text)


def opening(folder: str) -> str:
    return f"<!-- modules of {folder} -->"


def stale() -> list[str]:
    """Return the READMEs whose tables differ from the docstrings."""
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in READMES}
    return [name for name, text in texts.items() if filled(text) != text]


def main(words: list[str]) -> int:
    """Write or check the tables, and return the exit status."""
    names = stale()
    if "--check" in words:
        for name in names:
            print(f"{name}: a table of modules is stale; {REPAIR}", file=sys.stderr)
        return 1 if names else 0
    for name in names:
        path = ROOT / name
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"{name}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
