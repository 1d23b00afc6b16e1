"""ProxyEvaluator: a condensed set scores the architectures of anybody's NNI search."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.sets.files import load_set
from condensers.sets.synthetic_set import SyntheticSet
from condensers.sets.units import as_data
from condensers.training.classifier import Training, train
from scenarios.datasets import load as load_dataset
from scenarios.protocol import Splits
from scenarios.search.curve import limit_validation
from scenarios.search.nni_imports import FunctionalEvaluator, nni
from scenarios.training_material import match_loss_to_labels

BATCH = 256
Validation = str | ClassData | Dataset[tuple[Tensor, int]]


class ProxyEvaluator(FunctionalEvaluator):  # type: ignore[misc]
    """Score each model of an NNI search by training it on a condensed set.

    A model is trained as suites train it (`condensers.training.classifier`), and its accuracy on
    validation images, in %, is reported to NNI as its final result. A model that cannot be trained
    on the set, or diverges, fails in one sentence. Models keep the initial weights that their
    constructor drew; equal seeds give equal batches and augmentation to all of them.

    Import this before anything of `nni.nas`, or call `nni.set_default_framework("none")` first:
    otherwise NNI imports pytorch-lightning. Where trials run in other processes, give the path of
    a file and the name of a data set, since NNI sends arguments as text.

    Args:
        source: The path of a set's .safetensors file, or a SyntheticSet.
        steps: Gradient steps, the same for sets of all sizes; or
        epochs: how often the set is gone through, where `steps` is left out.
        batch: Images in a batch.
        lr: Learning rate of SGD; a tenth of it from half of the training on.
        augmentation: "dsa", "none", or "card" for the one that the set's method asks for.
        validation: What models are scored on: the name of a data set as in suites, whose
            validation part is taken; images as ClassData; or a torch data set of pairs (image,
            label), its images normalised as the set's. The data set of the set's card if left out.
        validation_images: How many of them at most, every class in proportion.
        seed: Of batches and augmentation.
        device: Where models are trained.

    Raises:
        UsageError: The file is no set; later, in an evaluation: a model's output does not fit the
            set, or the validation images do not.

    Examples:
        >>> from condensers import Budget, Context, create_condenser
        >>> from scenarios import ProxyEvaluator, load_dataset
        >>> train = load_dataset("digits").train
        >>> condensed = create_condenser("random").condense(train, Budget(ipc=2), Context())
        >>> evaluator = ProxyEvaluator(condensed, steps=20, lr=0.05)
        >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
        >>> 10 < evaluator.evaluate(model) < 100  # outside of NNI the accuracy is returned alone
        True
    """

    def __init__(
        self,
        source: str | Path | SyntheticSet,
        *,
        steps: int | None = None,
        epochs: int = 200,
        batch: int = 256,
        lr: float = 0.01,
        augmentation: str = "card",
        validation: Validation | None = None,
        validation_images: int = 2000,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        settings = {
            "source": str(source) if isinstance(source, Path) else source,
            "steps": steps,
            "epochs": epochs,
            "batch": batch,
            "lr": lr,
            "augmentation": augmentation,
            "validation": validation,
            "validation_images": validation_images,
            "seed": seed,
            "device": device,
        }
        super().__init__(ProxyEvaluator.score, **settings)
        if not isinstance(source, SyntheticSet) and not Path(source).is_file():
            load_set(Path(source))  # says what is wrong

    def extra_repr(self) -> str:
        """The arguments, as `repr` shows them."""
        return ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())

    @property
    def trace_kwargs(self) -> dict[str, Any]:
        """The arguments that NNI makes a copy of."""
        return dict(self.arguments)

    @cached_property
    def material(self) -> "ProxyMaterial":
        """The decoded set and the validation images, read once."""
        return read_material(self.arguments)

    def evaluate(self, model: nn.Module) -> float:
        """Train a model on the set, report its accuracy to NNI if NNI asks, and return it."""
        accuracy = self.score(model)
        if nni.get_current_parameter() is not None:
            nni.report_final_result(accuracy)
        return accuracy

    def score(self, model: nn.Module) -> float:
        """Train a model on the set, and return its accuracy in % on the validation images."""
        material, device = self.material, torch.device(self.arguments["device"])
        model.to(device)
        require_output(model, material, device)
        context = Context(seed=self.arguments["seed"], device=device)
        images, labels = material.images.to(device), material.labels.to(device)
        train(model, images, labels, material.recipe, material.data, context, "proxy")
        model.eval()
        with torch.no_grad():
            parts = zip(torch.split(material.x, BATCH), torch.split(material.y, BATCH), strict=True)
            right = sum(int((model(x.to(device)).argmax(1).cpu() == y).sum()) for x, y in parts)
        return right / len(material.y) * 100


@dataclass(frozen=True)
class ProxyMaterial:
    """What a model is trained and scored on.

    Attributes:
        images: (M, C, H, W) float32, normalised.
        labels: (M,) int64, or (M, K) float32.
        recipe: How a model is trained.
        data: The set as data, for its statistics and classes.
        x: (N, C, H, W) float32, normalised validation images.
        y: (N,) int64.
    """

    images: Tensor
    labels: Tensor
    recipe: Training
    data: ClassData
    x: Tensor
    y: Tensor


def read_material(settings: dict[str, Any]) -> ProxyMaterial:
    """Decode the set of an evaluator's settings, and read its validation images."""
    source = settings["source"]
    synthetic = source if isinstance(source, SyntheticSet) else load_set(Path(source))
    wanted = settings["augmentation"]
    recipe = Training(
        settings["epochs"],
        settings["lr"],
        batch=settings["batch"],
        steps=settings["steps"],
        augmentation=(synthetic.recipe.get("augmentation", "none") if wanted == "card" else wanted),
    )
    images, labels = synthetic.decode()
    labels, recipe = match_loss_to_labels(synthetic, labels, recipe)
    data = as_data(synthetic)
    x, y = read_validation(settings["validation"], data, settings["validation_images"])
    return ProxyMaterial(images, labels, recipe, data, x, y)


def read_validation(given: Validation | None, data: ClassData, most: int) -> tuple[Tensor, Tensor]:
    """Return validation images (N, C, H, W), normalised as the set's, and labels (N,).

    Args:
        given: What was asked for; None for the data set that `data` is named after.
        data: The set as data.
        most: How many at most.
    """
    if isinstance(given, Dataset):
        items = [given[i] for i in range(len(given))]  # type: ignore[arg-type]
        x = torch.stack([image for image, _ in items]).float()
        y = torch.tensor([int(label) for _, label in items])
        chosen = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))[:most]
        x, y = x[chosen], y[chosen]
    else:
        if isinstance(given, ClassData):
            parts = Splits(given, given, given)
        else:
            parts = load_dataset(given or data.name)
        real = limit_validation(parts, most).validation
        if real.class_names != data.class_names:
            raise UsageError(
                f"ProxyEvaluator: the set's classes are not those of {real.name}; give the set's"
                " own validation images as `validation`"
            )
        x, y = data.normalise(real.images), real.labels
    if x.shape[1:] != data.images.shape[1:]:
        raise UsageError(
            f"ProxyEvaluator: the set's images are {tuple(data.images.shape[1:])}, the validation"
            f" images {tuple(x.shape[1:])}; give images of that shape as `validation`"
        )
    return x, y


def require_output(model: nn.Module, material: ProxyMaterial, device: torch.device) -> None:
    """Refuse a model whose logits do not fit the set; lazy layers get their shape by the way."""
    model.eval()
    with torch.no_grad():
        logits = model(material.images[:2].to(device))
    model.train()
    classes = len(material.data.class_names)
    if logits.ndim != 2 or logits.shape[1] < classes:
        raise UsageError(
            f"ProxyEvaluator: the model's output is {tuple(logits.shape)} for 2 images, and the set"
            f" has {classes} classes; a model returns logits (N, {classes})"
        )
