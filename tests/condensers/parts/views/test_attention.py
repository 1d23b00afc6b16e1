"""Attention: the map is the published equation in plain loops, zero scores show what the normalised
form mends, and maps are made once for equal data, settings and seed.
"""

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.views import masking
from condensers.parts.views.attention import AttentionMask, ScoreMapSpec, attention_map
from condensers.registry.registry import VIEWS, create_condenser
from condensers.sets.synthetic_set import Budget, SyntheticSet
from condensers.training.classifier import Training, train_fresh
from condensers.training.losses import loss_of

SMALL = {"name": "convnet", "depth": 1, "width": 8}
VIEW = {"name": "attention", "epochs": 2, "network": SMALL}
ALGORITHMS = [
    VIEW,
    {"name": "saliency", "epochs": 2, "network": SMALL},
    {
        "name": "saliency",
        "algorithm": "integrated-gradients",
        "epochs": 2,
        "network": SMALL,
        "steps": 2,
    },
]
Tiny = Callable[[str], dict[str, Any]]


@pytest.mark.parametrize("form", ["published", "normalised"])
def test_the_map_is_the_equation(form: str, generator: torch.Generator) -> None:
    scores = 3 * torch.randn((2, 4, 3, 5), generator=generator)
    found = attention_map(scores, form)
    for n in range(2):
        for y in range(3):
            for x in range(5):
                total = sum(math.exp(float(scores[n, k, y, x])) for k in range(4)) / (
                    1 if form == "published" else 4
                )
                assert float(found[n, y, x]) == pytest.approx(
                    1 / (1 + math.exp(-math.log(total))), abs=1e-6
                )


def test_ten_zero_scores_say_nothing_and_only_the_normalised_form_knows() -> None:
    zeros = torch.zeros(1, 10, 2, 2)
    assert torch.allclose(attention_map(zeros, "published"), torch.full((1, 2, 2), 10 / 11))
    assert torch.allclose(attention_map(zeros, "normalised"), torch.full((1, 2, 2), 0.5))
    assert torch.allclose(
        attention_map(torch.zeros(1, 200, 2, 2), "normalised"), torch.full((1, 2, 2), 0.5)
    )


def test_a_logit_is_the_smooth_maximum_of_the_scores(
    grey8: ClassData, generator: torch.Generator
) -> None:
    network: Any = networks.build(ScoreMapSpec(SMALL, None, "none"), (1, 8, 8), 10, generator)
    images = grey8.normalise(grey8.images[:3])
    with torch.no_grad():
        scores, logits = network.scores(images), network(images)
    assert scores.shape == (3, 10, 8, 8)
    wanted = [
        2 * math.log(sum(math.exp(float(s) / 2) for s in scores[1, k].flatten()) / 64)
        for k in range(10)
    ]
    assert logits[1].tolist() == pytest.approx(wanted, abs=1e-5)


def test_the_binary_loss_is_the_mean_over_classes_of_each_alone() -> None:
    logits, labels = torch.tensor([[1.0, -2.0, 0.5]]), torch.tensor([2])
    wanted = [
        math.log(1 + math.exp(1.0)),
        math.log(1 + math.exp(-2.0)),
        math.log(1 + math.exp(-0.5)),
    ]
    assert float(loss_of(logits, labels, "binary")) == pytest.approx(sum(wanted) / 3, abs=1e-6)


@pytest.mark.parametrize("spec", ALGORITHMS)
def test_equal_runs_make_their_maps_once(
    spec: dict[str, Any], grey8: ClassData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = VIEWS.create(spec)
    first = view.masks(grey8, Context(seed=1, cache=tmp_path))
    assert torch.equal(first, view.masks(grey8, Context(seed=1))), "what is kept is what is made"
    assert not torch.equal(first, view.masks(grey8, Context(seed=2, cache=tmp_path)))

    def refuse(*_: Any) -> None:
        raise AssertionError("a network is trained again")

    for module in ("condensers.parts.views.attention", "condensers.parts.views.saliency"):
        monkeypatch.setattr(f"{module}.train_fresh", refuse)
    assert torch.equal(first, view.masks(grey8, Context(seed=1, cache=tmp_path)))
    harder = VIEWS.create(spec | {"softness": 0.0, "fill": "blur", "rate": 0.5})
    assert set(harder.masks(grey8, Context(seed=1, cache=tmp_path)).unique().tolist()) <= {0, 255}
    with pytest.raises(AssertionError, match="trained again"):
        VIEWS.create(spec | {"epochs": 3}).masks(grey8, Context(seed=1, cache=tmp_path))


@pytest.mark.parametrize("spec", ALGORITHMS)
@pytest.mark.parametrize("classes", [[7, 2], [4]])
def test_some_classes_alone(spec: dict[str, Any], classes: list[int], grey8: ClassData) -> None:
    part = grey8.restrict(classes)
    view = VIEWS.create(spec)
    masks = view.masks(part, Context())
    assert (masks.shape, masks.dtype) == ((20 * len(classes), 8, 8), torch.uint8)
    assert masks.float().std() > 0
    seen = view.apply(part, Context())
    assert torch.equal(seen.labels, part.labels)
    assert not torch.equal(seen.images, part.images)


@pytest.mark.parametrize("name", ["attention", "saliency"])
def test_masks_of_ones_change_no_byte_of_a_run(name: str, grey8: ClassData, tiny: Tiny) -> None:
    """A threshold of zero keeps everything."""

    def run(view: object) -> SyntheticSet:
        made: SyntheticSet = create_condenser(tiny("dm") | {"view": view}).condense(
            grey8, Budget(ipc=2), Context(seed=3)
        )
        return made

    plain = run("identity").tensors["images"]
    view = {"name": name, "epochs": 1, "network": SMALL, "softness": 0.0, "threshold": 0.0}
    assert torch.equal(plain, run(view).tensors["images"])
    assert not torch.equal(plain, run(view | {"threshold": 0.9}).tensors["images"])


def test_the_rate_is_the_share_of_each_class(grey8: ClassData, tmp_path: Path) -> None:
    spec = VIEW | {"rate": 0.25, "softness": 0.0, "threshold": 1.0, "fill": "black"}
    seen = VIEWS.create(spec).apply(grey8, Context(cache=tmp_path))
    blackened = (seen.images != grey8.images).flatten(1).any(1)
    assert [int(blackened[grey8.members(c)].sum()) for c in grey8.classes] == [5] * 10
    assert torch.equal(
        VIEWS.create(spec | {"rate": 0.0}).apply(grey8, Context(cache=tmp_path)).images,
        grey8.images,
    )


def test_uninformed_maps_keep_everything() -> None:
    assert torch.equal(masking.relative(torch.zeros(1, 2, 2)), torch.ones(1, 2, 2))
    assert masking.relative(torch.tensor([[[-1.0, 2.0], [4.0, 0.0]]])).tolist() == [
        [[0.0, 0.5], [1.0, 0.0]]
    ]


def test_what_cannot_be_is_refused(grey8: ClassData) -> None:
    with pytest.raises(UsageError, match=r"view attention.rate: 1.5 is above 1"):
        AttentionMask(rate=1.5)
    with pytest.raises(UsageError, match="no convolutional blocks, and so no map; take convnet"):
        VIEWS.create(VIEW | {"network": "mlp"}).masks(grey8, Context())
    with pytest.raises(UsageError, match="has no block 5 that gives maps; it has 1 of them"):
        VIEWS.create(VIEW | {"block": 5}).masks(grey8, Context())


def test_pretrained_weights_that_cannot_be_had(
    grey8: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: Any, **__: Any) -> None:
        raise URLError("no network")

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", offline)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    with pytest.raises(
        UsageError,
        match=r"weights of ResNet-18 are not in .*; put the file there, or take weights none",
    ):
        VIEWS.create(VIEW | {"weights": "torchvision"}).masks(grey8, Context())


def test_pretrained_weights_are_trained_on(
    grey8: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.models import resnet18

    weights = resnet18().state_dict()
    monkeypatch.setattr(
        "torchvision.models._api.load_state_dict_from_url", lambda *_, **__: weights
    )
    part = grey8.subset(torch.arange(20))
    network: Any = train_fresh(
        ScoreMapSpec(SMALL, None, "torchvision"), part, Training(1, batch=20), Context(), "test"
    )
    assert network.scores(part.normalise(part.images)).shape == (20, 10, 8, 8)
    assert network.trunk.features(part.normalise(part.images))[network.block].shape[-1] == 2, (
        "a quarter of the side"
    )
    assert not torch.equal(network.trunk.blocks[0][0].weight, weights["conv1.weight"])


@pytest.mark.parametrize("name", ["attention", "saliency"])
def test_a_last_batch_of_one_image_is_avoided(name: str, grey8: ClassData) -> None:
    """Three poolings leave one pixel of eight, which has no variance alone."""
    odd = grey8.subset(torch.arange(41))
    network = {"name": "convnet", "width": 4, "norm": "batch"}
    masks = VIEWS.create({"name": name, "epochs": 1, "batch": 20, "network": network}).masks(
        odd, Context()
    )
    assert masks.shape == (41, 8, 8)


def test_a_missing_captum_is_said_with_its_remedy(
    grey8: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(
        UsageError,
        match=r'view saliency needs captum .*; run pip install "condensation-harness\[views\]"',
    ):
        VIEWS.create({"name": "saliency"}).masks(grey8, Context())
