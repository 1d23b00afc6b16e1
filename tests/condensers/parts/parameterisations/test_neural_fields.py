"""Neural fields: the equation in loops, weights drawn as SIREN's, what is stored decodes to what
was learned, the fit in plain code and cut off, the bytes of the budget.
"""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted
from condensers.parts.parameterisations.fitting import Fitting
from condensers.parts.parameterisations.neural_fields import NeuralFields, places
from condensers.parts.parameterisations.pixels import stored_bytes

MakeData = Callable[..., ClassData]


def literal_pixel(part: NeuralFields, field: Tensor, place: tuple[float, float], colours: int):
    """The colour of one point, number by number, in Python's floats."""
    numbers = iter(field.double().tolist())
    inside, before = list(place), 2
    for layer in range(part.layers):
        weights = [[next(numbers) for _ in range(before)] for _ in range(part.width)]
        biases = [next(numbers) for _ in range(part.width)]
        factor = part.frequency if layer else part.first_frequency
        inside = [
            math.sin(factor * (sum(w * h for w, h in zip(row, inside, strict=True)) + bias))
            for row, bias in zip(weights, biases, strict=True)
        ]
        before = part.width
    weights = [[next(numbers) for _ in range(before)] for _ in range(colours)]
    biases = [next(numbers) for _ in range(colours)]
    assert next(numbers, None) is None, "every weight is used once"
    return [
        sum(w * h for w, h in zip(row, inside, strict=True)) + bias
        for row, bias in zip(weights, biases, strict=True)
    ]


@pytest.mark.parametrize(("colours", "sides"), [(1, (3, 5)), (3, (4, 4)), (3, (1, 3))])
def test_a_field_is_the_equation_in_loops(colours: int, sides: tuple[int, int]) -> None:
    part = NeuralFields(width=3, layers=3)
    fields = part.fresh(2, colours, torch.Generator().manual_seed(2))
    images = part.render(fields, sides)
    assert images.shape == (2, colours, *sides)
    for unit in range(2):
        for y in range(sides[0]):
            for x in range(sides[1]):
                place = (
                    (2 * y / (sides[0] - 1) - 1 if sides[0] > 1 else 0.0),
                    (2 * x / (sides[1] - 1) - 1),
                )
                wanted = literal_pixel(part, fields[unit], place, colours)
                assert torch.allclose(images[unit, :, y, x], torch.tensor(wanted), atol=2e-5)


def test_weights_are_drawn_as_those_of_siren() -> None:
    part = NeuralFields(width=6)
    fields = part.fresh(4000, 3, torch.Generator().manual_seed(0))
    assert fields.shape[1] == 18 + 42 + 21  # the paper's field for CIFAR-10
    inner = math.sqrt(6 / 6) / 10
    for first, last, bound in ((0, 18, 0.5), (18, 81, inner)):
        drawn = fields[:, first:last]
        assert 0.99 * bound < float(drawn.abs().max()) <= bound
        assert float(drawn.std()) == pytest.approx(bound / math.sqrt(3), rel=0.02)


def test_places_reach_from_edge_to_edge_on_both_axes() -> None:
    grid = places((3, 5), torch.zeros(1))
    assert grid[:, 0].tolist() == [-1, -1] and grid[:, -1].tolist() == [1, 1]
    assert grid[:, 1].tolist() == [-1, -0.5], "row by row"


@pytest.mark.parametrize("storage", ["float16", "float32"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 10, 7)])
def test_what_is_stored_decodes_to_what_was_learned(
    shape: tuple[int, int, int], storage: str, make_data: MakeData
) -> None:
    data, part = make_data(shape, 2, 4), NeuralFields(storage=storage, warm_steps=0, width=4)
    start = data.normalise(data.images[:6])
    groups = part.groups(start, data, Context(seed=3))
    stored = part.pack(groups, data)
    again = part.unpack(stored, data.mean, data.std, data.shape)
    assert torch.equal(part.decode(groups, slice(None)), again)
    assert torch.allclose(part.decode(groups, slice(2, 4)), again[2:4], atol=1e-6)
    exact = part.render(groups["fields"], shape[1:])
    assert (again - exact).abs().max() < (0.05 if storage == "float16" else 1e-6)
    halves = part.take(stored, torch.tensor([4, 1])), part.take(stored, torch.tensor([0]))
    joined = part.unpack(part.join(halves), data.mean, data.std, data.shape)
    assert torch.allclose(joined, again[[4, 1, 0]], atol=1e-6)
    with pytest.raises(ValueError, match="not of"):
        part.unpack(stored, data.mean, data.std, (shape[0] + 1, *shape[1:]))


def test_a_gradient_reaches_its_own_field_alone(grey8: ClassData) -> None:
    part = NeuralFields(warm_steps=0)
    groups = part.groups(grey8.normalise(grey8.images[:3]), grey8, Context())
    leaf = groups["fields"].requires_grad_()
    part.decode(groups, slice(1, 3))[0].square().sum().backward()
    assert leaf.grad is not None
    assert bool(leaf.grad[1].all()) and not bool(leaf.grad[[0, 2]].any())
    stored = groups["fields"].detach().half().float().requires_grad_()
    part.render(stored[1:2], (8, 8)).square().sum().backward()
    assert stored.grad is not None
    assert torch.allclose(leaf.grad[1], stored.grad[1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("ipc", [1, 10, 50])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_the_budget_is_kept_and_used_up(
    shape: tuple[int, int, int], ipc: int, make_data: MakeData
) -> None:
    data, part = make_data(shape, 10, 1), NeuralFields()
    units = part.units(data, ipc)
    unit = 2 * (18 + 42 + 7 * shape[0])
    assert part.nbytes(data, ipc) == 10 * units * unit
    held = 10 * units * (unit + 1)
    assert held <= stored_bytes(data, ipc) < held + 10 * (unit + 1)


def test_the_fit_is_adam_on_each_image_in_plain_code(grey8: ClassData) -> None:
    part = NeuralFields(width=4, warm_steps=3, warm_lr=0.02, storage="float32")
    start, context = grey8.normalise(grey8.images[:3]), Context(seed=5)
    groups = part.groups(start, grey8, context)
    fields = part.fresh(3, 1, Context(seed=5).fork("warm-start").generator)
    for unit in range(3):
        row, m, v = fields[unit : unit + 1].clone(), 0.0, 0.0
        for step in range(1, 4):
            leaf = row.clone().requires_grad_()
            loss = (part.render(leaf, (8, 8)) - start[unit : unit + 1]).square().mean()
            gradient = torch.autograd.grad(loss, leaf)[0]
            m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
            corrected = m / (1 - 0.9**step) / ((v / (1 - 0.999**step)).sqrt() + 1e-8)
            row = row - 0.02 * (1 - (step - 1) / 3) * corrected
        assert torch.allclose(groups["fields"][unit], row[0], atol=1e-4)
    assert torch.equal(context.generator.get_state(), Context(seed=5).generator.get_state()), (
        "the run's own generator draws nothing for it"
    )


def test_a_fit_makes_likenesses(grey8: ClassData) -> None:
    start = grey8.normalise(grey8.images[:10])
    errors = []
    for steps in (0, 150):
        part = NeuralFields(warm_steps=steps, warm_lr=0.02)
        groups = part.groups(start, grey8, Context(seed=1))
        errors.append(float((part.decode(groups, slice(None)) - start).square().mean()))
    assert errors[1] < 0.3 * errors[0]


def test_a_fit_in_parts_is_the_fit_of_all(
    grey8: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = NeuralFields(width=3, warm_steps=3)
    start = grey8.normalise(grey8.images[:5])
    whole = part.groups(start, grey8, Context(seed=1))["fields"]
    name = "condensers.parts.parameterisations.neural_fields.PIXELS_AT_ONCE"
    monkeypatch.setattr(name, 2 * 64)
    assert torch.allclose(part.groups(start, grey8, Context(seed=1))["fields"], whole, atol=1e-4)


@pytest.mark.parametrize("stop", [0, 2])
def test_a_fit_cut_off_goes_on_to_the_same_bytes(
    stop: int, grey8: ClassData, tmp_path: Path
) -> None:
    part, seen = NeuralFields(width=3, warm_steps=4), list[Progress]()
    start = grey8.normalise(grey8.images[:5])
    wanted = part.groups(start, grey8, Context(seed=2))["fields"]
    with pytest.raises(Interrupted, match=f"warm-start: stopped at step {stop} of 4"):
        part.groups(
            start,
            grey8,
            Context(seed=2, folder=tmp_path, progress=seen.append, stop=lambda: len(seen) >= stop),
        )
    again = part.groups(start, grey8, Context(seed=2, folder=tmp_path))["fields"]
    assert torch.equal(again, wanted)


def test_the_loss_of_a_fit_is_the_sum_of_its_terms() -> None:
    loop = Fitting({"a": torch.ones(2)}, lambda now: [now["a"].sum(), 2 * now["a"][0]], 0.1, 2)
    assert float(loop.step(0)) == 4.0
    assert torch.allclose(loop.leaves["a"].detach(), torch.full((2,), 0.9))
