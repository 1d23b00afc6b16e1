"""How a folder of images is laid out: PART/CLASS/* for train, test and perhaps validation, or
CLASS/*.

What nobody made for the data is passed over: hidden files and folders at any depth, and what
operating systems leave behind. What else is passed over is told of in notes; what could be read in
two ways is refused.
"""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from condensers.errors import DataMissing
from scenarios.datasets.pictures import SUFFIXES

LEFT_BEHIND = frozenset(
    {
        "__macosx",
        "__pycache__",
        "@eadir",
        "#recycle",
        "$recycle.bin",
        "system volume information",
        "lost+found",
    }
    | {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}
)
WHAT = "(set|data|split|part|images|imgs)?"
SPELLINGS = {
    "train": re.compile(f"(train|training|trn){WHAT}"),
    "validation": re.compile(f"(val|valid|validation|dev){WHAT}"),
    "test": re.compile(f"(test|testing|tst){WHAT}"),
}
LabelledFiles = list[tuple[Path, int]]


@dataclass(frozen=True)
class FolderLayout:
    """The class names, and the files of each part with their labels.

    test, validation: None where no folder holds them. notes: what should be known, a sentence each.
    """

    class_names: tuple[str, ...]
    train: LabelledFiles
    test: LabelledFiles | None = None
    validation: LabelledFiles | None = None
    notes: tuple[str, ...] = ()


def read_layout(root: Path) -> FolderLayout:
    """Find parts and classes; DataMissing names what is wrong.

    Classes are in alphabetical order, as torchvision's ImageFolder counts them.
    """
    folders = _list_subfolders(root)
    parts = _find_parts(root, folders)
    if not parts:
        _refuse_unnamed_parts(folders)
        names = _read_class_names(root)
        pooled = _label_files(root, names)
        return FolderLayout(
            names,
            pooled,
            notes=(
                *_note_strays(root, [root]),
                *_note_deep_images(pooled, root),
                *_note_names(names),
            ),
        )
    names = _read_class_names(parts["train"])
    for role in ("test", "validation"):
        _require_classes(parts, role, names)
    found = {role: _label_files(folder, names) for role, folder in parts.items()}
    beside = [folder for folder in folders if folder not in parts.values()]
    notes = [
        f"passes over the folder {folder.name} ({_count(len(held), 'image')}), which is called"
        " neither train, validation nor test"
        for folder in beside
        if (held := _list_images(folder))
    ]
    notes += _note_strays(root, [root, *parts.values()], beside)
    notes += [
        note for role, folder in parts.items() for note in _note_deep_images(found[role], folder)
    ]
    return FolderLayout(
        names,
        found["train"],
        found["test"],
        found.get("validation"),
        (*notes, *_note_names(names)),
    )


def is_visible(name: str) -> bool:
    """Whether somebody made a file or folder of this name for the data."""
    return not name.startswith(".") and name.casefold() not in LEFT_BEHIND


def _list_subfolders(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        return sorted(Path(entry) for entry in entries if entry.is_dir() and is_visible(entry.name))


def _list_files(folder: Path) -> Iterator[Path]:
    """All visible files below a folder; folders that are links are followed, each but once."""
    seen = {os.path.realpath(folder)}

    def refuse(fault: OSError) -> None:
        raise fault

    for place, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        yield from (Path(place, name) for name in files if is_visible(name))
        inner = {
            name: os.path.realpath(os.path.join(place, name))
            for name in folders
            if is_visible(name)
        }
        folders[:] = [name for name, real in inner.items() if real not in seen]
        seen.update(inner.values())


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES


def _list_images(folder: Path) -> list[Path]:
    """In alphabetical order."""
    return sorted(filter(_is_image, _list_files(folder)))


def find_role(name: str) -> str | None:
    """Which part a folder of this name alone is."""
    plain = re.sub(r"[\W_]+", "", name.casefold())
    return next((role for role, spelling in SPELLINGS.items() if spelling.fullmatch(plain)), None)


def _find_role_of_words(name: str) -> str | None:
    """Which part a folder is that has such a word in its name, such as seg_train or "train 2"."""
    words = re.findall(r"[^\W\d_]+", name.casefold())
    roles = {
        role
        for role, spelling in SPELLINGS.items()
        if any(spelling.fullmatch(word) for word in words)
    }
    return roles.pop() if len(roles) == 1 else find_role(name)


def _find_parts(root: Path, folders: Sequence[Path]) -> dict[str, Path]:
    """The folders that are parts, by role; none where `folders` are classes.

    A class may be called train, if no other is called test.
    """
    holding = [folder for folder in folders if _list_class_folders(folder)]
    plain = {folder: role for folder in folders if (role := find_role(folder.name))}
    roles = {folder: role for folder in holding if (role := _find_role_of_words(folder.name))}
    if len(set(plain.values())) > 1:
        roles |= {
            folder: role
            for folder, role in plain.items()
            if role != "validation" or folder in holding
        }
    by_role: dict[str, Path] = {}
    for folder, role in roles.items():
        if role in by_role:
            raise DataMissing(
                f"{root}: its folders {by_role[role].name} and {folder.name} both seem to be the"
                f" {role} part; leave one there"
            )
        by_role[role] = folder
    if by_role and not {"train", "test"} <= set(by_role):
        lacking = "test" if "train" in by_role else "train"
        here = by_role.get("train", next(iter(by_role.values()))).name
        other = by_role.get("validation") if lacking == "test" else None
        instead = f" (or call {other.name} that, if it is the test part)" if other else ""
        raise DataMissing(
            f"{root}: has a folder {here} of class folders, but no folder {lacking} beside it; add"
            f" {lacking}{instead}"
        )
    return by_role


def _list_class_folders(folder: Path) -> list[str]:
    """Names of the folders in `folder` that hold images."""
    return [
        inner.name for inner in _list_subfolders(folder) if any(map(_is_image, _list_files(inner)))
    ]


def _refuse_unnamed_parts(folders: Sequence[Path]) -> None:
    """Folders that hold folders of the same names are parts, or classes that hold parts.

    Which ones they are, only their names could say.
    """
    inner = {folder: _list_class_folders(folder) for folder in folders} if len(folders) > 1 else {}
    for folder, names in inner.items():
        if len({role for name in names if (role := find_role(name))}) > 1:
            raise DataMissing(
                f"{folder}: a class that holds parts ({', '.join(names[:3])}); turn them round:"
                f" {names[0]}/{folder.name}/*"
            )
    shared = set.intersection(*map(set, inner.values())) if inner else set()
    if shared:
        first, second = (folder.name for folder in folders[:2])
        raise DataMissing(
            f"{folders[0].parent}: {first} and {second} hold folders of the same names"
            f" ({', '.join(sorted(shared)[:3])}), as parts do; call the parts train and test, or,"
            " if these are classes, put their images straight into them"
        )


def _read_class_names(folder: Path) -> tuple[str, ...]:
    found = _list_subfolders(folder)
    if len(found) < 2:
        is_deeper = found and _list_class_folders(found[0])
        deeper = f" (its only folder {found[0].name} holds folders of images)" if is_deeper else ""
        raise DataMissing(
            f"{folder}: the number of class folders in it is {len(found)}; make at least 2, one for"
            f" each class{deeper}"
        )
    return tuple(path.name for path in found)


def _require_classes(parts: dict[str, Path], role: str, names: tuple[str, ...]) -> None:
    """A class must not be in one of the parts only, nor be written in two ways."""
    train, spelt = parts["train"], {_fold_name(name): name for name in names}
    for folder in _list_subfolders(parts[role]) if role in parts else []:
        if folder.name in names:
            continue
        if known := spelt.get(_fold_name(folder.name)):
            raise DataMissing(
                f"{folder}: is written otherwise than {train / known}; write both alike"
            )
        raise DataMissing(f"{folder}: no such class in {train}; add it there or remove it here")


def _fold_name(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _label_files(folder: Path, names: tuple[str, ...]) -> LabelledFiles:
    """Every class's image files in alphabetical order, with the class's index."""
    found: LabelledFiles = []
    for label, name in enumerate(names):
        files = _list_images(folder / name) if (folder / name).is_dir() else []
        if not files:
            raise DataMissing(
                f"{folder / name}: no images of this class there; add some, or remove the class"
                " everywhere"
            )
        found += [(file, label) for file in files]
    return found


def _note_strays(root: Path, homes: Sequence[Path], beside: Sequence[Path] = ()) -> list[str]:
    """Notes on visible images that are in no class folder but straight in `homes`, and on other
    files.
    """
    files = [
        file
        for file in _list_files(root)
        if not any(file.is_relative_to(folder) for folder in beside)
    ]
    images = sorted(file for file in files if _is_image(file) and file.parent in homes)
    others = Counter(file.suffix.lower() or file.name for file in files if not _is_image(file))
    found = []
    if images:
        some = images[0].relative_to(root)
        found.append(
            f"passes over {_count(len(images), 'image')} in no class folder, such as {some}"
        )
    if others:
        kinds = ", ".join(f"{ending} ({count})" for ending, count in others.most_common(3))
        found.append(
            f"passes over what is no image by its ending, {_count(sum(others.values()), 'file')}:"
            f" {kinds}"
        )
    return found


def _note_deep_images(found: LabelledFiles, folder: Path) -> list[str]:
    """A note on images in folders of a class folder."""
    deep = [file for file, _ in found if len(file.relative_to(folder).parts) > 2]
    if not deep:
        return []
    some = deep[0].relative_to(folder)
    return [
        f"counts {_count(len(deep), 'image')} in folders within a class as the class's, such as"
        f" {some}"
    ]


def _note_names(names: tuple[str, ...]) -> list[str]:
    """Notes on classes that a reader takes for one, and on an order that is not that of their
    numbers.
    """
    first: dict[str, str] = {}
    pairs = [
        (first[_fold_name(name)], name)
        for name in names
        if first.setdefault(_fold_name(name), name) != name
    ]
    found = [
        f"classes {one} and {other} differ in nothing but capitals or spaces"
        for one, other in pairs
    ]
    numbers = [name for name in names if name.isdecimal()]
    turned = next((pair for pair in pairwise(numbers) if int(pair[0]) > int(pair[1])), None)
    if turned:
        found.append(
            f"classes are counted in the alphabetical order of their names, where {turned[0]} comes"
            f" before {turned[1]}"
        )
    return found


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
