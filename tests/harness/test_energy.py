"""Joules: from made-up counters in a folder like the kernel's, with their wrap-around, and never
guessed.
"""

import itertools
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.energy import Counter, Meter, meter, meter_of_work, nvml, rapl
from harness.store.store import Store
from tests.helpers.command_line import Harness

LIMIT = 262_143_328_850


def zone(folder: Path, name: str, energy: int, kind: str) -> Path:
    found = folder / name
    found.mkdir(parents=True)
    for file, text in (
        ("name", kind),
        ("energy_uj", str(energy)),
        ("max_energy_range_uj", str(LIMIT)),
    ):
        (found / file).write_text(f"{text}\n", encoding="ascii")
    return found / "energy_uj"


def test_packages_and_memory_are_added_and_nothing_twice(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", 1_000_000, "package-0")
    zone(tmp_path, "intel-rapl:0:0", 500_000, "core")
    memory = zone(tmp_path, "intel-rapl:0:1", 200_000, "dram")
    zone(tmp_path, "intel-rapl:1", 7_000_000, "psys")
    running = meter("cpu", tmp_path).start()
    package.write_text("13500000\n", encoding="ascii")
    memory.write_text("1700000\n", encoding="ascii")
    reading = running.stop()
    assert reading.joules == pytest.approx(12.5 + 1.5)
    said = reading.as_json()
    assert said.pop("cpu_seconds") >= 0 and said == {"meters": ["RAPL package-0", "RAPL dram"]}
    package.write_text("99500000\n", encoding="ascii")
    assert running.stop() is reading


def test_a_counter_that_wraps_goes_on_from_zero(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", LIMIT - 2_000_000, "package-0")
    running = meter("cpu", tmp_path).start()
    package.write_text("3000000\n", encoding="ascii")
    assert running.stop().joules == pytest.approx(5.0)


def test_two_wraps_are_followed_by_looking_in_between() -> None:
    values, seen = iter([0.0, 8.0, 1.0, 9.0, 2.0]), threading.Event()

    def read() -> float:
        value = next(values, 2.0)
        if value == 2.0:
            seen.set()
        return value

    running = Meter([Counter("made up", read, wraps_at=10.0)], every=0.001).start()
    assert seen.wait(5)
    assert running.stop().joules == pytest.approx(22.0)


def test_without_a_readable_counter_nothing_is_claimed(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", 1, "package-0").unlink()
    reading = meter("cpu", tmp_path).start().stop()
    assert (rapl(tmp_path), reading.joules) == ([], "not measured")
    assert (
        set(reading.as_json()) == {"reason", "cpu_seconds"}
        and reading.reason == "no readable meter"
    )


def test_cpu_time_is_noted_where_nothing_is_measured(tmp_path: Path) -> None:
    running = meter("cpu", tmp_path).start()
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
    spent = running.stop().cpu_seconds
    assert spent is not None and 0.25 < spent < 1.0
    assert running.stop().cpu_seconds == spent


def test_a_counter_lost_on_the_way_voids_the_reading(tmp_path: Path) -> None:
    path = zone(tmp_path, "intel-rapl:0", 1, "package-0")
    running = meter("cpu", tmp_path).start()
    path.unlink()
    reading = running.stop()
    assert reading.joules == "not measured" and reading.reason.startswith(
        "a counter could no longer be read"
    )


def test_a_gpu_that_cannot_be_read_is_not_replaced_by_the_processor(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", 1, "package-0")
    assert nvml("cuda:99") is None
    # No CPU time either: an estimate from it would leave the GPU out.
    assert meter("cuda:99", tmp_path).start().stop().as_json() == {
        "reason": "the GPU's energy counter cannot be read"
    }


def made_up_nvml(asked: list[bytes]) -> SimpleNamespace:
    """The driver's library with one GPU, whose energy counter starts at 5 J and grows by 7 J a
    look.
    """
    counted = itertools.count(-2_000 + 7_000, 7_000)

    def by_uuid(uuid: bytes, handle: Any) -> int:
        asked.append(uuid)
        return 0

    def energy(handle: Any, found: Any) -> int:
        found._obj.value = next(counted)
        return 0

    names = ("nvmlInit_v2", "nvmlDeviceGetHandleByUUID", "nvmlDeviceGetTotalEnergyConsumption")
    return SimpleNamespace(**dict(zip(names, (lambda: 0, by_uuid, energy), strict=True)))


def test_a_gpu_is_found_by_its_uuid_and_added_to_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    monkeypatch.setattr("ctypes.CDLL", lambda name: made_up_nvml(asked))
    monkeypatch.setattr(
        "torch.cuda.get_device_properties", lambda device: SimpleNamespace(uuid="1234")
    )
    monkeypatch.setattr("torch.cuda.get_device_name", lambda device: "made-up GPU")
    package = zone(tmp_path, "intel-rapl:0", 0, "package-0")
    running = meter("cuda", tmp_path).start()
    package.write_text("3000000\n", encoding="ascii")
    reading = running.stop()
    assert (reading.joules, asked) == (pytest.approx(3.0 + 7.0), [b"GPU-1234"])
    assert reading.meters == ("RAPL package-0", "NVML made-up GPU")


def test_work_that_was_resumed_is_not_metered(tmp_path: Path) -> None:
    assert meter_of_work(tmp_path / "none", "cpu").reason in ("", "no readable meter")
    (tmp_path / "state.pt").touch()
    reading = meter_of_work(tmp_path, "cpu").start().stop()
    assert reading.reason.startswith("the work was resumed") and reading.cpu_seconds is None


def test_records_hold_the_joules_of_set_and_scenario(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone(tmp_path / "powercap", "intel-rapl:0", 1_000_000, "package-0")
    monkeypatch.setattr("harness.energy.POWERCAP", tmp_path / "powercap")
    path = tmp_path / "s.toml"
    path.write_text(
        'data = ["digits"]\nseeds = 1\nipc = [1]\n[[condensers]]\nmethod ='
        ' "random"\n[[scenarios]]\nscenario = "accuracy"\nnetwork = "mlp"\nnetworks = 1\nepochs ='
        " 1\nreferences = []\n",
        encoding="utf-8",
    )
    found = harness("run", path, "--out", tmp_path / "out", "--workers", 1)
    assert found.status == 0, found.err
    _, records, _ = Store(tmp_path / "out").contents()
    by_kind = {record["kind"]: record for record in records}
    assert by_kind["condense"]["condensation"]["joules"] == 0.0
    assert by_kind["scenario"]["condensation"]["joules"] == 0.0
    assert by_kind["scenario"]["outcome"]["costs"]["joules"] == 0.0
    for record in records:
        assert record["energy"].pop("cpu_seconds") >= 0
        assert record["energy"] == {"meters": ["RAPL package-0"]}
        assert record["peak_memory"] > 1e8, "torch alone takes more"
