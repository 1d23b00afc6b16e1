"""Packing loses nothing, makes what repeats small, and refuses what it did not write."""

import json
from typing import Any

import pytest

from harness.reference.packing import pack, unpack

TEXT = "a text of more than twenty-four letters"
RECORDS: list[Any] = [
    {"a": 1, "long": TEXT, "table": {"x": [1.5, None, True], "y": TEXT}},
    {"a": 2, "long": TEXT, "table": {"x": [1.5, None, True], "y": TEXT}},
    {"@": 3, "@columns": {"x": [1]}, "rows": [{"@a": 1, "b": []}, {"@a": 2, "b": [{}]}]},
    {"rows": [{"p": 0.1 + 0.2, "q": [{"r": 1}, {"r": 2}]}, {"p": 1e-300, "q": [{"r": 3}]}]},
    {"rows": [{"p": 1}, {"q": 1}], "empty": [{}, {}], "mixed": [1, {"p": 1}]},
]


def test_packing_loses_nothing() -> None:
    packed, shared = pack(RECORDS)
    text = json.dumps([packed, shared])
    assert unpack(*json.loads(text)) == RECORDS
    assert text.count(TEXT) == 1 and len(text) < len(json.dumps(RECORDS))


@pytest.mark.parametrize(
    ("record", "shared", "words"),
    [
        ({"@": 1}, [0], "which is not there"),
        ({"@": "x"}, [0], "which is not there"),
        ({"@": 0}, [{"a": {"@": 0}}], "holds itself"),
        ({"@columns": {"a": [1], "b": [1, 2]}}, [], "different lengths"),
        ({"@columns": {"a": 1}}, [], "has no columns"),
        ({"@items": [["a"]]}, [], "no list of keys and values"),
        ({"@row": [0, 1, 2]}, [["a"]], "not as many values as keys"),
        ({"@row": [0, 1]}, [{"a": 1}], "not as many values as keys"),
        ({"@row": []}, [], "no list of values"),
    ],
)
def test_what_it_did_not_write_is_refused(record: Any, shared: list[Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        unpack([record], shared)


def test_a_small_file_cannot_ask_for_the_whole_memory() -> None:
    bomb: list[Any] = ["x"]
    for place in range(40):
        bomb.append([{"@": place}] * 10)
    with pytest.raises(ValueError, match="more than"):
        unpack([{"@": 40}], bomb)
