"""A budget in bytes for a condenser whose smallest set is of more than one image a class."""

import pytest

from condensers.errors import UsageError
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget

DECODERS = {"name": "kfs", "parameterisation": {"name": "latent", "channels": 3}}


def test_decoders_may_need_the_bytes_of_several_images(make_data):
    data, condenser = make_data((1, 28, 28), 2, 30), create_condenser(DECODERS)
    with pytest.raises(UsageError, match="do not hold the decoders"):
        condenser.nbytes(data, 1)
    with pytest.raises(
        UsageError,
        match=r"1570 bytes are too few: the smallest set \(ipc 2\) of 2 classes takes 3\d\d\d",
    ):
        Budget(nbytes=1570).ipc_of(condenser, data)
    for nbytes in (3200, 15_700):
        ipc = Budget(nbytes=nbytes).ipc_of(condenser, data)
        assert condenser.nbytes(data, ipc) <= nbytes < condenser.nbytes(data, ipc + 1)
