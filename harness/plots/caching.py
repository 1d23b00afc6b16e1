"""Figures that are drawn once: one of the same data, by the same code, is read where it was kept.

matplotlib takes most of a report's time, to be imported and to draw.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields, is_dataclass
from functools import cache, wraps
from importlib.metadata import version
from pathlib import Path
from typing import Any, ParamSpec, Protocol

P = ParamSpec("P")
FIGURE = "figure"


class Texts(Protocol):
    """Where figures are kept, by the digest of what determines them."""

    def read(self, section: str, key: str) -> str | None: ...
    def write(self, section: str, key: str, text: str) -> None: ...


_kept_in: ContextVar[Texts | None] = ContextVar("kept_in", default=None)


@contextmanager
def keep_figures(texts: Texts) -> Iterator[None]:
    """Within, figures are read from `texts`, and those that are drawn are written to it."""
    before = _kept_in.set(texts)
    try:
        yield
    finally:
        _kept_in.reset(before)


def cached(draw: Callable[P, str]) -> Callable[P, str]:
    """Make a function that draws a figure look for it first, within `keep_figures`.

    Args:
        draw: makes one <svg> element of numbers, texts and dataclasses of them. What is of another
            kind is drawn each time.
    """

    @wraps(draw)
    def find_or_draw(*args: P.args, **kwargs: P.kwargs) -> str:
        texts = _kept_in.get()
        key = None if texts is None else _key_of(draw.__qualname__, args, kwargs)
        if texts is None or key is None:
            return draw(*args, **kwargs)
        known = texts.read(FIGURE, key)
        if known is None:
            known = draw(*args, **kwargs)
            texts.write(FIGURE, key, known)
        return known

    return find_or_draw


def _key_of(name: str, args: Any, kwargs: Any) -> str | None:
    """Digest of the data drawn and of the code that draws them; None for data that have none."""
    try:
        drawn = json.dumps([name, args, kwargs], default=_as_plain)
    except (TypeError, ValueError):
        return None
    return hashlib.sha256(f"{_code()}\n{drawn}".encode()).hexdigest()


def _as_plain(value: Any) -> Any:
    if is_dataclass(value):
        return [type(value).__name__, *(getattr(value, each.name) for each in fields(value))]
    raise TypeError(f"{type(value).__name__} has no digest")


@cache
def _code() -> str:
    """Digest of the modules here and of matplotlib's version."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    found = hashlib.sha256(version("matplotlib").encode())
    for file in files:
        found.update(file.read_bytes())
    return found.hexdigest()
