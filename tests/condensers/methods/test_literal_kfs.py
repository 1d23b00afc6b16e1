"""KFS for several steps against its algorithm written out (losses in loops, Adam in plain code, the
same draws), and what its set and card hold: the bytes of the budget, one label a code, images in
the order code by decoder, the note on what it is.
"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from condensers import networks
from condensers.composition.initialisation import starting_images
from condensers.composition.matching_loop import CondensationLoop
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.methods.distribution_matching.dm import DM
from condensers.methods.distribution_matching.kfs import KFS
from condensers.parts.augmentations.dsa import Siamese
from condensers.parts.parameterisations.latent import Latent
from condensers.parts.setting import RunSetting
from condensers.registry.registry import create_condenser, with_parts
from condensers.sets.files import load_set, save_set
from condensers.sets.synthetic_set import Budget, SyntheticSet

NETWORK = {"name": "convnet", "depth": 2, "width": 6}
LATENT = {
    "name": "latent",
    "channels": 1,
    "width": 3,
    "decoders": 2,
    "decoder_rate": 0.3,
    "warm_steps": 5,
    "warm_batch": 8,
}
SPEC = {
    "name": "kfs",
    "iterations": 4,
    "lr": 0.02,
    "batch_real": 5,
    "network": NETWORK,
    "parameterisation": LATENT,
}
SEED, IPC, STEPS = 11, 4, 4


@pytest.fixture(scope="module")
def data(make_data: Callable[..., ClassData]) -> ClassData:
    return make_data((3, 8, 8), 3, 9, mirror=True)


def loop_of(data: ClassData, spec: dict[str, object], context: Context) -> CondensationLoop:
    method = with_parts(create_condenser(spec))
    per_class = method.images_per_class(data, IPC)
    setting = RunSetting(
        data, method.network, method.augmentation.for_data(data), context, IPC, per_class
    )
    return CondensationLoop(
        method, setting, starting_images(data, per_class, "real", context.generator)
    )


def adam(moments: list[Tensor], gradient: Tensor, step: int) -> Tensor:
    moments[0] = 0.9 * moments[0] + 0.1 * gradient
    moments[1] = 0.999 * moments[1] + 0.001 * gradient**2
    return moments[0] / (1 - 0.9**step) / ((moments[1] / (1 - 0.999**step)).sqrt() + 1e-8)


def literal_run(
    data: ClassData, start: dict[str, Tensor], draw: torch.Generator
) -> dict[str, Tensor]:
    """Codes and decoders after STEPS steps; decoding itself is checked against loops in the tests
    of the parameterisation.
    """
    part = Latent(**{key: value for key, value in LATENT.items() if key != "name"})
    now = {name: tensor.detach().clone() for name, tensor in start.items()}
    moments = {
        name: [torch.zeros_like(now[name]), torch.zeros_like(now[name])]
        for name in ("codes", "decoders")
    }
    codes = len(now["codes"]) // 3
    for step in range(1, STEPS + 1):
        network = networks.build(NETWORK, data.shape, 3, draw)
        leaves = {name: now[name].clone().requires_grad_() for name in ("codes", "decoders")}
        total = torch.zeros(())
        for label in range(3):
            shared_real = data.sample(label, 5, draw)
            shared = Siamese().draw(1, data.shape, draw)
            with torch.no_grad():
                wanted = (
                    sum(network.embed(Siamese().apply(x[None], shared))[0] for x in shared_real) / 5
                )
            got = torch.zeros_like(wanted)
            for unit in range(label * codes, (label + 1) * codes):
                for image in part.decode(leaves | {"range": now["range"]}, slice(unit, unit + 1)):
                    got = got + network.embed(Siamese().apply(image[None], shared))[0]
            total = total + ((wanted - got / (2 * codes)) ** 2).sum()
        for name, gradient in zip(
            leaves, torch.autograd.grad(total, list(leaves.values())), strict=True
        ):
            rate = 0.02 * (0.3 if name == "decoders" else 1.0)
            now[name] = now[name] - rate * adam(moments[name], gradient, step)
        now["codes"] = now["codes"].clamp(0, 1)
    return now


def test_a_run_equals_the_algorithm_written_out(data: ClassData) -> None:
    context = Context(seed=SEED)
    loop = loop_of(data, SPEC, context)
    start = {name: tensor.detach().clone() for name, tensor in loop.set.groups.items()}
    draw = torch.Generator()
    draw.set_state(context.generator.get_state())
    literal = literal_run(data, start, draw)
    for step in range(STEPS):
        loop.step(step)
    for name in ("codes", "decoders"):
        moved = (literal[name] - start[name]).norm()
        assert moved > 0.1
        assert (loop.set.groups[name] - literal[name]).norm() / moved < 2e-2
    assert torch.equal(loop.set.groups["range"], start["range"])


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_decoders_of_rate_zero_stay_as_the_auto_encoder_left_them(
    optimiser: str, data: ClassData
) -> None:
    still = SPEC | {"optimiser": optimiser, "parameterisation": LATENT | {"decoder_rate": 0.0}}
    loop = loop_of(data, still, Context(seed=SEED))
    before = {name: tensor.detach().clone() for name, tensor in loop.set.groups.items()}
    loop.step(0)
    assert torch.equal(loop.set.groups["decoders"], before["decoders"])
    assert not torch.equal(loop.set.groups["codes"], before["codes"])


@pytest.mark.parametrize("ipc", [3, 10])
def test_the_set_costs_no_more_than_pixels_and_has_more_images(
    ipc: int, data: ClassData, tmp_path_factory: pytest.TempPathFactory
) -> None:
    method = create_condenser(SPEC | {"iterations": 1})
    made: SyntheticSet = method.condense(data, Budget(ipc=ipc), Context())
    assert made.nbytes == method.nbytes(data, ipc) <= DM().nbytes(data, ipc)
    codes = with_parts(method).parameterisation.units(data, ipc)
    assert codes > ipc
    assert (made.ipc, made.card["images_per_class"]) == (ipc, 2 * codes)
    assert made.tensors["labels"].tolist() == [label for label in range(3) for _ in range(codes)]
    path = tmp_path_factory.mktemp("set") / "kfs.safetensors"
    save_set(made, path)
    images, labels = load_set(path).decode()
    assert labels.tolist() == [label for label in range(3) for _ in range(2 * codes)]
    part = with_parts(method).parameterisation
    wanted = part.decode(
        {"codes": made.tensors["codes"].float() / 255} | _floats(made), slice(None)
    )
    assert torch.equal(images, wanted), "what was evaluated is what was learned"


def _floats(made: SyntheticSet) -> dict[str, Tensor]:
    return {name: made.tensors[name].float() for name in ("decoders", "range")}


def test_only_some_classes_and_more_codes_than_images(data: ClassData) -> None:
    made = create_condenser(SPEC | {"iterations": 1}).condense(
        data.restrict([0, 2]), Budget(ipc=20), Context()
    )
    assert made.card["images_per_class"] > 9
    assert set(made.decode()[1].tolist()) == {0, 2}


def test_the_card_says_that_it_is_a_re_implementation(data: ClassData) -> None:
    made = create_condenser(SPEC | {"iterations": 1}).condense(data, Budget(ipc=4), Context())
    assert made.card["note"] == KFS.note
    assert "re-implementation" in KFS.note
    plain = DM(iterations=1, batch_real=4, network=NETWORK).condense(data, Budget(ipc=1), Context())
    assert "note" not in plain.card
    assert KFS().couples_classes
