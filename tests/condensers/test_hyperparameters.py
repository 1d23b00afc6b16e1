"""A part's settings from a suite: each wrong one is a sentence, and all of them are reported at
once.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from condensers.errors import UsageError
from condensers.hyperparameters import Part as PartBase
from condensers.hyperparameters import build, hyper, settings_of, unverified

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Part:
    """A part with a field of each kind."""

    steps: int = hyper(10, unit="steps", source="ours", minimum=1)
    rate: float = hyper(0.1, source="ours", minimum=0.0)
    start: str = hyper("noise", source="ours", values=("noise", "real"))
    mirror: bool = hyper(False, source="ours")
    sizes: tuple[int, ...] = hyper((1, 2), source="ours")
    outer: int | None = hyper(None, unit="steps", source="ours", minimum=1)
    network: Any = hyper("convnet", source="ours", part="network")

    registered: ClassVar[str] = "part"


def test_right_values_are_taken_over() -> None:
    table = {
        "steps": 1,
        "rate": 2,
        "start": "real",
        "mirror": True,
        "sizes": [3],
        "outer": 4,
        "network": {"name": "mlp"},
    }
    made = build(Part, table, "part")
    assert made == Part(1, 2.0, "real", True, (3,), 4, {"name": "mlp"})
    assert type(made.rate) is float
    assert build(Part, {}, "part") == Part()
    assert build(Part, {"outer": None}, "part") == Part()


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"step": 1}, "suite.dm: unknown key 'step'; did you mean 'steps'?"),
        (
            {"xyzzy": 1},
            (
                "suite.dm: unknown key 'xyzzy'; known: mirror, network, outer, rate, sizes, start,"
                " steps"
            ),
        ),
        ({"steps": "ten"}, "suite.dm.steps: 'ten' is not a whole number"),
        ({"steps": 1.5}, "suite.dm.steps: 1.5 is not a whole number"),
        ({"steps": True}, "suite.dm.steps: True is not a whole number"),
        ({"steps": None}, "suite.dm.steps: None is not a whole number"),
        ({"steps": 0}, "suite.dm.steps: 0 is below the least allowed value, 1"),
        ({"rate": "fast"}, "suite.dm.rate: 'fast' is not a number"),
        ({"rate": False}, "suite.dm.rate: False is not a number"),
        ({"rate": -0.5}, "suite.dm.rate: -0.5 is below the least allowed value, 0.0"),
        ({"rate": float("nan")}, "suite.dm.rate: nan is not a number"),
        ({"rate": float("inf")}, "suite.dm.rate: inf is not a number"),
        ({"start": "nois"}, "suite.dm.start: 'nois' is not one of noise, real"),
        ({"start": 3}, "suite.dm.start: 3 is not a text"),
        ({"mirror": 1}, "suite.dm.mirror: 1 is not true or false"),
        ({"sizes": 3}, "suite.dm.sizes: 3 is not a list"),
        ({"sizes": [1, "a"]}, "suite.dm.sizes[1]: 'a' is not a whole number"),
        ({"sizes": [[1]]}, "suite.dm.sizes[0]: a list is not a whole number"),
        ({"sizes": [True]}, "suite.dm.sizes[0]: True is not a whole number"),
        (
            {"steps": 2**63},
            "suite.dm.steps: 9223372036854775808 is beyond the whole numbers of 64 bits",
        ),
        ({"rate": 10**400}, "suite.dm.rate: a number of many digits is not a number"),
        ({"start": "\x1b[2J"}, "suite.dm.start: '\\x1b[2J' is not one of noise, real"),
        ({"start": []}, "suite.dm.start: an empty list is not a text"),
        ({"outer": "3"}, "suite.dm.outer: '3' is not a whole number"),
        ({"outer": 0}, "suite.dm.outer: 0 is below the least allowed value, 1"),
    ],
)
def test_a_wrong_value_is_one_sentence(table: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as fault:
        build(Part, table, "suite.dm")
    assert str(fault.value) == sentence


def test_all_faults_are_reported_at_once() -> None:
    with pytest.raises(UsageError) as fault:
        build(Part, {"step": 1, "rate": -1.0, "start": "x", "steps": 3}, "dm")
    assert str(fault.value).splitlines() == [
        "dm: unknown key 'step'; did you mean 'steps'?",
        "dm.rate: -1.0 is below the least allowed value, 0.0",
        "dm.start: 'x' is not one of noise, real",
    ]


def test_settings_are_plain_values() -> None:
    plain = settings_of(Part(network=Part(sizes=(4,))))
    assert plain == {
        **settings_of(Part()),
        "network": {"name": "part", **settings_of(Part()), "sizes": [4]},
    }
    assert plain["sizes"] == [1, 2]
    assert settings_of(Part(network={"name": "mlp", "widths": (3,)}))["network"] == {
        "name": "mlp",
        "widths": [3],
    }
    for wrong in (Part, {"steps": 1}):
        with pytest.raises(TypeError, match="not an instance of a dataclass"):
            settings_of(wrong)


@dataclass(frozen=True)
class Other(PartBase):
    """A part that can stand in a field, with a setting of its own."""

    size: int = hyper(1, unit="images", source="ours", minimum=1)

    registered: ClassVar[str] = "other"


@dataclass(frozen=True)
class Doubtful:
    """A part two of whose sources were not found."""

    rate: float = hyper(0.1, help="learning rate", source="theirs", verified=False)
    inner: Any = hyper("other", source="theirs", verified=False, part="network")
    steps: int = hyper(10, unit="steps", source="theirs")


def test_a_default_of_an_unverified_source_is_named_and_a_setting_is_not() -> None:
    assert unverified(Doubtful()) == ["rate", "inner"]
    assert unverified(Doubtful(inner=Other())) == ["rate", "inner"], "the part of that name"
    assert unverified(Doubtful(rate=0.2, inner=Other(size=2))) == []
    assert unverified(Part()) == []


def test_no_source_is_recalled_from_memory() -> None:
    """A source was read, or its field says `verified=False`."""
    packages = ("condensers", "scenarios", "harness")
    found = [
        str(path)
        for package in packages
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"\bwe\s+(#\s+)?recall\b", path.read_text(encoding="utf-8"))
    ]
    assert found == []
