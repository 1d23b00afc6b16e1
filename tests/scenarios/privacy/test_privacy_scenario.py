"""The scenario: copies are found, noise is not, an overfitted network is, and a stopped run goes on
where it was.
"""

import base64
import io
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from PIL import Image

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import Interrupted, UsageError
from condensers.registry.registry import create_condenser
from condensers.selections.base import RandomSelection
from condensers.sets.synthetic_set import Budget, SyntheticSet
from harness.statistics.intervals import interval
from harness.suite import plan
from harness.suite.definition import parse
from harness.suite.estimate import estimate
from scenarios.protocol import CondensationRequest, Outcome, Reference, Splits
from scenarios.registry import SCENARIOS

SMALL = {"name": "convnet", "depth": 1, "width": 8}
TINY = {
    "name": "privacy",
    "shadows": 6,
    "epochs": 4,
    "full_epochs": 4,
    "network": SMALL,
    "shown": 3,
}
ATTACKS = ("lira", "loss", "nearest-pixels")


@dataclass(frozen=True)
class Noise(RandomSelection):
    """A set that knows nothing of the images: even noise, under their labels."""

    registered = "noise"

    def condense(self, data: ClassData, budget: Budget, context: Context) -> SyntheticSet:
        made = super().condense(data, budget, context)
        noise = torch.randint(0, 256, made.tensors["images"].shape, generator=context.generator).to(
            torch.uint8
        )
        return replace(made, tensors={**made.tensors, "images": noise})


def recipe(ipc: int, condenser: Any = None) -> CondensationRequest:
    return CondensationRequest(condenser or create_condenser("random"), Budget(ipc=ipc))


def values(outcome: Outcome, metric: str) -> list[float]:
    (found,) = (m for m in outcome.measurements if m.metric == metric)
    assert list(found.repeats) == [{"target": t} for t in range(len(found.values))]
    return list(found.values)


def test_a_set_of_all_its_images_is_found(data: Splits) -> None:
    """Each class has 20 images, so that a set of ten holds a whole half."""
    outcome = SCENARIOS.create(TINY).run(recipe(10), data, Context())
    assert values(outcome, "nearest-pixels-auc") == [1.0] * 6
    assert values(outcome, "nearest-pixels-tpr@1 %") == [100.0] * 6
    assert values(outcome, "near-copies") == [100.0] * 6
    assert outcome.detail["said"] == [
        "true positives at 0.1 % false positives need 1,000 non-members, and there are 100"
    ]
    assert not any("0.1 %" in m.metric for m in outcome.measurements)
    assert outcome.costs["images"] == 6 * 4 * 100


def test_a_part_of_the_images_is_found_as_far_as_it_goes(data: Splits) -> None:
    outcome = SCENARIOS.create(TINY | {"embeddings": ["pixels", "untrained", "trained"]}).run(
        recipe(4), data, Context()
    )
    for state in ("pixels", "untrained", "trained"):
        assert all(
            0.4 <= rate / 100 <= 0.6 for rate in values(outcome, f"nearest-{state}-tpr@1 %")
        ), state
    with Image.open(io.BytesIO(base64.b64decode(outcome.detail["pictures"]))) as picture:
        pixels = numpy.array(picture)
    assert pixels.shape[:2] == (2 * 9 + 1, 3 * 9 + 1)
    assert (pixels[1:9] == pixels[10:18]).all(), "a real image's nearest real image is itself"


def test_noise_tells_nothing(data: Splits) -> None:
    outcome = SCENARIOS.create(TINY | {"shadows": 8}).run(recipe(3, Noise()), data, Context())
    for attack in ATTACKS:
        found = interval(values(outcome, f"{attack}-auc"))
        assert found.low is not None and found.high is not None
        assert found.low < 0.5 < found.high, attack
    assert max(values(outcome, "near-copies")) == 0.0


def test_lira_finds_what_an_overfitted_network_saw(generator: torch.Generator) -> None:
    images = torch.randint(0, 256, (120, 1, 8, 8), generator=generator).to(torch.uint8)
    noise = ClassData("noise", images, torch.arange(120) % 3, ("a", "b", "c"), (0.5,), (0.29,))
    scenario = SCENARIOS.create(
        TINY | {"full_epochs": 60, "lr": 0.05, "batch": 20, "network": SMALL | {"width": 16}}
    )
    outcome = scenario.run(Reference("full-data"), Splits(noise, noise, noise), Context())
    assert min(values(outcome, "lira-auc")) > 0.7
    assert min(values(outcome, "loss-auc")) > 0.7
    assert {m.metric for m in outcome.measurements} == {
        "lira-auc", "loss-auc", "half-accuracy",
    }, "no set, so nothing to be near; 60 non-members"  # fmt: skip


def test_a_stopped_run_goes_on_where_it_was(data: Splits, tmp_path: Path) -> None:
    scenario, whole = SCENARIOS.create(TINY), Context(seed=3)
    finished = lambda: sorted(tmp_path.glob("shadow-*/reading.json"))  # noqa: E731
    with pytest.raises(Interrupted):
        scenario.run(
            recipe(2), data, Context(seed=3, folder=tmp_path, stop=lambda: len(finished()) >= 2)
        )
    stamps = {path: path.stat().st_mtime_ns for path in finished()}
    assert len(stamps) == 2
    again = scenario.run(recipe(2), data, Context(seed=3, folder=tmp_path))
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps and len(finished()) == 6
    assert [m.values for m in again.measurements] == [
        m.values for m in scenario.run(recipe(2), data, whole).measurements
    ]


def test_sets_of_the_halves_are_kept_for_the_other_recipe(data: Splits, tmp_path: Path) -> None:
    for augmentation in ("none", "dsa"):
        SCENARIOS.create(TINY | {"augmentation": augmentation}).run(
            recipe(1), data, Context(cache=tmp_path)
        )
    assert len(list(tmp_path.glob("halves/*.safetensors"))) == 6


def test_dp_sgd_is_measured_or_says_why_not(data: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = SCENARIOS.create(TINY | {"full_epochs": 1})
    pytest.importorskip("opacus")
    outcome = scenario.run(Reference("dp-sgd"), data, Context())
    assert len(values(outcome, "lira-auc")) == 6
    assert (outcome.detail["epsilon"], outcome.detail["delta"]) == (8.0, 1e-5)
    monkeypatch.setitem(sys.modules, "opacus.accountants.utils", None)
    skipped = scenario.run(Reference("dp-sgd"), data, Context())
    assert not skipped.measurements
    assert skipped.detail["said"] == [
        'dp-sgd was not measured: dp-sgd needs Opacus; pip install "condensation-harness[privacy]"'
    ]


def test_what_cannot_be_measured_is_refused(data: Splits, synthetic: SyntheticSet) -> None:
    with pytest.raises(UsageError, match="needs a condenser and its budget"):
        SCENARIOS.create(TINY).run(synthetic, data, Context())
    with pytest.raises(UsageError, match="7 is odd, and shadows come in pairs; take 8"):
        SCENARIOS.create(TINY | {"shadows": 7})
    with pytest.raises(UsageError, match="'colour' is not one of pixels, trained, untrained"):
        SCENARIOS.create(TINY | {"embeddings": ["colour"]})


def test_a_suite_makes_no_sets_for_it_and_counts_those_that_it_makes(grey8: ClassData) -> None:
    tiny = {**TINY, "scenario": "privacy"}
    del tiny["name"]
    table = {
        "data": ["x"],
        "ipc": [1],
        "seeds": 1,
        "condensers": [{"method": "random"}],
        "scenarios": [tiny],
    }
    splits = Splits(grey8, grey8, grey8)
    cells = plan.lay_out(parse(table, "test"), lambda _: splits).cells
    assert [(cell.kind, cell.label) for cell in cells] == [
        ("scenario", "full-data"), ("scenario", "dp-sgd"), ("scenario", "random"),
    ]  # fmt: skip
    scenario = SCENARIOS.create(TINY)
    ((_, passes),) = scenario.image_passes(splits, 10, None)
    assert passes == pytest.approx(6 * (4 * 10 + 200 / 3 + 200 / 3))
    ((_, real),), ((_, private),) = (
        scenario.image_passes(splits, 0, name) for name in ("full-data", "dp-sgd")
    )
    assert real == pytest.approx(6 * (4 * 100 + 200 / 3)) and private > 5 * real
    assert scenario.condensations == 6
    assert all(seconds > 0 for seconds in estimate(cells, {"x": splits}, "cpu").values())
