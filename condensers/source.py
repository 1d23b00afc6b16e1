"""What a part's source says of it: docstring and hyperparameters, read without running or importing its module."""

import ast
import importlib.util
import re
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from condensers import location
from condensers.errors import UsageError


def describe(where: str) -> dict[str, Any]:
    """Summary, docstring and fields of "module:Name" or "FILE.py:Name"; UsageError where there is no such thing."""
    tree, node = _part_at(where)
    doc, module_doc = _doc(node), ast.get_docstring(tree) or ""
    return {
        "summary": summary(where),
        "about": module_doc if not doc else f"{doc}\n\n{module_doc}".strip(),
        "fields": list(_fields(tree, node).values()) if isinstance(node, ast.ClassDef) else [],
    }


def summary(where: str) -> str:
    """The first line of what `describe` has to say, at a small part of its time."""
    place = location.parse(where)
    head = None if place.in_file else _head(_text(place.place) or "", place.name)
    if head:
        return head
    tree, node = _part_at(where)
    return (_doc(node) or ast.get_docstring(tree) or "").partition("\n")[0]


def _doc(node: Any) -> str:
    return (ast.get_docstring(node) if isinstance(node, ast.ClassDef | ast.FunctionDef) else None) or ""


def _part_at(where: str) -> tuple[ast.Module, Any]:
    """The module of "module:Name" or "FILE.py:Name", and the definition in it."""
    place = location.parse(where)
    tree = _parse_file(place) if place.in_file else _read(place.place)
    if tree is None:
        raise UsageError(f"module {place.place} is registered, but there is no such module; install it or remove the entry")
    node = _definition(tree, place.name)
    if node is None and place.in_file:
        raise UsageError(f"{place.place}: has no class {place.name}; write {place.place}:ITS_NAME")
    return tree, node


def _fields(tree: ast.Module, node: ast.ClassDef) -> dict[str, dict[str, Any]]:
    """Read `name: type = hyper(default, unit=..., source=...)` statements of a class and of its bases."""
    found: dict[str, dict[str, Any]] = {}
    for base in node.bases:
        home, definition = _resolved(tree, ast.unparse(base))
        if definition is not None:
            found |= _fields(home, definition)
    for statement in node.body:
        value = getattr(statement, "value", None)
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
            continue
        if not (isinstance(value, ast.Call) and getattr(value.func, "id", "") == "hyper"):
            continue
        entry = {"name": statement.target.id, "type": ast.unparse(statement.annotation), "default": _value(tree, value.args[0])}
        found[statement.target.id] = entry | {k.arg: _value(tree, k.value) for k in value.keywords if k.arg}
    return found


def _value(tree: ast.Module, node: ast.expr) -> Any:
    """A default. A part made on the spot, `Part(setting=1)`, reads as a suite would write it, a name as what it stands for."""
    if isinstance(node, ast.Tuple | ast.List) and any(isinstance(one, ast.Call) for one in node.elts):
        return [_value(tree, one) for one in node.elts]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _part(tree, node, node.func.id)
    if isinstance(node, ast.Name):
        home, constant = _resolved(tree, node.id)
        return _value(home, constant.value) if isinstance(constant, ast.Assign) else _literal(node)
    return _literal(node)


def _part(tree: ast.Module, call: ast.Call, name: str) -> Any:
    """The table of `Part(...)`: its registered name, read from its class, and the settings of the call."""
    home, definition = _resolved(tree, name)
    if not isinstance(definition, ast.ClassDef):
        return _literal(call)
    positional = dict(zip(_fields(home, definition), (_value(tree, one) for one in call.args), strict=False))
    named = {k.arg: _value(tree, k.value) for k in call.keywords if k.arg}
    return {"name": _registered(home, definition), **positional, **named}


def _registered(tree: ast.Module, node: ast.ClassDef) -> Any:
    """The name under which a class is registered: its own `registered`, or the one of its base."""
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.target) == "registered" and statement.value:
            return _literal(statement.value)
    for base in map(ast.unparse, node.bases):
        home, definition = _resolved(tree, base)
        if isinstance(definition, ast.ClassDef):
            return _registered(home, definition)
    return node.name


def _resolved(tree: ast.Module, name: str) -> tuple[ast.Module, Any]:
    """What a module calls `name`: the module that defines it, and its definition there; None where none is found."""
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module:
            original = next((alias.name for alias in statement.names if (alias.asname or alias.name) == name), None)
            if original:
                home = _read(statement.module) or ast.Module([], [])
                return home, _definition(home, original)
    return tree, _definition(tree, name)


def _definition(tree: ast.Module, name: str) -> Any:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if getattr(node, "name", None) == name or any(isinstance(one, ast.Name) and one.id == name for one in targets):
            return node
    return None


def _find(module: str) -> ModuleSpec | None:
    """The module's place. `importlib.util.find_spec` would import the packages above it, and with them torch."""
    top, *below = module.split(".")
    spec = importlib.util.find_spec(top)
    for depth in range(len(below)):
        if spec is None:
            return None
        spec = PathFinder.find_spec(".".join([top, *below[: depth + 1]]), spec.submodule_search_locations or [])
    return spec


def _parse_file(place: location.Location) -> ast.Module:
    """The syntax tree of a file; UsageError where it is missing or no Python."""
    try:
        return ast.parse(location.content(place))
    except (SyntaxError, ValueError) as fault:
        raise UsageError(f"{place.place}: is not valid Python ({fault}); mend the file") from fault


@cache
def _read(module: str) -> ast.Module | None:
    """The module's syntax tree; None where it has no Python source."""
    text = _text(module)
    return None if text is None else ast.parse(text)


@cache
def _text(module: str) -> str | None:
    spec = _find(module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin).read_text(encoding="utf-8")


def _head(text: str, name: str) -> str | None:
    """The first line of the docstring of a class or function; None where a quick look finds none: parsing takes longer."""
    found = re.search(rf'^(?:class|def) {re.escape(name)}\b[^"\n]*:\n +"""([^"\n]+)', text, re.MULTILINE)
    return found.group(1).strip() if found else None


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)
