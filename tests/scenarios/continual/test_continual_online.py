"""Online streams: each image is seen once, in sub-experiences; readings within experiences; runs
that go on.
"""

from dataclasses import replace

import pytest
import torch

from condensers.engine.context import Context
from condensers.errors import Interrupted
from condensers.networks.convnet import ConvNetSpec
from scenarios.continual.memory.buffer import CondensedMemory
from scenarios.continual.scenario import Continual
from scenarios.protocol import Reference

ONLINE = Continual(
    orders=1,
    network=ConvNetSpec(depth=1, width=8),
    online=10,
    batch_size_mem=8,
    strategies=("replay",),
    lr=0.05,
    evaluate_every=2,
)


def without_times(outcome):
    return {**outcome.as_json(), "costs": outcome.costs["images"]}


@pytest.mark.parametrize("steps", [1, 3])
def test_every_image_is_seen_once_in_sub_experiences(splits, memory_of, monkeypatch, steps):
    passed = []
    monkeypatch.setattr(
        CondensedMemory, "observe", lambda self, images, labels: passed.append((images, labels))
    )
    outcome = replace(ONLINE, online_steps=steps).run(
        memory_of(splits.train, 2), splits, Context(seed=1)
    )
    assert [len(labels) for _, labels in passed] == [10, 10, 10, 10, 8] * 5
    assert torch.cat([images for images, _ in passed]).dtype == torch.uint8
    seen = [image.numpy().tobytes() for images, _ in passed for image in images]
    assert sorted(seen) == sorted(image.numpy().tobytes() for image in splits.train.images)
    for t, part in enumerate(outcome.detail["experiences"][0]):
        assert set(torch.cat([labels for _, labels in passed[5 * t : 5 * t + 5]]).tolist()) == set(
            part
        )
    # 25 sub-experiences, each `steps` times; from the second experience on, with 8 images of the
    # memory.
    assert outcome.costs["images"] == steps * (240 + 20 * 8)
    assert [experience for experience, _ in outcome.detail["trace"]["replay"]["0"]] == [
        t for t in range(5) for _ in range(5 * steps // 2)
    ]


def test_readings_within_experiences_give_a_worst_case_and_change_nothing(splits, memory_of):
    subject = memory_of(splits.train, 2)
    read, unread = (
        replace(ONLINE, evaluate_every=n).run(subject, splits, Context(seed=1)) for n in (1, 0)
    )
    assert read.detail["R"] == unread.detail["R"]
    figures = {m.metric: m.values[0] for m in read.measurements}
    assert "replay/worst-case-accuracy" in figures
    assert (
        not any("worst" in m.metric for m in unread.measurements) and "trace" not in unread.detail
    )
    trace = read.detail["trace"]["replay"]["0"]
    assert len(trace) == 25 and all(len(row) == 5 for _, row in trace)
    # The reading after the last minibatch of an experience is that of R, which is taken next.
    assert [trace[5 * t + 4][1] for t in range(5)] == read.detail["R"]["replay"]["0"]
    assert figures["replay/worst-case-accuracy"] <= figures["replay/final-accuracy"]


@pytest.mark.parametrize(("asked", "steps"), [(2, 1), (7, 1), (13, 1), (7, 3), (40, 3)])
def test_a_resumed_online_run_equals_an_uninterrupted_one(
    splits, memory_of, tmp_path, asked, steps
):
    scenario, subject = (
        replace(ONLINE, online_steps=steps, stream_augmentation="dsa"),
        memory_of(splits.train, 2),
    )
    left = [asked]

    def stop():
        left[0] -= 1
        return left[0] < 0

    context = Context(seed=2, folder=tmp_path)
    with pytest.raises(Interrupted):
        scenario.run(subject, splits, replace(context, stop=stop))
    resumed = scenario.run(subject, splits, context)
    assert without_times(resumed) == without_times(scenario.run(subject, splits, Context(seed=2)))


def test_references_pass_the_stream_in_the_same_way(splits):
    naive = replace(ONLINE, online_steps=2).run(Reference("naive"), splits, Context(seed=1))
    assert naive.costs["images"] == 2 * 240
    cumulative = ONLINE.run(Reference("cumulative"), splits, Context(seed=1))
    assert cumulative.costs["images"] == 48 * (1 + 2 + 3 + 4 + 5)
