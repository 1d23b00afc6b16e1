"""What the files of a run directory must look like, for all that reads them: records, failures,
suite.json, a lock's holder.

A checksum tells that a file is as it was written, not that it was written well: another version, a
plug-in's scenario or a script may have written it.
"""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from condensers.errors import OlderFormat, OtherFormat, damaged
from condensers.schema import Amount, Count, Finite, Shape, Size, Spent, Word
from scenarios.search.ground_truth.shape import TableRow

FORMAT = 2
SCORE = "architecture-score"
PNG_HEADER = 24  # bytes: the signature, then the first chunk up to width and height

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,199}$")]
Seed = Annotated[int, Field(ge=0)]
Budget = Annotated[list[Any], Field(min_length=2, max_length=2)]


class CellSettings(Shape):
    """Of settings and hyperparameters only what reports read is looked at; parts check the rest
    when they are built.
    """

    precision: str = "fp32"


class CellShape(Shape):
    data: Word
    class_count: Count | None = None
    label: Word
    seed: Seed
    scenario: Word | None = None
    settings: CellSettings | None = None
    condenser: Word | None = None
    hyperparameters: CellSettings | None = None
    reference: Word | None = None
    origin: str | None = None
    ipc: Count | None = None
    budget: Budget | None = None
    recipe: str | None = None

    @field_validator("budget")
    @classmethod
    def _of_a_kind(cls, value: list[Any] | None) -> list[Any] | None:
        right = value is None or (
            value[0] in ("ipc", "bytes") and type(value[1]) is int and value[1] >= 1
        )
        if not right:
            raise ValueError('expected ["ipc", N] or ["bytes", N]')
        return value


class MeasurementShape(Shape):
    metric: Word
    values: list[float]
    repeats: list[dict[str, Any]]
    unit: str
    higher_is_better: bool | None = None

    @model_validator(mode="after")
    def _a_repeat_for_each_value(self) -> "MeasurementShape":
        if len(self.values) != len(self.repeats):
            raise ValueError(f"has {len(self.values)} values but {len(self.repeats)} repeats")
        if self.metric == SCORE and not all(
            isinstance(repeat.get("architecture"), str) for repeat in self.repeats
        ):
            raise ValueError("a repeat names no architecture")
        return self


class ReadingShape(Shape):
    """A point of a training's curve."""

    validation: Finite
    seconds: Amount = 0.0
    steps: Amount = 0.0
    images: Amount = 0.0


class ArchitectureShape(Shape):
    id: Word
    validation: Finite | None = None
    test: Finite | None = None
    parameters: Amount | None = None
    steps: Amount | None = None
    images: Amount | None = None
    seconds: Amount = 0.0
    curve: list[ReadingShape] | None = None


class TruthShape(Shape):
    """Where a ground truth was read from."""

    torch: list[str]
    content: str
    from_: str = Field(alias="from")
    published: str = ""


class FinalShape(Shape):
    test: Finite | None = None


class RowsOfPictures(Shape):
    title: str
    rows: Annotated[list[Word], Field(min_length=1)]


Point = Annotated[list[Finite], Field(min_length=2, max_length=2)]


class CoordinatesShape(Shape):
    real: list[Point]
    synthetic: list[Point]


class LabelsShape(Shape):
    real: list[Size]
    synthetic: list[Size]


class PictureShape(Shape):
    coordinates: dict[str, CoordinatesShape]
    labels: LabelsShape
    embedding: str = ""
    skipped: dict[str, str]

    @model_validator(mode="after")
    def _a_label_for_each_point(self) -> "PictureShape":
        for name, sides in self.coordinates.items():
            for side in ("real", "synthetic"):
                if len(getattr(sides, side)) != len(getattr(self.labels, side)):
                    raise ValueError(f"has not as many {side} labels as points of {name}")
        return self


class DetailShape(Shape):
    """What reports read of a scenario's raw material; each scenario has some of it."""

    R: dict[str, dict[str, list[list[Finite | None]] | None] | None] | None = None
    ledger: dict[str, dict[str, Amount]] | None = None
    bytes_used_max: Size | None = None
    architectures: list[ArchitectureShape] = Field(default_factory=list)
    failures: list[Any] = Field(default_factory=list)
    final: FinalShape | None = None
    truth: TruthShape | None = None
    pictures: str = ""
    pictured: RowsOfPictures | None = None
    said: list[str] = Field(default_factory=list)
    picture: PictureShape | None = None
    doubts: list[str] = Field(default_factory=list)
    undefined: list[str] = Field(default_factory=list)
    class_names: list[str] = Field(default_factory=list)

    @field_validator("R")
    @classmethod
    def _square(cls, value: Any) -> Any:
        for name, orders in (value or {}).items():
            for order, matrix in (orders or {}).items():
                if matrix is not None and any(len(row) != len(matrix) for row in matrix):
                    raise ValueError(f"{name} of order {order} is not a square matrix")
        return value

    @field_validator("pictures")
    @classmethod
    def _a_png(cls, value: str) -> str:
        try:
            fine = not value or len(base64.b64decode(value, validate=True)) >= PNG_HEADER
        except (binascii.Error, ValueError):
            fine = False
        if not fine:
            raise ValueError("is not a PNG in base64")
        return value

    @field_validator("undefined", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return list(value) if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _named_classes(self) -> "DetailShape":
        if self.picture is not None:
            most = max([*self.picture.labels.real, *self.picture.labels.synthetic], default=-1)
            if most >= len(self.class_names):
                raise ValueError(
                    f"picture has a label {most}, but {len(self.class_names)} classes are named"
                )
        return self


class CostsShape(Shape):
    seconds: Spent = None
    images: Spent = None
    joules: Spent = None


class OutcomeShape(Shape):
    measurements: list[MeasurementShape]
    costs: CostsShape
    detail: DetailShape | None = None

    @model_validator(mode="after")
    def _a_search_has_seconds(self) -> "OutcomeShape":
        searched = any(one.metric == SCORE for one in self.measurements)
        read = self.detail.truth if self.detail else None
        if searched and self.costs.seconds is None and not (read and read.published):
            raise ValueError("costs.seconds: expected a number, since architectures were scored")
        return self


class CondensationShape(Shape):
    seconds: Spent = None
    cpu_seconds: Spent = None
    joules: Spent = None


class ViewShape(Shape):
    name: str
    pixels_changed: Amount


class EnergyShape(Shape):
    meters: list[str] = Field(default_factory=list)
    reason: str = ""
    cpu_seconds: Amount | None = None


class RecordShape(Shape):
    """A finished cell."""

    key: Word
    kind: Literal["condense", "shard", "scenario", "truth"]
    cell: CellShape
    bytes: Size | None = None
    condensation: CondensationShape | None = None
    view: ViewShape | None = None
    set: Word | None = None
    card: Word | None = None
    doubts: list[str] = Field(default_factory=list)
    outcome: OutcomeShape | None = None
    row: TableRow | None = None
    environment: dict[str, Any] | None = None
    command: str | None = None
    seconds: Amount | None = None
    energy: EnergyShape | None = None
    peak_memory: Amount | None = None

    @model_validator(mode="after")
    def _what_its_kind_needs(self) -> "RecordShape":
        lacking = [name for name in NEEDED[self.kind] if getattr(self, name) is None]
        if self.kind == "scenario" and self.cell.scenario is None:
            lacking.append("cell.scenario")
        if lacking:
            raise ValueError(
                f"{lacking[0]}: is missing, which a record of the kind '{self.kind}' has"
            )
        return self


NEEDED: Mapping[str, tuple[str, ...]] = {
    "condense": (),
    "shard": (),
    "scenario": ("outcome",),
    "truth": ("row", "command", "environment"),
}


class FailureShape(Shape):
    """A cell that failed."""

    key: Word
    sentence: str
    cell: CellShape | None = None
    traceback: str = ""


class DesignShape(Shape):
    factors: dict[str, Annotated[list[Word], Field(min_length=1)]] = Field(default_factory=dict)
    runs: dict[str, dict[str, str]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _a_level_of_each_factor(self) -> "DesignShape":
        if self.runs and not self.factors:
            raise ValueError("factors: is missing, which a design with runs has")
        for label, levels in self.runs.items():
            for factor, known in self.factors.items():
                if levels.get(factor) not in known:
                    raise ValueError(f"runs.{label}: has no level of the factor {factor}")
        return self


class UntilShape(Shape):
    """The rule by which a run added seeds, and how that ended."""

    half_width: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    compared: Annotated[list[Word], Field(min_length=2, max_length=2)]
    scenario: Word
    metric: Word
    first_seeds: Annotated[list[Seed], Field(min_length=1)]
    most: Count
    ended: str


class SuiteShape(Shape):
    """suite.json: what is run in a directory.

    `names` has scenario and set or reference of each cell, as the suite calls them now: a cell
    keeps its record when its suite, or another run that takes it over, has other names for it.
    """

    suite: Word
    cells: list[Key]
    names: list[Annotated[list[Word | None], Field(min_length=2, max_length=2)]] | None = None
    command: str
    date: str = ""
    about: str = ""
    design: DesignShape | None = None
    until: UntilShape | None = None
    limit: Count | None = None
    environment: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _a_name_for_each_cell(self) -> "SuiteShape":
        if self.names is not None and len(self.names) != len(self.cells):
            raise ValueError(f"names: are {len(self.names)}, for {len(self.cells)} cells")
        return self


class HolderShape(Shape):
    """Who holds a run directory's lock."""

    process: Size
    host: str
    command: str
    started: str = ""


def require_format(path: Path, found: object) -> None:
    """OlderFormat, OtherFormat or Damaged if a file is not of the format that is read here."""
    if found == FORMAT:
        return
    if isinstance(found, bool) or not isinstance(found, int):
        raise damaged(path, "it says no format")
    sentence = f"{path}: is of format {found}, and this harness reads {FORMAT}"
    if found < FORMAT:
        raise OlderFormat(f"{sentence}; compute it anew with: harness run")
    raise OtherFormat(f"{sentence}; update the harness, or choose another directory")
