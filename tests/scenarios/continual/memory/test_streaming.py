"""Memories of one size that are made from the passing stream: samples of each class, and bytes."""

from typing import Any

import pytest
import torch

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.parameterisations.jpeg.files import quality_of
from condensers.parts.parameterisations.jpeg.quality import FALLBACK, choose_quality
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget
from condensers.sets.units import units_of
from scenarios.continual.memory.condensing import MemoryFactory
from scenarios.continual.memory.streaming import Streaming
from scenarios.continual.scenario import Continual
from scenarios.protocol import CondensationRequest, Splits

RAW = {"name": "random"}
FILES = {"name": "real-jpeg", "quality": 60}
CODED = {"name": "real-transform", "step": 0.2}
EACH = 24
# So that not all of 96 images fit: 12 raw images, and fewer bytes for coded ones.
SIZES = {"random": 12 * 257, "real-jpeg": 12 * 257, "real-transform": 4 * 257}


@pytest.fixture(scope="module")
def data() -> ClassData:
    """Smooth images; the first pixel says which of its class an image is."""
    generator = torch.Generator().manual_seed(0)
    rough = torch.rand(4 * EACH, 1, 16, 16, generator=generator) * 255
    smooth = torch.nn.functional.avg_pool2d(rough, 5, 1, 2)
    images = (128 + (smooth - 128) * 3).clamp(0, 255).to(torch.uint8)
    images[:, 0, 0, 0] = torch.arange(4 * EACH) % EACH
    return ClassData(
        name="clouds",
        images=images,
        labels=torch.arange(4).repeat_interleave(EACH),
        class_names=tuple("abcd"),
        mean=(0.5,),
        std=(0.2,),
    )


def source(
    data: ClassData, spec: dict[str, Any], nbytes: int, how: str, seed: int = 0
) -> Streaming:
    request = CondensationRequest(create_condenser(spec), Budget(nbytes=nbytes))
    return Streaming(request, data, 10, how, Context(seed=seed))


def show(memory: Streaming, data: ClassData, classes: tuple[int, ...], seed: int = 0) -> None:
    """Let images of some classes pass, eight at a time."""
    part = data.restrict(classes)
    order = torch.randperm(len(part.images), generator=torch.Generator().manual_seed(seed))
    for some in torch.split(order, 8):
        memory.observe(part.images[some], part.labels[some])
        assert memory.held is None or memory.held.nbytes <= memory.nbytes
    memory.take(classes)


def counts(memory: Streaming) -> dict[int, int]:
    assert memory.held is not None
    return {c: len(of) for c, of in units_of(memory.held).items()}


@pytest.mark.parametrize("spec", [RAW, FILES, CODED], ids=lambda spec: str(spec["name"]))
def test_the_bytes_are_met_at_every_update_and_classes_share_them(
    data: ClassData, spec: dict[str, Any]
) -> None:
    """Another order of classes than their numbers, and experiences of unequal size."""
    memory = source(data, spec, SIZES[spec["name"]], "random")
    for classes in [(3,), (0, 2), (1,)]:
        show(memory, data, classes)
    held = counts(memory)
    assert sorted(held) == [0, 1, 2, 3] and max(held.values()) - min(held.values()) <= 2
    assert memory.held is not None
    assert 0.85 * memory.nbytes < memory.held.nbytes <= memory.nbytes
    assert sum(memory.ledger.values()) == memory.held.nbytes + memory.buffer.peak
    labels = memory.exemplars[0].labels.tolist()
    assert {c: labels.count(c) for c in held} == held


def test_raw_images_are_a_uniform_sample_of_what_has_passed(data: ClassData) -> None:
    """Each of 24 images is held as often as any other, early or late."""
    found = torch.zeros(EACH)
    for seed in range(60):
        memory = source(data, RAW, 6 * 257, "random", seed)
        show(memory, data, (0,))
        assert memory.held is not None and counts(memory) == {0: 6}
        found[memory.held.tensors["images"][:, 0, 0, 0].long()] += 1
    order = torch.randperm(EACH, generator=torch.Generator().manual_seed(0))
    expected = 60 * 6 / EACH
    assert found.sum() == 360
    assert (
        float((found - expected).square().sum() / expected) < 49.7
    )  # chi-square of 23 degrees, 0.1 %
    early, late = found[order[:12]].sum(), found[order[12:]].sum()
    assert abs(float(early - late)) < 62  # 3.3 deviations


@pytest.mark.parametrize("spec", [FILES, CODED], ids=lambda spec: str(spec["name"]))
def test_coded_again_more_images_stay(data: ClassData, spec: dict[str, Any]) -> None:
    dropped, coded = (
        source(data, spec, SIZES[spec["name"]], how) for how in ("random", "re-encode")
    )
    for classes in [(0, 1), (2, 3)]:
        show(dropped, data, classes)
        show(coded, data, classes)
    assert sum(counts(coded).values()) > 1.2 * sum(counts(dropped).values())
    assert coded.held is not None and coded.card is not None
    if "head" in coded.held.tensors:
        head = coded.held.tensors["head"].numpy().tobytes()
        assert quality_of(head, data.shape) < 60
    assert coded.card["reencoded"]["to"] <= coded.nbytes


@pytest.mark.parametrize("how", ["random", "re-encode"])
def test_a_memory_goes_on_from_its_state(data: ClassData, how: str) -> None:
    """Stopped within an experience, it comes to the same bytes."""
    part = data.restrict((0, 1))
    whole, first, second = (source(data, CODED, 4 * 257, how) for _ in range(3))
    for at in range(0, 32, 8):
        whole.observe(part.images[at : at + 8], part.labels[at : at + 8])
        first.observe(part.images[at : at + 8], part.labels[at : at + 8])
    second.restore(first.state_dict(), [])
    for memory in (whole, second):
        show(memory, data, (2, 3))
        assert memory.held is not None
    assert whole.held is not None and second.held is not None
    assert whole.held.card == second.held.card
    for name, tensor in whole.held.tensors.items():
        assert torch.equal(tensor, second.held.tensors[name])


def test_what_cannot_be_held_is_refused(data: ClassData) -> None:
    with pytest.raises(UsageError, match=r"a memory of dm cannot take in .* growth growing"):
        source(data, {"name": "dm", "iterations": 1}, 3000, "random")
    with pytest.raises(UsageError, match="sets of random are stored as pixels"):
        source(data, RAW, 3000, "re-encode")
    with pytest.raises(UsageError, match="cannot shrink by recondense; take first, random"):
        source(data, RAW, 3000, "recondense")
    with pytest.raises(UsageError, match="too few"):
        source(data, RAW, 3 * 257, "random")


def test_a_fixed_size_is_obeyed_in_an_online_stream(data: ClassData) -> None:
    """It used to be ignored there: each class had its share of the bytes from the start."""
    scenario = Continual(experiences=2, memory="online", online=10, growth="fixed")
    request = CondensationRequest(create_condenser(RAW), Budget(nbytes=8 * 257))
    factory = MemoryFactory(scenario, request, data, Context())
    memory, _ = factory.make_source([(0, 1), (2, 3)])
    assert isinstance(memory, Streaming)
    memory.update = 10
    show(memory, data, (0, 1))
    assert counts(memory) == {0: 4, 1: 4}
    show(memory, data, (2, 3))
    assert counts(memory) == {0: 2, 1: 2, 2: 2, 3: 2}


def test_one_class_alone_tells_no_quality_from_another(data: ClassData) -> None:
    """Its images are told right at any quality, and the finest used to be taken for the best."""
    choice = choose_quality(data.restrict((2,)), 2000)
    assert (choice.chosen, choice.found.accuracies) == (FALLBACK, {})


@pytest.mark.parametrize("how", ["random", "re-encode"])
def test_a_stream_is_learned_with_such_a_memory(data: ClassData, how: str) -> None:
    scenario = Continual(
        experiences=2,
        orders=1,
        memory="online",
        online=10,
        online_update=10,
        growth="fixed",
        shrink=how,
        strategies=("replay", {"name": "gdumb", "steps": 2}),
        network={"name": "mlp", "width": 4},
    )
    request = CondensationRequest(create_condenser(FILES), Budget(nbytes=8 * 257))
    outcomes = [scenario.run(request, Splits(data, data, data), Context(seed=1)) for _ in range(2)]
    assert outcomes[0].detail["R"] == outcomes[1].detail["R"]
    ledger = outcomes[0].detail["ledger"]["replay"]
    assert sum(of for name, of in ledger.items() if name != "buffer") <= 8 * 257
