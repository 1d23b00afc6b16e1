"""What a ground-truth table's file must look like."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from condensers.schema import Amount, Count, Finite, Shape, Size, Word

Accuracy = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Point = Annotated[list[Finite], Field(min_length=2, max_length=2)]


class TableRow(Shape):
    """An architecture and seed."""

    id: Word
    choices: dict[str, Any]
    seed: Size
    parameters: Size
    flops: Size
    validation: Accuracy | None  # None, as below: not published
    test: Accuracy
    seconds: Amount | None
    images: Amount
    curve: list[Point]


class MadeRow(TableRow):
    """The row of a table, which says by its place among `made` how it came about."""

    made: Size


class SpaceShape(Shape):
    name: Word


class RecipeShape(Shape):
    truth_batch: Count


class Counts(Shape):
    """Images of each part."""

    train: Size
    validation: Size
    test: Size


class DataShape(Shape):
    name: str
    digests: dict[str, str]
    images: Counts
    shape: list[Size]
    classes: Size


class TableShape(Shape):
    """A whole table."""

    space: SpaceShape
    recipe: RecipeShape
    data: DataShape
    choices: dict[str, Annotated[list[Any], Field(min_length=1)]]
    made: list[dict[str, Any]]
    rows: Annotated[list[MadeRow], Field(min_length=1)]

    @model_validator(mode="after")
    def _rows_of_this_table(self) -> "TableShape":
        for place, row in enumerate(self.rows):
            if row.made >= len(self.made):
                raise ValueError(f"rows[{place}].made: is {row.made}, of {len(self.made)}")
            lacking = [
                name for name, values in self.choices.items() if row.choices.get(name) not in values
            ]
            if lacking:
                raise ValueError(
                    f"rows[{place}].choices.{lacking[0]}: is none of the values that `choices`"
                    " lists"
                )
        return self
