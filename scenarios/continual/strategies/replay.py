"""Strategies that replay a memory beside the stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.training.classifier import predict
from scenarios.continual.strategies.base import ResumablePlugin, Setup, Strategy

if TYPE_CHECKING:
    from scenarios.continual.memory.buffer import CondensedMemory


@dataclass(frozen=True)
class Replay(Strategy):
    """Experience replay: exemplars join every minibatch of the stream.

    L = mean over the n + m images of both of CE(f(x), y)

    Source: Chaudhry et al., "On Tiny Episodic Memories in Continual Learning" (2019); the loss is
    that of Avalanche's ReplayPlugin.
    """

    registered: ClassVar[str] = "replay"

    def plugins(self, setup: Setup) -> Sequence[ResumablePlugin]:
        from scenarios.continual.memory.criterion import MeanLoss
        from scenarios.continual.memory.replay import CondensedReplay

        return [
            CondensedReplay(
                setup.require_memory(),
                setup.settings.batch_size_mem,
                loss=MeanLoss(),
                generator=setup.generator,
            )
        ]


@dataclass(frozen=True)
class ErAce(Strategy):
    """Experience replay with asymmetric cross-entropy: stream classes compete among themselves.

    L = CE(f(x)[C], y) + L_memory,  C the classes of the stream's images in the minibatch

    Before there is a memory the loss is that of all classes. A condensed memory takes classes in
    after their experience; until then nothing lifts new classes above old ones, so that they are
    learned an experience late.

    Source: Caccia et al., "New Insights on Reducing Abrupt Representation Change in Online
    Continual Learning" (ICLR 2022).
    """

    registered: ClassVar[str] = "er-ace"

    def plugins(self, setup: Setup) -> Sequence[ResumablePlugin]:
        from scenarios.continual.memory.replay import CondensedReplay
        from scenarios.continual.plugins.losses import AsymmetricLoss

        return [
            CondensedReplay(
                setup.require_memory(),
                setup.settings.batch_size_mem,
                loss=AsymmetricLoss(),
                generator=setup.generator,
            )
        ]


@dataclass(frozen=True)
class Mir(Strategy):
    """Experience replay of the exemplars that a step on the stream would harm most.

    s(x) = L(f'(x), y) - L(f(x), y),  f' after one step on the stream's minibatch alone

    The step is one of plain SGD at the learning rate. Draws are uniform while the memory holds no
    more than a batch.

    Source: Aljundi et al., "Online Continual Learning with Maximally Interfered Retrieval"
    (NeurIPS 2019), which draws 50 candidates for 10 images.
    """

    candidates: int = hyper(
        100,
        unit="images",
        help="candidates of which `batch_size_mem` are taken",
        source="ours; MIR: 50 for 10",
        minimum=1,
    )

    registered: ClassVar[str] = "mir"

    def plugins(self, setup: Setup) -> Sequence[ResumablePlugin]:
        from scenarios.continual.memory.criterion import MeanLoss
        from scenarios.continual.memory.replay import CondensedReplay
        from scenarios.continual.plugins.retrieval import MostInterfered

        wanted = setup.settings.batch_size_mem
        if self.candidates <= wanted:
            raise UsageError(
                f"mir.candidates: of {self.candidates} images {wanted} cannot be chosen; give more,"
                " or a smaller batch_size_mem"
            )
        retrieval = MostInterfered(self.candidates)
        return [
            CondensedReplay(setup.require_memory(), wanted, MeanLoss(), retrieval, setup.generator)
        ]


BATCH = 256


@dataclass(frozen=True)
class NearestMean(Replay):
    """Experience replay that classifies by the nearest mean of the exemplars' features.

    y(x) = argmin_c |phi(x) - mu_c|,  phi features of length 1, mu_c the mean of those of class c in
    memory, of length 1

    A class without an exemplar is never predicted.

    Source: Rebuffi et al., "iCaRL" (CVPR 2017), equations 1 and 2, without its distillation and its
    sigmoid losses.
    """

    registered: ClassVar[str] = "nearest-mean"

    def predict(
        self, network: nn.Module, test: ClassData, memory: "CondensedMemory | None"
    ) -> Tensor:
        if memory is None or not memory.image_count:
            return predict(network, test).argmax(1)
        network.eval()
        held = memory.exemplars()
        images, labels = held.images.to(test.device), held.labels.to(test.device)
        classes, which = torch.unique(labels, return_inverse=True)
        features = torch.cat(
            [embed_normalised(network, part) for part in torch.split(images, BATCH)]
        )
        means = functional.normalize(
            features.new_zeros(len(classes), features.shape[1]).index_add_(0, which, features)
        )
        # Among vectors of length 1 the nearest is the one with the largest product.
        parts = torch.split(test.images, BATCH)
        return torch.cat(
            [
                classes[(embed_normalised(network, test.normalise(part)) @ means.T).argmax(1)]
                for part in parts
            ]
        )


def embed_normalised(network: nn.Module, x: Tensor) -> Tensor:
    """Return the features (n, D) of x (n, C, H, W), each of length 1."""
    embedded: Tensor = network.embed(x)  # type: ignore[operator]
    return functional.normalize(embedded.flatten(1))
