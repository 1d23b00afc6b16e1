"""torchvision:NAME, any classification data set of torchvision, read by its own class.

Classes name their parts in different ways: `train=True`, `split="train"`, or not at all. Those
without parts are divided as a folder without parts is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from condensers.errors import DataMissing, HarnessError, UsageError, brief, shown, suggestion
from condensers.optional import require_package
from scenarios.datasets.adapters.pooling import (
    TEST,
    TRAIN,
    VALIDATION,
    Facts,
    LabelledImages,
    pool_parts,
)
from scenarios.datasets.adapters.preparation import KEYS, Preparation
from scenarios.datasets.adapters.samples import SampleReader
from scenarios.datasets.location import DataLocation
from scenarios.datasets.raw import RawData

SPLITS = {
    TRAIN: ("train", "trainval", "train-standard"),
    VALIDATION: ("val", "valid", "validation"),
    TEST: ("test",),
}
# Letters, digits and signs, which a flip makes others.
NO_MIRROR = frozenset(
    {"EMNIST", "GTSRB", "KMNIST", "MNIST", "Omniglot", "QMNIST", "RenderedSST2", "SEMEION"}
    | {"SVHN", "USPS"}
)
ANY = {"DatasetFolder", "ImageFolder", "VisionDataset"}  # readers of one's own folders
OWN = {"root", "download", "transform", "target_transform", "transforms", "loader", "is_valid_file"}


@dataclass(frozen=True)
class TorchvisionSource:
    """A data set of torchvision.

    Attributes:
        name: Of its class.
        options: Of its constructor, as texts.
        place: Where its files are.
        preparation: What is done to each image.
        mirror: Whether a flipped image keeps its class; None for what is known of the class.
    """

    name: str
    options: Mapping[str, str]
    place: DataLocation
    preparation: Preparation = Preparation()
    mirror: bool | None = None

    def read(self) -> RawData:
        """Read all parts.

        Raises:
            UsageError: torchvision has no such data set, or it takes no such option.
            DataMissing: Its files are not there, or it is not one class for each image.
        """
        make = self._find_class()
        reader = SampleReader(self.where, self.preparation)
        parts: dict[str, LabelledImages] = {}
        names: list[str] | None = None
        notes: tuple[str, ...] = ()
        for part, keywords in self._list_parts(make):
            dataset = self._create(make, keywords)
            if dataset is None:
                continue
            parts[part] = self._read_part(dataset, part, reader)
            names = names or _class_names(dataset)
        if TRAIN not in parts:
            raise UsageError(f"{self.where}: has no training part that is known to this harness")
        if TEST not in parts and VALIDATION in parts:
            parts[TEST] = parts.pop(VALIDATION)
            notes = ("has no test part with labels: its validation part is the test part",)
        known = max((label for label in parts[TRAIN][1] if isinstance(label, int)), default=0)
        facts = Facts(
            names if names and known < len(names) else None,
            self.name not in NO_MIRROR if self.mirror is None else self.mirror,
            notes=(*notes, *reader.log.sentences(self.preparation)),
        )
        return pool_parts(self.where, parts, facts)

    @property
    def where(self) -> str:
        return f"torchvision:{self.name}"

    def _find_class(self) -> Callable[..., Any]:
        module = require_package("torchvision.datasets", "torchvision", self.where)
        known = [name for name in module.__all__ if inspect.isclass(getattr(module, name))]
        if self.name in ANY:
            raise UsageError(f"{self.where}: reads folders of one's own; write folder:PATH")
        if self.name not in known:
            raise UsageError(
                f"torchvision has no data set {shown(self.name)}; {suggestion(self.name, known)}"
            )
        found: Callable[..., Any] = getattr(module, self.name)
        return found

    def _list_parts(self, make: Callable[..., Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Each part with the arguments that may stand for it; the first that is taken is used."""
        taken = inspect.signature(make).parameters
        if "train" in taken or ("kwargs" in taken and "MNIST" in self.name):  # EMNIST hides it
            yield TRAIN, [{"train": True}]
            yield TEST, [{"train": False}]
        elif "split" in taken and "split" not in self.options:
            for part, words in SPLITS.items():
                yield part, [{"split": word} for word in words]
        else:
            yield TRAIN, [{}]

    def _create(self, make: Callable[..., Any], choices: list[dict[str, Any]]) -> Any:
        """The data set of one part; None where it has none of the choices."""
        taken = inspect.signature(make).parameters
        shared = self._shared_arguments(taken)
        for chosen in choices:
            try:
                return make(**shared, **chosen)
            except ValueError as fault:
                if "split" in chosen and "Valid values" in str(fault):
                    continue
                raise UsageError(f"{self.where}: {brief(fault)}") from fault
            except HarnessError:
                raise
            # whatever a class of torchvision makes of files that are not there
            except Exception as fault:
                raise self._missing(fault) from fault
        return None

    def _missing(self, fault: Exception) -> DataMissing:
        if isinstance(fault, TypeError):
            return DataMissing(
                f"{self.where}: cannot be made ({brief(fault)}); say what it asks for as options,"
                f" {self.where},KEY=VALUE"
            )
        return DataMissing(
            f"{self.where}: torchvision cannot read it in {self.place.root} ({brief(fault)}); put"
            " its files there (--data-dir or HARNESS_DATA name another folder), or pass --download"
        )

    def _shared_arguments(self, taken: Mapping[str, inspect.Parameter]) -> dict[str, Any]:
        settable = [name for name in taken if name not in OWN | {"train"}]
        unknown = next((key for key in self.options if key not in settable), None)
        if unknown:
            raise UsageError(
                f"{self.where}: unknown option {shown(unknown)};"
                f" {suggestion(unknown, [*settable, *KEYS, 'mirror'])}"
            )
        given: dict[str, Any] = {key: _plain(text) for key, text in self.options.items()}
        if "root" in taken:
            given["root"] = str(self.place.root)
        if "download" in taken:
            given["download"] = self.place.download  # a few classes fetch if they are not told
        elif "MNIST" in self.name and self.place.download:
            given["download"] = True
        return given

    def _read_part(self, dataset: Any, part: str, reader: SampleReader) -> LabelledImages:
        where = SampleReader(f"{self.where}, {part} part", reader.preparation, reader.log)
        try:
            return where.read(_pairs(dataset, where.where), len(dataset))
        except (OSError, RuntimeError, IndexError, TypeError) as fault:
            raise DataMissing(
                f"{where.where}: cannot be read ({brief(fault)}); mend its files in"
                f" {self.place.root}, or take another data set"
            ) from fault


def _pairs(dataset: Any, where: str) -> Iterator[tuple[Any, Any]]:
    for index in range(len(dataset)):
        sample = dataset[index]
        if not isinstance(sample, tuple) or len(sample) != 2:
            raise DataMissing(
                f"{where}: its samples are not pairs of an image and a class; take a data set of"
                " classification"
            )
        yield sample


def _class_names(dataset: Any) -> list[str] | None:
    """The classes by number, where the data set says them."""
    names = vars(dataset).get("classes") or vars(type(dataset)).get("classes")
    if not isinstance(names, list | tuple) or not names:
        return None
    return [", ".join(name) if isinstance(name, tuple) else str(name) for name in names]


def _plain(text: str) -> int | bool | str:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.lstrip("-").isdecimal() else text
