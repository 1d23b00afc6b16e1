"""The page on rate and utility: what sets of the reference results are worth over the bits per
class that they take, and what papers say on the same axis.
"""

from collections.abc import Sequence
from pathlib import Path

PAGE = "results/rate-utility.md"
REFERENCES = Path(__file__).parents[1] / "harness" / "reference"
INTRO = """# Rate and utility

What is a set worth for what it takes? Its rate is counted in **bits per class**: 8 times all
stored bytes of the set, over the number of classes of its data, for a memory all classes of the
stream. Images or codes, labels and decoders count, at the type in which they are stored; raw
pixels take 8 bits a value. Its utility is the accuracy of a network that is trained on it, what a
stream forgets with it as memory, or Kendall's tau of the architectures that it ranks.

The unit is that of Bao et al., "Dataset Distillation as Data Compression: A Rate-Utility
Perspective" (DD-RUO, ICCV 2025, arXiv 2507.17221). Every report draws these curves on its first
page and has a column of bits per class beside that of bytes.

## Measured here

Real sets and learned ones, each with its 95 % intervals; lines and words in grey are references
without a set. Sets of nearly one size stand side by side. `harness report reference:NAME` has the
tables."""
PAPERS = """## Published

Figures of papers and of their authors' repositories, with the network and recipe of each where it
is said. None was measured here. A report whose data they are about has these tables too, and draws
some of them as hollow grey points beside its own accuracies. DD-RUO's points on CIFAR-10 are those
of TM-RUO in the figure of its repository, the only one of its objectives that is drawn there."""


def rate_utility_page(references: Sequence[Path] = ()) -> str:
    """Return the page.

    Args:
        references: files of reference results; all that ship where none is named.
    """
    shown = references or sorted(REFERENCES.glob("*.json"))
    measured = [text for text in map(_draw_reference, shown) if text]
    return "\n\n".join([INTRO, *measured, PAPERS, *_published()]) + "\n"


def _draw_reference(path: Path) -> str:
    """The curves of one reference; nothing where its sets have no bytes."""
    from harness.reference.files import Reference
    from harness.report.building import build
    from harness.report.overview.picture import draw_overview
    from harness.report.pictures import choose_styles

    report = build(*Reference(path).contents())
    figures = draw_overview(report, choose_styles(report))
    drawn = "\n".join(f'<figure class="curves">{svg}</figure>' for svg in figures)
    return f"### {path.stem}\n\n{drawn}" if figures else ""


def _published() -> list[str]:
    """What holds for all tables, then a heading and a table for each use and data set."""
    from harness.report.chapters.published import (
        COUNTED,
        KEY,
        NOT_READ,
        lay_out_published,
        list_published,
    )
    from harness.report.formats.markdown import draw_table, escape

    figures = [{"scenario": figure["use"], **figure} for figure in list_published()]
    blocks = [escape(f"{COUNTED} {NOT_READ}")]
    for use in dict.fromkeys(figure["use"] for figure in figures):
        for table in lay_out_published(use, {KEY: figures}):
            title = table.title.removesuffix(", not measured here")
            blocks += [f"### {title[:1].upper()}{title[1:]}", draw_table(table)]
    return blocks
