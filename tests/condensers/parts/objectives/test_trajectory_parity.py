"""Trajectory matching against its equations: steps, distance and gradients written out for a
network of two layers.

The literal MTT is differentiated by autograd through all steps; the literal TESLA is the published
formula with every gradient taken at parameters that are held still. Where the two agree, and how
they part, is shown too.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.parts.augmentations.dsa import NoAugmentation, Siamese
from condensers.parts.objectives.base import Whole
from condensers.parts.objectives.trajectory import LEAST_RATE, Trajectory, chunks
from condensers.parts.setting import RunSetting, Segment
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget

SPEC = {"name": "mlp", "depth": 1, "width": 5}
CONVNET = {"name": "convnet", "depth": 2, "width": 4}
CLASSES, PIXELS, WIDTH, RATE = 3, 64, 5, 0.3


def material(
    data: ClassData,
    soft: bool,
    dtype: torch.dtype = torch.float64,
    spec: Any = None,
    rate: float = RATE,
) -> Any:
    """A segment, and a set of two images for each of three classes whose images, labels and rate
    are leaves.
    """
    generator = torch.Generator().manual_seed(1)
    setting = RunSetting(data, spec or SPEC, NoAugmentation(), Context(), ipc=2, per_class=2)
    network = networks.build(spec or SPEC, (1, 8, 8), CLASSES, generator).to(dtype)
    start = torch.nn.utils.parameters_to_vector(network.parameters()).detach()
    target = start + 0.05 * torch.randn(len(start), generator=generator).to(dtype)
    images = torch.randn(2 * CLASSES, 1, 8, 8, generator=generator).to(dtype).requires_grad_()
    labels = torch.arange(CLASSES).repeat_interleave(2)
    if soft:
        labels = torch.softmax(
            torch.randn(2 * CLASSES, CLASSES, generator=generator).to(dtype), 1
        ).requires_grad_()
    rates = torch.full((1,), rate, dtype=dtype, requires_grad=True)
    nothing = torch.empty(0)
    whole = Whole(images, labels, nothing, nothing, {"rates": rates}, setting.augment, setting)
    return Segment(network, start, target), whole


def literal_gradient(theta: Tensor, images: Tensor, labels: Tensor, graph: bool) -> Tensor:
    """d/dtheta of -1/n sum_i sum_k y_ik log p_ik, p_i = softmax( W2 relu(W1 x_i + b1) + b2 ), image
    by image.
    """
    a, b, c = PIXELS * WIDTH, PIXELS * WIDTH + WIDTH, PIXELS * WIDTH + WIDTH + WIDTH * CLASSES
    first, bias, second, last = (
        theta[:a].view(WIDTH, PIXELS),
        theta[a:b],
        theta[b:c].view(CLASSES, WIDTH),
        theta[c:],
    )
    total = torch.zeros((), dtype=theta.dtype)
    for x, y in zip(images, labels, strict=True):
        z = second @ (first @ x.flatten() + bias).clamp(min=0) + last
        logarithms = z - torch.log(torch.exp(z).sum())
        total = total - (logarithms[y] if y.ndim == 0 else (y * logarithms).sum())
    return torch.autograd.grad(total / len(images), theta, create_graph=graph)[0]


def literal_chunks(
    count: int, batch: int, steps: int, generator: torch.Generator
) -> list[list[int]]:
    """The authors' way: a permutation is cut into chunks, which are taken from its end until none
    is left.
    """
    left: list[list[int]] = []
    taken = []
    for _ in range(steps):
        if not left:
            order = torch.randperm(count, generator=generator).tolist()
            left = [order[first : first + batch] for first in range(0, count, batch)]
        taken.append(left.pop())
    return taken


def literal_mtt(segment: Any, whole: Whole, steps: list[list[int]]) -> Tensor:
    """|| theta_N - theta*_{t+M} ||^2 / || theta*_t - theta*_{t+M} ||^2, with the graph of all
    steps.
    """
    theta = segment.start.clone().requires_grad_()
    for chosen in steps:
        theta = theta - whole.extra["rates"][0] * literal_gradient(
            theta, whole.images[chosen], whole.labels[chosen], True
        )
    return ((theta - segment.target) ** 2).sum() / ((segment.start - segment.target) ** 2).sum()


def literal_tesla(segment: Any, whole: Whole, steps: list[list[int]]) -> list[Tensor]:
    """Gradients of images, labels (where soft) and rate: 2 / dist * d/dx [ ( a (target - start) +
    a^2 G ) . g_s ].
    """
    rate, start, target = whole.extra["rates"].detach(), segment.start, segment.target
    theta, points, total = start.clone(), [], torch.zeros_like(start)
    for chosen in steps:
        points.append(theta.clone())
        g = literal_gradient(
            theta.clone().requires_grad_(),
            whole.images.detach()[chosen],
            whole.labels.detach()[chosen],
            False,
        )
        theta, total = theta - rate * g, total + g
    leaves = [whole.images] + [whole.labels] * whole.labels.is_floating_point()
    sums = [torch.zeros_like(leaf) for leaf in leaves]
    for point, chosen in zip(points, steps, strict=True):
        g = literal_gradient(
            point.requires_grad_(), whole.images[chosen], whole.labels[chosen], True
        )
        term = (
            2
            / ((start - target) ** 2).sum()
            * torch.dot(rate * (target - start) + rate**2 * total, g)
        )
        sums = [a + b for a, b in zip(sums, torch.autograd.grad(term, leaves), strict=True)]
    of_rate = (
        2
        / ((start - target) ** 2).sum()
        * (torch.dot(target - start, total) + rate * torch.dot(total, total))
    )
    return [*sums, of_rate.view(1)]


def ours(segment: Any, whole: Whole, **settings: Any) -> tuple[float, list[Tensor]]:
    """The loss and the gradients of images, labels (where soft) and rate."""
    leaves = (
        [whole.images] + [whole.labels] * whole.labels.is_floating_point() + [whole.extra["rates"]]
    )
    for leaf in leaves:
        leaf.grad = None
    whole.generator.manual_seed(5)
    loss = float(Trajectory(**settings).backward(segment, whole))
    return loss, [leaf.grad.clone() for leaf in leaves if leaf.grad is not None]


def apart(got: list[Tensor], wanted: list[Tensor]) -> float:
    """The largest relative distance of two lists of gradients."""
    assert all(b.norm() > 0 for b in wanted)
    return max(float((a - b).norm() / b.norm()) for a, b in zip(got, wanted, strict=True))


@pytest.fixture(scope="module")
def data(make_data: Callable[..., ClassData]) -> ClassData:
    return make_data((1, 8, 8), CLASSES, 4)


@pytest.mark.parametrize("soft", [False, True], ids=["hard", "learned-labels"])
@pytest.mark.parametrize(("steps", "batch"), [(1, None), (5, 4), (3, None)])
@pytest.mark.parametrize("reverse", ["graph", "recomputed"])
def test_the_gradient_through_all_steps(
    data: ClassData, reverse: str, steps: int, batch: int | None, soft: bool
) -> None:
    segment, whole = material(data, soft)
    taken = literal_chunks(6, batch or 6, steps, torch.Generator().manual_seed(5))
    literal = literal_mtt(segment, whole, taken)
    leaves = [whole.images] + [whole.labels] * soft + [whole.extra["rates"]]
    wanted = list(torch.autograd.grad(literal, leaves))
    loss, got = ours(segment, whole, steps=steps, batch_syn=batch, reverse=reverse)
    assert loss == pytest.approx(literal.item(), rel=1e-11)
    assert apart(got, wanted) < 1e-9


@pytest.mark.parametrize("soft", [False, True], ids=["hard", "learned-labels"])
@pytest.mark.parametrize(("steps", "batch"), [(1, None), (5, 4)])
def test_tesla_is_the_published_formula(
    data: ClassData, steps: int, batch: int | None, soft: bool
) -> None:
    segment, whole = material(data, soft)
    taken = literal_chunks(6, batch or 6, steps, torch.Generator().manual_seed(5))
    wanted = literal_tesla(segment, whole, taken)
    assert (
        apart(ours(segment, whole, steps=steps, batch_syn=batch, reverse="tesla")[1], wanted) < 1e-9
    )


@pytest.mark.parametrize("reverse", ["graph", "recomputed"])
def test_first_parameters_are_left_out(data: ClassData, reverse: str) -> None:
    """Half of the parameters, in the order of the layers: the distances are of the other half."""
    segment, whole = material(data, True)
    theta = segment.start.clone().requires_grad_()
    for chosen in literal_chunks(6, 6, 3, torch.Generator().manual_seed(5)):
        gradient = literal_gradient(theta, whole.images[chosen], whole.labels[chosen], True)
        theta = theta - whole.extra["rates"][0] * gradient
    kept = range(len(theta) // 2, len(theta))
    moved = sum((theta[i] - segment.target[i]) ** 2 for i in kept)
    literal = moved / sum((segment.start[i] - segment.target[i]) ** 2 for i in kept)
    leaves = [whole.images, whole.labels, whole.extra["rates"]]
    wanted = list(torch.autograd.grad(literal, leaves))
    loss, got = ours(segment, whole, steps=3, reverse=reverse, shallow=0.5)
    assert loss == pytest.approx(literal.item(), rel=1e-11)
    assert apart(got, wanted) < 1e-9


@pytest.mark.parametrize("reverse", ["graph", "recomputed", "tesla"])
def test_a_loss_above_the_threshold_moves_nothing(data: ClassData, reverse: str) -> None:
    segment, whole = material(data, True)
    loss, gradients = ours(segment, whole, steps=3, reverse=reverse)
    assert len(gradients) == 3
    assert ours(segment, whole, steps=3, reverse=reverse, threshold=0.99 * loss) == (loss, [])
    below, same = ours(segment, whole, steps=3, reverse=reverse, threshold=1.01 * loss)
    assert below == loss
    assert apart(same, gradients) < 1e-12


def test_a_threshold_hides_no_loss_that_is_not_a_number(data: ClassData) -> None:
    segment, whole = material(data, True)
    broken = segment._replace(target=segment.target * torch.nan)
    loss, gradients = ours(broken, whole, steps=1, threshold=1.0)
    assert loss != loss
    assert len(gradients) == 3, "the run goes on to where it says so and ends"


def test_tesla_is_mtt_for_one_step_and_near_it_for_small_rates(data: ClassData) -> None:
    """Its error is of the terms in which a step moves the point of the next gradient: it falls in
    proportion to the rate.
    """

    def error(steps: int, rate: float) -> float:
        segment, whole = material(data, True, rate=rate)
        exact = ours(segment, whole, steps=steps, reverse="graph")[1]
        return apart(ours(segment, whole, steps=steps, reverse="tesla")[1], exact)

    assert error(1, RATE) < 1e-12
    assert error(4, RATE) > 0.1
    small, smaller = error(4, 1e-3), error(4, 1e-4)
    assert smaller < 1e-3
    assert small / smaller == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize(
    "spec", [CONVNET, CONVNET | {"norm": "batch"}], ids=["instance-norm", "batch-norm"]
)
def test_recomputed_is_graph_in_a_convnet_with_augmented_images(
    data: ClassData, spec: dict[str, Any]
) -> None:
    segment, whole = material(data, False, torch.float32, spec)
    setting = replace(whole.setting, augmentation=Siamese().for_data(data))
    whole = replace(whole, setting=setting)
    losses, gradients = zip(
        *(
            ours(segment, whole, steps=4, batch_syn=4, reverse=reverse)
            for reverse in ("graph", "recomputed")
        ),
        strict=True,
    )
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert apart(gradients[1], gradients[0]) < 1e-3


def test_chunks_take_every_image_once_a_pass(generator: torch.Generator) -> None:
    taken = list(chunks(7, 3, 6, generator))
    assert sorted(len(one) for one in taken[:3]) == [1, 3, 3]
    for first in (0, 3):
        assert sorted(torch.cat(taken[first : first + 3]).tolist()) == list(range(7))
    assert torch.cat(taken[:3]).tolist() != torch.cat(taken[3:]).tolist()


@pytest.mark.parametrize("name", ["mtt", "tesla"])
def test_the_learned_rate_stays_positive(
    name: str, data: ClassData, tiny: Callable[[str], dict[str, Any]]
) -> None:
    objective = {
        "name": "trajectory",
        "steps": 2,
        "lr_lr": 1e6,
        "reverse": "tesla" if name == "tesla" else "graph",
    }
    method = create_condenser(tiny(name) | {"objective": objective, "iterations": 1})
    made = [method.condense(data, Budget(ipc=1), Context(seed=seed)) for seed in range(3)]
    assert all(one.tensors["rates"].shape == (1,) and one.recipe["lr"] == "rates" for one in made)
    assert min(float(one.tensors["rates"]) for one in made) == pytest.approx(LEAST_RATE)


def test_the_distance_falls_while_images_are_learned(
    grey8: ClassData, tiny: Callable[[str], dict[str, Any]]
) -> None:
    seen: list[Progress] = []
    schedule = {
        "name": "experts",
        "experts": 1,
        "epochs": 3,
        "expert_epochs": 2,
        "max_start": 2,
        "lr": 0.05,
        "batch": 16,
    }
    objective = {"name": "trajectory", "steps": 4, "lr": 0.1, "lr_lr": 1e-3}
    settings = {
        "iterations": 18,
        "lr": 100.0,
        "network": SPEC,
        "model_schedule": schedule,
        "objective": objective,
        "augmentation": "none",
    }
    create_condenser(tiny("mtt") | settings).condense(
        grey8, Budget(ipc=1), Context(progress=seen.append)
    )
    distances = [float(event.note) for event in seen if event.name == "mtt"]
    assert sum(distances[-6:]) < 0.8 * sum(distances[:6])
