"""Selections by a score of each image in trained networks."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from condensers.data import ClassData
from condensers.hyperparameters import hyper
from condensers.selections.scoring import Memory, ScoredSelection, class_probabilities


@dataclass(frozen=True)
class EL2N(ScoredSelection):
    """EL2N: the real images whose predicted probabilities are far from their label early in
    training, by the length of the error vector.

    score_i = mean_f || softmax( f(x_i) ) - onehot(y_i) ||_2,  f over networks trained for a few
    epochs

    Source: Paul, Ganguli & Dziugaite, "Deep learning on a data diet: finding important examples
    early in training" (NeurIPS 2021), section 2. The paper keeps high scores of large fractions of
    the data; at few images per class these are outliers, and `keep = "easiest"` does better.
    Difference: the networks and their training are the condensation papers'.
    """

    epochs: int = hyper(
        20,
        unit="epochs",
        help="epochs of training before the images are scored",
        source="Paul et al., by Kirsch's replication (2023): at epoch 20",
        minimum=0,
    )
    networks: int = hyper(
        10,
        unit="networks",
        help="networks whose scores are averaged",
        source="Paul et al., README of their code: at least 10 runs",
        minimum=1,
    )
    keep: str = hyper(
        "hardest",
        help="images that are kept, by their score",
        source="Paul et al.",
        values=("hardest", "easiest"),
    )

    registered: ClassVar[str] = "el2n"

    def scores(
        self, network: nn.Module, data: ClassData, positions: Tensor, memory: Memory
    ) -> Tensor:
        """Lengths (n,), between 0 and the square root of 2."""
        wanted = functional.one_hot(data.labels[positions], len(data.class_names))
        error = class_probabilities(network, data, positions) - wanted
        return error.square().sum(1).sqrt()


NUMBERS_AT_ONCE = 2**27  # of gradients that are held together: half a GiB


@dataclass(frozen=True)
class GraNd(ScoredSelection):
    """GraNd: the real images whose loss has the longest gradient in all parameters of a network at
    or near its initialisation.

    score_i = mean_f || grad_theta CE( f_theta(x_i), y_i ) ||_2

    Source: Paul, Ganguli & Dziugaite, "Deep learning on a data diet: finding important examples
    early in training" (NeurIPS 2021), section 2. The paper scores at initialisation (`epochs` 0) or
    after a few epochs. Batch norm is in evaluation mode, so that the gradient of an image is its
    own. Norms are exact: no layer is left out.
    """

    epochs: int = hyper(
        0,
        unit="epochs",
        help="epochs of training before the images are scored",
        source="Paul et al.: at initialisation",
        minimum=0,
    )
    networks: int = hyper(
        10,
        unit="networks",
        help="networks whose scores are averaged",
        source="Paul et al., README of their code: at least 10 runs",
        minimum=1,
    )
    keep: str = hyper(
        "hardest",
        help="images that are kept, by their score",
        source="Paul et al.",
        values=("hardest", "easiest"),
    )

    registered: ClassVar[str] = "grand"
    scoring: ClassVar[float] = 5.0

    def scores(
        self, network: nn.Module, data: ClassData, positions: Tensor, memory: Memory
    ) -> Tensor:
        """Norms (n,)."""
        images, labels = data.normalise(data.images[positions]), data.labels[positions]
        # A CPU is slow at the gradients of many copies of a convolution: one image after the other
        # is as fast with a narrow network, and two to three times as fast with a wide one.
        return (norms_together if images.is_cuda else norms_one_by_one)(network, images, labels)


def norms_one_by_one(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Gradient norms (n,) of images (n, C, H, W) and labels (n,), a backward pass each."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    norms = []
    for image, label in zip(torch.split(images, 1), torch.split(labels, 1), strict=True):
        gradients = torch.autograd.grad(functional.cross_entropy(network(image), label), parameters)
        norms.append(torch.stack([g.square().sum() for g in gradients]).sum().sqrt())
    return torch.stack(norms)


def norms_together(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The same, vectorised over as many images as memory is meant for."""
    parameters = {name: p.detach() for name, p in network.named_parameters()}
    buffers = dict(network.named_buffers())

    def loss(weights: dict[str, Tensor], image: Tensor, label: Tensor) -> Tensor:
        logits = functional_call(network, (weights, buffers), (image[None],))
        return functional.cross_entropy(logits, label[None])

    each = vmap(grad(loss), in_dims=(None, 0, 0))
    size = max(1, NUMBERS_AT_ONCE // sum(p.numel() for p in parameters.values()))
    norms = []
    for part, classes in zip(torch.split(images, size), torch.split(labels, size), strict=True):
        gradients = each(parameters, part, classes)
        norms.append(
            torch.stack([g.flatten(1).square().sum(1) for g in gradients.values()]).sum(0).sqrt()
        )
    return torch.cat(norms)


@dataclass(frozen=True)
class Forgetting(ScoredSelection):
    """Forgetting: the real images that a network in training most often classified correctly once
    and wrongly the next time.

    score_i = sum_t [ correct_i(t - 1) and not correct_i(t) ],  t over the presentations of image i,
    each judged before its update

    Source: Toneva et al., "An empirical study of example forgetting during deep neural network
    learning" (ICLR 2019), definition of a forgetting event and algorithm 1. An image that is never
    classified correctly counts as forgotten at every presentation, so it is among the hardest; one
    that is learned and never forgotten scores 0. Of equally often forgotten images the one wrong at
    more presentations is harder (ours); what is left equal is drawn. The condensation papers keep
    the most forgotten (`hardest`); at one image per class these are outliers, and `easiest` does
    better.
    """

    epochs: int = hyper(
        200,
        unit="epochs",
        help="epochs of the training whose forgetting events are counted",
        source="Toneva et al., their run_cifar.py, --epochs",
        minimum=1,
    )
    keep: str = hyper(
        "hardest",
        help="images that are kept, by their score",
        source="DC, section 4.1 (its coreset 'forgetting')",
        values=("hardest", "easiest"),
    )

    registered: ClassVar[str] = "forgetting"
    scoring: ClassVar[float] = 0.0

    def memory(self, images: int) -> Memory:
        """was: correct when last presented. forgotten: events so far. wrong: wrong presentations so
        far.
        """
        return {
            "was": torch.zeros(images, dtype=torch.bool),
            "forgotten": torch.zeros(images, dtype=torch.int64),
            "wrong": torch.zeros(images, dtype=torch.int64),
        }

    def watch(self, memory: Memory, positions: Tensor, right: Tensor) -> None:
        """Count the events of one batch."""
        memory["forgotten"][positions] += memory["was"][positions] & ~right
        memory["wrong"][positions] += ~right
        memory["was"][positions] = right

    def scores(
        self, network: nn.Module, data: ClassData, positions: Tensor, memory: Memory
    ) -> Tensor:
        """Events (n,) float64, `epochs` where never correct; wrong presentations add less than one
        event, for ties.
        """
        events, wrong = memory["forgotten"][positions], memory["wrong"][positions]
        counted = torch.where(wrong == self.epochs, self.epochs, events)
        return counted.double() + wrong.double() / (self.epochs + 1)


@dataclass(frozen=True)
class Margin(ScoredSelection):
    """Margin: the real images between whose two most probable classes a trained network hardly
    decides.

    margin_i = mean_f ( p_(1) - p_(2) ),  p = softmax( f(x_i) ) in falling order;  the hardest image
    has the smallest margin

    Source: Scheffer, Decomain & Wrobel, "Active hidden Markov models for information extraction"
    (IDA 2001), for the margin; Guo, Zhao & Bai, "DeepCore" (DEXA 2022), for selecting training
    images by it. It does not look at the label: an image that is wrong with confidence has a large
    margin.
    """

    keep: str = hyper(
        "hardest",
        help="images that are kept, by their score",
        source="DeepCore",
        values=("hardest", "easiest"),
    )

    registered: ClassVar[str] = "margin"

    def scores(
        self, network: nn.Module, data: ClassData, positions: Tensor, memory: Memory
    ) -> Tensor:
        """The negative margins (n,), between -1 and 0; -1 for all where the data set has a single
        class.
        """
        largest = (
            class_probabilities(network, data, positions).topk(min(2, len(data.class_names))).values
        )
        return largest[:, 1:].sum(1) - largest[:, 0]
