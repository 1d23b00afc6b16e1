"""Adversarial contrast: the losses of set and adversary written out, its state in checkpoints, what
it is refused with, and what it costs.
"""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.augmentations.dsa import NoAugmentation
from condensers.parts.parameterisations.bases import Bases
from condensers.parts.regularisers.adversary import AdversarialContrast
from condensers.parts.setting import RunSetting
from condensers.registry.registry import NETWORKS, create_condenser

PART = Bases(hallucinators=3, warm_steps=0)
NETWORK = NETWORKS.create({"name": "convnet", "depth": 2, "width": 4})
UNITS = 2  # of a class


@pytest.fixture
def setting(make_data: Callable[..., ClassData]) -> RunSetting:
    data = make_data((1, 8, 8), 4, 6).restrict([0, 2, 3])
    return RunSetting(data, NETWORK, NoAugmentation(), Context(seed=3), 2, UNITS * PART.copies)


def groups_of(setting: RunSetting) -> dict[str, Tensor]:
    data = setting.data
    start = data.normalise(data.images[torch.arange(18) % len(data.images)])
    return PART.groups(start, data, Context(seed=1))


def drawn_of(setting: RunSetting, groups: dict[str, Tensor]) -> tuple[Tensor, Tensor, list[int]]:
    """The next two images of each unit, (6, ...) each, and the labels of the units."""
    draw = torch.Generator()
    draw.set_state(setting.generator.get_state())
    units = torch.randperm(6, generator=draw).tolist()
    one, other = torch.randperm(3, generator=draw)[:2].tolist()
    images = PART.decode(groups, slice(None))
    pair = [torch.stack([images[3 * unit + which] for unit in units]) for which in (one, other)]
    return pair[0], pair[1], [[0, 2, 3][unit // UNITS] for unit in units]


def cosine(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum() / (a.norm() * b.norm())


def test_the_term_of_the_set_is_the_equation(setting: RunSetting) -> None:
    term, groups = AdversarialContrast(weight=0.3).begin(PART, setting, 5), groups_of(setting)
    first, second, _ = drawn_of(setting, groups)
    embedded = [term.network.embed(images) for images in (first, second)]
    each = [(1 + cosine(a, b)) / 2 for a, b in zip(*embedded, strict=True)]
    leaf = groups["hallucinators"].requires_grad_()
    loss = term.loss(groups)
    gradient = torch.autograd.grad(loss, leaf)[0]
    wanted = float(sum(each).detach())
    assert float(loss.detach()) == pytest.approx(0.3 * wanted / 6, rel=1e-4)
    assert gradient.norm() > 0


def test_the_adversary_learns_by_its_own_equation(setting: RunSetting) -> None:
    own = AdversarialContrast(likeness=0.4, contrast=0.2, temperature=0.5, lr=0.1)
    term, groups = own.begin(PART, setting, 5), groups_of(setting)
    first, second, labels = drawn_of(setting, groups)
    weights = list(term.network.parameters())
    images, both = torch.cat([first, second]).detach(), labels * 2
    embedded, logits = term.network.embed(images), term.network(images)
    cross = -sum(torch.log_softmax(logits[i], 0)[both[i]] for i in range(12)) / 12
    same = [cosine(embedded[i], embedded[i + 6]) for i in range(6)]
    unit = embedded / embedded.norm(dim=1, keepdim=True)
    supervised = []
    for i in range(12):
        others = [a for a in range(12) if a != i]
        total = sum(torch.exp(unit[i] @ unit[a] / 0.5) for a in others)
        mine = [a for a in others if both[a] == both[i]]
        terms = [torch.log(torch.exp(unit[i] @ unit[p] / 0.5) / total) for p in mine]
        supervised.append(-sum(terms) / len(mine))
    loss = cross + 0.4 * (1 - sum(same) / 6) / 2 + 0.2 * sum(supervised) / 12
    gradients = torch.autograd.grad(loss, weights)
    wanted = [w.detach() - 0.1 * g for w, g in zip(weights, gradients, strict=True)]
    before = {name: tensor.clone() for name, tensor in groups.items()}
    term.after_step(0, groups)
    for weight, after in zip(weights, wanted, strict=True):
        assert torch.allclose(weight, after, atol=1e-5)
    assert all(torch.equal(groups[name], before[name]) for name in groups)
    seen = float(sum(same).detach()) / 6
    assert term.describe() == {"likeness": pytest.approx(seen, rel=1e-3)}


def test_its_state_is_all_there_is(setting: RunSetting) -> None:
    own, groups = AdversarialContrast(units=4, lr=0.1), groups_of(setting)
    term = own.begin(PART, setting, 5)
    term.after_step(0, groups)
    state, at = deepcopy(term.state_dict()), setting.generator.get_state()
    term.after_step(1, groups)
    again = own.begin(PART, setting, 5)
    again.load_state_dict(state)
    setting.generator.set_state(at)
    again.after_step(1, groups)
    pairs = zip(term.network.parameters(), again.network.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert again.describe() == term.describe()


def test_one_image_in_each_unit_is_refused() -> None:
    with pytest.raises(
        UsageError, match="compares the images of one stored unit, and parameterisation pixels has"
    ):
        create_condenser({"name": "dm", "regularisers": ["adversarial-contrast"]})
    for part in ("latent", "tiles", {"name": "bases", "hallucinators": 2}):
        create_condenser(
            {"name": "dm", "parameterisation": part, "regularisers": ["adversarial-contrast"]}
        )


def test_its_network_counts_in_estimates(make_data: Callable[..., ClassData]) -> None:
    data = make_data((1, 28, 28), 10, 1)
    spec = {"name": "dm", "iterations": 7, "parameterisation": {"name": "bases"}}
    alone = create_condenser(spec).image_passes(data, 10)
    for units, counted in ((None, 7), (20, 20)):
        with_term = create_condenser(
            spec | {"regularisers": [{"name": "adversarial-contrast", "units": units}]}
        )
        bases = with_term.images_per_class(data, 10) // 5 * 10
        more = with_term.image_passes(data, 10)[0][1] - alone[0][1]
        assert more == 7 * 6 * (bases if units is None else counted)
