"""A timer for precision "auto" that a test sets, in place of this machine's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from condensers import notices
from condensers.networks import precision_choice

SetTimer = Callable[..., list[str]]


@pytest.fixture
def set_timer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SetTimer:
    """`set_timer(fp32, bf16, product=...)` says what a pass takes, and forgets what this process
    knows; the list has the kinds that are measured from then on.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(notices, "_told", set())
    monkeypatch.setattr(notices, "_shown", set())

    def timer(fp32: float, bf16: float, product: float = 1.0) -> list[str]:
        measured: list[str] = []

        def answer(kind: str, seconds: dict[str, float]) -> Callable[..., dict[str, float]]:
            return lambda *_: [measured.append(kind), seconds][1]  # type: ignore[return-value]

        passes = answer("pass", {"fp32": fp32, "bf16": bf16})
        products = answer("product", {"fp32": 1.0, "bf16": product})
        monkeypatch.setattr(precision_choice, "_pass_seconds", passes)
        monkeypatch.setattr(precision_choice, "_product_seconds", products)
        monkeypatch.setattr(precision_choice, "_known", {})
        return measured

    return timer
