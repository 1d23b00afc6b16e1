"""Records in few bytes, without loss: what many of them hold is written once, and tables of equal
keys are written by column.

    {"@": 3}               the value at place 3 of what is shared
    {"@row": [4, ...]}     a table: the place of its keys among what is shared, then its values
    {"@columns": {...}}    a list of tables, as key -> the list of its values
    {"@items": [[...]]}    a table whose own keys begin with an @
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

SHARED, ROW, COLUMNS, ITEMS = "@", "@row", "@columns", "@items"
SHORTEST = 24  # characters that are worth a place among what is shared
MOST_VALUES = 10_000_000  # of all records together


def pack(records: Sequence[Mapping[str, Any]]) -> tuple[list[Any], list[Any]]:
    """Pack JSON values.

    Returns:
        The packed values, and what they share.
    """
    shaped = [_by_columns(record) for record in records]
    packer = _Packer(shaped)
    return [packer.pack(record) for record in shaped], packer.shared


def _by_columns(value: Any) -> Any:
    if isinstance(value, Mapping):
        if any(name.startswith("@") for name in value):
            return {ITEMS: [[name, _by_columns(part)] for name, part in value.items()]}
        return {name: _by_columns(part) for name, part in value.items()}
    if not isinstance(value, list):
        return value
    tables = [one for one in value if isinstance(one, Mapping) and one]
    if len(value) == len(tables) > 1 and all(one.keys() == tables[0].keys() for one in tables):
        return {COLUMNS: _by_columns({name: [one[name] for one in tables] for name in tables[0]})}
    return [_by_columns(part) for part in value]


class _Packer:
    """Puts what occurs twice into `shared`."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.shared: list[Any] = []
        self._places: dict[str, int] = {}
        self._counts: Counter[str] = Counter()
        self._keys: Counter[str] = Counter()
        for value in values:
            self._count(value)

    def _count(self, value: Any) -> None:
        text = _text(value)
        if text is not None:
            self._counts[text] += 1
        if text is None or self._counts[text] == 1:
            if isinstance(value, Mapping):
                self._keys[json.dumps(list(value))] += 1
            for part in _parts(value):
                self._count(part)

    def pack(self, value: Any) -> Any:
        text = _text(value)
        if text is None or self._counts[text] < 2:
            return self._pack_parts(value)
        if text not in self._places:
            place = self._place(text)
            self.shared[place] = self._pack_parts(value)
        return {SHARED: self._places[text]}

    def _place(self, text: str) -> int:
        """The place of a text among what is shared, a new one where it has none."""
        if text not in self._places:
            self._places[text] = len(self.shared)
            self.shared.append(None)
        return self._places[text]

    def _pack_parts(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            keys = json.dumps(list(value))
            if self._keys[keys] > 1 and len(keys) >= SHORTEST:
                place = self._place(f"keys {keys}")
                self.shared[place] = list(value)
                return {ROW: [place, *map(self.pack, value.values())]}
            return {name: self.pack(part) for name, part in value.items()}
        return [self.pack(part) for part in value] if isinstance(value, list) else value


def _parts(value: Any) -> Sequence[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else ()


def _text(value: Any) -> str | None:
    """The JSON of a value that may be shared; None for a short one."""
    if not isinstance(value, Mapping | list | str):
        return None
    text = json.dumps(value)
    return text if len(text) >= SHORTEST else None


def unpack(records: Sequence[Any], shared: Sequence[Any]) -> list[Any]:
    """Undo `pack`.

    Raises:
        ValueError: the values are not packed as `pack` packs them; the text says why.
    """
    unpacker = _Unpacker(shared)
    return [unpacker.unpack(record) for record in records]


class _Unpacker:
    def __init__(self, shared: Sequence[Any]) -> None:
        self._shared = shared
        self._known: dict[int, tuple[Any, int]] = {}
        self._open: set[int] = set()
        self._values = 0

    def unpack(self, value: Any) -> Any:
        self._values += 1
        if self._values > MOST_VALUES:
            raise ValueError(f"it holds more than {MOST_VALUES:,} values")
        if isinstance(value, list):
            return [self.unpack(part) for part in value]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            ((name, part),) = value.items()
            if name == SHARED:
                return self._unpack_shared(part)
            if name == ITEMS:
                return self._unpack_items(part)
            if name == COLUMNS:
                return self._unpack_columns(part)
            if name == ROW:
                return self._unpack_row(part)
        return {name: self.unpack(part) for name, part in value.items()}

    def _unpack_shared(self, place: Any) -> Any:
        if type(place) is not int or not 0 <= place < len(self._shared):
            raise ValueError(f"it refers to a shared value {place!r:.20}, which is not there")
        if place in self._open:
            raise ValueError(f"its shared value {place} holds itself")
        if place not in self._known:
            self._open.add(place)
            before = self._values
            found = self.unpack(self._shared[place])
            self._open.remove(place)
            self._known[place] = found, self._values - before
        found, values = self._known[place]
        self._values += values
        return found

    def _unpack_items(self, items: Any) -> Any:
        if not isinstance(items, list) or not all(
            isinstance(one, list) and len(one) == 2 and isinstance(one[0], str) for one in items
        ):
            raise ValueError("a table of it is no list of keys and values")
        return {name: self.unpack(part) for name, part in items}

    def _unpack_row(self, row: Any) -> Any:
        if not isinstance(row, list) or not row:
            raise ValueError("a table of it is no list of values")
        keys = self._unpack_shared(row[0])
        fine = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
        if not fine or len(keys) != len(row) - 1:
            raise ValueError("a table of it has not as many values as keys")
        return {key: self.unpack(part) for key, part in zip(keys, row[1:], strict=True)}

    def _unpack_columns(self, columns: Any) -> Any:
        found = self.unpack(columns)
        if not isinstance(found, Mapping) or not all(
            isinstance(column, list) for column in found.values()
        ):
            raise ValueError("a list of tables of it has no columns")
        if len({len(column) for column in found.values()}) != 1:
            raise ValueError("columns of it are of different lengths")
        rows = zip(*found.values(), strict=True)
        return [dict(zip(found, row, strict=True)) for row in rows]
