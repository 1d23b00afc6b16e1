"""Which tests are slow, kill processes, or spoil inputs at random: what `make check` leaves out.

An entry is a file, a folder, or FILE::TEST. A test that takes over about five seconds on an idle
core is slow.
"""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MARKED = {
    "fuzz": ("tests/fuzz",),
    "kill": (
        "tests/condensers/composition/test_resume.py::test_killed_in_the_middle_and_resumed_equals_uninterrupted",
        "tests/condensers/engine/test_cache.py::test_a_claim_ends_with_its_process",
        "tests/harness/faults/test_cluster.py",
        "tests/harness/faults/test_workers.py",
        "tests/harness/running/test_run.py::test_a_signal_stops_with_130_and_the_line_that_goes_on",
        "tests/harness/running/test_run.py::test_kill_9_loses_at_most_the_steps_since_the_checkpoint",
        "tests/harness/running/test_signals.py",
        "tests/scenarios/continual/test_continual_kill.py",
        "tests/scenarios/search/test_search_kill.py",
    ),
    "slow": (
        "tests/benchmarks/test_bench.py",
        "tests/condensers/composition/test_determinism.py",
        "tests/condensers/composition/test_resume.py",
        "tests/condensers/methods/test_literal_feature_runs.py",
        "tests/condensers/methods/test_literal_runs.py",
        "tests/condensers/networks/test_fused.py",
        "tests/scenarios/test_pretend_accelerator.py",
        "tests/harness/test_code_digest.py",
        "tests/harness/catalogue/test_descriptions.py",
        "tests/harness/cli/test_export_hf.py",
        "tests/harness/cli/test_new.py",
        "tests/harness/cli/test_places.py",
        "tests/harness/faults/test_cluster.py",
        "tests/harness/faults/test_depot.py",
        "tests/harness/faults/test_many_cells.py",
        "tests/harness/ground_truth/test_truth.py",
        "tests/harness/report/formats/test_html.py",
        "tests/harness/running/test_run.py::test_two_processes_give_what_one_gives",
        "tests/harness/running/test_run.py::test_report_formats",
        "tests/harness/running/test_shards.py",
        "tests/harness/store/test_origin_of_records.py",
        "tests/harness/test_api.py::test_a_script_without_a_guard_has_workers",
        "tests/harness/test_network.py",
        "tests/harness/test_readme.py",
        "tests/scenarios/continual/strategies/test_strategy_contract.py",
        "tests/scenarios/continual/test_continual_scenario.py",
        "tests/scenarios/datasets/test_domains.py",
        "tests/scenarios/mask_quality/test_mask_quality.py",
        "tests/scenarios/privacy/test_privacy_scenario.py",
        "tests/scenarios/search/engines",
        "tests/scenarios/search/one_shot",
        "tests/scenarios/search/test_search_experiment.py",
        "tests/scenarios/search/test_search_scenario.py",
        "tests/test_collection.py",
        "tests/test_import_contracts.py",
    ),
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the table, before `-m` looks at them, and put files with marked ones first.

    A file runs in one process, so that one of minutes would keep the other waiting at the end.
    """
    for item in items:
        if not item.path.is_relative_to(ROOT):
            continue
        path = item.path.relative_to(ROOT)
        test = f"{path}::{item.name.partition('[')[0]}"
        homes = {test, str(path), *map(str, path.parents)}
        for marker, entries in MARKED.items():
            if homes & set(entries):
                item.add_marker(marker)
    long = {item.path for item in items if any(map(item.get_closest_marker, MARKED))}
    items.sort(key=lambda item: item.path not in long)
