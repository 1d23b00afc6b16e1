"""Refined sets: bytes, files, resuming, cutting and merging; behind files, tiles and pixels, behind
what is learned and behind real images, grey and in colour.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted, UsageError
from condensers.parts.parameterisations.refined import Refined
from condensers.parts.refiners.base import as_seen, grey_levels
from condensers.parts.refiners.residual import Residual
from condensers.registry.registry import PARAMETERISATIONS, create_condenser
from condensers.sets.files import load_set, save_set
from condensers.sets.merging import merge, restrict
from condensers.sets.synthetic_set import Budget, SyntheticSet
from tests.condensers.parts.parameterisations.test_jpeg import SPEC, data_of

REFINER = {
    "name": "residual",
    "width": 3,
    "steps": 6,
    "feature_steps": 3,
    "feature_width": 4,
    "batch": 8,
}
JPEG, TILES = {"name": "jpeg", "quality": 20}, {"name": "tiles", "factor": 2}
TRANSFORM = {"name": "transform", "step": 0.3, "surplus": 1.2}
RECODED = JPEG | {"coder": "range"}
RATE = {"regularisers": ["rate"]}
SHAPES = [(1, 24, 24), (3, 24, 24)]


def learned(inside: Any, **refiner: Any) -> dict[str, Any]:
    part = {"name": "refined", "inside": inside, "refiner": REFINER | refiner, "images": 9}
    return SPEC | {"parameterisation": part}


def made_of(spec: dict[str, Any], shape: tuple[int, int, int], seed: int = 1) -> SyntheticSet:
    data, method = data_of(shape), create_condenser(spec)
    made = method.condense(data, Budget(ipc=2), Context(seed=seed))
    images, labels = made.decode()
    each = method.images_per_class(data, 2)
    assert made.nbytes <= method.nbytes(data, 2)
    assert (len(images), len(labels)) == (3 * each, 3 * each)
    assert made.card["images_per_class"] == each
    assert made.card["couples_classes"] is True
    return made


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "spec",
    [
        learned(JPEG),
        learned(TILES),
        learned("pixels", rate=0.1),
        learned(TRANSFORM, rate=0.1) | RATE,
        learned(RECODED) | RATE,
        {"name": "real-jpeg", "quality": 20, "refiner": REFINER},
        {"name": "real-tiles", "factor": 2, "refiner": REFINER},
    ],
    ids=["jpeg", "tiles", "pixels", "transform", "recoded", "real-jpeg", "real-tiles"],
)
def test_sets_are_the_same_when_loaded(
    spec: dict[str, Any], shape: tuple[int, int, int], tmp_path: Path
) -> None:
    made = made_of(spec, shape)
    save_set(made, tmp_path / "set.safetensors")
    back = load_set(tmp_path / "set.safetensors")
    assert torch.equal(back.decode()[0], made.decode()[0])
    # By hand: what is inside, as grey levels, through the stored whole numbers.
    part = PARAMETERISATIONS.create(made.card["parameterisation"])
    card, own = made.card, {n: t for n, t in made.tensors.items() if n.startswith("refiner.")}
    assert sum(t.numel() * t.element_size() for t in own.values()) == part.refiner.nbytes(shape[0])
    inside = {n: t for n, t in made.tensors.items() if n not in own and n != "labels"}
    plain = part.inside.unpack(inside, card["mean"], card["std"], shape)
    weights = part.refiner.unpack({n.split(".")[1]: t for n, t in own.items()}, shape[0])
    levels = part.refiner.refine(grey_levels(plain, card["mean"], card["std"]), weights)
    assert torch.equal(back.decode()[0], as_seen(levels, card["mean"], card["std"]))
    few = restrict(made, [0, 2])
    each = made.card["images_per_class"]
    assert torch.equal(few.decode()[0][each:], made.decode()[0][2 * each :])


@pytest.mark.parametrize("shape", SHAPES)
def test_it_takes_its_bytes_from_those_of_files(shape: tuple[int, int, int]) -> None:
    data, own = data_of(shape), Residual(width=3).nbytes(shape[0])
    for with_it, without in (
        (learned(JPEG), SPEC),
        ({"name": "real-jpeg", "quality": 20, "refiner": REFINER}, {"name": "real-jpeg"}),
    ):
        ours, theirs = create_condenser(with_it), create_condenser(without | {})
        for ipc in (2, 4):
            assert ours.nbytes(data, ipc) == theirs.nbytes(data, ipc) or "quality" not in without
            assert ours.nbytes(data, ipc) <= 3 * ipc * (data.images[0].numel() + 1)
    canvases = create_condenser(learned(TILES))
    plain = create_condenser(SPEC | {"parameterisation": TILES})
    assert canvases.nbytes(data, 2) == plain.nbytes(data, 2) + own


@pytest.mark.parametrize("inside", [TRANSFORM, RECODED], ids=["transform", "recoded"])
def test_the_controller_of_the_rate_counts_it(inside: Any) -> None:
    data = data_of((1, 24, 24), each=150)
    part = PARAMETERISATIONS.create(learned(inside)["parameterisation"])
    own, raw = part.refiner.nbytes(1), 3 * 2 * (24 * 24 + 1)
    units = part.units(data, 2)
    assert units == part.inside.units_within(data, raw - own) > 2
    assert part.nbytes(data, 2) == raw - 3 * units
    start = data.normalise(data.images.view(3, -1, 1, 24, 24)[:, :units].flatten(0, 1))
    groups = part.groups(start, data, Context(seed=4))
    bare = {n: t for n, t in groups.items() if "refiner" not in n}
    assert part.count_bytes(groups, data) == part.inside.count_bytes(bare, data) + own
    bits = part.estimate_bits(groups)
    assert bits == part.inside.estimate_bits(bare) + 8 * own
    assert bits.item() / 8 == pytest.approx(part.count_bytes(groups, data), rel=0.15)
    stored = part.pack(part.allot(groups, 2500), data)
    size = sum(t.numel() * t.element_size() for t in stored.values())
    assert 0.8 * 2500 < size <= 2500


def test_decoding_while_learning_is_decoding_what_is_stored() -> None:
    data = data_of((1, 24, 24))
    part = Refined("pixels", Residual(width=3, steps=4, loss="pixels"), 9)  # type: ignore[arg-type]
    part = PARAMETERISATIONS.create(
        {"name": "refined", "inside": "pixels", "refiner": REFINER | {"rate": 1.0}}
    )
    start = data.normalise(data.images[:6])
    groups = part.groups(start, data, Context(seed=4))
    groups["refiner.learned"].requires_grad_()
    images = part.decode(groups, slice(None))
    assert torch.equal(images.detach(), part.decode_stored(part.pack(groups, data), data))
    images.square().sum().backward()
    assert bool(groups["refiner.learned"].grad.ne(0).any())


@pytest.mark.parametrize(
    "spec",
    [learned(JPEG), learned(TILES, rate=0.5), learned(TRANSFORM, rate=0.1) | RATE],
    ids=["still", "moves", "rate"],
)
def test_a_stopped_run_goes_on_to_the_same_bytes(spec: dict[str, Any], tmp_path: Path) -> None:
    data, whole = data_of((1, 24, 24)), made_of(spec, (1, 24, 24))
    for number, (work, step) in enumerate([("refiner", 2), ("refiner's features", 1), ("dm", 2)]):
        stop: list[bool] = []

        def watch(p: Progress, work: str = work, step: int = step, stop: Any = stop) -> None:
            stop.extend([True] * (p.name == work and p.done == step))

        folder = tmp_path / str(number)
        context = Context(1, folder=folder, progress=watch, stop=lambda s=stop: bool(s))  # type: ignore[misc]
        with pytest.raises(Interrupted):
            create_condenser(spec).condense(data, Budget(ipc=2), context)
        made = create_condenser(spec).condense(data, Budget(ipc=2), Context(1, folder=folder))
        assert {n: t.tolist() for n, t in made.tensors.items()} == {
            n: t.tolist() for n, t in whole.tensors.items()
        }


def test_sets_with_refiners_of_their_own_are_not_merged() -> None:
    spec = {"name": "real-tiles", "factor": 2, "refiner": REFINER}
    one = made_of(spec, (1, 24, 24))
    assert len(merge([one, one]).decode()[0]) == 2 * len(one.decode()[0])
    with pytest.raises(UsageError, match="images with refiners of their own"):
        merge([one, made_of(spec, (1, 24, 24), seed=2)])


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ({"name": "refined", "inside": "refined"}, "is refined already"),
        ({"name": "refined", "inside": "compressed"}, "nothing can be learned in it"),
        ({"name": "refined", "refiner": "mine.py:Mine"}, "unknown refiner 'mine.py:Mine'"),
    ],
)
def test_what_cannot_be(part: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        create_condenser(SPEC | {"parameterisation": part}).built  # noqa: B018


def test_a_damaged_refiner_is_refused(tmp_path: Path) -> None:
    made = made_of({"name": "real-tiles", "factor": 2, "refiner": REFINER}, (1, 24, 24))
    for name in ("refiner.weights", "refiner.biases"):
        broken = {**made.tensors, name: made.tensors[name][1:]}
        with pytest.raises(UsageError, match="of its refiner are not"):
            save_set(SyntheticSet(broken, made.card), tmp_path / "set.safetensors")


def test_estimates_count_its_training(grey28: ClassData) -> None:
    with_it, without = create_condenser(learned(JPEG)), create_condenser(SPEC)
    assert len(with_it.image_passes(grey28, 2)) == len(without.image_passes(grey28, 2)) + 1
    for name in ("real-jpeg", "real-tiles"):
        refined = create_condenser({"name": name, "refiner": REFINER})
        assert len(refined.image_passes(grey28, 1)) == 1
