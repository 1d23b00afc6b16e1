"""When networks are made and trained, on how many real images of which classes, by which rule, and
what their batches look like.
"""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.parts.augmentations.dsa import NoAugmentation, Siamese
from condensers.parts.model_schedules.trained_on_real import TrainedOnReal
from condensers.parts.setting import RunSetting


class Noting(nn.Module):
    """A linear classifier that notes its number and each batch."""

    def __init__(self, number: int, events: list[Any]) -> None:
        super().__init__()
        self.number, self.events = number, events
        self.layer = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        self.events.append((self.number, len(x)))
        out: Tensor = self.layer(x.flatten(1))
        return out


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    noted: list[Any] = []

    def build(*_: Any) -> nn.Module:
        noted.append("new")
        return Noting(noted.count("new") - 1, noted)

    monkeypatch.setattr(networks, "build", build)
    return noted


def begin(
    schedule: TrainedOnReal, data: ClassData, augmentation: Any = None, network: Any = "any"
) -> Any:
    return schedule.begin(
        RunSetting(
            data, network, augmentation or NoAugmentation(), Context(seed=2), ipc=1, per_class=1
        )
    )


def absent() -> tuple[Tensor, Tensor]:
    raise AssertionError("networks do not learn from the set")


def test_real_images_between_steps_and_a_new_network_after_inner_of_them(
    grey8: ClassData, events: list[Any]
) -> None:
    running = begin(TrainedOnReal(inner=3, n_data=20, batch=8), grey8)
    for step in range(7):
        events.append(f"step with {running.next(step, absent).number}")
    trained = [[(number, 8)] * 3 for number in (0, 1)]
    wanted = [["new", "step with 0", *trained[0], "step with 0", *trained[0], "step with 0"]]
    wanted += [
        ["new", "step with 1", *trained[1], "step with 1", *trained[1], "step with 1"],
        ["new", "step with 2"],
    ]
    assert events == [event for part in wanted for event in part]


@pytest.mark.parametrize(
    ("n_data", "batch", "epochs", "sizes"),
    [
        (16, 8, 1, [8, 8]),
        (17, 8, 2, [8, 8, 8] * 2),
        (1000, 64, 1, [64, 64, 64, 8]),
        (5, 300, 1, [200]),
        (5, 2, 0, []),
    ],
)
def test_n_data_images_an_epoch_and_no_more_than_there_are(
    n_data: int, batch: int, epochs: int, sizes: list[int], grey8: ClassData, events: list[Any]
) -> None:
    running = begin(TrainedOnReal(inner=9, n_data=n_data, batch=batch, epochs=epochs), grey8)
    running.next(0, absent)
    running.next(1, absent)
    assert [size for _, size in events[1:]] == sizes


def test_an_epoch_is_the_rule_of_sgd_written_out(grey8: ClassData) -> None:
    """w <- w - lr v, v <- .9 v + g + 5e-4 w, over three steps on the images: the momentum is
    kept.
    """
    network = {"name": "mlp", "depth": 1, "width": 4}
    running = begin(
        TrainedOnReal(inner=9, n_data=12, batch=8, lr=0.1, cutmix=0.0), grey8, network=network
    )
    draw = torch.Generator().manual_seed(2)
    literal = networks.build(network, grey8.shape, 10, draw)
    weights = list(literal.parameters())
    velocity = [torch.zeros_like(w) for w in weights]
    for step in range(3):
        learned = running.next(step, absent)
        if step > 0:
            order = torch.randperm(200, generator=draw)
            for chosen in (order[:8], order[8:16]):
                z = literal((grey8.images[chosen].float() / 255 - 0.5) / 0.25)
                loss = (
                    -sum(
                        row.log_softmax(0)[label]
                        for row, label in zip(z, grey8.labels[chosen], strict=True)
                    )
                    / 8
                )
                gradients = torch.autograd.grad(loss, weights)
                with torch.no_grad():
                    for w, v, g in zip(weights, velocity, gradients, strict=True):
                        v.mul_(0.9).add_(g + 5e-4 * w)
                        w.sub_(0.1 * v)
    for got, wanted in zip(learned.parameters(), weights, strict=True):
        assert torch.allclose(got, wanted, atol=1e-5)
    untrained = networks.build(network, grey8.shape, 10, torch.Generator().manual_seed(2))
    assert not torch.allclose(weights[0], next(untrained.parameters()))


def test_labels_are_mixed_with_the_probability_of_cutmix(
    grey8: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    from condensers.parts.model_schedules import trained_on_real

    for probability, least, most in ((0.0, 0, 0), (0.5, 60, 140), (1.0, 200, 200)):
        forms = []
        monkeypatch.setattr(
            trained_on_real, "train_step", lambda *given, forms=forms: forms.append(given[3].ndim)
        )
        running = begin(
            TrainedOnReal(inner=300, n_data=1, batch=4, cutmix=probability), grey8, network="mlp"
        )
        for step in range(201):
            running.next(step, absent)
        assert len(forms) == 200
        assert least <= forms.count(2) <= most


def test_with_cutmix_there_is_no_cutout(grey8: ClassData) -> None:
    augmentation = Siamese("color_crop_cutout", mode="together")
    mixing, plain = (
        begin(TrainedOnReal(cutmix=p), grey8, augmentation, network="mlp") for p in (0.5, 0.0)
    )
    assert mixing.augmentation == Siamese("color_crop", mode="together")
    assert plain.augmentation == augmentation


def test_only_classes_that_are_there_are_seen(
    grey8: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    from condensers.parts.model_schedules import trained_on_real

    seen: list[Tensor] = []
    monkeypatch.setattr(trained_on_real, "train_step", lambda *given: seen.append(given[3]))
    running = begin(
        TrainedOnReal(inner=9, n_data=40, batch=10, cutmix=1.0),
        grey8.restrict([2, 7]),
        network="mlp",
    )
    for step in range(4):
        running.next(step, absent)
    rows = torch.cat(seen)
    assert rows.shape[1] == 10
    assert torch.allclose(rows[:, [2, 7]].sum(1), torch.ones(len(rows)), atol=1e-6)
    assert bool(((rows > 0) & (rows < 1)).any())


def test_batch_norm_is_frozen_for_the_step_and_learns_in_training(grey8: ClassData) -> None:
    network = {"name": "convnet", "depth": 1, "width": 4, "norm": "batch"}
    running = begin(TrainedOnReal(inner=4, n_data=16, batch=8), grey8, network=network)
    means = []
    for step in range(2):
        norm = next(
            m for m in running.next(step, absent).modules() if isinstance(m, nn.BatchNorm2d)
        )
        assert not norm.training
        means.append(norm.running_mean.clone())
    assert not torch.equal(*means)


def test_the_work_of_a_run_is_counted() -> None:
    assert TrainedOnReal(inner=5).steps(10) == 5
    assert TrainedOnReal(inner=5, n_data=20, batch=8, epochs=2).passes(10, 99, 1) == 2 * 4 * 2 * 24
