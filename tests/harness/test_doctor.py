"""The doctor finds what bites: each fault is made, on this machine or in a copy of /proc, and
named.
"""

import importlib
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
import torch

from condensers.networks import precision_choice
from condensers.networks.fused import native
from condensers.processor import processor_name
from harness import doctor
from harness.doctor import Check, machine, open_portals
from tests.helpers.timing import SetTimer

Usage = namedtuple("Usage", "total used free")


def check(name: str) -> Check:
    return next(found for found in machine() if found.name == name)


def test_more_threads_than_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "4096")
    assert check("processors").fine is False and "set it to 1" in check("processors").sentence
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert check("processors").fine is None


def test_a_disk_with_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12 - 10**9, 10**9))
    assert check("disk").fine is False and "1.0 GB free" in check("disk").sentence


def test_a_gpu_that_torch_cannot_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda _: "/usr/bin/nvidia-smi")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    assert check("GPU").fine is False and "built without CUDA" in check("GPU").sentence
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert check("GPU").fine is False and "update the driver" in check("GPU").sentence
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Old")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (5, 2))
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_90a"])
    assert check("GPU").fine is False and "no kernels for Old" in check("GPU").sentence
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))
    assert check("GPU").fine is True


def test_a_missing_pkg_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_spec", lambda _: None)
    assert (
        check("pkg_resources").fine is None and "setuptools<81" in check("pkg_resources").sentence
    )


def test_torchvision_of_another_build(monkeypatch: pytest.MonkeyPatch) -> None:
    load = importlib.import_module

    def broken(name: str) -> Any:
        if name == "torchvision.ops":
            raise RuntimeError("operator torchvision::nms does not exist")
        return load(name)

    monkeypatch.setattr(importlib, "import_module", broken)
    found = doctor._guarded("torchvision works", doctor._torchvision)
    assert found.fine is False and "a CUDA build beside a CPU build" in found.sentence


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize(
    ("address", "command", "seen"),
    [
        ("0.0.0.0", "nni_manager", True),
        ("0.0.0.0", "lib/nni_node/main.js", True),
        ("127.0.0.1", "nni_manager", False),
        ("0.0.0.0", "running/planning.py", False),
    ],
)
def test_a_portal_that_is_open_to_the_network(address: str, command: str, seen: bool) -> None:
    script = (
        f"import socket; s = socket.create_server(('{address}', 0)); print(s.getsockname()[1],"
        " flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        assert (port in set(open_portals())) is seen
        found = check("NNI portal")
        assert (found.fine is False and str(port) in found.sentence) is seen
    finally:
        process.communicate("\n", timeout=20)


def test_the_doctor_tells_whether_kernels_are_on_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels = native.Kernels(None, "HARNESS_FUSED is off", by_wish=True)
    monkeypatch.setattr(native, "kernels", lambda: kernels)
    found = doctor._compiler()
    assert found.fine is None and found.sentence.endswith("as slow: HARNESS_FUSED is off")
    kernels = native.Kernels(None, "there is no C compiler (cc)")
    assert doctor._compiler().sentence.endswith("(cc); install a C compiler (cc), or set CC")


@pytest.mark.parametrize(
    ("product", "said"),
    [(60.0, "auto takes fp32 for every network"), (1.0, "took fp32 for 1 and bf16 for 1")],
)
def test_the_doctor_tells_the_speed_of_each_precision(
    product: float, said: str, set_timer: SetTimer, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_timer(3.0, 1.0, product=product)
    monkeypatch.setattr(precision_choice, "kept_choices", lambda: {"fp32": 1, "bf16": 1})
    found = doctor._precision()
    assert found.sentence.startswith(f"{processor_name()}: fp32 0.268 GFLOP/s, bf16 ")
    assert said in found.sentence
