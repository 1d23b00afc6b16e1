"""Memories of fixed size whose images are files: they fill the bytes, and may fall in quality."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.registry.registry import create_condenser
from condensers.sets.reencoding import LEAST, quality_of, reencode
from condensers.sets.synthetic_set import Budget
from scenarios.continual.memory.fixed_size import FixedSize, count_most_images
from scenarios.continual.memory.per_experience import PerExperienceCondenser
from scenarios.continual.scenario import Continual
from scenarios.protocol import CondensationRequest, Splits

PARTS = [(0, 1), (2, 3), (4, 5)]
IPC = 2
PHOTOGRAPHS = {"name": "real-jpeg", "quality": 60}
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


def per_experience(data: ClassData, spec: dict[str, object]) -> PerExperienceCondenser:
    request = CondensationRequest(create_condenser(spec), Budget(ipc=IPC))
    return PerExperienceCondenser(request, data, Context(seed=1))


def pixels(data: ClassData, images: Tensor) -> list[bytes]:
    return [image.numpy().tobytes() for image in data.quantise(images)]


@pytest.mark.parametrize("how", ["herding", "random", "first", "re-encode"])
def test_files_fill_the_bytes_of_the_memory(data: ClassData, how: str) -> None:
    """A budget counts the bytes of raw images, not files: old classes have as many bytes as new."""
    made = per_experience(data, PHOTOGRAPHS)
    source = FixedSize(made, how)
    most = count_most_images(made, PARTS, how)
    whole = 6 * IPC * 3073
    for at, part in enumerate(PARTS, start=1):
        pieces = source.take(part)
        each = [kept.nbytes for kept in source.sets]
        assert sum(source.ledger.values()) == sum(each) <= whole
        assert all(one <= whole // at for one in each)
        assert at == 1 or min(each) > 0.75 * whole // at
        assert sum(len(piece.labels) for piece in pieces) <= most


def test_images_stay_where_their_files_are_encoded_anew(data: ClassData) -> None:
    source = FixedSize(per_experience(data, PHOTOGRAPHS), "re-encode")
    counts, qualities = [], []
    for part in PARTS:
        source.take(part)
        counts.append([kept.image_count for kept in source.sets])
        qualities.append([quality_of(kept) for kept in source.sets])
    assert counts[0][0] == counts[1][0] == counts[2][0], "no image was left out"
    assert qualities[0] == [60] and 60 > qualities[1][0] > qualities[2][0] >= LEAST
    assert qualities[1][1] == qualities[1][0], "new files come at the quality of the old ones"
    dropping = FixedSize(per_experience(data, PHOTOGRAPHS), "herding")
    for part in PARTS:
        dropping.take(part)
    assert dropping.sets[0].image_count < counts[2][0]
    card = source.sets[0].card
    assert card["reencoded"] == {"from": qualities[1][0], "to": qualities[2][0]}
    assert card["ipc"] == IPC == dropping.sets[0].ipc


def test_learned_files_are_encoded_anew_too(data: ClassData) -> None:
    source = FixedSize(per_experience(data, LEARNED), "re-encode")
    source.take(PARTS[0])
    before = source.sets[0].image_count
    source.take(PARTS[1])
    old, new = source.sets
    assert old.image_count == before and quality_of(old) < 60
    assert quality_of(new) == quality_of(old)
    assert sum(source.ledger.values()) <= 6 * IPC * 3073


def test_a_restored_memory_is_the_same(data: ClassData) -> None:
    first, second = (FixedSize(per_experience(data, PHOTOGRAPHS), "re-encode") for _ in range(2))
    for part in PARTS:
        first.take(part)
    second.restore({}, PARTS)
    for a, b in zip(first.sets, second.sets, strict=True):
        assert all(torch.equal(a.tensors[name], b.tensors[name]) for name in a.tensors)


def test_what_has_no_quality_cannot_be_encoded_anew(data: ClassData) -> None:
    with pytest.raises(UsageError, match="sets of random are not stored as JPEG files alone"):
        FixedSize(per_experience(data, {"name": "random"}), "re-encode")
    with pytest.raises(UsageError, match="sets of real-jpeg are not stored as JPEG files alone"):
        FixedSize(per_experience(data, {**PHOTOGRAPHS, "refiner": "residual"}), "re-encode")
    raw = create_condenser("random").condense(data, Budget(ipc=1), Context())
    with pytest.raises(UsageError, match="a set of random is not stored as JPEG files"):
        reencode(raw, 100)


def test_reencoding_takes_the_highest_quality_that_fits(data: ClassData) -> None:
    made = create_condenser(PHOTOGRAPHS).condense(data, Budget(ipc=IPC), Context())
    limit = made.nbytes * 2 // 3
    found = reencode(made, limit)
    assert found.nbytes <= limit < made.nbytes and found.image_count == made.image_count
    quality = quality_of(found)
    above = reencode(replace(made), found.nbytes + 1)
    assert quality_of(above) == quality
    assert reencode(made, made.nbytes) is made
    assert quality_of(reencode(made, 1)) == LEAST
    images, labels = found.decode()
    before, same = made.decode()
    assert torch.equal(labels, same) and images.shape == before.shape
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
