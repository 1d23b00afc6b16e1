"""The pages that the site's hook makes: every setting of every part is on one, links lead to pages
of the site, and notebooks are shown with what they printed. (`make docs` builds the whole site.)
"""

import importlib.util
import io
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from harness import gallery
from harness.catalogue.catalogue import names
from harness.catalogue.registries import FILES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_pages", ROOT / "docs" / "site_pages.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_part_and_every_setting_is_on_the_page_of_its_kind(hook: ModuleType) -> None:
    kinds = hook.hyperparameters()
    assert set(kinds) == set(names()) - set(FILES)
    for plural, table in kinds.items():
        page = hook.hyperparameter_page(plural, table)
        assert [part["name"] for part in table] == list(names(plural)[plural])
        for part in table:
            assert f"\n## {part['name']}\n" in page
        rows = re.findall(r"^\| `(\w+)` \| ", page, re.MULTILINE)
        assert rows == [field["name"] for part in table for field in part["fields"]]


def test_the_gallery_shows_each_set_with_its_card_and_a_picture(hook: ModuleType) -> None:
    pages = hook.gallery_pages()
    page = pages["results/gallery.md"]
    for name, path in gallery.built_in().items():
        card = json.loads(path.with_suffix(".card.json").read_text(encoding="utf-8"))
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        assert f"| {card['nbytes']:,} | {card['nbytes'] * 8 // 10:,} |" in row
        assert gallery.command(path) in page
        with Image.open(io.BytesIO(pages[f"results/gallery-{path.stem}.png"])) as picture:
            size = card["shape"][-1]
            assert picture.height == 10 * (size + 1) + 1
            assert picture.width == min(card["images_per_class"], 10) * (size + 1) + 1
            assert len(picture.getcolors(1 << 20)) > 2


def test_a_page_has_the_figures_that_it_asks_for(hook: ModuleType) -> None:
    title = "Kendall tau by the cost of the search on mnist-5k"
    page = hook.on_page_markdown(f"Before.\n\n<!-- figure of reference:demo: {title} -->\n", page=0)
    (drawn,) = re.findall(r'<figure class="curves"><svg.*?</svg></figure>', page, re.DOTALL)
    assert f"<!-- {title} -->" in drawn and "<title>early-stopping: " in drawn
    assert page.startswith("Before.")
    with pytest.raises(ValueError, match="reference:demo has no figure 'No such'"):
        hook.on_page_markdown("<!-- figure of reference:demo: No such -->")


def test_rate_and_utility_are_drawn_from_reference_results_beside_papers(hook: ModuleType) -> None:
    page = hook.rate_utility_page.rate_utility_page([ROOT / "harness/reference/gdumb-mnist.json"])
    (drawn,) = re.findall(r'<figure class="curves"><svg.*?</svg></figure>', page, re.DOTALL)
    assert "\n\n" not in drawn, "an empty line would end the block of HTML"
    assert "### gdumb-mnist" in page and "| tm-ruo | 70.3 | 77.5 | 79.7 |" in page
    assert "### Continual on mnist: published figures" in page and "| 89.1 ± 0.4 |" in page


def test_a_setting_is_a_row_with_default_meaning_and_source(hook: ModuleType) -> None:
    field = {
        "name": "rate",
        "default": None,
        "unit": "a | b",
        "help": "how fast",
        "values": ["x", 0.5],
        "source": "DM, <eq. 5>",
    }
    assert hook.field_row(field) == (
        '| `rate` | `left out` | a \\| b | how fast; one of `"x"`, `0.5` | DM, &lt;eq. 5> |'
    )
    assert "DM, &lt;eq. 5> (unverified) |" in hook.field_row({**field, "verified": False})
    assert "must be given" in hook.field_row({"name": "rate"})
    assert hook.toml({"name": "tiles", "factor": [1, True]}) == (
        '{ name = "tiles", factor = [1, true] }'
    )


def test_a_link_leads_to_a_page_or_becomes_text(
    hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "ROOT", tmp_path)
    text = (
        "[a](docs/guide/data.md#top) [b](CHANGELOG.md) [c](harness/app.py) [d](https://x.org/y)"
        " [e](#here)"
    )
    (tmp_path / "CONTRIBUTING.md").write_text(text, encoding="utf-8")
    assert hook.copied("CONTRIBUTING.md") == (
        "[a](../guide/data.md#top) [b](../project/changelog.md) `c` [d](https://x.org/y) [e](#here)"
    )


def test_a_notebook_is_shown_with_what_it_gave(hook: ModuleType, tmp_path: Path) -> None:
    printed = {"output_type": "stream", "name": "stdout", "text": ["2\n"]}
    drawn = {"output_type": "display_data", "data": {"image/png": "", "text/plain": "Figure"}}
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "text"]},
        {"cell_type": "code", "source": ["print(1 + 1)"], "outputs": [printed, drawn]},
    ]
    path = tmp_path / "two.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    assert hook.notebook(path) == (
        "# Title\ntext\n\n```python\nprint(1 + 1)\n```\n\n```text\n2\n```\n\n"
        "![Output of the cell above](two-1.png)\n"
    )


def test_a_frame_is_shown_as_a_table_of_the_site(hook: ModuleType) -> None:
    frame = (
        '<div><style scoped>x</style>\n<table border="1" class="dataframe"><tr></tr></table></div>'
    )
    shown = hook.output(Path("two.ipynb"), 0, {"data": {"text/html": [frame]}})
    assert shown == "<div><table><tr></tr></table></div>"


def test_the_navigation_gets_the_pages(hook: ModuleType) -> None:
    nav = [{"Home": "index.md"}, {"Reference": [{"Hyperparameters": []}]}]
    hook.fill(nav, "Hyperparameters", ["one.md"])
    assert nav[1] == {"Reference": [{"Hyperparameters": ["one.md"]}]}


def test_public_names_are_those_of_the_packages(hook: ModuleType) -> None:
    import scenarios

    page = hook.public_names()
    assert all(f"::: scenarios.{name}\n" in page for name in scenarios.__all__)
