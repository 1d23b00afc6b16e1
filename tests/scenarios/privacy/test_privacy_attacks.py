"""Attacks and rates are those of plain loops over their definitions, and find nothing where there
is nothing to find.
"""

import math
from collections.abc import Callable

import pytest
import torch

from condensers.data import ClassData
from condensers.errors import UsageError
from scenarios.privacy.attacks import (
    auc,
    confidence,
    find_nearest,
    lira,
    loss_threshold,
    near_copy_rate,
    true_positive_rate,
)
from scenarios.privacy.shadows import draw_halves, list_usable_shadows, select_pool

Make = Callable[..., ClassData]


def test_confidence_and_loss_are_those_of_the_probabilities(generator: torch.Generator) -> None:
    logits, labels = (
        3 * torch.randn(20, 5, generator=generator),
        torch.randint(5, (20,), generator=generator),
    )
    p = [
        math.exp(row[y]) / sum(math.exp(v) for v in row)
        for row, y in zip(logits.tolist(), labels.tolist(), strict=True)
    ]
    found = confidence(logits, labels)
    assert found.tolist() == pytest.approx([math.log(q / (1 - q)) for q in p])
    assert loss_threshold(found).tolist() == pytest.approx([math.log(q) for q in p])
    sure = confidence(torch.tensor([[900.0, 0.0, 0.0], [-900.0, 0.0, 0.0]]), torch.tensor([0, 0]))
    assert sure.tolist() == pytest.approx([900 - math.log(2), -900 - math.log(2)])


def test_lira_is_the_ratio_of_two_gaussians(generator: torch.Generator) -> None:
    values, target = (
        torch.randn(6, 9, generator=generator).double(),
        torch.randn(9, generator=generator).double(),
    )
    inside = torch.stack([torch.randperm(6, generator=generator) < 3 for _ in range(9)], 1)
    squares, means = {True: 0.0, False: 0.0}, {}
    for i in range(9):
        for which in (True, False):
            own = [float(values[s, i]) for s in range(6) if bool(inside[s, i]) is which]
            means[which, i] = sum(own) / 3
            squares[which] += sum((v - means[which, i]) ** 2 for v in own)
    deviation = {which: math.sqrt(total / (9 * 2)) for which, total in squares.items()}

    def density(i: int, which: bool) -> float:
        z = (float(target[i]) - means[which, i]) / deviation[which]
        return math.exp(-z * z / 2) / (deviation[which] * math.sqrt(2 * math.pi))

    wanted = [math.log(density(i, True) / density(i, False)) for i in range(9)]
    assert lira(target, values, inside).tolist() == pytest.approx(wanted)


def test_without_a_leak_lira_is_chance_only_where_the_pair_is_left_out(make_data: Make) -> None:
    """80 attacks on confidences that know nothing; the mean AUC of each way to choose the shadows
    that are read.
    """
    generator, data = torch.Generator().manual_seed(1), make_data((1, 8, 8), 4, 500)
    apart: list[float] = []
    alone: list[float] = []
    for _ in range(10):
        inside, values = (
            draw_halves(data, 8, generator),
            torch.randn(8, 2000, generator=generator).double(),
        )
        for target in range(8):
            every = [s for s in range(8) if s != target]
            for rest, found in ((list_usable_shadows(target, 8), apart), (every, alone)):
                scores, members = lira(values[target], values[rest], inside[rest]), inside[target]
                found.append(auc(scores[members], scores[~members]))
    error = (
        0.013 / 80**0.5
    )  # of the mean: the deviation of an AUC of 1,000 members and others is 0.013
    assert abs(sum(apart) / 80 - 0.5) < 3 * error
    assert sum(alone) / 80 - 0.5 < -5 * error, (
        "members are judged by a mean over fewer shadows that saw them"
    )


def test_auc_and_rates_are_those_of_all_pairs(generator: torch.Generator) -> None:
    members, others = (torch.randint(0, 9, (n,), generator=generator).double() for n in (40, 250))
    pairs = [(a > b) + (a == b) / 2 for a in members.tolist() for b in others.tolist()]
    assert auc(members, others) == pytest.approx(sum(pairs) / len(pairs))
    assert auc(torch.ones(3), torch.ones(4)) == 0.5
    ranked = torch.arange(250.0)
    assert true_positive_rate(torch.tensor([249.5, 248.5, 247.5, 0.0]), ranked, 1.0) == 50.0, (
        "above the second highest of 250"
    )
    assert true_positive_rate(torch.tensor([1.0]), ranked[:99], 1.0) is None, (
        "100 non-members are the least for 1 %"
    )
    assert true_positive_rate(torch.ones(5), torch.ones(100), 1.0) == 0.0, (
        "equal scores find nobody"
    )


def test_at_chance_the_true_positive_rate_is_no_more_than_asked() -> None:
    generator = torch.Generator().manual_seed(0)
    draws = [
        true_positive_rate(*torch.randn(2, 1000, generator=generator), 0.1) for _ in range(400)
    ]  # type: ignore[call-arg]
    assert sum(d for d in draws if d is not None) / 400 == pytest.approx(0.1, abs=0.02)


def test_every_image_is_in_half_of_all_halves(make_data: Make, generator: torch.Generator) -> None:
    data = make_data((1, 8, 8), 3, 7)
    inside = draw_halves(data, 6, generator)
    assert (inside.sum(0) == 3).all()
    assert all(torch.equal(inside[s], ~inside[s + 1]) for s in (0, 2, 4))
    counts = {int(inside[s][data.labels == c].sum()) for s in range(6) for c in range(3)}
    assert counts == {3, 4}
    assert not torch.equal(inside[0], inside[2]) and not torch.equal(inside[0], inside[3])
    assert list_usable_shadows(3, 6) == [0, 1, 4, 5]
    assert [select_pool(data, 9).count(c) for c in range(3)] == [3, 3, 3]


def test_a_class_of_one_image_has_no_halves(make_data: Make) -> None:
    data = make_data((1, 8, 8), 3, 4)
    lone = data.subset(torch.cat([(data.labels != 2).nonzero().flatten(), data.members(2)[:1]]))
    with pytest.raises(UsageError, match="class 'class 2' has one image"):
        select_pool(lone, 100)


def test_near_copies_are_counted_against_images_held_out(generator: torch.Generator) -> None:
    members, held_out = (
        torch.randn(60, 3, generator=generator),
        torch.randn(400, 3, generator=generator),
    )
    made = torch.cat([members[:5], members[5:8] + 9.0])
    far = sorted(min(float((x - m).norm()) for m in members) for x in held_out)
    limit = far[3] + 0.99 * (
        far[4] - far[3]
    )  # the first percentile of 400 is between the fourth and the fifth
    wanted = sum(min(float((y - m).norm()) for m in members) <= limit for y in made) / 8
    assert near_copy_rate(made, members, held_out) == pytest.approx(100 * wanted)
    assert near_copy_rate(made, members, held_out) >= 62.5
    assert near_copy_rate(held_out, members, held_out) == pytest.approx(1.0)
    distance, index = find_nearest(made[:5], members)
    assert distance.tolist() == [0.0] * 5 and index.tolist() == [0, 1, 2, 3, 4]
