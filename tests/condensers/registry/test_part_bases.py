"""Every kind of part has an abstract base class, and what does not keep to it is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor, nn

from condensers.errors import UsageError
from condensers.parts.objectives.base import Pair, PairwiseObjective
from condensers.registry.registry import METHODS, PARTS, SELECTIONS, create_condenser

REGISTRIES = [METHODS, SELECTIONS, *PARTS.values()]
EVERY = [(registry, name) for registry in REGISTRIES for name in registry.builtin]

FILE = """
from dataclasses import dataclass
from typing import ClassVar

from condensers.hyperparameters import hyper
from condensers.parts.objectives.base import PairwiseObjective, StatisticsObjective
from condensers.parts.model_schedules.base import ModelSchedule


@dataclass(frozen=True)
class Whole(PairwiseObjective):
    couples_classes: ClassVar[bool] = False

    def loss(self, network, pairs):
        return sum((pair.real.mean() - pair.synthetic.mean()) ** 2 for pair in pairs)


@dataclass(frozen=True)
class Forgetful(StatisticsObjective):
    couples_classes: ClassVar[bool] = False

    def loss_against(self, network, statistics, pairs):
        return pairs[0].synthetic.sum()


@dataclass(frozen=True)
class Alone:
    couples_classes: ClassVar[bool] = False

    def loss(self, network, pairs):
        return pairs[0].synthetic.sum()


@dataclass(frozen=True)
class NeverBegins(ModelSchedule):
    couples_classes: ClassVar[bool] = False
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


@pytest.mark.parametrize(("registry", "name"), EVERY, ids=[f"{r.plural}-{n}" for r, n in EVERY])
def test_every_part_keeps_to_its_base_class(registry: Any, name: str) -> None:
    assert registry.base
    assert registry.lacks(registry.load(name)) == ""


def test_a_part_that_gives_the_abstract_members_is_taken(file: Path) -> None:
    made = create_condenser({"name": "dm", "objective": f"{file}:Whole"})
    assert isinstance(made.objective, PairwiseObjective)
    assert not made.objective.batches_classes


@pytest.mark.parametrize(
    ("field", "name", "why"),
    [
        ("objective", "Forgetful", r"it lacks 'statistics'"),
        ("model_schedule", "NeverBegins", r"it lacks 'begin'"),
        ("objective", "Alone", r"it does not derive from condensers.parts.objectives.base.Obje"),
        ("view", "Whole", r"it does not derive from condensers.parts.views.base.View"),
    ],
)
def test_what_lacks_a_member_or_the_base_is_refused(
    file: Path, field: str, name: str, why: str
) -> None:
    with pytest.raises(UsageError, match=rf"mine.py:{name}: cannot be used \({why}"):
        create_condenser({"name": "dm", field: f"{file}:{name}"})


def test_an_object_of_another_kind_is_refused() -> None:
    @dataclass(frozen=True)
    class Mine(PairwiseObjective):
        couples_classes = False

        def loss(self, network: nn.Module, pairs: Sequence[Pair]) -> Tensor:
            return pairs[0].synthetic.sum()

    with pytest.raises(UsageError, match=r"dm.sampler: Mine is no sampler: it does not derive"):
        create_condenser({"name": "dm", "sampler": Mine()})
