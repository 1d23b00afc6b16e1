"""Curricula: which real images a network sees in each epoch of its training."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, final

import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.engine import files
from condensers.engine.cache import key_of, make_missing
from condensers.engine.context import Context, derive_seed
from condensers.errors import UsageError
from condensers.hyperparameters import Part, hyper, settings_of
from condensers.networks import NetworkSpec
from condensers.registry.code_digest import code_of
from condensers.training.classifier import Training, predict, train_fresh

FORMAT = 1


class Curriculum(Part):
    """Decides which images are trained on in each epoch."""

    @abstractmethod
    def prepare(self, data: ClassData, network: NetworkSpec, context: Context) -> Tensor | None:
        """Return what `members` needs to know of the images.

        Args:
            data: The real images.
            network: The spec of the networks that are to be trained.
            context: Its cache keeps what is found, whatever the run's seed.

        Returns:
            Positions (N,) int64 of all images, the easiest first; None if all are always seen.
        """

    @abstractmethod
    def members(self, epoch: int, data: ClassData, order: Tensor | None) -> Tensor | None:
        """Return the positions (n,) int64 of the images of an epoch, on the CPU; None: all of them.

        Args:
            epoch: From 0.
            data: The real images.
            order: What `prepare` gave.
        """

    def preparation(self, data: ClassData) -> float:
        """Return the image passes of `prepare`, for estimates of time."""
        return 0.0


@final
@dataclass(frozen=True)
class EveryImage(Curriculum):
    """All images in every epoch."""

    registered: ClassVar[str] = "all"

    def prepare(self, data: ClassData, network: NetworkSpec, context: Context) -> None:
        """Return None."""
        return None

    def members(self, epoch: int, data: ClassData, order: Tensor | None) -> None:
        """Return None."""
        return None


@final
@dataclass(frozen=True)
class ByDifficulty(Curriculum):
    """Easy images first, hard ones added, the easiest left out at the end.

    By difficulty: epoch e sees, of each class, the easiest share p(e) = first + (1 - first) e /
    all_at up to epoch `all_at`; after each epoch of `drop_after` all but the easiest share `drop`.

    difficulty(x) = mean_f || softmax( f(x) ) - onehot(y) ||_2,  f over networks trained for a few
    epochs

    Source: Li et al., "Prioritize Alignment in Dataset Distillation" (PAD, arXiv 2408.03360), and
    the authors' README and code (buffer_CL.py) for the schedule and its shares. Difference: that
    code reads a ranking of CIFAR images from a file, by the norm of gradients (GraNd); the score
    here is EL2N (Paul et al., NeurIPS 2021, section 2), which any data can be ranked by, and whose
    training counts in the time. That code also assumes 5,000 images in every class.
    """

    first: float = hyper(
        0.75,
        help="share of each class, the easiest, in the first epoch",
        source="PAD's README, init_ratio",
        minimum=0.0,
    )
    all_at: int = hyper(
        20,
        unit="epochs",
        help="epoch by which all images are seen",
        source="PAD's README, add_end_epoch",
        minimum=1,
    )
    drop_after: tuple[int, ...] = hyper(
        (40, 60),
        unit="epochs",
        help="epochs after which the easiest images are left out",
        source="PAD's README, rm_epoch_first, rm_epoch_second",
        minimum=0,
    )
    drop: tuple[float, ...] = hyper(
        (0.1, 0.2),
        help="share of each class that is left out after each of these epochs, 0 to 1",
        source="PAD's README, rm_easy_ratio_first, rm_easy_ratio_second",
        minimum=0.0,
    )
    epochs: int = hyper(
        4,
        unit="epochs",
        help="epochs of training before images are scored",
        source="ours",
        minimum=1,
    )
    networks: int = hyper(
        1, unit="networks", help="networks whose scores are averaged", source="ours", minimum=1
    )
    batch: int = hyper(
        64, unit="images", help="images in a batch before they are scored", source="ours", minimum=1
    )

    registered: ClassVar[str] = "by-difficulty"

    def __post_init__(self) -> None:
        if (
            len(self.drop) != len(self.drop_after)
            or self.first > 1
            or any(p >= 1 for p in self.drop)
        ):
            raise UsageError(
                f"curriculum by-difficulty: first {self.first} must be at most 1, and drop"
                f" {list(self.drop)} as many shares below 1 as drop_after {list(self.drop_after)}"
                " has epochs"
            )

    def preparation(self, data: ClassData) -> float:
        """Return the image passes of training and scoring."""
        return self.networks * len(data.images) * (self.epochs + 1 / 3)

    def prepare(self, data: ClassData, network: NetworkSpec, context: Context) -> Tensor:
        """Return the positions of all images, the easiest first."""
        if context.cache is None:
            return _order(self._scores(data, network, context, None))
        folder = context.cache / "difficulty"
        path = folder / f"{_key(self, data, network)}.pt"

        def make(_: int) -> None:
            unfinished = folder / f"unfinished-{path.stem}"
            scores = self._scores(data, network, context, unfinished)
            files.write_state(path, {"scores": scores})

        make_missing([path], make, context)
        found = files.read_state(path, torch.device("cpu"))
        assert found is not None
        with files.raise_damaged(path):
            return _order(found["scores"].view(len(data.images)))

    def members(self, epoch: int, data: ClassData, order: Tensor | None) -> Tensor | None:
        """Return the positions of the images of an epoch: of each class those between two
        ranks.
        """
        assert order is not None
        low, high = self.shares(epoch)
        if (low, high) == (0.0, 1.0):
            return None
        labels, kept = data.labels.cpu()[order], []
        for label in data.classes:
            own = order[labels == label]
            # A class of few images keeps one at least.
            least = min(int(low * len(own)), len(own) - 1)
            kept.append(own[least : max(int(high * len(own)), least + 1)])
        return torch.cat(kept)

    def shares(self, epoch: int) -> tuple[float, float]:
        """Return between which ranks the images of an epoch are, as parts of their class.

        >>> part = ByDifficulty(first=0.5, all_at=4, drop_after=(6, 8), drop=(0.1, 0.2))
        >>> [part.shares(epoch) for epoch in (0, 2, 4, 6, 7, 9)]
        [(0.0, 0.5), (0.0, 0.75), (0.0, 1.0), (0.0, 1.0), (0.1, 1.0), (0.2, 1.0)]
        """
        high = min(1.0, self.first + (1 - self.first) * epoch / self.all_at)
        past = [share for at, share in zip(self.drop_after, self.drop, strict=True) if epoch > at]
        return (past[-1] if past else 0.0), high

    def _scores(
        self, data: ClassData, network: NetworkSpec, context: Context, folder: Path | None
    ) -> Tensor:
        """EL2N scores (N,) float64, on the CPU."""
        wanted = functional.one_hot(data.labels, len(data.class_names))
        total = torch.zeros(len(data.images), dtype=torch.float64)
        recipe = Training(epochs=self.epochs, batch=self.batch, drop=False)
        for index in range(self.networks):
            own = replace(
                context.fork("difficulty"),
                seed=derive_seed(index, "difficulty"),
                folder=folder / str(index) if folder else None,
            )
            name = f"difficulty {index + 1} of {self.networks}"
            trained = train_fresh(network, data, recipe, own, name)
            error = torch.softmax(predict(trained, data), 1) - wanted
            total += error.square().sum(1).sqrt().double().cpu()
        return total / self.networks


def _order(scores: Tensor) -> Tensor:
    return torch.argsort(scores, stable=True)


def _key(part: ByDifficulty, data: ClassData, network: NetworkSpec) -> str:
    """Stands for all that determines the scores."""
    seen: list[Any] = [data.digest, data.mean, data.std, data.mirror]
    spec = {"name": network.registered, **settings_of(network)}
    machine = [data.device.type, torch.__version__]
    settings = [part.epochs, part.networks, part.batch]
    return key_of([FORMAT, seen, spec, settings, machine, code_of(network, modules=(__name__,))])
