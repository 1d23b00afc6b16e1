"""The table of markers names tests that are there."""

import pytest

from tests.helpers.markers import MARKED, ROOT


@pytest.mark.parametrize("marker", MARKED)
def test_every_entry_of_the_table_names_tests(marker: str) -> None:
    for entry in MARKED[marker]:
        path, _, test = entry.partition("::")
        assert (ROOT / path).exists(), entry
        assert not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), entry


def test_markers_are_set_before_tests_are_chosen(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        marked = item.get_closest_marker("fuzz") is not None
        assert marked == item.nodeid.startswith("tests/fuzz/"), item.nodeid
