"""Files whose headers and checksums are right, and whose content is anything that a format can say.

Spoilt bytes end at the first checksum or size; these get behind it: shapes, types, keys and values
are drawn, then written as the format asks. `WRITERS` has a strategy of whole files for each format.
"""

import gzip
import io
import pickle
import struct
import zipfile
import zlib
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.lib import format as npy

SIZES = st.one_of(
    st.sampled_from([0, 1, 2, 3, 8, 28, 32, 784, 3072, 2**16, 2**31 - 1, 2**31, 2**32 - 1]),
    st.integers(0, 40),
)
SIGNED = st.one_of(
    SIZES.map(lambda size: min(size, 2**31 - 1)), st.sampled_from([-1, -2, -(2**31)])
)
DTYPES = st.sampled_from(
    [
        "u1",
        "i1",
        "u2",
        ">i4",
        "i8",
        "u8",
        "f2",
        "f4",
        "f8",
        ">f4",
        "c8",
        "b1",
        "U3",
        "S4",
        "M8[s]",
        "V3",
    ]
)
BYTES = st.one_of(st.binary(max_size=64), st.integers(0, 6000).map(bytes))
NUMBERS = st.one_of(
    st.sampled_from(
        [
            0,
            -1,
            9,
            10,
            2**31,
            2**63,
            2**64,
            2**80,
            0.5,
            1e300,
            float("nan"),
            float("inf"),
            True,
            None,
        ]
    ),
    st.integers(-3, 12),
)
WORDS = st.one_of(
    st.sampled_from(
        [
            "",
            "data",
            "labels",
            "u1",
            "\ud800",
            "\x00",
            "\x1b[31m",
            "{" * 5000,
            "NaN",
            "../x",
            "digits",
        ]
    ),
    st.text(max_size=5),
)


@st.composite
def arrays(draw: Any, dtypes: Any = DTYPES, most: int = 4) -> Any:
    """An array of any type and of up to `most` small dimensions, in any order of its bytes."""
    shape = draw(st.lists(st.sampled_from([0, 1, 2, 3, 8]), max_size=most))
    content = draw(st.binary(min_size=1, max_size=16))
    kind = np.dtype(draw(dtypes))
    size = int(np.prod(shape)) * kind.itemsize
    array = np.frombuffer((content * (size // len(content) + 1))[:size], kind).reshape(shape)
    return draw(
        st.sampled_from([array, array.T, array[..., ::-1] if shape else array, array.copy()])
    )


IDX_MAGIC = st.one_of(
    *[st.just(b"\0\0\x08")] * 4, st.tuples(st.just(0), st.just(0), st.integers(0, 255)).map(bytes)
)


@st.composite
def idx(draw: Any, packed: bool = False) -> bytes:
    """An IDX file of any shape; often with as many values as it says."""
    of_images = st.lists(st.integers(1, 9), min_size=3, max_size=3)
    of_any = st.lists(st.one_of(SIZES, st.integers(0, 30)), min_size=1, max_size=4)
    sizes = draw(st.one_of(of_images, of_any))
    said = int(np.prod([float(size) for size in sizes]))
    values = bytes(said) if said < 2**20 and draw(st.booleans()) else draw(BYTES)
    count = draw(st.sampled_from([len(sizes)] * 6 + [0, 255]))
    content = draw(IDX_MAGIC) + bytes([count]) + struct.pack(f">{len(sizes)}I", *sizes) + values
    if not packed:
        return content
    parts = draw(
        st.sampled_from(
            [(content,), (content, b""), (content[:5], content[5:]), (content, content)]
        )
    )
    return b"".join(gzip.compress(part, mtime=0) for part in parts)


def _element(order: str, kind: int, data: bytes, small: bool) -> bytes:
    if small and len(data) <= 4:
        return struct.pack(
            order + "HH", *((kind, len(data)) if order == "<" else (len(data), kind))
        ) + data.ljust(4, b"\0")
    return struct.pack(order + "II", kind, len(data)) + data + bytes(-len(data) % 8)


MATRICES = ((b"X", [32, 32, 3, 2], 9, 2, bytes(6144)), (b"y", [2, 1], 6, 2, b"\1\x0a"))


@st.composite
def _matrix(draw: Any, order: str, which: int) -> bytes:
    """An array's element: flags, dimensions, name, values; one of SVHN's, or nearly."""
    name, shape, flags, kind, values = MATRICES[which]
    spoilt = draw(
        st.sampled_from(
            ["nothing"] * 7 + ["name", "shape", "flags", "kind", "values", "parts", "size"]
        )
    )
    if spoilt == "name":
        name = draw(st.sampled_from([b"", b"\xff\xfe", b"X" * 70]))
    if spoilt == "shape":
        shape = draw(st.lists(SIGNED, max_size=10))
    if spoilt == "flags":
        flags = draw(st.integers(0, 255)) | draw(st.sampled_from([0, 0, 0x800, 0x400]))
    if spoilt == "kind":
        kind = draw(st.integers(0, 20))
    if spoilt == "values":
        content = draw(st.binary(min_size=1, max_size=8))
        values = (content * len(values))[: len(values)] if draw(st.booleans()) else content
    odd = draw(st.binary(min_size=1, max_size=3)) if spoilt == "size" else b""
    dimensions = struct.pack(f"{order}{len(shape)}i", *shape) + odd
    parts = [(6, struct.pack(order + "II", flags, 0)), (5, dimensions), (1, name), (kind, values)]
    if spoilt == "parts":
        parts = draw(st.sampled_from([parts[:3], parts[::-1], parts * 2, []]))
    small = draw(st.booleans())
    return _element(
        order, 14, b"".join(_element(order, kind, data, small) for kind, data in parts), False
    )


@st.composite
def mat(draw: Any) -> bytes:
    """A MATLAB file of some arrays, compressed or not."""
    order = draw(st.sampled_from("<>"))
    content = b""
    for which in draw(st.sampled_from([(0, 1), (0, 1), (1, 0), (0, 1, 1), (0,)])):
        matrix = draw(_matrix(order, which))
        packed = draw(
            st.sampled_from(
                [None, None, *[matrix] * 6, matrix + matrix, b"", matrix[:-8], bytes(50_000)]
            )
        )
        content += matrix if packed is None else _element(order, 15, zlib.compress(packed), False)
    return (
        b"MATLAB 5.0 MAT-file".ljust(124)
        + (b"\x00\x01IM" if order == "<" else b"\x01\x00MI")
        + content
    )


@st.composite
def _npy(draw: Any) -> bytes:
    """An array with a header of any version; or with a header that says what is not so."""
    array = draw(arrays(most=5))
    file = io.BytesIO()
    if draw(st.booleans()):
        npy.write_array(
            file, array, version=draw(st.sampled_from([(1, 0), (2, 0), (3, 0)])), allow_pickle=False
        )
        return file.getvalue()
    said = {
        "descr": draw(
            st.one_of(DTYPES, st.sampled_from(["O", "<U99999999", [("a", "u1")], "nonsense", 7]))
        ),
        "fortran_order": draw(st.sampled_from([True, False, 1, None])),
        "shape": tuple(
            draw(
                st.lists(
                    st.one_of(SIZES, st.sampled_from([-1, 2**63, 2**70, "x", True])), max_size=5
                )
            )
        ),
    }
    said.pop(draw(st.sampled_from(["none", "none", "none", *said])), None)
    header = repr(said).encode() + draw(st.sampled_from([b"\n", b"", b" " * 70 + b"\n", b"\xff"]))
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + array.tobytes()


@st.composite
def npz(draw: Any) -> bytes:
    """An archive of arrays by the names that are read; most have images and labels that agree."""
    names = [
        "mean",
        "std",
        "class_names",
        "dataset",
        "recipe",
        "card",
        "rates",
        "image",
        "label",
        "images",
        "labels",
        "../x",
    ]
    count, file = draw(st.integers(0, 4)), io.BytesIO()
    floats, whole = (
        draw(st.one_of(*map(st.just, usual), DTYPES))
        for usual in (("f4", "u1", "f2"), ("i8", "u2"))
    )
    fitting: dict[str, Any] = {
        "images": np.zeros((count, 8, 8, 1), floats),
        "labels": np.zeros(count, whole),
    }
    texts = st.one_of(
        WORDS,
        st.sampled_from(
            ['{"lr": 1}', "[]", '{"digest": 7}', "7", '{"epochs": -1, "ordered": true}']
        ),
    )
    with zipfile.ZipFile(
        file, "w", draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    ) as archive:
        for name, array in fitting.items() if draw(st.integers(0, 4)) else []:
            inner = io.BytesIO()
            npy.write_array(inner, array)
            archive.writestr(f"{name}.npy", inner.getvalue())
        for name in draw(
            st.one_of(st.just([]), st.lists(st.sampled_from(names), max_size=4, unique=True))
        ):
            inner = io.BytesIO()
            npy.write_array(inner, np.array(draw(texts).replace("\ud800", "")))
            archive.writestr(
                name + draw(st.sampled_from([".npy", ".npy", ""])),
                draw(st.one_of(_npy(), st.just(inner.getvalue()), BYTES)),
            )
    return file.getvalue()


SCALARS = st.sampled_from([np.int64(3), np.uint8(7), np.float32(1), np.str_("x")])


def _containers(inner: Any) -> Any:
    lists = st.lists(inner, max_size=4)
    return st.one_of(lists, lists.map(tuple), st.dictionaries(WORDS, inner, max_size=2))


PICKLED = st.recursive(
    st.one_of(NUMBERS, WORDS, st.binary(max_size=9), arrays(), SCALARS), _containers, max_leaves=6
)


@st.composite
def cifar(draw: Any) -> bytes:
    """A table of CIFAR's keys in any protocol, with fitting values or with any."""
    rows = draw(st.integers(0, 3))
    fitting = {
        "data": np.zeros((rows, 3072), np.uint8),
        "labels": list(range(rows)),
        "label_names": ["a", "b"],
    }
    table = {
        draw(st.sampled_from([key, key.encode()])): draw(st.one_of(st.just(value), PICKLED))
        for key, value in fitting.items()
    }
    held = draw(st.one_of(st.just(table), st.just(table), PICKLED))
    return pickle.dumps(held, protocol=draw(st.integers(0, pickle.HIGHEST_PROTOCOL)))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@st.composite
def png(draw: Any) -> bytes:
    """A PNG file of any header and chunks, all checksums right."""
    width, height = draw(st.one_of(st.just((8, 8)), st.tuples(SIZES, SIZES)))
    header = struct.pack(">II", width, height) + bytes(
        draw(
            st.tuples(
                *map(st.sampled_from, ((8, 16, 1, 3), (0, 2, 3, 4, 6, 1), (0, 1), (0, 1), (0, 1)))
            )
        )
    )
    lines = draw(
        st.one_of(st.just((b"\0" + bytes(24)) * 8), st.just((b"\0" + bytes(8)) * 8), BYTES)
    )
    kinds = st.sampled_from(
        [
            b"PLTE",
            b"tRNS",
            b"eXIf",
            b"acTL",
            b"fcTL",
            b"fdAT",
            b"iCCP",
            b"zTXt",
            b"iTXt",
            b"gAMA",
            b"IHDR",
            b"IDAT",
            b"IEND",
            b"pHYs",
        ]
    )
    more = [
        _chunk(kind, data) for kind, data in draw(st.lists(st.tuples(kinds, BYTES), max_size=4))
    ]
    body = [*more[:2], _chunk(b"IDAT", zlib.compress(lines)), *more[2:], _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(body)


@st.composite
def tiff(draw: Any) -> bytes:
    """A TIFF file of one or more directories of any tags; they may point at themselves."""
    order = draw(st.sampled_from("<>"))
    usual = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 8, 279: 64}
    values = st.one_of(SIZES, st.sampled_from([0, 1, 2, 3, 5, 7, 32773, 34712]))
    tags = st.sampled_from(
        [*usual, 274, 270, 282, 284, 317, 320, 322, 323, 338, 339, 34665, 34675, 700]
    )
    fields = usual | draw(st.dictionaries(tags, values, max_size=4))
    entries = b"".join(
        struct.pack(order + "HHII", tag, 4, draw(st.sampled_from([1, 1, 1, 0, 2, 2**31])), value)
        for tag, value in sorted(fields.items())
    )
    start = 8 + 64
    then = draw(st.sampled_from([0, 0, 0, start, 2**31, 8]))
    directory = struct.pack(order + "H", len(fields)) + entries + struct.pack(order + "I", then)
    return (
        (b"II*\0" if order == "<" else b"MM\0*")
        + struct.pack(order + "I", start)
        + bytes(range(64))
        + directory
    )


@st.composite
def netpbm(draw: Any) -> bytes:
    """A PPM or PGM file of any sizes and any white."""
    kind = draw(st.sampled_from([b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"P7", b"Pf", b"PF"]))
    numbers = draw(
        st.lists(
            st.one_of(st.sampled_from([8, 255, 65535]), SIZES, st.just(-1)), min_size=1, max_size=4
        )
    )
    return (
        kind + b"\n" + b" ".join(str(number).encode() for number in numbers) + b"\n" + draw(BYTES)
    )


WRITERS = {
    "IDX": idx(),
    "IDX, gzipped": idx(packed=True),
    "MATLAB": mat(),
    "npz": npz(),
    "CIFAR": cifar(),
    "PNG": png(),
    "TIFF": tiff(),
    "PPM": netpbm(),
}
