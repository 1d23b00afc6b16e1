"""Search: every architecture of a sample is trained on a set, and its validation accuracy is the set's opinion of it.

Protocol of Zhao et al. (DC, ICLR 2021) and Du et al. (FTD, CVPR 2023, Table 5): a space of ConvNets, proxies against
training on all data. Differences: architectures are ranked by validation accuracy, never by test accuracy; a sample of the
space instead of all 720; the same recipe for every proxy, real images included.
"""

import hashlib
import itertools
import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import torch

from condensers.context import Context, Progress
from condensers.errors import UsageError, suggestion
from condensers.fields import hyper, settings_of
from condensers.networks.passes import PRECISIONS
from condensers.synthetic import SyntheticSet
from condensers.training import Training
from scenarios.material import as_labelled
from scenarios.protocol import Measurement, Outcome, Recipe, Reference, Splits, Subject
from scenarios.registry import SPACES
from scenarios.search.candidate import Job, identifier, parameter_count


@dataclass(frozen=True)
class Search:
    """Architecture search with a set as proxy: one score per architecture, to be compared with the ground truth's."""

    space: Any = hyper("convnet-small", part="space", source="ours")
    strategy: str = hyper("random", source="ours; grid takes all of the space", values=("random", "grid"))
    architectures: int = hyper(24, unit="architectures", source="ours; for random only", minimum=2)
    sample_seed: int = hyper(0, source="ours; the same sample for every subject and seed", minimum=0)
    epochs: int = hyper(200, unit="epochs", source="FTD, search experiment", minimum=1)
    batch: int = hyper(256, unit="images", source="DC's code", minimum=1)
    lr: float = hyper(0.01, source="DC's code", minimum=0.0)
    augmentation: str = hyper("dsa", source="DSA and DM", values=("none", "dsa"))
    truth_epochs: int = hyper(20, unit="epochs", source="ours", minimum=1)
    truth_batch: int = hyper(256, unit="images", source="DC's code", minimum=1)
    truth_lr: float = hyper(0.01, source="DC's code", minimum=0.0)
    truth_augmentation: str = hyper("none", source="ours", values=("none", "dsa"))
    early_stopping_ipc: int = hyper(10, unit="images per class", source="ours; the set whose steps it may take", minimum=1)
    precision: str = hyper("fp32", unit="of products (bf16: an approximation)", source="ours", values=PRECISIONS)
    evaluation_batch: int = hyper(256, unit="images", source="DC's code", minimum=1)

    registered: ClassVar[str] = "search"
    references: ClassVar[Sequence[str]] = ("truth", "parameter-count", "early-stopping")

    def __post_init__(self) -> None:
        SPACES.create(self.space, "search.space")

    def run(self, subject: Subject, data: Splits, context: Context) -> Outcome:
        """Judge the sampled architectures by `subject`.

        A set, "early-stopping": validation accuracy after training on it, or on real images for as many steps. "truth":
        test accuracy after training on all training data, beside validation accuracy. "parameter-count": the number of
        trainable parameters. An architecture that fails is listed under `failures` and has no score; RuntimeError if all
        fail. `table` in the detail names the ground truth that the scores may be compared with.
        """
        if isinstance(subject, Recipe):
            raise UsageError("search: needs a finished set or a reference, not a condenser still to be run; condense first")
        space = SPACES.create(self.space, "search.space").fitting(data.train.shape)
        here = Splits(*(part.to(context.device) for part in (data.train, data.validation, data.test)))
        job = self._job(subject, here, context)
        # The truth has weights and batches of its own: sharing them with the proxies would raise their correlation.
        own = context.fork("truth") if job and job.test else context
        rows, failures = self._explore(space, job, here, own)
        if not rows:
            raise RuntimeError(f"search: all {len(failures)} architectures failed; the first with {failures[0]['error']}")
        sampled = sorted(row["id"] for row in [*rows, *failures])
        detail = {
            "subject": subject.name if isinstance(subject, Reference) else subject.card["method"],
            "score": ("test accuracy" if job.test else "validation accuracy") if job else "trainable parameters",
            "strategy": self.strategy,
            "space": {name: list(values) for name, values in space.choices().items()},
            "table": self._table(space, sampled, data),
            "architectures": rows,
            "failures": failures,
        }
        repeats = [{"architecture": row["id"]} for row in rows]
        unit = "%" if job else "parameters"
        scores = Measurement("architecture-score", [row["score"] for row in rows], repeats, unit, higher_is_better=True)
        costs = {"seconds": sum(row["seconds"] for row in rows), "images": sum(row["images"] for row in rows)}
        return Outcome([scores], costs, detail)

    def image_passes(self, data: Splits, images: int, reference: str | None) -> list[tuple[Any, float]]:
        """Networks and about how many images pass each, forward and backward; the space's middle network stands for all."""
        if reference == "parameter-count":
            return []
        space = SPACES.create(self.space, "search.space").fitting(data.train.shape)
        middle = space.spec({name: values[len(values) // 2] for name, values in space.choices().items()})
        count = space.size if self.strategy == "grid" else self.architectures
        training = self.epochs * (images or self.early_stopping_ipc * len(data.train.classes))
        scoring = len(data.validation.images) / 3
        if reference == "truth":
            training, scoring = self.truth_epochs * len(data.train.images), scoring + len(data.test.images) / 3
        return [(middle, count * (training + scoring))]

    def _job(self, subject: SyntheticSet | Reference, data: Splits, context: Context) -> Job | None:
        """How architectures are judged by `subject`, in the precision of all; None where nothing is trained."""
        job = self._judging(subject, data, context)
        return job and replace(job, recipe=replace(job.recipe, precision=self.precision))

    def _judging(self, subject: SyntheticSet | Reference, data: Splits, context: Context) -> Job | None:
        train, name = data.train, subject.name if isinstance(subject, Reference) else None
        if name == "parameter-count":
            return None
        if name == "truth":
            recipe = Training(self.truth_epochs, self.truth_lr, batch=self.truth_batch, augmentation=self.truth_augmentation)
            return Job(data, train.images, train.labels, recipe, True, self.evaluation_batch)
        if name == "early-stopping":
            count = self.early_stopping_ipc * len(train.classes)
            batch = min(self.batch, count)
            steps = self.epochs * -(-count // self.batch)
            recipe = Training(self.epochs, self.lr, batch=batch, augmentation=self.augmentation, steps=steps)
            return Job(data, train.images, train.labels, recipe, False, self.evaluation_batch)
        if not isinstance(subject, SyntheticSet):
            raise UsageError(f"search: unknown reference '{name}'; {suggestion(str(name), self.references)}")
        recipe = Training(self.epochs, self.lr, batch=self.batch, augmentation=self.augmentation)
        images, labels = subject.decode(context.device)
        if images.shape[1:] != train.shape or tuple(subject.card["class_names"]) != train.class_names:
            source = subject.card["dataset"]
            raise UsageError(f"search: the set was made from {source}, whose image size or classes are not those of {train.name}")
        labels, recipe = as_labelled(subject, labels, recipe)
        return Job(data, images, labels, recipe, False, self.evaluation_batch)

    def _explore(self, space: Any, job: Job | None, data: Splits, context: Context) -> tuple[list[Any], list[Any]]:
        """Run the NNI experiment; return a row for each architecture that has a score, and one for each that has not."""
        from scenarios.search.experiment import ConvNetModelSpace, explore, make_strategy  # NNI takes seconds to import

        limit = space.size if self.strategy == "grid" else self.architectures
        if limit > space.size:
            raise UsageError(f"search.architectures: {limit} asked for, but the space has only {space.size} for these images")
        shape, classes = data.train.shape, len(data.train.class_names)
        found: dict[str, dict[str, Any]] = {}
        done = itertools.count(1)

        def score(choice: Mapping[str, Any]) -> float:
            name, spec = identifier(choice), space.spec(choice)
            parameters = parameter_count(spec, shape, classes)
            record = job.judge(spec, name, context) if job else {"score": float(parameters), "seconds": 0.0, "images": 0}
            found[name] = {"id": name, **choice, "parameters": parameters, **record}
            context.progress(Progress("search", next(done), limit, f"{name} {record['score']:.4g}"))
            return float(record["score"])

        with ExitStack() as stack:
            folder = context.folder / "nni" if context.folder else Path(stack.enter_context(tempfile.TemporaryDirectory()))
            stack.enter_context(torch.random.fork_rng(devices=[]))  # NNI's models draw weights that nobody uses
            space_of_nni = ConvNetModelSpace(space, shape, classes)
            trials = explore(space_of_nni, make_strategy(self.strategy, self.sample_seed), limit, score, folder)
        rows = [found[identifier(t.choice)] | {"score": t.score} for t in trials if t.score is not None]
        failures = [{"id": identifier(t.choice), **t.choice, "error": t.error} for t in trials if t.score is None]
        return rows, failures

    def _table(self, space: Any, sampled: list[str], data: Splits) -> str:
        """The version of the ground truth: a hash of all that determines it, but for seed and device."""
        truth = (self.truth_epochs, self.truth_batch, self.truth_lr, self.truth_augmentation, self.precision)
        digests = [part.digest for part in (data.train, data.validation, data.test)]
        parts = [1, settings_of(space), sampled, truth, digests, torch.__version__]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
