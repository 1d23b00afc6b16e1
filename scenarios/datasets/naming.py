"""Names of data sets: SCHEME:PLACE, options and marks.

    NAME[,KEY=VALUE ...][@PIXELS][~COUNT]

NAME is registered, a path after `folder:`, `npz:` or `hf:`, a class after `torchvision:`, or the
import path of a class. Imports no torch, so that listing stays fast.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from condensers.errors import DataMissing, UsageError, shown

FOLDER, NPZ, HUGGING_FACE = "folder:", "npz:", "hf:"
TORCHVISION, MEMORY, DOMAINS = "torchvision:", "memory:", "domains:"
ON_DISK = {FOLDER: "PATH", NPZ: "FILE.npz", HUGGING_FACE: "PATH"}  # what follows is a path
SCHEMES = (*ON_DISK, TORCHVISION, MEMORY)
TEST_OPTION, HELD_OUT = "test", "validation"  # test=validation, an option of every data set
PIXELS, FEWER = "@", "~"  # marks of NAME@PIXELS~COUNT
OPTION = re.compile(r"([a-z_]+)=(.*)", re.DOTALL)
MARKED = re.compile(r"(.+?)(?:@([1-9]\d*))?(?:~([1-9]\d*))?", re.DOTALL)


@dataclass(frozen=True)
class DatasetName:
    """A name, taken apart.

    Attributes:
        scheme: One of `SCHEMES`, or empty.
        place: What the scheme leads to: a path, a class of torchvision, a registered name.
        options: (key, value) each.
        height: The mark @PIXELS; None if left out.
        count: The mark ~COUNT; None if left out.
    """

    scheme: str
    place: str
    options: tuple[tuple[str, str], ...] = ()
    height: int | None = None
    count: int | None = None

    def __str__(self) -> str:
        marks = "".join(
            f"{mark}{number}"
            for mark, number in ((PIXELS, self.height), (FEWER, self.count))
            if number is not None
        )
        return f"{self.without_marks}{marks}"

    @property
    def without_marks(self) -> str:
        said = "".join(f",{key}={value}" for key, value in self.options)
        return f"{self.scheme}{self.place}{said}"

    @property
    def path(self) -> Path:
        """The place as a path from the root on."""
        return Path(self.place).expanduser().resolve()


def parse_name(name: str) -> DatasetName:
    """Take the name of one data set apart.

    A path that is there as it is written has neither options nor marks.

    Raises:
        UsageError: A mark or an option is wrong.
    """
    scheme = next((known for known in SCHEMES if name.startswith(known)), "")
    rest = name.removeprefix(scheme).strip()
    if not scheme and ".npz" in rest and _take_apart(name, NPZ, rest).place.endswith(".npz"):
        scheme = NPZ
    if scheme in ON_DISK and _is_there(rest):
        return DatasetName(scheme, rest)
    return _take_apart(name, scheme, rest)


def _take_apart(name: str, scheme: str, rest: str) -> DatasetName:
    segments = rest.split(",")
    options: list[tuple[str, str]] = []
    while len(segments) > 1 and (found := OPTION.fullmatch(segments[-1].strip())):
        options.insert(0, (found[1], found[2].strip()))
        segments.pop()
    read_marks = _find_marks if scheme in ON_DISK else _require_marks
    place, height, count = read_marks(name, ",".join(segments))
    if options:
        key, value = options[-1]
        value, own_height, own_count = _require_marks(name, value)
        options[-1] = (key, value)
        if (height, count) != (None, None) and (own_height, own_count) != (None, None):
            raise UsageError(
                f"dataset {shown(name)} has marks in two places; write them once, at the end"
            )
        height, count = own_height or height, own_count or count
    _require_once(name, options)
    return DatasetName(scheme, place, tuple(options), height, count)


def _require_once(name: str, options: list[tuple[str, str]]) -> None:
    keys = [key for key, _ in options]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice:
        raise UsageError(f"dataset {shown(name)} says {twice} twice; say it once")


def _is_there(path: str) -> bool:
    try:
        return Path(path).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False


def name_of_table(table: Mapping[str, Any], where: str) -> str:
    """The name of a data set that a suite writes as a table of `name` and options.

    Raises:
        UsageError: It has no name, or a value that no option takes.
    """
    name = table.get("name")
    if not isinstance(name, str) or not name.strip():
        raise UsageError(f'{where}: a data set needs a `name`, such as name = "folder:photos"')
    if name.startswith(DOMAINS):
        raise UsageError(
            f"{where}: {shown(name)} takes no options; write them behind each of its data sets,"
            " domains:A,resize=32+B,resize=32"
        )
    parsed, options = parse_name(name), []
    for key, value in table.items():
        if key == "name":
            continue
        if not isinstance(value, str | int) or not OPTION.fullmatch(f"{key}="):
            raise UsageError(f"{where}: {key} = {shown(value)} is no option of a data set")
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if set(text) & {",", PIXELS, FEWER}:
            raise UsageError(f"{where}: {key} = {shown(value)} holds a comma or a mark (@ or ~)")
        options.append((str(key), text))
    every = sorted([*parsed.options, *options])
    _require_once(name, every)
    return str(replace(parsed, options=tuple(every)))


def domain_names(name: str) -> tuple[str, ...]:
    """domains:A+B -> ("A", "B"); UsageError for fewer than two, for one that stands twice, or for
    domains of domains.
    """
    parts = tuple(part.strip() for part in name.removeprefix(DOMAINS).split("+"))
    if len(parts) < 2 or not all(parts):
        raise UsageError(
            f"dataset {shown(name)} names fewer than two data sets; write domains:A+B, for example"
            " domains:digits+mnist-5k"
        )
    if len(set(parts)) < len(parts):
        raise UsageError(f"dataset {shown(name)} names a data set twice; name each once")
    if any(part.startswith(DOMAINS) for part in parts):
        raise UsageError(
            f"dataset {shown(name)} has domains within domains; write all in one row, domains:A+B+C"
        )
    return parts


def name_in_cards(name: str) -> str:
    """The name by which cards know a data set, which tells of no machine.

    Of a path it is the last part; FILE.py:Name goes without the folder of the file.
    """
    if name.startswith(DOMAINS):
        return DOMAINS + "+".join(name_in_cards(part) for part in domain_names(name))
    parsed = parse_name(name)
    if parsed.scheme in ON_DISK:
        return str(replace(parsed, place=parsed.path.name))
    if parsed.scheme:
        return str(parsed)
    place, colon, rest = name.rpartition(":")
    return f"{PurePath(place).name}{colon}{rest}" if colon else name


def locate_folders(name: str, file: Path) -> str:
    """The data set that the card of `file` names.

    A path is looked for where we are and beside the file; DataMissing where it is in neither
    place.
    """
    if name.startswith(DOMAINS):
        return DOMAINS + "+".join(locate_folders(part, file) for part in domain_names(name))
    parsed = parse_name(name)
    if parsed.scheme == MEMORY:
        raise DataMissing(
            f"{file}: was made from {parsed.place}, which was in memory; write those data with"
            " scenarios.save_npz, and say where they are: --data npz:PATH"
        )
    if parsed.scheme not in ON_DISK:
        return name
    called, kind = parsed.place, parsed.scheme.rstrip(":").replace("hf", "folder")
    here = [Path.cwd() / called, file.resolve().parent / called]
    for path in here:
        if called and path.exists():
            return str(replace(parsed, place=str(path)))
    places = " nor in ".join(dict.fromkeys(str(path.parent) for path in here))
    what = f"a {kind} '{called}'" if kind == "folder" else f"'{called}'"
    raise DataMissing(
        f"{file}: was made from {what}, which is not in {places}; say where it is:"
        f" --data {replace(parsed, place=ON_DISK[parsed.scheme])}"
    )


def runs_code(name: str) -> bool:
    """Whether a data set, or one of several, is named by the place of its class, FILE.py:Name: to
    load it runs code.
    """
    if name.startswith(DOMAINS):
        return any(runs_code(part.strip()) for part in name.removeprefix(DOMAINS).split("+"))
    return ":" in name and not name.startswith(SCHEMES)


def split_name(name: str) -> tuple[str, int | None, int | None]:
    """NAME@PIXELS~COUNT -> (NAME, PIXELS, COUNT), None for what is left out; UsageError where
    either is no number above 0.
    """
    parsed = parse_name(name)
    return parsed.without_marks, parsed.height, parsed.count


def _find_marks(name: str, path: str) -> tuple[str, int | None, int | None]:
    """The marks behind a path, which may hold such letters itself."""
    found = MARKED.fullmatch(path)
    if found is None:
        return path, None, None
    height, count = (int(number) if number else None for number in found.groups()[1:])
    return found[1], height, count


def _require_marks(name: str, text: str) -> tuple[str, int | None, int | None]:
    place, colon, own = text.rpartition(":")  # the path of a file may hold these marks too
    rest, count = _split_number(
        name,
        own,
        FEWER,
        "number of training images a class; write NAME~COUNT, for example fashion-mnist~600",
    )
    base, height = _split_number(
        name, rest, PIXELS, "height of images; write NAME@PIXELS, for example fashion-mnist@14"
    )
    return f"{place}{colon}{base}", height, count


def _split_number(name: str, text: str, mark: str, what: str) -> tuple[str, int | None]:
    base, found, number = text.rpartition(mark)
    if not found:
        return text, None
    if not number.isdecimal() or int(number) < 1:
        raise UsageError(f"dataset {shown(name)}: {shown(number)} is no {what}")
    return base, int(number)
