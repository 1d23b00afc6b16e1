"""What a part's source says of it: docstring and hyperparameters, read without running or importing its module."""

import ast
import importlib.util
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from condensers.errors import UsageError


def describe(where: str) -> dict[str, Any]:
    """Summary, docstring and fields of "module:Name"; UsageError where there is no such module."""
    module, _, attribute = where.partition(":")
    tree = _read(module)
    if tree is None:
        raise UsageError(f"module {module} is registered, but there is no such module; install it or remove the entry")
    node = _definition(tree, attribute)
    doc = (ast.get_docstring(node) if isinstance(node, ast.ClassDef | ast.FunctionDef) else None) or ""
    module_doc = ast.get_docstring(tree) or ""
    return {
        "summary": (doc or module_doc).partition("\n")[0],
        "about": module_doc if not doc else f"{doc}\n\n{module_doc}".strip(),
        "fields": list(_fields(tree, node).values()) if isinstance(node, ast.ClassDef) else [],
    }


def _fields(tree: ast.Module, node: ast.ClassDef) -> dict[str, dict[str, Any]]:
    """Read `name: type = hyper(default, unit=..., source=...)` statements of a class and of its bases."""
    found: dict[str, dict[str, Any]] = {}
    for base in node.bases:
        name = ast.unparse(base)
        origin = _imported_from(tree, name)
        base_tree = (_read(origin) if origin else tree) or ast.Module([], [])
        definition = _definition(base_tree, name)
        if definition is not None:
            found |= _fields(base_tree, definition)
    for statement in node.body:
        value = getattr(statement, "value", None)
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
            continue
        if not (isinstance(value, ast.Call) and getattr(value.func, "id", "") == "hyper"):
            continue
        entry = {"name": statement.target.id, "type": ast.unparse(statement.annotation), "default": _literal(value.args[0])}
        found[statement.target.id] = entry | {k.arg: _literal(k.value) for k in value.keywords if k.arg}
    return found


def _imported_from(tree: ast.Module, name: str) -> str | None:
    """The module of this project from which `name` is imported, if any."""
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and name in {alias.name for alias in statement.names}:
            return statement.module
    return None


def _definition(tree: ast.Module, name: str) -> Any:
    return next((n for n in tree.body if getattr(n, "name", None) == name), None)


def _find(module: str) -> ModuleSpec | None:
    """The module's place. `importlib.util.find_spec` would import the packages above it, and with them torch."""
    top, *below = module.split(".")
    spec = importlib.util.find_spec(top)
    for depth in range(len(below)):
        if spec is None:
            return None
        spec = PathFinder.find_spec(".".join([top, *below[: depth + 1]]), spec.submodule_search_locations or [])
    return spec


def _read(module: str) -> ast.Module | None:
    """The module's syntax tree; None where it has no Python source."""
    spec = _find(module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)
