"""A default that is a part made on the spot is described as the table that a suite would write."""

from pathlib import Path
from typing import Any

from condensers.registry.registry import METHODS, create_condenser
from harness.catalogue.catalogue import describe

PARTS = '''
"""Parts."""

from dataclasses import dataclass, field
from typing import Any

import torch

from condensers.hyperparameters import hyper
from condensers.networks.precision import PRECISIONS
from condensers.parts.objectives.gradient import GradientMatching
from condensers.parts.model_schedules.trained_on_synthetic import TrainedOnSynthetic as Trained
from condensers.networks.convnet import ConvNetSpec

HERE = "bf16"


@dataclass(frozen=True)
class Base:
    """The base."""

    objective: Any = hyper(GradientMatching(distance="mse"), part="objective")
    network: Any = hyper(ConvNetSpec(2, width=8), part="network")
    several: Any = hyper((GradientMatching("cosine"), "named"), part="objective")
    renamed: Any = hyper(Trained(outer=2), part="model schedule")
    unknown: Any = hyper(torch.device("cpu"))
    plain: Any = hyper((1, 2))
    made: list[int] = field(default_factory=lambda: [3])
    chosen: str = hyper(HERE, values=PRECISIONS)


@dataclass(frozen=True)
class Method(Base):
    """The method."""


@dataclass
class Needy:
    wanted: int
'''


def described(tmp_path: Path, name: str) -> dict[str, Any]:
    path = tmp_path / "parts.py"
    path.write_text(PARTS)
    found: dict[str, Any] = describe(f"{path}:{name}")[0]
    return found


def test_parts_read_as_tables(tmp_path: Path) -> None:
    defaults = {
        field["name"]: field["default"] for field in described(tmp_path, "Method")["fields"]
    }
    assert defaults == {
        "objective": {"name": "gradient", "distance": "mse"},
        "network": {"name": "convnet", "depth": 2, "width": 8},
        "several": [{"name": "gradient", "distance": "cosine"}, "named"],
        "renamed": {"name": "trained-on-synthetic", "outer": 2},
        "unknown": "cpu",
        "plain": [1, 2],
        "made": [3],
        "chosen": "bf16",
    }


def test_constants_are_read_by_name(tmp_path: Path) -> None:
    (chosen,) = (
        field for field in described(tmp_path, "Method")["fields"] if field["name"] == "chosen"
    )
    assert chosen["default"] == "bf16" and chosen["values"] == ["fp32", "tf32", "bf16", "auto"]


def test_types_are_those_of_people(tmp_path: Path) -> None:
    types = {field["name"]: field["type"] for field in described(tmp_path, "Method")["fields"]}
    assert (
        types["objective"] == "objective"
        and types["chosen"] == "str"
        and types["made"] == "list[int]"
    )


def test_a_field_that_must_be_given_has_no_default(tmp_path: Path) -> None:
    found = described(tmp_path, "Needy")
    assert found["fields"] == [{"name": "wanted", "type": "int"}]
    assert found["summary"] == "Parts.", "the signature that dataclasses write is no docstring"


def test_every_nested_default_of_the_house_is_readable_and_true() -> None:
    """What is shown builds the very part that the method has by default."""
    from condensers.registry.registry import PARTS as KINDS

    nested = 0
    for name in METHODS.entries():
        made = create_condenser(name)
        for field in METHODS.describe(name)["fields"]:
            if isinstance(field["default"], dict) and field.get("part") in KINDS:
                nested += 1
                assert KINDS[field["part"]].create(field["default"]) == getattr(made, field["name"])
    assert nested or not [n for n in METHODS.entries() if n in ("tesla", "kip", "idc")]
