"""Names of tests may not depend on what a parameter holds, unless it is a short constant."""

import pytest


def pytest_make_parametrize_id(val: object, argname: str) -> None:
    """Refuse values whose text pytest would put into a test's name although it may change from run
    to run.
    """
    if isinstance(val, (bytes, bytearray)):
        raise pytest.UsageError(
            f"{argname}: give these parameters explicit ids (bytes enter a test's name otherwise)"
        )
