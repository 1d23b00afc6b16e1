"""Parts that are named by where they stand: found, labelled so that they are found again, and
refused in one sentence.
"""

from pathlib import Path

import pytest

from condensers.errors import UsageError
from condensers.hyperparameters import settings_of
from condensers.methods.distribution_matching.dm import DM
from condensers.registry.registry import (
    AUGMENTATIONS,
    METHODS,
    OBJECTIVES,
    PARAMETERISATIONS,
    create_condenser,
)

MINE = '''
"""Mine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.hyperparameters import hyper
from condensers.methods.distribution_matching.dm import DM
from condensers.parts.objectives.mean_embedding import MeanEmbedding


@dataclass(frozen=True)
class Scaled(MeanEmbedding):
    """Times a factor."""

    factor: float = hyper(2.0, source="ours")


@dataclass(frozen=True)
class Mine(DM):
    """Mine, and no other's."""

    objective: Any = hyper(Scaled(factor=3.0), source="ours", part="objective")
    registered: ClassVar[str] = "mine"


class Other:
    pass
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


def test_a_method_in_a_file_round_trips_by_its_settings(file: Path) -> None:
    made = create_condenser({"name": f"{file}:Mine", "iterations": 3})
    assert made.registered.startswith(f"{file}:Mine@") and made.objective.registered.startswith(
        f"{file}:Scaled@"
    )
    assert create_condenser({"name": made.registered, **settings_of(made)}) == made
    assert OBJECTIVES.create({"name": f"{file}:Scaled", "factor": 4.0}).factor == 4.0
    assert DM.registered == "dm" and DM().objective == "mean-embedding", (
        "classes of other modules keep their names"
    )


def test_its_description_is_that_of_its_class(file: Path) -> None:
    found = METHODS.describe(f"{file}:Mine")
    assert found["summary"] == "Mine, and no other's."
    fields = {field["name"]: field["default"] for field in found["fields"]}
    assert fields["objective"] == {
        "name": OBJECTIVES.create(f"{file}:Scaled").registered,
        "factor": 3.0,
    }
    assert fields["iterations"] == 20000


def test_a_changed_file_is_not_taken_for_the_old_one(file: Path) -> None:
    old = create_condenser(f"{file}:Mine")
    file.write_text(MINE.replace("factor=3.0", "factor=5.0"))
    assert create_condenser(f"{file}:Mine").objective.factor == 5.0
    with pytest.raises(UsageError, match=r"mine\.py: has changed since Mine@[0-9a-f]{8} was named"):
        create_condenser(old.registered)


def test_a_module_that_can_be_imported(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "their_module.py").write_text(MINE)
    monkeypatch.syspath_prepend(str(tmp_path))
    made = create_condenser("their_module:Mine")
    assert (made.registered, made.objective.registered) == (
        "their_module:Mine",
        "their_module:Scaled",
    )
    assert create_condenser({"name": made.registered, **settings_of(made)}) == made
    assert METHODS.describe("their_module:Mine")["summary"] == "Mine, and no other's."


def test_a_registered_class_keeps_its_name() -> None:
    assert create_condenser("condensers.methods.distribution_matching.dm:DM").registered == "dm"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("{0}:Yours", r"mine\.py: has no class Yours; write .*mine\.py:ITS_NAME"),
        ("{0}:Other", r"cannot be used \(it is no dataclass\)"),
        (
            "{0}:Scaled",
            r"cannot be used \(it does not derive from .*\.Condenser\)",
        ),
        ("{0}:hyper", r"cannot be used \(it is no class\)"),
        ("{0}:", "is neither a known name nor a place; write FILE.py:Name"),
        ("photos/x.txt:Mine", "is neither a known name nor a place"),
        ("nowhere.py:Mine", r"nowhere\.py: cannot be read \(No such file or directory\)"),
        ("no_such_module.at_all:Mine", "no_such_module.at_all: cannot be imported"),
    ],
)
def test_what_is_not_there_is_a_sentence(file: Path, name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        create_condenser(name.format(file))


@pytest.mark.parametrize("fault", ["def f(:", "1 / 0", "import no_such_module"])
def test_a_file_that_fails_is_a_sentence(file: Path, fault: str) -> None:
    file.write_text(MINE + fault + "\n")
    with pytest.raises(
        UsageError,
        match=r"mine\.py: cannot be loaded \((SyntaxError|ZeroDivisionError|ModuleNotFoundError): ",
    ):
        create_condenser(f"{file}:Mine")


@pytest.mark.parametrize(
    "registry", [PARAMETERISATIONS, AUGMENTATIONS], ids=lambda registry: registry.kind
)
def test_what_cards_name_must_be_registered(registry: object, file: Path) -> None:
    """A set from elsewhere must not make this process run a file by naming it in its card."""
    file.write_text("raise SystemExit\n")
    with pytest.raises(UsageError, match=f"unknown {registry.kind} '"):  # type: ignore[attr-defined]
        registry.create(f"{file}:Mine")  # type: ignore[attr-defined]
