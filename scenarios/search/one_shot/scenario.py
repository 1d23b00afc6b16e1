"""One-shot search: a cell is found by training one network that holds all of a space, with a set in
place of the data.

Protocol of Liu et al. (DARTS, ICLR 2019, section 3.1): one half of the images trains the weights,
the other the architecture; what is found is trained from scratch on all training data and tested
once. Differences: a first-order search; networks that a CPU can train; the same recipe for every
found cell (`condensers.training.classifier`) without path dropout or auxiliary head.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, ClassVar

import torch
from torch import Tensor

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.registry.registry import AUGMENTATIONS
from condensers.sets.synthetic_set import SyntheticSet
from condensers.training.classifier import Training, accuracy, as_input, train
from scenarios.protocol import (
    CondensationRequest,
    Measurement,
    Outcome,
    Reference,
    Scenario,
    Splits,
    Subject,
)
from scenarios.registry import ALGORITHMS
from scenarios.search.candidate import parameter_count
from scenarios.search.one_shot.algorithms import SupernetTraining
from scenarios.search.one_shot.search import SearchHalves, run_search, split_halves
from scenarios.search.spaces.base import SearchSpace, WeightSharingSpace, create_space
from scenarios.training_material import match_loss_to_labels


@dataclass(frozen=True)
class OneShot(Scenario):
    """Test accuracy of the cell that one-shot search finds on a set.

    The cell is trained on all training data first.
    """

    space: Any = hyper("nas-bench-201", part="space", source="ours")
    algorithm: Any = hyper("darts", part="one-shot algorithm", source="ours")
    epochs: int = hyper(
        300, unit="epochs", help="epochs of training on a set", source="ours", minimum=1
    )
    full_epochs: int = hyper(
        50,
        unit="epochs",
        help="epochs of training on the full data",
        source="DARTS, section 3.1",
        minimum=1,
    )
    batch: int = hyper(64, unit="images", source="DARTS, section 3.1", minimum=1)
    lr: float = hyper(
        0.025, help="learning rate of the shared weights", source="DARTS, section 3.1", minimum=0.0
    )
    momentum: float = hyper(
        0.9, help="momentum of the shared weights", source="DARTS, section 3.1", minimum=0.0
    )
    weight_decay: float = hyper(
        3e-4, help="weight decay of the shared weights", source="DARTS, section 3.1", minimum=0.0
    )
    clip: float = hyper(
        5.0, help="greatest norm of the gradient", source="DARTS's code", minimum=0.0
    )
    augmentation: str = hyper(
        "none",
        help="augmentation in the training of the search",
        source="ours",
        values=("none", "dsa"),
    )
    final_space: Any = hyper(
        None,
        part="space",
        help="space of the final networks: the same choices at another size",
        source="ours: space",
    )
    final_epochs: int = hyper(
        30, unit="epochs", help="epochs of training on the full data", source="ours", minimum=1
    )
    final_batch: int = hyper(256, unit="images", source="DC's code", minimum=1)
    final_lr: float = hyper(
        0.01, help="learning rate of the final training", source="DC's code", minimum=0.0
    )

    registered: ClassVar[str] = "one-shot"
    references: ClassVar[tuple[str, ...]] = ("full-data",)

    def __post_init__(self) -> None:
        if find_spec("pytorch_lightning") is None:
            raise UsageError(
                "one-shot: needs pytorch-lightning; install it with pip install"
                " 'condensation-harness[one-shot]'"
            )
        ALGORITHMS.create(self.algorithm, "one-shot.algorithm")
        space, final = self._spaces()
        if not isinstance(space, WeightSharingSpace):
            raise UsageError(
                f"one-shot.space: {space.registered} shares no weights; take nas-bench-201, darts"
                " or an NNI ModelSpace"
            )
        if space.choices() != final.choices():
            raise UsageError(
                "one-shot.final_space: has other choices than one-shot.space; take the same space"
                " in another size"
            )

    def run(self, subject: Subject, data: Splits, context: Context) -> Outcome:
        """Search with a set or the reference "full-data", then train and test the cell.

        Search and training are resumed from the context's folder. `seconds` are those of both;
        those of the search are a measurement too.
        """
        if isinstance(subject, CondensationRequest):
            raise UsageError(
                "one-shot: needs a finished set or full-data, not a condenser still to be run;"
                " condense first"
            )
        found = context.fork("search").memo(
            "result", lambda: self._search(subject, data, context.fork("search"))
        )
        final = context.fork("final").memo(
            "result", lambda: self._retrain(found["choice"], data, context.fork("final"))
        )
        space = self._spaces()[0]
        repeats = [{"architecture": space.identifier(found["choice"])}]
        detail = {
            "subject": subject.name if isinstance(subject, Reference) else subject.card["method"],
            "algorithm": ALGORITHMS.create(self.algorithm).registered,
            "space": space.registered,
            "cell": {"id": repeats[0]["architecture"], **found["choice"]},
            "search": {"seconds": found["seconds"], "images": found["images"]},
            "retraining": final,
        }
        measurements = [
            Measurement("found-accuracy", [final["test"]], repeats, "%", higher_is_better=True),
            Measurement("search-seconds", [found["seconds"]], repeats, "s", higher_is_better=False),
        ]
        return Outcome(
            measurements,
            {name: found[name] + final[name] for name in ("seconds", "images")},
            detail,
        )

    def image_passes(
        self, data: Splits, images: int, reference: str | None
    ) -> list[tuple[Any, float]]:
        """Estimate the training; all operations of a mixture see each image."""
        space, final = (space.fitting(data.train.shape) for space in self._spaces())
        choices = space.choices()
        middle = {name: values[len(values) // 2] for name, values in choices.items()}
        algorithm = ALGORITHMS.create(self.algorithm)
        mixed = 1 if algorithm.tries else max(map(len, choices.values()))
        seen = self.full_epochs * len(data.train.images) if reference else self.epochs * images
        tested = (
            len(data.validation.images) + len(data.test.images) + algorithm.tries * images / 2
        ) / 3
        return [
            (space.spec(middle), seen * mixed),
            (final.spec(middle), self.final_epochs * len(data.train.images) + tested),
        ]

    def _spaces(self) -> tuple[SearchSpace, SearchSpace]:
        """The space of the search, and that of the found network."""
        space = create_space(self.space, "one-shot.space")
        return space, (
            space
            if self.final_space is None
            else create_space(self.final_space, "one-shot.final_space")
        )

    def _search(
        self, subject: SyntheticSet | Reference, data: Splits, context: Context
    ) -> dict[str, Any]:
        train_data = data.train
        images, labels, loss, epochs = self._images(subject, train_data, context.device)
        weights, architecture = split_halves(images, labels, context.generator)
        augmentation = AUGMENTATIONS.create(self.augmentation).for_data(train_data)
        material = SearchHalves(
            weights,
            architecture,
            len(train_data.class_names),
            loss,
            lambda images: as_input(images, train_data),
            augmentation,
        )
        schedule = SupernetTraining(
            epochs, self.batch, self.lr, self.momentum, self.weight_decay, self.clip
        )
        space, algorithm = (
            self._spaces()[0].fitting(train_data.shape),
            ALGORITHMS.create(self.algorithm),
        )
        assert isinstance(space, WeightSharingSpace)
        choice, seconds = run_search(space, algorithm, material, schedule, context)
        trained = epochs * (len(weights[0]) if algorithm.tries else len(images))
        return {"choice": choice, "seconds": seconds, "images": trained}

    def _images(
        self, subject: SyntheticSet | Reference, train_data: ClassData, device: torch.device
    ) -> tuple[Tensor, Tensor, str, int]:
        """Images, uint8 or normalised, and labels to search with, the loss that the labels call
        for, and for how many epochs.
        """
        if isinstance(subject, SyntheticSet):
            images, labels = subject.decode(device)
            if (
                images.shape[1:] != train_data.shape
                or tuple(subject.card["class_names"]) != train_data.class_names
            ):
                raise UsageError(
                    f"one-shot: the set was made from {subject.card['dataset']}, whose images or"
                    " classes are others"
                )
            labels, recipe = match_loss_to_labels(subject, labels, Training())
            return as_input(images, train_data), labels, recipe.loss, self.epochs
        if subject.name in self.references:
            images = train_data.images.to(device)
            return images, train_data.labels.to(device), "cross-entropy", self.full_epochs
        raise UsageError(
            f"one-shot: cannot search with {subject!r}; give a finished set or the reference"
            " full-data"
        )

    def _retrain(self, choice: Mapping[str, Any], data: Splits, context: Context) -> dict[str, Any]:
        """Train the found network from scratch on all training data, and test it once."""
        spec, here = (
            self._spaces()[1].fitting(data.train.shape).spec(choice),
            data.train.to(context.device),
        )
        classes = len(here.class_names)
        network = networks.build(spec, here.shape, classes, context.generator, context.device)
        recipe = Training(self.final_epochs, self.final_lr, batch=self.final_batch)
        trained = train(
            network, here.images, here.labels, recipe, here, context, "train the found network"
        )
        validation, test = (
            accuracy(network, part.to(context.device)) for part in (data.validation, data.test)
        )
        found = {
            "validation": validation,
            "test": test,
            "seconds": trained.seconds,
            "images": trained.images,
        }
        return found | {"parameters": parameter_count(spec, here.shape, classes)}
