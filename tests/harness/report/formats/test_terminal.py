"""Tables on narrow terminals: fewer columns, which are named, or stacked; COLUMNS where piped."""

import io

import pytest
from rich.console import Console

from harness.printable import fold
from harness.report.formats.terminal import WIDTH, print_table, wide_console
from harness.report.table import Column, Section, Table

COLUMNS = [
    Column("set", lambda row: "", is_text=True),
    Column("bytes", lambda row: "", drop=4),
    Column("final accuracy, %", lambda row: ""),
    Column("difference", lambda row: "", drop=1),
    Column("against random", lambda row: "", is_text=True),
]
ROW = ["k-means", "78,500", "84.8 [80.4, 88.3]", "+0.2 [-3.7, +4.2]", "not distinguishable"]
TABLE = Table("s", "Replay on mnist-5k", COLUMNS, [Section("ipc 10", [ROW])], ["A note."])


def lines(width: int) -> list[str]:
    file = io.StringIO()
    print_table(TABLE, Console(file=file, width=width))
    found = file.getvalue().splitlines()
    assert max(map(len, found)) <= width and "\x1b" not in file.getvalue()
    return [line.rstrip() for line in found]


def test_a_wide_terminal_shows_all() -> None:
    text = "\n".join(lines(120))
    assert "78,500" in text and "+0.2 [-3.7, +4.2]" in text and "Not shown" not in text


def test_what_does_not_fit_is_named_with_the_width_that_shows_it() -> None:
    narrow = lines(68)
    assert not any("78,500" in line for line in narrow)
    note = " ".join(narrow).partition("Not shown at this width: ")[2]
    assert note.startswith("bytes (COLUMNS=")
    enough = int(note.partition("COLUMNS=")[2].partition(" ")[0])
    assert any("78,500" in line for line in lines(enough))
    assert not any("78,500" in line for line in lines(enough - 1))


def test_a_table_that_cannot_be_narrower_is_stacked() -> None:
    stacked = lines(40)
    start = stacked.index("k-means")
    assert stacked[start - 1] == "ipc 10"
    cells = [" ".join(line.split()) for line in stacked[start + 1 : start + 5]]
    assert cells[0] == "bytes 78,500" and "final accuracy, % 84.8 [80.4, 88.3]" in cells
    assert not any("Not shown" in line for line in stacked), "nothing was left out"


def test_columns_is_honoured_where_the_output_is_piped(monkeypatch: pytest.MonkeyPatch) -> None:
    for asked, width in (("77", 77), ("", WIDTH), ("0", WIDTH), ("wide", WIDTH)):
        monkeypatch.setenv("COLUMNS", asked)
        console = wide_console()
        assert console.width == width and console.color_system is None


def test_sentences_break_at_words_and_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "ok     python             one two three four"
    monkeypatch.setenv("COLUMNS", "40")
    assert fold(text, hang=26).split("\n") == [
        "ok     python             one two three",
        " " * 26 + "four",
    ]
    monkeypatch.delenv("COLUMNS")
    assert fold(text, hang=26) == text, "into a pipe it goes unbroken"
