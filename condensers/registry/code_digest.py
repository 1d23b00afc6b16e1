"""What code a result comes from: digests of modules, without comments and docstrings.

The code of a part is the module that defines it, with all that this one leads to: what it imports
of ours or of the user's, parts whose registered names or places stand in code or settings, and
files beside modules of ours that are no Python (C, JavaScript, tables). Of torch and the like,
versions are compared elsewhere. Nothing heavy is imported for it.
"""

import ast
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, NamedTuple

DIGITS = 12
OURS = ("condensers", "scenarios")
# Tables of names, faces of packages, documentation, words for people: what they point to counts,
# not they. Data count by their content.
APART = {
    "condensers.registry.builtin",
    "condensers.registry.introspection",
    "condensers.errors",
    "condensers.registry.code_digest",
    "scenarios",
    "scenarios.registry",
    "scenarios.datasets",
    "scenarios.continual.memory",
    "scenarios.continual.strategies",
}
UNREAD = {"ctx", "kind", "type_comment", "type_ignores"}
LIBRARIES = {"torch", "torchvision", "nni", "avalanche"}
INSTALLED = {"site-packages", "dist-packages"}
BESIDE = {".c", ".h", ".js", ".json"}


class Code(NamedTuple):
    """A module. imports: a.b for `import a.b`, a.b.c for `from a.b import c`. words: its texts."""

    digest: str
    imports: frozenset[str]
    words: frozenset[str]


def digest_of(source: bytes) -> str:
    """Of Python source, without comments, docstrings, layout; of all bytes where it is no
    Python.
    """
    return _read(source).digest


def modules_of(part: Any) -> set[str]:
    """The modules that define a part and the parts in its fields; a file's by its place."""
    found = {_module_of(type(part))} if is_dataclass(part) else set()
    for value in _values(part):
        found |= modules_of(value)
    return found


def code_of(*parts: Any, modules: Iterable[str] = ()) -> str:
    """One digest of all code behind parts and `modules`: for files that outlive the code."""
    named = {name for part in parts for name in modules_of(part)}
    found = reached(sorted({*named, *modules}), sorted(words_of(parts)))
    return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()[:DIGITS]


def words_of(value: Any) -> set[str]:
    """All texts in parts, tables and lists: names of other parts may be among them."""
    if isinstance(value, str):
        return {value}
    return {word for one in _values(value) for word in words_of(one)}


def reached(modules: Collection[str], words: Collection[str] = ()) -> dict[str, str]:
    """Module or file -> digest, of `modules` and all they lead to. words: texts of settings."""
    placed = {place for word in words if (place := _place(word))}
    return dict(_reached(tuple(sorted({*modules, *placed})), tuple(words)))


def digests(modules: Iterable[str]) -> dict[str, str]:
    """Module -> digest, of these alone."""
    return {name: digest for name in modules if (digest := _digest_here(name))}


def changed(found: Mapping[str, str]) -> list[str]:
    """Of what `reached` gave, perhaps in another process, what is other code here, or gone."""
    return [name for name, digest in found.items() if _digest_here(name) != digest]


@cache
def _digest_here(name: str) -> str | None:
    package, slash, file = name.partition("/")
    if slash and not name.endswith(".py"):
        beside = _path(package)
        path = beside and beside.with_name(file)
        return _bytes_digest(path.read_bytes()) if path and path.is_file() else None
    path = _path(name)
    return _read(path.read_bytes()).digest if path else None


@cache
def _reached(modules: tuple[str, ...], words: tuple[str, ...]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    texts, registries, waiting = set(words), set[tuple[str, str]](), set(modules)
    while waiting:
        name = waiting.pop()
        path = _path(name)
        if path is not None:
            code = _read(path.read_bytes())
            found |= {name: code.digest, **_beside(name, path)}
            texts |= code.words
            registries |= {place for each in code.imports if (place := _registry(each))}
            waiting |= {*_parents(name), *_followed(name, path, code)}
        known = found.keys() | APART
        waiting = waiting - known or _named(texts, registries) - known
    empty = digest_of(b"")
    return {name: digest for name, digest in sorted(found.items()) if digest != empty}


def _place(word: str) -> str | None:
    """The file or module of FILE.py:Name or module:Name, @DIGEST after it or not; None of
    libraries.
    """
    place, _, name = word.rpartition(":")
    written = name.partition("@")[0].isidentifier() and place.partition(".")[0] not in LIBRARIES
    return place if place and written and _path(place) else None


def _values(part: Any) -> Iterator[Any]:
    if is_dataclass(part) and not isinstance(part, type):
        yield from (getattr(part, each.name) for each in fields(part))
    elif isinstance(part, Mapping):
        yield from part.values()
    elif isinstance(part, list | tuple):
        yield from part


def _module_of(cls: type) -> str:
    """A module by its name, or a file by its place where it is no module that could be imported."""
    if _path(cls.__module__):
        return cls.__module__
    return str(vars(sys.modules[cls.__module__]).get("__file__", cls.__module__))


def _parents(name: str) -> list[str]:
    """The packages that are run before a module is."""
    if name.endswith(".py"):
        return []
    return [name[:end] for end, letter in enumerate(name) if letter == "."]


def _followed(name: str, path: Path, code: Code) -> list[str]:
    """What a module imports of ours, its own package or the user's; modules of ours that it
    names.
    """
    own = name.partition(".")[0]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    named = {each for each in code.words if each.startswith(OURS)}
    found = []
    for each in sorted({_absolute(each, package) for each in code.imports} | named):
        beside = _sibling(each, path) if name.endswith(".py") else None
        either = (each, each.rpartition(".")[0])
        modules = [one for one in either if _is_read(one, own) and _path(one)]
        found += [beside] if beside else modules[:1]
    return found


def _absolute(name: str, package: str) -> str:
    """`.base.Part` in a.b is a.b.base.Part."""
    dots = len(name) - len(name.lstrip("."))
    if not dots:
        return name
    above = package.split(".")
    return ".".join([*above[: len(above) - dots + 1], name[dots:]])


def _sibling(name: str, path: Path) -> str | None:
    """A module that lies beside a file which is known by its place."""
    for module in filter(None, (name, name.rpartition(".")[0])):
        place = path.parent.joinpath(*module.split("."))
        beside = (place.with_name(f"{place.name}.py"), place / "__init__.py")
        found = [str(each) for each in beside if each.is_file()]
        if found:
            return found[0]
    return None


@cache
def _is_read(name: str, own: str) -> bool:
    """Whether a module is ours, of the importing one's package, or the user's: not installed."""
    top = name.partition(".")[0]
    if top in (*OURS, own) and top:
        return True
    if not top or top == "harness" or top in sys.stdlib_module_names:
        return False
    spec = _spec(top)
    origin = spec.origin if spec else None
    return bool(origin and origin.endswith(".py") and not INSTALLED & set(Path(origin).parts))


@cache
def _path(name: str) -> Path | None:
    """The file of a module, or of a place; None where it has no Python source."""
    if name.endswith(".py"):
        place = Path(name).expanduser()
        return place if place.is_file() else None
    top, *below = name.split(".")
    if not all(part.isidentifier() for part in (top, *below)):
        return None
    spec = _spec(top)
    if spec is None:
        return None
    if not below:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or ():
        place = Path(folder).joinpath(*below)
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if path.is_file():
                return path
    return None


def _spec(top: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(top) if top.isidentifier() else None
    except ValueError:  # a script has none
        return None


def _beside(name: str, path: Path) -> dict[str, str]:
    """Files that modules of our folders read: kernels, scripts, tables."""
    if not name.startswith(OURS):
        return {}
    files = sorted(each for each in path.parent.iterdir() if each.suffix in BESIDE)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return {f"{package}/{each.name}": _bytes_digest(each.read_bytes()) for each in files}


@cache
def _registry(name: str) -> tuple[str, str] | None:
    """(module, name) where an imported name is a registry of ours."""
    module, _, attribute = name.rpartition(".")
    if not (attribute.isupper() and module.startswith(OURS) and (path := _path(module))):
        return None
    names: set[str] = set()
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and _makes_registry(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {ast.unparse(target) for target in targets}
    return (module, attribute) if attribute in names else None


def _makes_registry(value: ast.expr | None) -> bool:
    """Whether an expression calls `Registry` or a class named after it, such as TypedRegistry."""
    return isinstance(value, ast.Call) and ast.unparse(value.func).endswith("Registry")


def _named(texts: Set[str], registries: Set[tuple[str, str]]) -> set[str]:
    """The modules of parts whose names are written out in code that uses these registries."""
    found = set()
    for module, attribute in registries:
        registry = getattr(importlib.import_module(module), attribute)
        entries = registry.entries()
        known = (texts & entries.keys()) | {text for text in texts if registry.has_family(text)}
        found |= {registry.locate(text).partition(":")[0] for text in known}
    return found


@cache
def _read(source: bytes) -> Code:
    try:
        reader = _Reader()
        reader.node(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError):
        return Code(_bytes_digest(source), frozenset(), frozenset())
    said = _bytes_digest("\0".join(reader.said).encode())
    return Code(said, frozenset(reader.imports), frozenset(reader.words))


class _Reader:
    """Goes through a syntax tree once. What it says is the same under all Pythons we support."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.imports: set[str] = set()
        self.words: set[str] = set()
        self.idle = False

    def node(self, node: ast.AST) -> None:
        kind = type(node).__name__
        if isinstance(node, ast.Constant):
            self._constant(node.value)
            return
        if isinstance(node, ast.Import | ast.ImportFrom) and not self.idle:
            self._imported(node)
        before, self.idle = self.idle, self.idle or _is_for_types(node)
        self.said += [kind, "("]
        for name in node._fields:
            value = getattr(node, name, None)
            if name in UNREAD or value is None or value == []:
                continue
            self.said.append(name)
            self._value(value)
        self.said.append(")")
        self.idle = before

    def _value(self, value: Any) -> None:
        if isinstance(value, ast.AST):
            self.node(value)
        elif isinstance(value, list):
            for one in value:
                if not _is_docstring(one):
                    self._value(one)
        else:
            self.said.append(repr(value))

    def _constant(self, value: Any) -> None:
        self.said.append(f"{type(value).__name__} {value!r}")
        if isinstance(value, str):
            self.words.add(value)

    def _imported(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            self.imports |= {alias.name for alias in node.names}
        else:
            base = "." * node.level + (node.module or "")
            dot = "." if node.module else ""
            self.imports |= {f"{base}{dot}{alias.name}" for alias in node.names}


def _is_docstring(node: Any) -> bool:
    value = getattr(node, "value", None)
    return (
        isinstance(node, ast.Expr)
        and isinstance(value, ast.Constant)
        and isinstance(value.value, str)
    )


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def _bytes_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]
