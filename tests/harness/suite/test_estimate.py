"""How long cells are said to take."""

from pathlib import Path

import pytest

from condensers.data import ClassData
from condensers.registry.registry import create_condenser
from harness.suite import estimate as estimates
from harness.suite.plan import plan_suite

SUITE = """
data = ["digits"]
seeds = 3
ipc = [1]

[[condensers]]
method = "mtt"
iterations = 1
network = { name = "convnet", depth = 2, width = 4 }
objective = { name = "trajectory", steps = 2, batch_syn = 5 }
model_schedule = { name = "experts", experts = 1, epochs = 4, expert_epochs = 1, max_start = 2 }

[[condensers]]
method = "datm"
iterations = 1
network = { name = "convnet", depth = 2, width = 4 }
objective = { name = "trajectory", steps = 2, batch_syn = 5 }

[condensers.model_schedule]
name = "experts"
experts = 1
epochs = 4
expert_epochs = 1
first_max_start = 1
max_start = 2

[[condensers]]
method = "dm"
iterations = 1
batch_real = 2
network = { name = "convnet", depth = 2, width = 4 }

[[condensers]]
method = "dm"
label = "taught"
iterations = 1
batch_real = 2
network = { name = "convnet", depth = 2, width = 4 }
labels = { name = "teacher", epochs = 4 }

[[scenarios]]
scenario = "accuracy"
"""


def test_networks_that_all_sets_share_count_once_and_a_teacher_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "s.toml").write_text(SUITE)
    monkeypatch.setattr(estimates.PassTimer, "per_pass", lambda *_: 1.0)
    plan = plan_suite(tmp_path / "s.toml")
    seconds = estimates.estimate(plan.cells, plan.data, "cpu")
    of = {
        (cell.label, cell.seed): seconds[cell.key] for cell in plan.cells if cell.kind == "condense"
    }
    images = len(plan.data["digits"].train.images)
    own = 1 * 2 * 2.5 * 5
    assert of["mtt", 0] == pytest.approx(4 * images + own, abs=0.1)
    for shared in (("mtt", 1), ("mtt", 2), ("datm", 0), ("datm", 2)):
        assert of[shared] == pytest.approx(own, abs=0.1), shared
    for seed in range(3):
        assert of["taught", seed] - of["dm", seed] == pytest.approx(4 * images)


def test_a_step_on_some_images_is_not_counted_as_one_on_all(grey28: ClassData) -> None:
    network = {"name": "convnet", "width": 4}
    few, every = (
        create_condenser(
            "mtt",
            iterations=2,
            network=network,
            objective={"name": "trajectory", "steps": 3, **batch},
            model_schedule={"name": "experts", "epochs": 2, "expert_epochs": 1, "max_start": 1},
        )
        for batch in ({"batch_syn": 4}, {})
    )
    taken = []
    for method in (few, every):
        ((_, passes),) = method.image_passes(grey28, 10)
        ((_, shared),) = method.passes_shared(grey28)
        taken.append(passes - shared)
    assert taken == [2 * 3 * 2.5 * 4, 2 * 3 * 2.5 * 10 * len(grey28.classes)]
