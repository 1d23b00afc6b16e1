"""Ways in which a file is spoilt: bits turned over, parts cut, doubled or moved, numbers put to
their extremes.
"""

import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hypothesis import strategies as st

NUMBERS = {
    "<Q": (2**40, 2**63, 2**64 - 1),
    "<I": (2**31, 2**32 - 1),
    ">I": (2**31, 2**32 - 1),
    "<H": (2**16 - 1,),
}
EXTREMES = [struct.pack(form, value) for form, values in NUMBERS.items() for value in values]
# What is special to the formats that are read: JSON, TOML, pickle, ZIP, numpy, safetensors, HTML.
WORDS = [
    b"null",
    b"NaN",
    b"1e999",
    b"-1",
    b"[" * 3000,
    b'{"a":' * 3000,
    b'"',
    b"\\ud800",
    b"\x00",
    b"../../x",
    b"<script>",
    b"cos\nsystem\n(S'true'\ntR.",
    b"\x80\x04\x95",
    b"PK\x05\x06",
    b"PK\x03\x04",
    b"\x93NUMPY",
    b"'shape': (1099511627776,)",
    b'"shape":[1099511627776]',
    b'"data_offsets":[0,18446744073709551615]',
    b"\xff\xfe",
    b"\n[[",
    b"= 99999999999999999999\n",
]


class Change(NamedTuple):
    """One change: kind, where (a fraction of the length), how much (a fraction), and what is put
    there.
    """

    kind: str
    at: float
    size: float
    content: bytes


def apply(content: bytes, changes: Sequence[Change]) -> bytes:
    """`content` after all changes, one after the other."""
    for change in changes:
        start = int(change.at * len(content))
        end = min(len(content), start + max(1, int(change.size * 64)))
        content = KINDS[change.kind](content, start, end, change.content)
    return content


def _flip(content: bytes, start: int, end: int, new: bytes) -> bytes:
    if start >= len(content):
        return content
    return (
        content[:start]
        + bytes([content[start] ^ (1 << (new[0] % 8 if new else 0))])
        + content[start + 1 :]
    )


KINDS: dict[str, Callable[[bytes, int, int, bytes], bytes]] = {
    "flip": _flip,
    "overwrite": lambda content, start, end, new: (
        content[:start] + new + content[start + len(new) :]
    ),
    "insert": lambda content, start, end, new: content[:start] + new + content[start:],
    "remove": lambda content, start, end, new: content[:start] + content[end:],
    "double": lambda content, start, end, new: content[:end] + content[start:],
    "cut": lambda content, start, end, new: content[:start],
    "move": lambda content, start, end, new: content[end:] + content[start:end],
}
POSITIONS = st.one_of(
    st.floats(0, 1), st.floats(0, 0.05), st.floats(0.95, 1)
)  # headers and footers more often
CHANGES = st.lists(
    st.builds(
        Change,
        st.sampled_from(sorted(KINDS)),
        POSITIONS,
        st.floats(0, 1),
        st.one_of(
            st.binary(min_size=1, max_size=8), st.sampled_from(EXTREMES), st.sampled_from(WORDS)
        ),
    ),
    min_size=1,
    max_size=6,
)
