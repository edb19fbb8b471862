"""Passes over a few layers that tell how quick a machine is, and memory as a process really has it. Nothing is timed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
for needed in ("transformers", "trl", "peft", "datasets"):
    pytest.importorskip(needed)

import msgspec  # noqa: E402
from random_lm import write_random_model  # noqa: E402

from prepdata.cost import Range  # noqa: E402
from trainers import calibrate, estimate, resident  # noqa: E402
from trainers.calibrate import Speed, training_seconds  # noqa: E402
from trainers.config import TrainConfig  # noqa: E402
from trainers.summary import _gib, _memory  # noqa: E402

CONFIG = TrainConfig(model="m", train="t", output="o", batch_size=2, lora_r=4)
SPEED = Speed((2e-3, 3e-3, 5e-3), (1e-3, 1e-3, 2e-3))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_model(tmp_path_factory.mktemp("made") / "model")


@pytest.mark.parametrize("more", [{}, {"gradient_checkpointing": False, "lora_targets": ("q_proj",)}])
def test_a_model_is_passed_over(model: Path, more: dict[str, object]) -> None:
    config = msgspec.structs.replace(CONFIG, **more)
    found = calibrate.calibrate(model, config, estimate.read_shapes(model), 20, "cpu", "float32")
    assert found is not None
    assert 1 <= len(found.layers) <= calibrate.PASSES and 1 <= len(found.head) <= calibrate.PASSES
    assert found.seconds > 0 and min(found.head) > 0


def test_a_slice_is_what_would_be_trained(model: Path) -> None:
    """Adapters and nothing else are trained; with no layer, only the way through embedding and head is left."""
    sliced = calibrate._slice(model, CONFIG, 1, "cpu", "float32")
    names = [name for name, weight in sliced.named_parameters() if weight.requires_grad]
    assert len(names) == 14 and all("lora_" in name and ".layers.0." in name for name in names)
    head = calibrate._slice(model, CONFIG, 0, "cpu", "float32")
    assert not any(weight.requires_grad for weight in head.parameters())
    assert not any(".layers." in name for name, _ in head.named_parameters())


def test_a_quantized_model_is_passed_over_too(model: Path) -> None:
    bitsandbytes = pytest.importorskip("bitsandbytes")
    config = msgspec.structs.replace(CONFIG, quantization="nf4")
    sliced = calibrate._slice(model, config, 2, "cpu", "float32")
    held = [module for module in sliced.modules() if isinstance(module, bitsandbytes.nn.Linear4bit)]
    assert len(held) == 14 and all(one.weight.numel() < one.in_features * one.out_features for one in held)
    assert calibrate.calibrate(model, config, estimate.read_shapes(model), 20, "cpu", "float32") is not None


def test_a_model_that_cannot_be_cut_has_no_estimate(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ValueError("a model of another make")

    monkeypatch.setattr(calibrate, "_slice", fails)
    assert calibrate.calibrate(model, CONFIG, estimate.read_shapes(model), 20, "cpu", "float32") is None


def test_rows_are_left_out_where_a_batch_takes_long(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    def timed(_: object, rows: int, tokens: int, *__: str) -> list[float]:
        asked.append((rows, tokens))
        return [0.2, 0.3] if len(asked) % 2 else [0.1]

    monkeypatch.setattr(calibrate, "_timed", timed)
    monkeypatch.setattr(calibrate, "LAYERS", 1)
    monkeypatch.setattr(calibrate, "HEAP_BLOCK", 0)
    shapes = estimate.read_shapes(model)
    eight = msgspec.structs.replace(CONFIG, batch_size=8)
    found = calibrate.calibrate(model, eight, shapes, 20, "cpu", "float32")
    assert asked == [(8, 20)] * 2 and found is not None
    assert found.layers == pytest.approx((2 * 0.2 / 160, 2 * 0.3 / 160)) and found.head == pytest.approx((0.1 / 160,))
    layers, head = (estimate.operations(part, CONFIG, 20, 20) for part in calibrate._parts(shapes, 1))
    for most, rows, tokens in ((2.0, 2, 20), (0.5, 1, 10)):
        asked.clear()
        monkeypatch.setattr(calibrate, "MOST_OPERATIONS", {"cpu": most * layers})
        calibrate.calibrate(model, eight, shapes, 20, "cpu", "float32")
        assert asked[0] == (rows, tokens)
        assert asked[1][0] * asked[1][1] == pytest.approx(20 * most * layers / head, rel=0.1)
    asked.clear()
    monkeypatch.setattr(calibrate, "HEAP_BLOCK", 4 * shapes.vocabulary * 80)
    calibrate.calibrate(model, eight, shapes, 20, "cpu", "float32")
    assert asked[1] == (5, 20)


def test_seconds_of_a_training() -> None:
    """1,000 tokens at 4 ms, validations at 2 / 6.2 of it, and 20 ms for each of 2 x 5 passes."""
    found = training_seconds(SPEED, CONFIG, tokens=1000, validated=310, steps=5, accumulation=2)
    passed = 1000 + 310 * 2 / 6.2
    assert found.likely == pytest.approx(passed * 4e-3 + 0.2)
    assert found.low == pytest.approx(passed * 3e-3 * calibrate.SPREAD.low + 0.1)
    assert found.high == pytest.approx(passed * 7e-3 * calibrate.SPREAD.high + 0.4)


def test_parts_of_the_shapes() -> None:
    block = (estimate.Linear("q_proj", 8, 8), estimate.Linear("up_proj", 8, 16))
    head = estimate.Linear("lm_head", 8, 50, True)
    inner, outer = calibrate._parts(estimate.Shapes(100, (*block * 4, head), 4, 8, 16, 50), 2)
    assert (inner.layers, inner.linear, inner.active) == (2, block * 2, 2 * (64 + 128))
    assert (outer.layers, outer.linear, outer.active) == (0, (head,), 400)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak can be started anew on Linux only")
def test_the_peak_is_that_since_it_was_started() -> None:
    libraries = resident.library_memory("cpu")
    assert libraries > 100 << 20
    resident.start_peak("cpu")
    before = resident.peak("cpu", libraries)
    held = bytearray(b"\1") * (96 << 20)
    grown = resident.peak("cpu", libraries)
    assert 90 << 20 < grown - before < 200 << 20
    del held
    assert resident.peak("cpu", libraries) == pytest.approx(grown, rel=0.01)
    resident.start_peak("cpu")
    assert resident.peak("cpu", libraries) < grown - (80 << 20)


def test_where_there_is_no_proc_the_peak_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident, "_status", lambda _: 0)
    assert resident.peak("cpu", 0) == resident._peak_of_life() > 100 << 20


def test_memory_in_words() -> None:
    class Plan(msgspec.Struct):
        memory: Range
        libraries: int

    gib = float(estimate.GIB)
    assert _memory(Plan(Range(gib, 2 * gib, 3 * gib), 0), "on this machine") == "1.0 to 3.0 GiB on this machine"  # type: ignore[arg-type]
    libraries = round(0.6 * gib)
    assert _memory(Plan(Range(0.02 * gib, 0.03 * gib, 0.04 * gib), libraries), "on this machine") == (  # type: ignore[arg-type]
        "0.6 GiB on this machine, 0.6 GiB of them the libraries"
    )
    assert _gib(Range(0, 0, 0.01 * gib)) == "less than 0.1 GiB"
