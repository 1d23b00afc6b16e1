"""Mask quality: the areas are those of plain loops, the true masks beat what means nothing, which
centred masks beat in turn, and a suite measures views without crossing them with its sets.
"""

import base64
import io
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.views.filling import fills
from condensers.sets.synthetic_set import SyntheticSet
from harness.suite import plan
from harness.suite.definition import parse
from scenarios.datasets import load
from scenarios.datasets.textured import true_masks
from scenarios.mask_quality import scenario as mask_quality
from scenarios.mask_quality.curves import (
    draw_uniform_masks,
    make_centre_masks,
    mask_overlap,
    measure_curves,
    pointing_accuracy,
    rank_pixels,
)
from scenarios.protocol import Outcome, Reference, Splits
from scenarios.registry import SCENARIOS

SMALL = {"name": "convnet", "depth": 1, "width": 8}
SEEN = [{"name": name, "epochs": 1, "network": SMALL} for name in ("attention", "saliency")]
TINY = {
    "name": "mask-quality",
    "networks": 2,
    "epochs": 1,
    "measured": 20,
    "steps": 4,
    "network": SMALL,
    "shown": 3,
    "views": SEEN,
}


class Sum(nn.Module):
    """Two classes: the first's logit is the sum of the pixels, the other's is zero."""

    def forward(self, x: Tensor) -> Tensor:
        total = x.flatten(1).sum(1)
        return torch.stack([total, torch.zeros_like(total)], 1)


def test_areas_are_those_of_plain_loops(
    make_data: Callable[..., ClassData], generator: torch.Generator
) -> None:
    data = make_data((1, 4, 4), 2, 3)
    masks = torch.randperm(96, generator=generator).view(6, 4, 4).to(torch.uint8)
    found = measure_curves(Sum(), data, rank_pixels(masks, generator), 4, Context())
    blurred, mean = (
        fills("blur", data, masks, generator),
        torch.full((1, 4, 4), 255 * 0.5).round().to(torch.uint8),
    )
    for kind, wanted in zip(("deletion", "insertion"), found, strict=True):
        means = []
        for taken in (0, 4, 8, 12, 16):
            total = 0.0
            for n in range(6):
                image = data.images[n].clone() if kind == "deletion" else blurred[n].clone()
                order = sorted(range(16), key=lambda p, n=n: -int(masks[n, p // 4, p % 4]))  # type: ignore[misc]
                for p in order[:taken]:
                    image[0, p // 4, p % 4] = (mean if kind == "deletion" else data.images[n])[
                        0, p // 4, p % 4
                    ]
                p0 = torch.sigmoid(data.normalise(image[None]).sum())
                total += float(p0 if data.labels[n] == 0 else 1 - p0) / 6
            means.append(total)
        assert wanted == pytest.approx((sum(means) - means[0] / 2 - means[-1] / 2) / 4, abs=1e-5)


def test_pointing_and_overlap_of_known_masks(generator: torch.Generator) -> None:
    truth = torch.zeros(2, 4, 4, dtype=torch.bool)
    truth[:, :2, :2] = True
    masks = truth.to(torch.uint8) * 200
    masks[1] = masks[1].flip(0)
    ranked = rank_pixels(masks, generator)
    assert pointing_accuracy(ranked, truth) == 50.0
    assert mask_overlap(ranked, truth) == 0.5
    half = torch.zeros(1, 4, 4, dtype=torch.uint8)
    half[0, 0] = 255
    assert mask_overlap(rank_pixels(half, generator), truth[:1]) == pytest.approx(2 / 6)


def test_equal_pixels_are_ranked_by_chance(generator: torch.Generator) -> None:
    ranked = rank_pixels(torch.zeros(2, 4, 4, dtype=torch.uint8), generator)
    assert sorted(ranked[0].tolist()) == list(range(16)) and not torch.equal(ranked[0], ranked[1])


@pytest.fixture
def centred() -> ClassData:
    """Two classes of noise with stripes in the middle, across in one and along in the other; a blur
    takes them away.
    """
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(2).repeat(60)
    stripes = 255 * (torch.arange(6) % 2).expand(6, 6)
    images = torch.randint(90, 166, (120, 1, 12, 12), generator=generator)
    images[:, 0, 3:9, 3:9] = torch.where(labels.view(-1, 1, 1) == 0, stripes, stripes.T)
    return ClassData(
        "centred", images.to(torch.uint8), labels, ("along", "across"), (0.5,), (0.29,)
    )


def figure(outcome: Outcome, metric: str) -> float:
    return next(m.values[0] for m in outcome.measurements if m.metric == metric)


def test_masks_that_mean_nothing_are_worse(centred: ClassData) -> None:
    scenario = SCENARIOS.create(
        TINY | {"networks": 1, "epochs": 15, "measured": 60, "batch": 20, "lr": 0.01}
    )
    splits = Splits(centred, centred, centred)
    nothing, middle = (
        scenario.run(Reference(name), splits, Context(seed=0)) for name in ("uniform", "centre")
    )
    assert figure(middle, "insertion-auc") > figure(nothing, "insertion-auc") + 0.05
    assert figure(middle, "deletion-auc") < figure(nothing, "deletion-auc") - 0.05
    assert figure(nothing, "kept") == pytest.approx(50, abs=1)


def test_true_masks_are_best_and_chance_meets_the_digits_by_their_area(
    generator: torch.Generator,
) -> None:
    data = load("mnist-5k-textured").test
    truth = true_masks(data) > 0
    area = float(truth.double().mean())
    scores = {}
    for name, masks in (
        ("true", true_masks(data)),
        ("centre", make_centre_masks(data)),
        ("uniform", draw_uniform_masks(data, generator)),
    ):
        ranked = rank_pixels(masks, generator)
        scores[name] = pointing_accuracy(ranked, truth), mask_overlap(ranked, truth)
    assert scores["true"] == (100.0, 1.0)
    assert scores["uniform"][0] == pytest.approx(100 * area, abs=4)
    assert scores["uniform"] < scores["centre"] < scores["true"]


def test_all_masks_of_a_seed_meet_the_same_classifier(grey8: ClassData, tmp_path: Path) -> None:
    scenario, splits = SCENARIOS.create(TINY), Splits(grey8, grey8, grey8)
    contexts = (Context(seed=0), Context(seed=0, cache=tmp_path), Context(seed=0, cache=tmp_path))
    first, again, third = (
        scenario.run(Reference("uniform"), splits, context).measurements for context in contexts
    )
    assert [m.values for m in first] == [m.values for m in again] == [m.values for m in third]
    scenario.run(Reference("centre"), splits, contexts[1])
    assert len(list(tmp_path.glob("classifiers/*.pt"))) == 2
    assert [m.metric for m in first] == [
        "deletion-auc",
        "insertion-auc",
        "kept",
    ], "grey blobs have no true masks"
    assert len(first[0].values) == 2 and first[0].values[0] != first[0].values[1]


def test_views_are_told_apart_by_what_differs() -> None:
    standard = SCENARIOS.create("mask-quality").references
    known = (
        "attention published",
        "attention normalised",
        "saliency grad-cam",
        "saliency integrated-gradients",
        "background",
    )
    assert standard == ("uniform", "centre", *known)
    assert SCENARIOS.create(TINY).references == ("uniform", "centre", "attention", "saliency")


def test_a_view_is_measured_and_shown(grey8: ClassData, tmp_path: Path) -> None:
    outcome = SCENARIOS.create(TINY).run(
        Reference("saliency"), Splits(grey8, grey8, grey8), Context(cache=tmp_path)
    )
    with Image.open(io.BytesIO(base64.b64decode(outcome.detail["pictures"]))) as picture:
        pixels = torch.from_numpy(numpy.array(picture))
    assert pixels.shape == (3 * 9 + 1, 3 * 9 + 1, 3)
    assert torch.equal(pixels[1:9, 1:9, 0], grey8.images[0, 0])
    assert 0 < figure(outcome, "kept") < 100


@pytest.mark.parametrize("view", ["semantic-mix", "view-schedule"])
def test_a_view_without_masks_of_its_own_is_refused(view: str) -> None:
    with pytest.raises(UsageError, match=f"mask-quality.views: view {view} gives no masks; take"):
        _ = SCENARIOS.create({"name": "mask-quality", "views": [view]}).references


def test_sets_are_neither_taken_nor_laid_out(grey8: ClassData) -> None:
    scenario = SCENARIOS.create(TINY)
    with pytest.raises(
        UsageError,
        match="measures views, not sets; give one of the references uniform, centre, attention",
    ):
        scenario.run(SyntheticSet({}, {}), Splits(grey8, grey8, grey8), Context())
    table = {
        "data": ["x"], "ipc": [1], "seeds": 2, "condensers": [{"method": "random"}],
        "scenarios": [{"scenario": "mask-quality"}, {"scenario": "accuracy", "references": []}],
    }  # fmt: skip
    cells = plan.lay_out(parse(table, "test"), lambda _: Splits(grey8, grey8, grey8)).cells
    measured = [cell.reference for cell in cells if cell.scenario == "mask-quality"]
    assert measured == 2 * list(mask_quality.MaskQuality().references)
    assert sum(cell.scenario == "accuracy" for cell in cells) == 2
