"""hf:PATH, a data set of Hugging Face's `datasets` on disk: what `save_to_disk` wrote, or a folder
of Parquet files as they lie on the Hub.

Parts are told by their names (train, test, validation and their like). Nothing is fetched, and no
code of the data set is run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from condensers.errors import DataMissing, UsageError, brief, shown
from condensers.optional import require_package
from scenarios.datasets.adapters.pooling import (
    TEST,
    TRAIN,
    VALIDATION,
    Facts,
    LabelledImages,
    pool_parts,
)
from scenarios.datasets.adapters.preparation import Preparation
from scenarios.datasets.adapters.samples import ImageFile, SampleReader
from scenarios.datasets.layout import find_role
from scenarios.datasets.raw import RawData

ROLES = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
LABELS = ("label", "labels", "class", "target", "fine_label")  # in this order
Split = Any  # datasets.Dataset, which is not always installed


@dataclass(frozen=True)
class HuggingFaceSource:
    """A data set on disk.

    Attributes:
        path: Of its folder.
        image: The column of images; empty for the only one.
        label: The column of classes; empty for the only one, or one of `LABELS`.
        preparation: What is done to each image.
        mirror: Whether a flipped image keeps its class.
    """

    path: Path
    image: str = ""
    label: str = ""
    preparation: Preparation = Preparation()
    mirror: bool = True

    @property
    def where(self) -> str:
        return f"hf:{self.path.name}"

    def read(self) -> RawData:
        """Read all parts.

        Raises:
            UsageError: The package `datasets` is not installed, or a column is named that is not
                there.
            DataMissing: There is no such folder, or it holds no images with one class each.
        """
        if not self.path.is_dir():
            raise DataMissing(f"{self.where}: {self.path} is not a folder; name what was saved")
        splits = self._open()
        reader = SampleReader(self.where, self.preparation)
        first = splits[TRAIN]
        columns = self._find_columns(first.features)
        parts = {
            part: self._read_part(split, part, columns, reader) for part, split in splits.items()
        }
        names = getattr(first.features[columns[1]], "names", None)
        facts = Facts(names, self.mirror, first.info.license or "not recorded")
        raw = pool_parts(self.where, parts, facts)
        notes = (*raw.notes, *reader.log.sentences(self.preparation))
        return replace(raw, notes=notes)

    def _open(self) -> dict[str, Split]:
        """The parts by role."""
        datasets = require_package("datasets", "datasets", self.where, extra="hf", error=UsageError)
        try:
            found = self._open_saved(datasets) or self._open_parquet(datasets)
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise DataMissing(
                f"{self.where}: {self.path} cannot be read ({brief(fault)}); save it again with"
                " save_to_disk"
            ) from fault
        if not found:
            raise DataMissing(
                f"{self.where}: {self.path} holds neither what save_to_disk writes"
                " (dataset_dict.json or state.json) nor files that end in .parquet"
            )
        if len(found) == 1:
            return {TRAIN: next(iter(found.values()))}
        roles: dict[str, Split] = {}
        for name, split in found.items():
            role = ROLES.get(find_role(name) or "")
            if role and role in roles:
                raise DataMissing(f"{self.where}: two of its splits seem to be the {role} part")
            if role:
                roles[role] = split
        if TRAIN not in roles:
            raise DataMissing(
                f"{self.where}: none of its splits ({', '.join(sorted(found))}) is called train"
            )
        return {part: roles[part] for part in (TRAIN, VALIDATION, TEST) if part in roles}

    def _open_saved(self, datasets: Any) -> dict[str, Split]:
        if (self.path / "dataset_dict.json").is_file():
            return dict(datasets.load_from_disk(str(self.path)))
        if (self.path / "state.json").is_file():
            return {"train": datasets.load_from_disk(str(self.path))}
        return {}

    def _open_parquet(self, datasets: Any) -> dict[str, Split]:
        files: dict[str, list[Path]] = {}
        for file in sorted(self.path.rglob("*.parquet")):
            files.setdefault(_split_of(file, self.path), []).append(file)
        if not files:
            return {}
        parquet = require_package("pyarrow.parquet", "pyarrow", self.where, extra="hf")
        arrow = require_package("pyarrow", "pyarrow", self.where, extra="hf")
        tables = {
            name: arrow.concat_tables([parquet.ParquetFile(file).read() for file in of])
            for name, of in files.items()
        }
        return {
            name: datasets.Dataset(datasets.table.InMemoryTable(table))
            for name, table in tables.items()
        }

    def _find_columns(self, features: Mapping[str, Any]) -> tuple[str, str]:
        """The columns of images and of classes."""
        kinds = {name: type(feature).__name__ for name, feature in features.items()}
        images = [name for name, kind in kinds.items() if kind == "Image"]
        classes = [name for name, kind in kinds.items() if kind == "ClassLabel"]
        plain = [name for name in LABELS if kinds.get(name) == "Value"]
        image = self._choose("image", self.image, images, kinds)
        usual = [name for name in LABELS if name in classes][:1] if len(classes) > 1 else classes
        return image, self._choose("label", self.label, usual or plain[:1], kinds)

    def _choose(self, key: str, asked: str, fit: list[str], kinds: Mapping[str, str]) -> str:
        columns = ", ".join(f"{name} ({kind})" for name, kind in kinds.items())
        if asked and asked not in kinds:
            raise UsageError(
                f"{self.where}: has no column {shown(asked)} for {key}; its columns are {columns}"
            )
        if asked:
            return asked
        if len(fit) == 1:
            return fit[0]
        what = {"image": "of the feature Image", "label": "of the feature ClassLabel"}[key]
        raise DataMissing(
            f"{self.where}: has {len(fit) or 'no'} columns {what} among {columns}; say which is it:"
            f" hf:PATH,{key}=COLUMN"
        )

    def _read_part(
        self, split: Split, part: str, columns: tuple[str, str], reader: SampleReader
    ) -> LabelledImages:
        where = f"{self.where}, {part} part"
        here = SampleReader(where, self.preparation, reader.log)
        return here.read(_list_rows(split, columns, where), len(split))


def _list_rows(split: Split, columns: tuple[str, str], where: str) -> Iterator[tuple[Any, Any]]:
    """Each image in the format of its file, which is decoded as files of folders are, and label."""
    image, label = columns
    feature = split.features[image]
    if type(feature).__name__ == "Image":
        split = split.cast_column(image, type(feature)(decode=False))
    for index, row in enumerate(split):
        found = row[image]
        if isinstance(found, Mapping) and {"bytes", "path"} <= set(found):
            content = found["bytes"]
            sample = f"{where}, sample {index}" if content is not None else str(found["path"])
            found = ImageFile(Path(sample), content)
        yield found, row[label]


def _split_of(file: Path, root: Path) -> str:
    """The part that a file belongs to, by the first word of its name, or by its folder."""
    for name in (file.stem.split("-")[0], *file.relative_to(root).parts[:-1]):
        if find_role(name):
            return name
    return "train"
