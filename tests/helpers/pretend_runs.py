"""What runs ask of a graphics card: each of them works on the pretend one, and each of its steps is
counted.

PYTHONPATH=.:tests python -m helpers.pretend_runs [CLASSES] [NAME...]
"""

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from helpers.pretend_accelerator import DEVICE, KINDS, Watch, watched
from helpers.tiny import tiny_spec

from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.registry.registry import METHODS, SELECTIONS, create_condenser
from condensers.sets.synthetic_set import Budget
from scenarios.continual.strategies import STRATEGIES
from scenarios.protocol import CondensationRequest, Reference, Splits
from scenarios.registry import SCENARIOS

SMALL = {"name": "convnet", "depth": 1, "width": 4}
MASKING = {"epochs": 1, "most_steps": 2, "network": SMALL}
VIEWS: dict[str, dict[str, Any]] = {
    "identity": {},
    "attention": MASKING,
    "saliency": MASKING,
    "background": {"seed": {"name": "saliency", **MASKING}},
    "semantic-mix": {},
    "view-schedule": {"view": {"name": "attention", **MASKING}, "anneal": "linear"},
}
PARTS: dict[str, dict[str, Any]] = {
    "batch_syn": {"batch_syn": 1},
    "tiles": {"parameterisation": {"name": "tiles", "factor": 2}},
    "jpeg": {"parameterisation": "jpeg"},
    "transform": {"parameterisation": "transform"},
    "stratified": {"sampler": "stratified"},
    "regularisers": {
        "regularisers": ["discriminative", "cross-entropy", "contrastive", "diversity"]
    },
    "cached": {"model_schedule": {"name": "cached", "networks": 2}},
    "fresh, reused": {"model_schedule": {"name": "fresh", "reuse": 2}},
    "adam": {"optimiser": "adam"},
    "batch norm": {"network": SMALL | {"norm": "batch"}},
}
# Strategies of scenarios/continual with the subject that each is given.
SUBJECTS = {"naive": "naive", "joint": "joint", "cumulative": "cumulative"}
SHORT = {"epochs": 2, "network": SMALL}
TRAINED: dict[str, dict[str, Any]] = {
    "accuracy": {"networks": 1, "augmentation": "none", **SHORT},
    "cross-architecture": {"architectures": [SMALL, "mlp"], "networks": 1, "epochs": 2},
    "data-space": {"networks": [SMALL], "epochs": 2, "real": 4, "projections": ["pca"]},
    "mask-quality": {"networks": 1, "measured": 4, "steps": 2, "shown": 1, **SHORT},
    "privacy": {"shadows": 6, "full_epochs": 2, "shown": 1, **SHORT},
    "search": {
        "space": {
            "name": "convnet-small",
            "depths": [1],
            "widths": [4],
            "norms": ["none", "instance"],
        },
        "architectures": 2,
        "epochs": 2,
        "truth_epochs": 2,
        "augmentation": "none",
        "early_stopping_ipc": 1,
    },
}


@dataclass
class Counts:
    """What one run asked for. total: in all. steps: name of a loop -> the most in one of its steps,
    the first one left out. places: where copies, waits and mixtures of those steps came from.
    """

    total: Counter[str] = field(default_factory=Counter)
    steps: dict[str, Counter[str]] = field(default_factory=dict)
    places: Counter[tuple[str, str, str]] = field(default_factory=Counter)


class StepCounter:
    """Hears of the steps of a run, and counts what each asked for.

    Only loops of `condensers.engine.loop` have steps; they tell a figure of each.
    """

    def __init__(self, watch: Watch) -> None:
        self.watch, self.found = watch, Counts()
        self.before, self.places = Counter[str](), Counter[tuple[str, str, str]]()

    def hear(self, progress: Progress) -> None:
        """Called after each step."""
        if progress.done > 1 and progress.note:
            most = self.found.steps.setdefault(progress.name, Counter())
            for kind in KINDS:
                most[kind] = max(most[kind], self.watch.counts[kind] - self.before[kind])
            self.found.places += self.watch.places - self.places
        self.before, self.places = Counter(self.watch.counts), Counter(self.watch.places)


def images(classes: int = 2, seed: int = 0) -> ClassData:
    """A few grey 8 x 8 images of each class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(classes).repeat(12)
    pixels = torch.randint(0, 256, (len(labels), 1, 8, 8), generator=generator)
    names = tuple(f"class {label}" for label in range(classes))
    return ClassData("noise", pixels.to(torch.uint8), labels, names, (0.5,), (0.25,))


def counted(work: Callable[[Context], object]) -> Counts:
    """What `work` asks of the pretend device."""
    with watched() as watch:
        counter = StepCounter(watch)
        work(Context(seed=0, device=DEVICE, progress=counter.hear))
    counter.found.total = watch.counts
    return counter.found


def condense(spec: Mapping[str, Any], context: Context, classes: int = 2) -> object:
    """Condense small images, two of a class."""
    return create_condenser(spec).condense(images(classes), Budget(ipc=2), context)


def measure(spec: Mapping[str, Any], subject: str, context: Context) -> object:
    """Run a scenario on a set, on a condenser still to be run, or on a reference of its own."""
    splits = Splits(images(4), images(4, 1), images(4, 2))
    condenser = create_condenser("random")
    known: dict[str, Callable[[], Any]] = {
        "set": lambda: condenser.condense(splits.train, Budget(ipc=2), Context()),
        "request": lambda: CondensationRequest(condenser, Budget(ipc=2)),
    }
    given = known[subject]() if subject in known else Reference(subject)
    return SCENARIOS.create(spec).run(given, splits, context)


def condensations(classes: int = 2) -> dict[str, Callable[[Context], object]]:
    """Every method and selection, every view, and parts that no method has by default."""
    specs = {name: tiny_spec(name) for name in (*METHODS.entries(), *SELECTIONS.entries())}
    for name, view in VIEWS.items():
        specs[f"view {name}"] = tiny_spec("dm") | {"view": {"name": name, **view}}
    for name, parts in PARTS.items():
        specs[f"dm, {name}"] = tiny_spec("dm") | parts
    for spec in specs.values():
        schedule = spec.get("model_schedule")
        several = isinstance(schedule, dict) and bool({"outer", "inner"} & set(schedule))
        if "iterations" in spec:
            spec["iterations"] = 2 if several else 3
            spec["network"] = dict(spec["network"], width=4)
    return {name: partial(condense, spec, classes=classes) for name, spec in specs.items()}


def strategies(epochs: int) -> dict[str, Callable[[Context], object]]:
    """Every strategy of the continual scenario, for so many epochs of two experiences."""
    fixed = {"name": "continual", "experiences": 2, "orders": 1, "batch": 12, "network": SMALL}
    runs: dict[str, Callable[[Context], object]] = {}
    for name in STRATEGIES.entries():
        own = {"epochs": epochs} if name == "gdumb" else {}
        named = ("replay",) if name in SUBJECTS else ({"name": name, **own},)
        spec = fixed | {"strategies": named, "stream_epochs": epochs}
        runs[name] = partial(measure, spec, SUBJECTS.get(name, "set"))
    return runs


def scenarios() -> dict[str, Callable[[Context], object]]:
    """Every other scenario but "one-shot", whose networks NNI trains by Lightning."""
    runs: dict[str, Callable[[Context], object]] = {}
    for name, settings in TRAINED.items():
        subject = {"privacy": "request", "mask-quality": "uniform"}.get(name, "set")
        runs[name] = partial(measure, {"name": name, **settings}, subject)
    return runs


def main() -> None:
    words = sys.argv[1:]
    classes = int(words.pop(0)) if words and words[0].isdigit() else 2
    chosen = set(words)
    where: Counter[tuple[str, str, str]] = Counter()
    for name, work in (condensations(classes) | strategies(2) | scenarios()).items():
        if chosen and name not in chosen:
            continue
        try:
            found = counted(work)
        except Exception as fault:
            if len(chosen) == 1:
                raise
            print(name, "FAILED", type(fault).__name__, str(fault)[:200].replace("\n", " "))
            continue
        where += found.places
        print(name, dict(found.total))
        for loop, most in found.steps.items():
            print("   ", loop, {kind: n for kind, n in most.items() if n})
    for place, n in where.most_common(100):
        print("       ", n, *place)


if __name__ == "__main__":
    main()
