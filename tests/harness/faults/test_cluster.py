"""The same records from a Ray cluster, also when a node of it is removed in the middle."""

from pathlib import Path

import pytest

from harness.store.store import Store
from tests.harness.faults.test_storage import outcomes
from tests.helpers.command_line import Harness, read_sets, start, wait_until
from tests.helpers.suites import SLOW

ray = pytest.importorskip("ray", reason='needs Ray: pip install "condensation-harness[cluster]"')


def test_a_cluster_gives_what_one_process_gives_though_a_node_is_removed(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray.cluster_utils import Cluster

    # Ray's workers have niceness 15 by default: beside busy processes they would come to nothing.
    monkeypatch.setenv("RAY_worker_niceness", "0")
    path, one, many = tmp_path / "slow.toml", tmp_path / "one", tmp_path / "many"
    path.write_text(SLOW.replace("iterations = 3000", "iterations = 400"))
    assert harness("run", path, "--out", one, "--workers", 1).status == 0
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
    )
    try:
        node = cluster.add_node(num_cpus=1)
        process = start(
            "run", path, "--out", many, "--ray", cluster.address, "--checkpoint-seconds", 0
        )
        wait_until(
            lambda: (
                process.poll() is not None or list(many.glob("cells/*/unfinished/checkpoint.pt"))
            ),
            240,
        )
        cluster.remove_node(node, allow_graceful=False)
        _, err = process.communicate(timeout=240)
    finally:
        cluster.shutdown()
    assert process.returncode == 0, err
    assert "Ray (" in err
    assert read_sets(many) == read_sets(one) and outcomes(many) == outcomes(one)
    assert not list(many.rglob("unfinished"))


def test_an_address_where_nothing_listens_is_one_sentence(
    harness: Harness, tiny: Path, tmp_path: Path
) -> None:
    answer = harness("run", tiny, "--out", tmp_path / "out", "--ray", "127.0.0.1:1")
    assert answer.status == 2 and "no cluster there" in answer.err.splitlines()[-1], answer.err
    assert Store(tmp_path / "out").contents()[1] == []
