"""The one routine that trains a classifier on some images and tests it.

Protocol of VICO-UoE/DatasetCondensation (DC, DSA, DM): SGD with learning rate 0.01, momentum 0.9
and weight decay 5e-4, batches of 256, the rate divided by ten at half of the epochs with a new
optimiser (its momentum starts from zero), the last epoch is what counts. The authors' loop runs one
epoch more than it says; ours runs what it says.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from condensers import networks
from condensers.data import ClassData
from condensers.engine import loop as engine
from condensers.engine import optimiser_state
from condensers.engine.context import Context
from condensers.engine.devices import send
from condensers.errors import Interrupted
from condensers.networks.precision import AUTO, precision
from condensers.networks.precision_choice import resolve
from condensers.parts.augmentations.cutmix import cutmix
from condensers.parts.augmentations.mixup import mixup
from condensers.registry.registry import AUGMENTATIONS
from condensers.training.clipping import clip_gradients
from condensers.training.losses import centred_onehot, loss_of
from condensers.training.recipe import Training as Training

Mix = Callable[[Tensor, Tensor, int, torch.Generator], tuple[Tensor, Tensor]]

MIX: Mapping[str, Mix | None] = {"none": None, "cutmix": cutmix, "mixup": mixup}
PIXELS_AT_ONCE = 2**18  # 256 images of 32 x 32


class TrainingLoop:
    """Trains `network` on images (N, C, H, W) uint8 or float32 normalised, labels (N,) int64 or (N,
    K) float.

    One engine step is one gradient step; epochs are shuffled by the context's generator. seen:
    positions and logits of the last step. The loss "mse" is half the squared distance between
    logits and labels, summed over classes; "binary" asks of every class alone whether it is there,
    and is the mean over classes. Several networks may be trained as one, whose logits are (n, M, K)
    (`condensers.training.batched`). members: the positions of the images that an epoch sees, all if
    None; they may be set before its first step.
    """

    def __init__(
        self,
        network: nn.Module,
        images: Tensor,
        labels: Tensor,
        recipe: Training,
        data: ClassData,
        context: Context,
    ):
        self.network, self.images, self.labels = network, images, labels
        self.recipe, self.data, self.generator = recipe, data, context.generator
        self.augmentation = AUGMENTATIONS.create(recipe.augmentation_table).for_data(data)
        shape = (min(recipe.batch, len(images)), *images.shape[1:])
        self.precision = resolve(recipe.precision, network, shape, images.device)
        self.per_epoch = -(-len(images) // recipe.batch)
        self.total = recipe.steps or recipe.epochs * self.per_epoch
        self.drop_at = (
            recipe.steps // 2 if recipe.steps else (recipe.epochs // 2 + 1) * self.per_epoch
        )
        self.order = torch.empty(0, dtype=torch.int64)
        self.members: Tensor | None = None
        self.seen = (self.order, torch.empty(0))
        self.optimiser = self._optimiser(recipe.lr)
        self.whole = networks.has_batch_norm(network)
        network.train()

    def _optimiser(self, lr: float) -> torch.optim.Optimizer:
        recipe = self.recipe
        decay = recipe.weight_decay
        if recipe.optimiser == "adamw":
            return torch.optim.AdamW(
                self.network.parameters(), lr=lr, weight_decay=decay, fused=True
            )
        return torch.optim.SGD(
            self.network.parameters(),
            lr=lr,
            momentum=recipe.momentum,
            weight_decay=decay,
            fused=True,
        )

    def step(self, index: int) -> Tensor:
        position = index % self.per_epoch
        if position == 0:
            self.order = self._shuffle()
        self._set_rate(index)
        chosen = self.order[position * self.recipe.batch : (position + 1) * self.recipe.batch]
        chosen = send(chosen, self.images.device)
        batch, labels = as_input(self.images[chosen], self.data), self.labels[chosen]
        batch = self.augmentation.apply(
            batch, self.augmentation.draw(len(batch), self.data.shape, self.generator)
        )
        batch, labels = self._mix(batch, labels)
        self.optimiser.zero_grad()
        size, seen = self._images_at_once(batch), list[Tensor]()
        total: float | Tensor = 0.0
        for part, wanted in zip(torch.split(batch, size), torch.split(labels, size), strict=True):
            with precision(self.precision):
                logits = self.network(part)
            seen.append(logits.detach())
            loss = self.loss(logits, wanted)
            if len(part) < len(batch):  # a mean over images, hence the weighted sum of its parts
                loss = loss * (len(part) / len(batch))
            torch.autograd.backward(loss)
            total = total + loss.detach()
        logits = seen[0] if len(seen) == 1 else torch.cat(seen)
        self.seen = chosen, logits
        if self.recipe.clip is not None:
            clip_gradients(self.network, self.recipe.clip)
        self.optimiser.step()
        return torch.as_tensor(total / (logits.shape[1] if logits.ndim == 3 else 1))

    def _shuffle(self) -> Tensor:
        """Draw the order of an epoch."""
        if self.members is None:
            return torch.randperm(len(self.images), generator=self.generator)
        return self.members[torch.randperm(len(self.members), generator=self.generator)]

    def _images_at_once(self, batch: Tensor) -> int:
        """How many images of a batch pass at once: all, but for large ones in the main memory,
        where the graph of a batch of 64 x 64 pixels takes 2 GB.
        """
        pixels = batch.shape[2] * batch.shape[3]
        if batch.device.type != "cpu" or len(batch) * pixels <= PIXELS_AT_ONCE or self.whole:
            return max(1, len(batch))
        return max(1, PIXELS_AT_ONCE // pixels)

    def _set_rate(self, index: int) -> None:
        """Bring the learning rate to what the schedule says of a step."""
        if self.recipe.schedule != "drop":
            for group in self.optimiser.param_groups:
                group["lr"] = self.recipe.rate(index, self.total, self.per_epoch)
        elif index == self.drop_at and self.recipe.drop:
            self.optimiser = self._optimiser(self.recipe.lr * 0.1)

    def _mix(self, batch: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Mix a batch with the recipe's probability; regressed classes are mixed as what they are
        regressed on.
        """
        mix, part = MIX[self.recipe.mix], self.recipe.mix_probability
        if mix is None or float(torch.rand((), generator=self.generator)) >= part:
            return batch, labels
        classes = len(self.data.class_names)
        if labels.ndim == 1 and self.recipe.loss == "mse":
            labels = centred_onehot(labels, classes)
        return mix(batch, labels, classes, self.generator)

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """What a step descends: the loss of logits (n, K), of (n, M, K) the sum of M such losses,
        each with its own gradient.
        """
        if logits.ndim == 2:
            return loss_of(logits, labels, self.recipe.loss, self.recipe)
        count = logits.shape[1]
        wanted = labels.repeat_interleave(count, 0)
        return loss_of(logits.flatten(0, 1), wanted, self.recipe.loss, self.recipe) * count

    def processed(self, steps: int | None = None) -> int:
        """How many images all of the training sees, or its first `steps` steps."""
        whole, rest = divmod(self.total if steps is None else steps, self.per_epoch)
        return whole * len(self.images) + rest * self.recipe.batch

    def state_dict(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "order": self.order,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        optimiser_state.take_up(self.optimiser, state["optimiser"])
        self.order = state["order"].cpu()


def as_input(images: Tensor, data: ClassData) -> Tensor:
    """uint8 images normalised, float ones as they are."""
    return data.normalise(images) if images.dtype == torch.uint8 else images


class Trained(NamedTuple):
    """images: how many were processed. seconds: what all of the training took, also what ran before
    an interruption.

    keep: writes the finished training as a checkpoint.
    """

    images: int
    seconds: float
    keep: Callable[[], None]

    @contextmanager
    def keep_if_interrupted(self) -> Iterator[None]:
        """Where what is done meanwhile, such as a test, is interrupted, the training is not done
        again.
        """
        try:
            yield
        except Interrupted:
            self.keep()
            raise


def train(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    recipe: Training,
    data: ClassData,
    context: Context,
    name: str,
) -> Trained:
    """Train a network in place.

    Args:
        network: Is changed.
        images: (N, C, H, W) uint8, or float32 normalised.
        labels: (N,) int64, or (N, K) float for soft labels.
        recipe: How it is trained.
        data: Gives the mean, the std, and whether a mirrored image keeps its label.
        context: Randomness, and where checkpoints are kept.
        name: Of the work, for people.

    Returns:
        How many images were processed, and the seconds that it took.

    Raises:
        Interrupted: The context says stop.
        WorkFailed: The loss is not a finite number.
    """
    recipe = settle_precision(recipe, network, images, context)
    loop = TrainingLoop(network, images, labels, recipe, data, context)
    seconds = engine.run(loop, loop.total, context, name)
    return Trained(
        loop.processed(),
        seconds,
        partial(engine.write_checkpoint, loop, loop.total, context, seconds),
    )


def settle_precision(
    recipe: Training, network: nn.Module, images: Tensor, context: Context
) -> Training:
    """Return the recipe with the faster precision in place of "auto".

    A run that was interrupted goes on in the one it began with, also on another machine.

    Args:
        recipe: How the network is trained.
        network: What is trained, or one like it; it is not changed.
        images: (N, C, H, W), what it is trained on.
        context: Its folder keeps the choice.
    """
    if recipe.precision != AUTO:
        return recipe
    shape = (min(recipe.batch, len(images)), *images.shape[1:])
    chosen = context.memo("precision", lambda: resolve(AUTO, network, shape, images.device))
    return replace(recipe, precision=chosen)


def train_fresh(
    spec: networks.NetworkSpec, data: ClassData, recipe: Training, context: Context, name: str
) -> nn.Module:
    """Return a new network of `spec`, drawn from the context's generator and trained on `data`."""
    network = networks.build(
        spec, data.shape, len(data.class_names), context.generator, data.device
    )
    train(network, data.images, data.labels, recipe, data, context, name)
    return network


@torch.no_grad()
def predict(
    network: nn.Module,
    data: ClassData,
    batch: int = 256,
    products: str = "fp32",
    lent: Context | None = None,
) -> Tensor:
    """Return the logits (N, K) of all images of `data`, in evaluation mode.

    Args:
        network: A classifier of K classes.
        data: N images.
        batch: Images at once.
        products: One of `condensers.networks.precision.PRECISIONS`.
        lent: Hears how far it is, and may stop it.
    """
    parts = torch.split(data.images, batch)
    found = resolve(products, network, parts[0].shape, data.device)
    network.eval()
    with precision(found):
        return torch.cat(
            [
                network(data.normalise(part))
                for part in (lent.each(parts, "test") if lent else parts)
            ]
        )


def accuracy(
    network: nn.Module,
    data: ClassData,
    batch: int = 256,
    products: str = "fp32",
    lent: Context | None = None,
) -> float:
    """Return the percentage of `data` that is classified correctly, 0 to 100.

    The arguments are those of `predict`.
    """
    return (
        predict(network, data, batch, products, lent).argmax(1) == data.labels
    ).double().mean().item() * 100
