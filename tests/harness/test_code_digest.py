"""A cell's key knows the code behind it: its part's, its helpers', the kernel's; not comments,
docstrings, or other methods.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

from condensers.errors import UsageError
from condensers.registry import code_digest
from condensers.registry.registry import Registry, create_condenser
from harness.report.chapters.difference import summarise_changes
from harness.report.runs import compare_runs
from harness.suite.cell import Cell, digests_of, sources_of
from harness.suite.plan import plan_suite
from scenarios.datasets import load
from scenarios.registry import SCENARIOS
from tests.helpers.command_line import Harness, call_in_process
from tests.helpers.suites import TINY

DISTRIBUTION = "condensers.parts.objectives.mean_embedding"
CACHES = (code_digest._reached, code_digest._digest_here)
Edit = Callable[[str, str, str], None]


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edit]:
    """`edit(module, old, new)`: the digests see a copy of the module's file with `old` replaced."""
    copies: dict[str, Path] = {}
    find = code_digest._path
    monkeypatch.setattr(code_digest, "_path", lambda name: copies.get(name) or find(name))

    def change(module: str, old: str, new: str) -> None:
        path = find(module)
        assert path is not None
        text = path.read_text(encoding="utf-8")
        assert old in text
        copies[module] = tmp_path / "edited" / module / path.name
        copies[module].parent.mkdir(parents=True)
        for beside in path.parent.iterdir():
            if beside.suffix in code_digest.BESIDE:
                (copies[module].parent / beside.name).write_bytes(beside.read_bytes())
        copies[module].write_text(text.replace(old, new), encoding="utf-8")
        for cached in CACHES:
            cached.cache_clear()

    for cached in CACHES:
        cached.cache_clear()
    yield change
    for cached in CACHES:
        cached.cache_clear()


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Harness:
    """Run `harness WORDS...` and return its exit status and what it printed."""
    return partial(call_in_process, monkeypatch, capfd)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A suite file."""
    path = tmp_path / "tiny.toml"
    path.write_text(TINY, encoding="utf-8")
    return path


def keys(suite: Path) -> dict[str, str]:
    """Title -> key of each cell."""
    return {cell.title: cell.key for cell in plan_suite(suite).cells}


def test_a_changed_distance_leaves_what_uses_it_to_do_and_nothing_else(
    tiny: Path, edit: Edit
) -> None:
    before = keys(tiny)
    edit(DISTRIBUTION, "((real - synthetic) ** 2).sum()", "(real - synthetic).abs().sum()")
    after = keys(tiny)
    assert {title for title in before if before[title] != after[title]} == {
        f"{what}dm ipc 1, seed {seed}" for what in ("condense ", "accuracy: ") for seed in (0, 1)
    }


def test_comments_docstrings_and_layout_change_nothing(tiny: Path, edit: Edit) -> None:
    before = keys(tiny)
    edit(
        DISTRIBUTION,
        '"""Return eq. 5, from one forward pass of the synthetic images of all pairs."""',
        '"""Other words."""  # and more',
    )
    edit("scenarios.accuracy.scenario", "import time\n", "import time\n\n\n# A comment.\n")
    assert keys(tiny) == before


@pytest.mark.parametrize(
    "module",
    [
        "condensers.composition.matching_loop",
        "condensers.training.classifier",
        "condensers.engine.context",
        "condensers.networks.convnet",
        "harness.running.cell_work",
    ],
    ids=["loop", "training", "context", "network", "execute"],
)
def test_shared_machinery_counts(tiny: Path, edit: Edit, module: str) -> None:
    before = keys(tiny)
    path = code_digest._path(module)
    assert path is not None
    first = next(
        line
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith(("import", "from"))
    )
    edit(module, f"\n{first}\n", f"\nADDED = 1\n{first}\n")
    after = keys(tiny)
    assert before["accuracy: dm ipc 1, seed 0"] != after["accuracy: dm ipc 1, seed 0"]


def test_reports_and_the_command_line_do_not_count(tiny: Path) -> None:
    cells = plan_suite(tiny).cells
    named = {name for cell in cells for name in cell.sources}
    assert {name for name in named if name.startswith("harness")} == {"harness.running.cell_work"}
    assert (
        "condensers.networks.fused/block.c" in named
        and "condensers.networks.fused/block.h" in named
    )
    assert not [
        name
        for name in named
        if name.startswith(("condensers.formats", "scenarios.search", "scenarios.datasets"))
    ]


def test_parts_that_stand_as_names_in_code_and_settings_count() -> None:
    assert "condensers.networks.convnet" in sources_of(create_condenser("herding")), (
        "named in selections.base"
    )
    continual = SCENARIOS.create({"name": "continual", "strategies": ["er-ace"]})
    assert "scenarios.continual.plugins.losses" in sources_of(continual)
    search = SCENARIOS.create("search")
    assert "scenarios.search.baselines.zero_cost" in sources_of(search, words=["naswot"])
    placed = code_digest.reached(
        [], ["condensers.parts.objectives.gradient:GradientMatching@0123abcd", "nni.nas:X", "a: b"]
    )
    assert "condensers.parts.objectives.gradient" in placed and not [
        name for name in placed if name.startswith("nni")
    ]


@pytest.mark.parametrize("module", ["condensers.registry.registry", "scenarios.registry"])
def test_every_registry_is_known_to_the_digest_of_code(module: str) -> None:
    """A registry that is not would leave the parts that settings name out of the keys of cells."""
    tables = {
        name for name, value in vars(import_module(module)).items() if isinstance(value, Registry)
    }
    homes = [module, "scenarios.continual.strategies", "scenarios.datasets"]
    assert len(tables) > 5
    for name in tables:
        assert any(code_digest._registry(f"{home}.{name}") for home in homes), name


def test_a_file_of_the_users_counts_with_what_it_imports_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "helper.py").write_text("WEIGHT = 1\n")
    own = tmp_path / "own.py"
    method = "condensers.methods.distribution_matching.dm"
    own.write_text(f"import torch\nfrom helper import WEIGHT\nimport {method}\n")
    found = code_digest.reached([str(own)])
    assert {str(own), str(tmp_path / "helper.py"), method} <= set(found)
    assert not [name for name in found if name.startswith("torch")]
    monkeypatch.chdir(tmp_path)
    assert {"own.py", "helper.py"} <= set(code_digest.reached(["own.py"])), "by its place from here"
    code_digest._reached.cache_clear()
    (tmp_path / "helper.py").write_text("WEIGHT = 2  # now\n")
    assert {
        name for name, digest in code_digest.reached([str(own)]).items() if found[name] != digest
    } == {str(tmp_path / "helper.py")}


def test_a_comment_in_a_users_file_keeps_its_name() -> None:
    from condensers.registry import import_path

    assert import_path._digest(b"x = 1\n") == import_path._digest(b'"""About."""\nx = 1  # one\n')
    assert import_path._digest(b"x = 1\n") != import_path._digest(b"x = 2\n")


def test_caches_that_outlive_a_run_know_the_code(edit: Edit) -> None:
    dm, dc = create_condenser("dm"), create_condenser("dc")
    before = [code_digest.code_of(part) for part in (dm, dc)]
    edit(DISTRIBUTION, "** 2).sum()", "** 4).sum()")
    assert [
        code_digest.code_of(part) == old for part, old in zip((dm, dc), before, strict=True)
    ] == [False, True]


def test_scale_and_symmetry_of_the_data_count() -> None:
    from dataclasses import replace

    train = load("digits").train
    other = replace(train, mean=tuple(value + 0.1 for value in train.mean))
    assert train.digest == other.digest and digests_of(train=train) != digests_of(train=other)


def test_a_cell_is_not_computed_by_other_code_than_its_key_names(tmp_path: Path) -> None:
    from harness.running.cell_work import RunSettings, run_cell

    splits = load("digits")
    cell = Cell(
        "condense",
        "digits",
        {},
        0,
        "random",
        {"name": "random"},
        ("ipc", 1),
        sources={"condensers.composition.matching_loop": "0" * 12},
    )
    settings = RunSettings(tmp_path, "harness run", None, 0.1)
    with pytest.raises(
        UsageError, match=r"condensers\.composition\.matching_loop: the code here is not the plan's"
    ):
        run_cell(cell, settings, lambda _: None, lambda: False, splits)
    assert not list(tmp_path.iterdir())


def test_the_digest_imports_no_torch() -> None:
    code = (
        "import sys; from condensers.registry import code_digest as c;"
        " print(len(c.reached(['condensers.methods.distribution_matching.dm']))); "
    )
    done = subprocess.run(
        [sys.executable, "-c", code + "sys.exit('torch' in sys.modules)"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and int(done.stdout) > 20, done.stderr


def test_diff_and_plan_name_the_modules_that_changed(
    harness: Harness, tiny: Path, tmp_path: Path, edit: Edit
) -> None:
    from harness.store.store import Store

    def run(name: str) -> None:
        assert (
            harness(
                "run", tiny, "--out", tmp_path / name, "--workers", 1, "--set", "seeds=1"
            ).status
            == 0
        )

    run("a")
    edit(DISTRIBUTION, "** 2).sum()", "** 2).sum() * 1")
    planned = harness("plan", tiny, "--out", tmp_path / "a", "--set", "seeds=1").out
    assert "5 cells, 3 done" in planned and "2 left" in planned
    assert (
        f"left though they were done before, by other code: what needs {DISTRIBUTION}\n" in planned
    )
    run("b")
    found = compare_runs(Store(tmp_path / "a").contents(), Store(tmp_path / "b").contents())
    (row,) = found["code"]
    assert (row["what"], row["name"]) == ("condense: dm", DISTRIBUTION) and row["a"] != row["b"]
    assert "1 of code" in summarise_changes(found)
    assert DISTRIBUTION in harness("diff", tmp_path / "a", tmp_path / "b").out
