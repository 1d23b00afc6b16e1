"""Keys of an earlier release are read, with one sentence; where both are given they are refused."""

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from condensers.composition.composition import Composition
from condensers.errors import UsageError
from condensers.hyperparameters import RenamedKey, hyper, settings_of
from condensers.registry.registry import MODEL_SCHEDULES, create_condenser

REUSED = {"name": "fresh", "reuse": 3, "every": 1}


def test_the_old_key_is_read_with_one_sentence() -> None:
    with pytest.warns(RenamedKey) as seen:
        old = create_condenser({"name": "dm", "schedule": REUSED}, where="condensers.dm")
    assert [str(one.message) for one in seen] == [
        "condensers.dm: `schedule` is now called `model_schedule`; the next release no longer reads"
        " `schedule`"
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new = create_condenser({"name": "dm", "model_schedule": REUSED})
    assert old == new
    assert "schedule" not in settings_of(old)
    assert settings_of(old)["model_schedule"] == REUSED


def test_both_keys_are_refused() -> None:
    with pytest.raises(UsageError, match=r"both are given; leave out `schedule`"):
        create_condenser({"name": "dm", "schedule": REUSED, "model_schedule": "fresh"})


def test_the_table_of_an_older_card_makes_the_same_method() -> None:
    method = create_condenser({"name": "dc", "iterations": 3})
    card = settings_of(method)
    older = {"schedule" if key == "model_schedule" else key: card[key] for key in card}
    with pytest.warns(RenamedKey):
        assert create_condenser({"name": "dc", **older}) == method


def test_a_method_that_sets_the_old_field_is_refused() -> None:
    with pytest.raises(UsageError, match="Mine: its field `schedule` is now called"):

        @dataclass(frozen=True)
        class Mine(Composition):
            """Written for an earlier release."""

            schedule: Any = hyper("cached", source="ours", part="schedule")

            registered: ClassVar[str] = "mine"
            evaluation: ClassVar[str] = "dsa"


def test_packages_may_register_under_the_old_group(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        name, value = "theirs", "package.module:Theirs"

    monkeypatch.setattr(MODEL_SCHEDULES, "_third", None)
    monkeypatch.setattr(
        "condensers.registry.registry.installed_entry_points",
        lambda group: [Entry] if group == "condensation_harness.schedules" else [],
    )
    assert MODEL_SCHEDULES.entries()["theirs"] == "package.module:Theirs"
    monkeypatch.setattr(MODEL_SCHEDULES, "_third", None)
