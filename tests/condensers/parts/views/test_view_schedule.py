"""A scheduled view is seen when, as strongly and by what it says, or is refused."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor, nn

from condensers.composition.matching_loop import CondensationLoop
from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted, UsageError
from condensers.parts.model_schedules import queue, trained_on_real, training_steps
from condensers.parts.objectives.kernel_regression import KernelRegression
from condensers.parts.objectives.mean_embedding import MeanEmbedding
from condensers.parts.views.base import apply_view
from condensers.parts.views.filling import fill_masked
from condensers.registry.registry import METHODS, VIEWS, create_condenser
from condensers.sets.synthetic_set import Budget

Tiny = Callable[[str], dict[str, Any]]
SMALL = {"name": "convnet", "depth": 1, "width": 4}
ALL = 64  # more images than a class has: a batch is the class


@pytest.fixture
def covering(grey8: ClassData, tmp_path: Path) -> dict[str, Any]:
    """A view under which every image is black."""
    numpy.save(tmp_path / "none.npy", numpy.zeros((len(grey8.images), 8, 8), numpy.uint8))
    return {"name": "mask", "file": str(tmp_path / "none.npy"), "fill": "black"}


def scheduled(view: Any, **settings: Any) -> dict[str, Any]:
    return {"name": "view-schedule", "view": view, **settings}


def begin(spec: dict[str, Any], data: ClassData, view: Any) -> CondensationLoop:
    method = create_condenser(spec | {"augmentation": "none", "view": view})
    loop: CondensationLoop = method.begin(data, 2, Context(seed=1))
    return loop


def strength_of(images: Tensor, data: ClassData, whole: Tensor) -> float:
    """How black the class is that is seen, where a view of all strength makes it black."""
    black = data.normalise(torch.zeros_like(data.images[:1])).mean()
    bright = data.normalise(data.images[whole]).mean()
    return float((bright - images.mean()) / (bright - black))


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, [1, 1, 1, 1]),
        ({"until": 0.5}, [1, 1, 0, 0]),
        ({"anneal": "linear"}, [1, 0.75, 0.5, 0.25]),
        ({"anneal": "cosine"}, [1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2]),
        ({"anneal": "linear", "until": 0.5}, [1, 0.5, 0, 0]),
        ({"anneal": "cosine", "until": 0.5}, [1, 0.5, 0, 0]),
    ],
    ids=str,
)
def test_each_step_matches_images_as_strong_as_it_says(
    settings: dict[str, Any],
    wanted: list[float],
    grey8: ClassData,
    covering: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[float] = []
    statistics = MeanEmbedding.statistics

    def noting(self: MeanEmbedding, network: nn.Module, pairs: Any) -> list[Tensor]:
        seen.append(strength_of(pairs[0].real, grey8, grey8.members(pairs[0].label)))
        return statistics(self, network, pairs)

    monkeypatch.setattr(MeanEmbedding, "statistics", noting)
    spec = {"name": "dm", "iterations": 4, "batch_real": ALL, "network": SMALL}
    loop = begin(spec, grey8, scheduled(covering, **settings))
    for step in range(4):
        loop.step(step)
    assert seen == pytest.approx(wanted, abs=0.01)


def test_a_faded_view_is_the_view_of_faded_masks(grey8: ClassData, tmp_path: Path) -> None:
    masks = torch.rand(len(grey8.images), 8, 8, generator=torch.Generator().manual_seed(1))
    numpy.save(tmp_path / "masks.npy", masks.numpy())
    view = {"name": "mask", "file": str(tmp_path / "masks.npy")}
    seen = apply_view(VIEWS.create(scheduled(view, anneal="linear")), grey8, Context())
    fill = 255 * torch.tensor(grey8.mean).view(1, -1, 1, 1)
    for strength in (1.0, 0.6, 0.2, 0.0):
        assert seen.blend is not None
        seen.blend.set(strength)
        wanted = fill_masked(grey8.images, 1 - strength * (1 - masks), fill)
        assert int((seen.data.images.int() - wanted.int()).abs().max()) <= 1  # rounded twice


@pytest.mark.parametrize("name", ["dm", "dc", "idc", "kip"])
def test_a_schedule_that_changes_nothing_is_the_view_itself(
    name: str, grey8: ClassData, tiny: Tiny
) -> None:
    view = {"name": "attention", "epochs": 1, "most_steps": 2, "fill": "noise", "rate": 0.5}
    made = [
        create_condenser(tiny(name) | {"view": one}).condense(grey8, Budget(ipc=1), Context(seed=2))
        for one in (view, scheduled(view))
    ]
    assert made[0].card["view"] == made[1].card["view"]
    for key, tensor in made[0].tensors.items():
        assert torch.equal(tensor, made[1].tensors[key])


# These have experts or networks trained first, or are another method with a view.
TRAINED_FIRST = {"mtt", "tesla", "datm", "pad", "haba", "ncfm", "sre2l", "cda", "g-vbsm"}
APART = TRAINED_FIRST | {"masked-dc", "masked-dsa"}


@pytest.mark.parametrize("name", sorted({*METHODS.entries()} - APART))
def test_every_method_follows_a_view_that_ends(
    name: str, grey8: ClassData, covering: dict[str, Any], tiny: Tiny
) -> None:
    """The same as under the view until it ends, and not the same from then on."""
    spec = tiny(name) | {"init": "noise", "stop": "never"}
    spec["iterations"] = 4 // create_condenser(spec | {"iterations": 1}).steps(2)
    static, ending = (
        begin(spec, grey8, view) for view in (covering, scheduled(covering, until=0.25))
    )
    last = static.steps // 4
    for step in range(static.steps):
        if step == last:
            assert_equal(static, ending, True)
        for loop in (static, ending):
            loop.step(step)
    assert_equal(static, ending, False)


def assert_equal(one: CondensationLoop, other: CondensationLoop, wanted: bool) -> None:
    found = other.set.tensors()
    assert all(torch.equal(each, found[name]) for name, each in one.set.tensors().items()) is wanted


@pytest.mark.parametrize("seen_by", ["all", "matching"])
@pytest.mark.parametrize(
    ("name", "place"), [("idc", trained_on_real), ("idm", queue)], ids=["idc", "idm"]
)
def test_networks_train_on_whole_images_if_matching_alone_sees_the_view(
    name: str,
    place: Any,
    seen_by: str,
    grey8: ClassData,
    covering: dict[str, Any],
    tiny: Tiny,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trained: list[bool] = []
    train_step = training_steps.train_step

    def noting(network: nn.Module, optimiser: Any, images: Tensor, labels: Tensor) -> Tensor:
        trained.append(float(images.std()) < 1e-6)
        return train_step(network, optimiser, images, labels)

    monkeypatch.setattr(place, "train_step", noting)
    network = SMALL | {"norm": "batch"}
    frozen = note_frozen(monkeypatch)
    loop = begin(tiny(name) | {"network": network}, grey8, scheduled(covering, seen_by=seen_by))
    start = loop.set.images()
    for step in range(loop.steps):
        loop.step(step)
    assert len(trained) > 1
    assert set(trained) == {seen_by == "all"}
    assert (float(start.detach().std()) < 1e-6) is (seen_by == "all")
    assert set(frozen) <= {True}, "batch norms take their statistics from what is matched"
    assert bool(frozen) is (name == "idc")
    label = grey8.classes[0]
    matched = loop.sampler.batch(label, ALL, 0, None)
    assert float(matched.std()) < 1e-6


def note_frozen(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the images are black that batch norms take their statistics from."""
    found: list[bool] = []
    freeze = training_steps.freeze_batch_norm

    def noting(network: nn.Module, images: Tensor) -> None:
        found.append(float(images.std()) < 1e-6)
        freeze(network, images)

    monkeypatch.setattr(training_steps, "freeze_batch_norm", noting)
    return found


def test_an_objective_of_the_whole_set_reads_what_is_matched(
    grey8: ClassData, covering: dict[str, Any], tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []
    loss = KernelRegression.loss

    def noting(self: KernelRegression, given: Any, whole: Any) -> Tensor:
        seen.append(float(whole.real.max() - whole.real.min()))
        return loss(self, given, whole)

    monkeypatch.setattr(KernelRegression, "loss", noting)
    view = scheduled(covering, seen_by="matching", until=0.5)
    loop = begin(tiny("kip") | {"iterations": 4}, grey8, view)
    for step in range(4):
        loop.step(step)
    assert [one > 0 for one in seen] == [False, False, True, True]
    assert torch.equal(loop.setting.data.images, grey8.images)


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        ({"name": "cached", "networks": 2}, [0, 1, 3, 4]),
        ({"name": "cached", "networks": 2, "real": "batch"}, [0, 1, 3, 4]),
        ({"name": "fresh", "reuse": 4}, [0, 3, 4]),
    ],
    ids=str,
)
def test_statistics_are_read_again_once_the_view_has_ended(
    schedule: dict[str, Any],
    wanted: list[int],
    grey8: ClassData,
    covering: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: dict[int, float] = {}
    statistics, step = MeanEmbedding.statistics, 0

    def noting(self: MeanEmbedding, network: nn.Module, pairs: Any) -> list[Tensor]:
        read[step] = float(pairs[0].real.std())
        return statistics(self, network, pairs)

    monkeypatch.setattr(MeanEmbedding, "statistics", noting)
    spec = {"name": "dm", "iterations": 6, "batch_real": ALL, "network": SMALL}
    loop = begin(spec | {"model_schedule": schedule}, grey8, scheduled(covering, until=0.5))
    for step in range(6):
        loop.step(step)
    assert sorted(read) == wanted
    assert [read[one] > 1e-6 for one in wanted] == [one >= 3 for one in wanted]


def test_an_estimate_counts_statistics_that_are_read_twice(grey8: ClassData, tiny: Tiny) -> None:
    schedule = {"name": "cached", "networks": 3}
    view = {"name": "attention", "epochs": 1, "network": SMALL}
    first, ending = (
        create_condenser(tiny("dm") | {"model_schedule": schedule, "view": one}).image_passes(
            grey8, 2
        )
        for one in (view, scheduled(view, until=0.5))
    )
    assert ending[0][1] - first[0][1] == pytest.approx(3 * len(grey8.images) / 3)
    assert ending[1:] == first[1:]


CASES = [
    ("dm", {"anneal": "cosine", "until": 0.8}, {"labels": {"name": "teacher", "epochs": 1}}),
    ("dm", {"until": 0.5}, {"model_schedule": {"name": "cached", "networks": 2}}),
    ("dm", {"anneal": "linear"}, {"sampler": {"name": "k-means", "interval": 2}}),
    ("idc", {"anneal": "linear", "seen_by": "matching"}, {}),
]


@pytest.mark.parametrize(
    ("name", "settings", "more"), CASES, ids=["dm", "cached", "k-means", "idc"]
)
def test_a_run_taken_up_again_sees_what_it_would_have_seen(
    name: str,
    settings: dict[str, Any],
    more: dict[str, Any],
    grey8: ClassData,
    covering: dict[str, Any],
    tiny: Tiny,
    tmp_path: Path,
) -> None:
    spec = tiny(name) | {"view": scheduled(covering, **settings)} | more
    spec["iterations"] = 4 // create_condenser(spec | {"iterations": 1}).steps(2)
    method = create_condenser(spec)
    wanted = method.condense(grey8, Budget(ipc=2), Context(seed=3)).tensors
    static = create_condenser(spec | {"view": covering})
    other = static.condense(grey8, Budget(ipc=2), Context(seed=3)).tensors
    assert not all(torch.equal(wanted[key], other[key]) for key in wanted)
    for stop in (2, 3):
        seen: list[int] = []
        context = stopping(name, stop, tmp_path / f"{stop}", seen)
        with pytest.raises(Interrupted):
            method.condense(grey8, Budget(ipc=2), context)
        assert seen == list(range(1, stop + 1))
        found = method.condense(grey8, Budget(ipc=2), Context(seed=3, folder=context.folder))
        assert all(torch.equal(wanted[key], found.tensors[key]) for key in wanted)


def stopping(name: str, steps: int, folder: Path, seen: list[int]) -> Context:
    """Stops after so many steps of `name`, which `seen` hears of."""

    def hear(progress: Progress) -> None:
        if progress.name == name:
            seen.append(progress.done)

    return Context(3, folder=folder, progress=hear, stop=lambda: len(seen) == steps)


MIX = {"name": "semantic-mix", "source": "attention"}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"view": scheduled("attention", until=0)}, "until: 0 leaves no step to the view"),
        ({"view": scheduled("attention", until=1.5)}, r"until: 1.5 is above 1"),
        ({"view": scheduled("attention", anneal="log")}, "'log' is not one of none, linear"),
        ({"view": scheduled("identity")}, "view: identity changes no images itself"),
        ({"view": scheduled(scheduled("attention"))}, "view: view-schedule changes no images"),
        (
            {"view": scheduled(MIX | {"kind": "crop"}, anneal="linear")},
            "anneal: an image of view semantic-mix mixed with the whole one shows both at once",
        ),
        ({"view": scheduled(MIX | {"kind": "cutmix"}, anneal="cosine")}, "shows both at once"),
        (
            {
                "view": scheduled("attention", anneal="linear"),
                "model_schedule": {"name": "cached", "real": "batch"},
            },
            "view.anneal: model schedule cached reads the real images once for each network",
        ),
        (
            {"name": "mtt", "view": scheduled("attention", seen_by="matching")},
            "view.seen_by: objective trajectory matches no real images",
        ),
        (
            {"name": "mtt", "view": scheduled("attention", until=0.5)},
            "before the first step alone.* take until 1 and anneal none$",
        ),
        (
            {
                "view": scheduled("attention", anneal="cosine"),
                "model_schedule": "experts",
            },
            "before the first step alone.* anneal none, or seen_by 'matching'$",
        ),
        (
            {"view": {"name": "background", "seed": scheduled("attention")}},
            "view.seed: view view-schedule gives no masks",
        ),
    ],
    ids=lambda one: "" if isinstance(one, dict) else one[:40],
)
def test_what_cannot_be_is_refused_in_a_sentence(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as refusal:
        create_condenser({"name": "dm"} | settings)
    assert "\n" not in str(refusal.value)


def test_what_can_be_is_taken() -> None:
    for view in (
        scheduled(MIX | {"kind": "paste"}, anneal="linear"),
        scheduled(MIX | {"kind": "crop"}, until=0.5),
        scheduled({"name": "background", "seed": "attention"}, anneal="cosine"),
    ):
        create_condenser({"name": "dm", "view": view})
    view = scheduled("attention", until=0.5, seen_by="matching")
    create_condenser({"name": "dm", "view": view, "model_schedule": "experts"})
    create_condenser({"name": "mtt", "view": scheduled("attention")})
