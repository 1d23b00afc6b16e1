"""Memories of fixed size whose images are files: they fill the bytes, and may fall in quality."""

from dataclasses import replace

import pytest
import torch
from helpers.tiny import tiny_spec
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.parameterisations.jpeg.files import WORST, quality_of
from condensers.registry.registry import create_condenser
from condensers.sets.reducing import reencode
from condensers.sets.synthetic_set import Budget, SyntheticSet
from condensers.sets.units import units_of
from scenarios.continual.memory.fixed_size import FixedSize, count_most_images
from scenarios.continual.memory.matching import match
from scenarios.continual.memory.per_experience import PerExperienceCondenser
from scenarios.continual.scenario import Continual
from scenarios.protocol import CondensationRequest, Splits

PARTS = [(0, 1), (2, 3), (4, 5)]
IPC = 2
PHOTOGRAPHS = {"name": "real-jpeg", "quality": 60}
CODED = {"name": "real-transform", "step": 0.2}
LEARNED = {
    "name": "dm",
    "iterations": 1,
    "batch_real": 2,
    "network": {"name": "mlp", "width": 4},
    "parameterisation": {"name": "jpeg", "quality": 60},
}


@pytest.fixture(scope="module")
def data() -> ClassData:
    """Coloured noise, smoother from class to class, so that files of later classes are smaller."""
    generator = torch.Generator().manual_seed(0)
    made = []
    for label in range(6):
        rough = torch.rand(60, 3, 32, 32, generator=generator) * 255
        smooth = torch.nn.functional.avg_pool2d(rough, 2 * label + 1, 1, label)
        steep = 128 + (smooth - 128) * (label + 1)
        made.append(steep.clamp(0, 255).to(torch.uint8))
    return ClassData(
        name="slopes",
        images=torch.cat(made),
        labels=torch.arange(6).repeat_interleave(60),
        class_names=tuple("abcdef"),
        mean=(0.5,) * 3,
        std=(0.2,) * 3,
    )


def grey() -> ClassData:
    """Smooth grey images, of which a coder takes little."""
    generator = torch.Generator().manual_seed(0)
    rough = torch.rand(240, 1, 16, 16, generator=generator) * 255
    smooth = torch.nn.functional.avg_pool2d(rough, 5, 1, 2)
    return ClassData(
        name="clouds",
        images=(128 + (smooth - 128) * 3).clamp(0, 255).to(torch.uint8),
        labels=torch.arange(6).repeat_interleave(40),
        class_names=tuple("abcdef"),
        mean=(0.5,),
        std=(0.2,),
    )


def per_experience(data: ClassData, spec: dict[str, object]) -> PerExperienceCondenser:
    request = CondensationRequest(create_condenser(spec), Budget(ipc=IPC))
    return PerExperienceCondenser(request, data, Context(seed=1))


def pixels(data: ClassData, images: Tensor) -> list[bytes]:
    return [image.numpy().tobytes() for image in data.quantise(images)]


def quality(kept: SyntheticSet) -> int:
    return quality_of(kept.tensors["head"].numpy().tobytes(), kept.card["shape"])


def counts(source: FixedSize) -> dict[int, int]:
    return {c: len(of) for kept in source.sets for c, of in units_of(kept).items()}


@pytest.mark.parametrize("how", ["herding", "random", "first", "re-encode"])
def test_files_fill_the_bytes_of_the_memory(data: ClassData, how: str) -> None:
    """A budget counts the bytes of raw images: the memory has them at every experience."""
    made = per_experience(data, PHOTOGRAPHS)
    source = FixedSize(made, how)
    most = count_most_images(made, PARTS, how)
    whole = 6 * IPC * 3073
    for part in PARTS:
        pieces = source.take(part)
        stored = [tensor for kept in source.sets for tensor in kept.tensors.values()]
        taken = sum(tensor.numel() * tensor.element_size() for tensor in stored)
        assert sum(source.ledger.values()) == taken <= whole
        assert len(source.seen) == 2 or taken > 0.85 * whole
        assert sum(len(piece.labels) for piece in pieces) <= most
        assert len(source.sets) == 1, "what images share is stored once"


@pytest.mark.parametrize("how", ["random", "re-encode"])
def test_coded_images_fill_the_bytes_of_the_memory(how: str) -> None:
    """Coded images are one stream; coded again, more of them stay than are left otherwise."""
    data = grey()
    source = FixedSize(per_experience(data, CODED), how)
    whole, held = 6 * IPC * 257, []
    for part in PARTS:
        source.take(part)
        assert 0.85 * whole < sum(source.ledger.values()) <= whole
        assert len(source.sets) == 1 and "stream" in source.sets[0].tensors
        held.append(counts(source))
    assert len(held[-1]) == 6
    assert (held[1][0] == held[0][0]) == (how == "re-encode"), "no image was left out, or some were"


@pytest.mark.parametrize(
    "spec",
    [
        CODED,
        {"name": "real-transform"},
        {"name": "real-transform", "choose": "k-means"},
        LEARNED | {"parameterisation": {"name": "transform", "step": 0.2}},
        LEARNED | {"parameterisation": "transform"},
    ],
)
def test_new_images_are_coded_so_that_as_many_fit_as_of_an_old_class(
    spec: dict[str, object],
) -> None:
    """Whether the step is given, or chosen by held-out images."""
    data, condenser = grey(), create_condenser(spec)
    held = per_experience(data, spec)((0, 1), Budget(ipc=3 * IPC))
    wanted = max(map(len, units_of(held).values()))
    new, share = data.restrict((2, 3)), IPC * 2 * 257
    fit = [
        c.images_within(new, Budget(nbytes=share))
        for c in (condenser, match(condenser, [held], new, share))
    ]
    assert abs(fit[1] - wanted) < abs(fit[0] - wanted), "nearer to it than without"
    assert 0.6 * wanted < fit[1] < 1.6 * wanted


def test_sets_with_a_refiner_each_share_the_bytes() -> None:
    spec = tiny_spec("dm-transform") | {"init": "real"}
    source = FixedSize(per_experience(grey(), spec), "re-encode")
    for part in PARTS[:2]:
        source.take(part)
    assert len(source.sets) == 2, "no set is read through the refiner of another"
    assert sum(source.ledger.values()) <= 6 * IPC * 257
    again = FixedSize(per_experience(grey(), spec), "re-encode")
    again.restore({}, PARTS[:2])
    for a, b in zip(source.sets, again.sets, strict=True):
        assert all(torch.equal(a.tensors[name], b.tensors[name]) for name in a.tensors)


def test_images_stay_where_their_files_are_encoded_anew(data: ClassData) -> None:
    source = FixedSize(per_experience(data, PHOTOGRAPHS), "re-encode")
    dropping = FixedSize(per_experience(data, PHOTOGRAPHS), "herding")
    held, qualities = [], []
    for part in PARTS:
        source.take(part)
        dropping.take(part)
        held.append(counts(source))
        qualities.append(quality(source.sets[0]))
    assert held[0][0] == held[1][0] == held[2][0], "no image was left out"
    assert 60 == qualities[0] > qualities[1] > qualities[2] >= WORST
    assert quality(dropping.sets[0]) == 60
    assert counts(dropping)[0] < held[2][0]


def test_learned_files_are_encoded_anew_too(data: ClassData) -> None:
    source = FixedSize(per_experience(data, LEARNED), "re-encode")
    source.take(PARTS[0])
    before = counts(source)[0]
    source.take(PARTS[1])
    assert counts(source)[0] == before and quality(source.sets[0]) < 60
    assert sum(source.ledger.values()) <= 6 * IPC * 3073


def test_a_restored_memory_is_the_same(data: ClassData) -> None:
    first, second = (FixedSize(per_experience(data, PHOTOGRAPHS), "re-encode") for _ in range(2))
    for part in PARTS:
        first.take(part)
    second.restore({}, PARTS)
    for a, b in zip(first.sets, second.sets, strict=True):
        assert all(torch.equal(a.tensors[name], b.tensors[name]) for name in a.tensors)


def test_classes_may_come_in_any_order_and_number(data: ClassData) -> None:
    """A stream of one's own: classes in another order, experiences of unequal size."""
    source = FixedSize(per_experience(data, PHOTOGRAPHS), "re-encode")
    for part in [(5,), (0, 2, 3), (4, 1)]:
        pieces = source.take(part)
    held = counts(source)
    assert sorted(held) == list(range(6)) and min(held.values()) >= 1
    assert sum(source.ledger.values()) <= 6 * IPC * 3073
    assert sorted(set(torch.cat([piece.labels for piece in pieces]).tolist())) == list(range(6))


def test_what_has_no_quality_cannot_be_encoded_anew(data: ClassData) -> None:
    with pytest.raises(UsageError, match="sets of random are stored as pixels, which cannot be"):
        FixedSize(per_experience(data, {"name": "random"}), "re-encode")
    with pytest.raises(UsageError, match="sets of real-png are stored as compressed, which cannot"):
        FixedSize(per_experience(data, {"name": "real-png"}), "re-encode")
    raw = create_condenser("random").condense(data, Budget(ipc=1), Context())
    with pytest.raises(UsageError, match="sets stored as pixels cannot be coded again"):
        reencode([raw], 100)


def test_bytes_that_hold_no_image_of_each_class_are_refused(data: ClassData) -> None:
    request = CondensationRequest(create_condenser("random"), Budget(nbytes=4 * 3073))
    source = FixedSize(PerExperienceCondenser(request, data, Context()), "first")
    source.take((0, 1))
    source.take((2, 3))
    with pytest.raises(UsageError, match="bytes"):
        source.take((4, 5))


def test_reencoding_takes_the_highest_quality_that_fits(data: ClassData) -> None:
    made = create_condenser(PHOTOGRAPHS).condense(data, Budget(ipc=IPC), Context())
    limit = made.nbytes * 2 // 3
    (found,) = reencode([made], limit)
    assert found.nbytes <= limit < made.nbytes and found.image_count == made.image_count
    assert found.card["reencoded"] == {"from": made.nbytes, "to": found.nbytes}
    (above,) = reencode([replace(made)], found.nbytes + 1)
    assert quality(above) == quality(found)
    (same,) = reencode([made], made.nbytes)
    assert torch.equal(same.tensors["bytes"], made.tensors["bytes"])
    assert quality(reencode([made], 1)[0]) == WORST
    assert quality(reencode([made], 1, least=20)[0]) == 20
    images, labels = found.decode()
    before, old = made.decode()
    assert torch.equal(labels, old) and images.shape == before.shape
    assert (images - before).abs().mean() < 0.5  # of deviations 1


def test_a_memory_of_files_holds_what_the_experiences_bring(data: ClassData) -> None:
    """Files of the later, flatter classes are more than as many of all classes would be."""
    made = per_experience(data, PHOTOGRAPHS)
    alone = [made(part).image_count for part in PARTS]
    ipc = made.request.condenser.images_per_class(data, IPC)
    assert sum(alone) > 6 * ipc, "else this says nothing"
    assert made.count_images(PARTS) == sum(alone)


@pytest.mark.parametrize(
    "settings",
    [
        {"memory": "per-experience"},
        {"memory": "per-experience", "growth": "fixed"},
        {"memory": "per-experience", "growth": "fixed", "shrink": "re-encode"},
        {"memory": "per-experience", "growth": "fixed", "shrink": "recondense"},
        {"memory": "online", "online": 10, "online_update": 20},
        {"memory": "online", "online": 10, "online_update": 20, "growth": "fixed"},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_every_memory_takes_files_of_unequal_sizes(
    data: ClassData, settings: dict[str, object]
) -> None:
    scenario = Continual(
        experiences=3,
        orders=1,
        class_order="given",
        strategies=("replay",),
        network={"name": "mlp", "width": 4},
        **settings,  # type: ignore[arg-type]
    )
    request = CondensationRequest(create_condenser(PHOTOGRAPHS), Budget(ipc=IPC))
    outcome = scenario.run(request, Splits(data, data, data), Context(seed=1))
    assert outcome.detail["bytes_used_max"] > 0
