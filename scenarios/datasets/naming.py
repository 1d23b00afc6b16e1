"""Names of data sets that are made of a place or of other names.

Imports no torch, so that listing stays fast.
"""

from pathlib import Path, PurePath

from condensers.errors import DataMissing, UsageError, shown

FOLDER = "folder:"
DOMAINS = "domains:"
PIXELS, FEWER = "@", "~"  # marks of NAME@PIXELS~COUNT


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

    Of folder:PATH it is the path's last part; FILE.py:Name goes without the folder of the file.
    """
    if name.startswith(DOMAINS):
        return DOMAINS + "+".join(name_in_cards(part) for part in domain_names(name))
    if name.startswith(FOLDER):
        return f"{FOLDER}{folder_of(name).name}"
    place, colon, rest = name.rpartition(":")
    return f"{PurePath(place).name}{colon}{rest}" if colon else name


def folder_of(name: str) -> Path:
    """folder:PATH -> PATH, from the root on."""
    return Path(name.removeprefix(FOLDER).strip()).expanduser().resolve()


def locate_folders(name: str, file: Path) -> str:
    """The data set that the card of `file` names.

    A folder is looked for where we are and beside the file; DataMissing where it is in neither
    place.
    """
    if name.startswith(DOMAINS):
        return DOMAINS + "+".join(locate_folders(part, file) for part in domain_names(name))
    if not name.startswith(FOLDER):
        return name
    called = name.removeprefix(FOLDER).strip()
    here = [Path.cwd() / called, file.resolve().parent / called]
    for folder in here:
        if called and folder.is_dir():
            return f"{FOLDER}{folder}"
    places = " nor in ".join(dict.fromkeys(str(folder.parent) for folder in here))
    raise DataMissing(
        f"{file}: was made from a folder '{called}', which is not in {places}; say where it is:"
        " --data folder:PATH"
    )


def runs_code(name: str) -> bool:
    """Whether a data set, or one of several, is named by the place of its class, FILE.py:Name: to
    load it runs code.
    """
    if name.startswith(DOMAINS):
        return any(runs_code(part.strip()) for part in name.removeprefix(DOMAINS).split("+"))
    return ":" in name and not name.startswith(FOLDER)


def split_name(name: str) -> tuple[str, int | None, int | None]:
    """NAME@PIXELS~COUNT -> (NAME, PIXELS, COUNT), None for what is left out; UsageError where
    either is no number above 0.
    """
    place, colon, own = name.rpartition(":")  # the path of a file may hold these marks too
    base, height, count = _split_marks(name, own)
    return f"{place}{colon}{base}", height, count


def _split_marks(name: str, own: str) -> tuple[str, int | None, int | None]:
    rest, count = _split_number(
        name,
        own,
        FEWER,
        "number of training images a class; write NAME~COUNT, for example fashion-mnist~600",
    )
    base, height = _split_number(
        name, rest, PIXELS, "height of images; write NAME@PIXELS, for example fashion-mnist@14"
    )
    return base, height, count


def _split_number(name: str, text: str, mark: str, what: str) -> tuple[str, int | None]:
    base, found, number = text.rpartition(mark)
    if not found:
        return text, None
    if not number.isdecimal() or int(number) < 1:
        raise UsageError(f"dataset {shown(name)}: {shown(number)} is no {what}")
    return base, int(number)
