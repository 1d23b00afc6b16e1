"""What `harness plan` prints for people."""

import re
from pathlib import Path

from tests.helpers.command_line import Harness


def test_columns_stay_aligned_whatever_the_labels(
    harness: Harness, tiny: Path, tmp_path: Path
) -> None:
    suite = tmp_path / "long.toml"
    text = tiny.read_text("utf-8").replace(
        "[[scenarios]]", '[[scenarios]]\nlabel = "a scenario of many words"', 1
    )
    suite.write_text(text, "utf-8")
    answer = harness("plan", suite, "--set", "seeds=1", "--workers", 1, "--threads", 1)
    rows = re.findall(r"^  \S.* x \d+ seeds?$", answer.out, re.MULTILINE)
    assert answer.status == 0 and len(rows) > 2
    assert any("  a scenario of many words  " in row for row in rows)
    assert len({row.rindex(" x ") for row in rows}) == 1
    assert all(row.endswith(" x 1 seed") for row in rows)
    assert "on 1 process of 1 thread (" in " ".join(answer.out.split())
