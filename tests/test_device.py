"""Devices: what is taken, what is refused, and what is said of it; GPUs are stood in for."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from catalens.errors import UsageError
from catalens.models import device
from catalens.models.device import RunsOn, place_onnx, place_openvino, place_torch, wanted_device, wanted_dtype
from catalens.models.zoo import find_card

CUDA, DML, COREML = "CUDAExecutionProvider", "DmlExecutionProvider", "CoreMLExecutionProvider"


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CATALENS_DEVICE", raising=False)
    monkeypatch.delenv("CATALENS_DTYPE", raising=False)


def have(monkeypatch: pytest.MonkeyPatch, *providers: str, failing: str = "") -> None:
    """An ONNX Runtime with these providers; those named in `failing` do not run a network."""
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: [*providers, "CPUExecutionProvider"])
    monkeypatch.setattr(
        device, "try_provider", lambda name, _: "no driver" if failing and name in failing.split() else ""
    )


@pytest.mark.parametrize("name", ["", "gpu0", "cuda:", "cuda:x", "tpu", "CUDA 1"])
def test_devices_that_are_none(name: str) -> None:
    with pytest.raises(UsageError, match="no device"):
        wanted_device(name)


def test_the_environment_says_what_auto_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (wanted_device("auto"), wanted_dtype("auto")) == ("auto", "auto")
    monkeypatch.setenv("CATALENS_DEVICE", "cuda:1")
    monkeypatch.setenv("CATALENS_DTYPE", "bfloat16")
    assert (wanted_device("auto"), wanted_dtype("auto")) == ("cuda:1", "bfloat16")
    assert (wanted_device("CPU"), wanted_dtype("float32")) == ("cpu", "float32")
    monkeypatch.setenv("CATALENS_DTYPE", "int3")
    with pytest.raises(UsageError, match="no dtype 'int3'"):
        wanted_dtype("auto")


@pytest.mark.parametrize(
    ("providers", "failing", "asked", "taken", "provider"),
    [
        ((), "", "auto", "cpu", None),
        ((), "", "cpu", "cpu", None),
        ((CUDA,), "", "auto", "cuda:0", CUDA),
        ((CUDA,), "", "cuda:1", "cuda:1", CUDA),
        ((CUDA,), "", "cpu", "cpu", None),
        ((CUDA,), CUDA, "auto", "cpu", None),
        ((DML, CUDA), CUDA, "auto", "directml", DML),
        ((COREML,), "", "auto", "cpu", None),
        ((COREML,), "", "mps", "mps", COREML),
        ((COREML,), "", "gpu", "mps", COREML),
    ],
)
def test_onnx_runtime_takes_what_works(
    providers: tuple[str, ...],
    failing: str,
    asked: str,
    taken: str,
    provider: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    have(monkeypatch, *providers, failing=failing)
    runs_on, chosen = place_onnx(asked)
    assert runs_on.device == taken
    assert (None if chosen is None else chosen[0]) == provider
    if chosen is not None and "device_id" in chosen[1]:
        assert chosen[1]["device_id"] == ("1" if asked == "cuda:1" else "0")
    assert ("no driver" in runs_on.note) == (bool(failing) and taken == "cpu")


@pytest.mark.parametrize(
    ("providers", "failing", "asked", "words"),
    [
        ((), "", "cuda", "has no CUDAExecutionProvider or ROCMExecutionProvider.*onnxruntime-gpu"),
        ((CUDA,), CUDA, "cuda", "CUDAExecutionProvider failed: no driver"),
        ((CUDA,), "", "mps", "has no CoreMLExecutionProvider"),
        ((), "", "gpu", "no device 'gpu'"),
    ],
)
def test_onnx_runtime_without_that_device(
    providers: tuple[str, ...], failing: str, asked: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    have(monkeypatch, *providers, failing=failing)
    with pytest.raises(UsageError, match=words) as refused:
        place_onnx(asked)
    assert 'device="auto"' in str(refused.value)


def test_an_onnx_network_runs_as_it_was_exported() -> None:
    assert place_onnx("cpu", "float32")[0] == RunsOn("cpu", "as exported")
    with pytest.raises(UsageError, match="as it was exported, not in float16"):
        place_onnx("cpu", "float16")
    with pytest.raises(UsageError, match="no dtype 'half'"):
        place_onnx("cpu", "half")


def test_the_tiny_network_that_providers_are_tried_with_runs() -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is in the train extra")
    onnx.checker.check_model(onnx.load_from_string(device._DOUBLE))
    import onnxruntime

    (found,) = onnxruntime.InferenceSession(device._DOUBLE).run(None, {"x": np.full(1, 3, np.float32)})
    assert found.tolist() == [6]


def test_a_provider_that_is_not_there_is_said_in_words() -> None:
    assert device.try_provider("CUDAExecutionProvider", 7)  # no GPU has that number on any machine of ours


def fake_torch(*, cuda: int = 0, mps: bool = False, broken: bool = False) -> Any:
    """A torch with so many CUDA devices; `broken` ones raise when anything is computed there."""

    def ones(count: int, *, device: str) -> Any:
        kind, _, number = device.partition(":")
        if broken or (kind == "cuda" and int(number or 0) >= cuda):
            raise RuntimeError("CUDA error: invalid device ordinal\nCompile with TORCH_USE_CUDA_DSA")
        return _Tensor(np.ones(count))

    return SimpleNamespace(
        ones=ones,
        cuda=SimpleNamespace(is_available=lambda: cuda > 0),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
    )


class _Tensor:
    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __mul__(self, other: float) -> _Tensor:
        return _Tensor(self.array * other)

    def sum(self) -> _Tensor:
        return _Tensor(self.array.sum())

    def cpu(self) -> float:
        return float(self.array)


@pytest.mark.parametrize(
    ("torch", "asked", "dtype", "expected"),
    [
        (fake_torch(), "auto", "auto", RunsOn("cpu", "float32")),
        (fake_torch(cuda=1), "auto", "auto", RunsOn("cuda:0", "float16")),
        (fake_torch(cuda=2), "cuda:1", "bfloat16", RunsOn("cuda:1", "bfloat16")),
        (fake_torch(cuda=1), "cpu", "auto", RunsOn("cpu", "float32")),
        (fake_torch(mps=True), "auto", "auto", RunsOn("mps", "float32")),
        (fake_torch(mps=True), "gpu", "float16", RunsOn("mps", "float16")),
        (fake_torch(cuda=1, mps=True), "mps", "auto", RunsOn("mps", "float32")),
        (
            fake_torch(cuda=1, broken=True),
            "auto",
            "auto",
            RunsOn("cpu", "float32", "cuda:0 failed: CUDA error: invalid device ordinal"),
        ),
    ],
)
def test_torch_takes_what_works(torch: Any, asked: str, dtype: str, expected: RunsOn) -> None:
    assert place_torch(torch, asked, dtype) == expected


@pytest.mark.parametrize(
    ("torch", "asked", "dtype", "words"),
    [
        (fake_torch(), "cuda", "auto", "no device 'cuda' to run on: PyTorch finds none"),
        (fake_torch(cuda=1), "cuda:1", "auto", "cuda:1 failed: CUDA error: invalid device ordinal"),
        (fake_torch(cuda=1), "mps", "auto", "no device 'mps'"),
        (fake_torch(), "auto", "float16", "float16 is for GPUs"),
        (fake_torch(cuda=1), "cpu", "bfloat16", "bfloat16 is for GPUs"),
        (fake_torch(), "cpu", "float8", "no dtype 'float8'"),
    ],
)
def test_what_torch_refuses(torch: Any, asked: str, dtype: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        place_torch(torch, asked, dtype)


def test_half_precision_of_the_environment_is_for_machines_with_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATALENS_DTYPE", "float16")
    assert place_torch(fake_torch(), "auto", "auto") == RunsOn("cpu", "float32")
    assert place_torch(fake_torch(cuda=1), "auto", "auto") == RunsOn("cuda:0", "float16")
    assert place_openvino(lambda: ["CPU"]) == RunsOn("cpu", "auto")


def test_openvino_takes_intel_gpus() -> None:
    assert place_openvino(lambda: ["CPU"]) == RunsOn("cpu", "auto")
    assert place_openvino(lambda: ["CPU", "GPU"]) == RunsOn("gpu", "auto")
    assert place_openvino(lambda: ["CPU", "GPU.0"], "cpu") == RunsOn("cpu", "auto")
    assert place_openvino(lambda: ["CPU", "GPU.0"], "gpu", "float16") == RunsOn("gpu", "float16")
    for asked, dtype in (("cuda", "auto"), ("gpu", "auto"), ("cpu", "float16")):
        with pytest.raises(UsageError, match=r"no device|is for GPUs"):
            place_openvino(lambda: ["CPU"], asked, dtype)


def test_a_network_is_opened_on_the_device_that_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    from catalens.tasks.embed import OnnxEncoder

    opened: list[object] = []
    real = onnxruntime.InferenceSession

    def session(path: str, options: Any, *, providers: list[Any]) -> Any:
        opened.append(providers)
        return real(path, options, providers=["CPUExecutionProvider"])

    have(monkeypatch, CUDA)
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    found = OnnxEncoder(find_card(), device="cuda:1")
    assert opened == [[(CUDA, {"device_id": "1"}), "CPUExecutionProvider"]]
    assert found.device == "cuda:1"
    assert "device=cuda:1" in repr(found)


def test_every_task_takes_a_device_and_refuses_one_that_is_not_there() -> None:
    import catalens
    from catalens.tasks.faces import blur_faces
    from catalens.tasks.outfit import compatibility
    from catalens.tasks.scene import scene

    picture = np.random.default_rng(0).integers(0, 256, (96, 64, 3), np.uint8)
    calls: dict[str, Callable[..., object]] = {
        "encoder": lambda **on: catalens.encoder(**on),
        "detect": lambda **on: catalens.detect(picture, **on),
        "segment": lambda **on: catalens.segment(picture, **on),
        "cutout": lambda **on: catalens.cutout(picture, **on),
        "classify": lambda **on: catalens.classify([picture], **on),
        "try_on": lambda **on: catalens.try_on(picture, picture, **on),
        "generate": lambda **on: catalens.generate(kind="dress", **on),
        "blur_faces": lambda **on: blur_faces(picture, **on),
        "scene": lambda **on: scene(picture, "sand", **on),
        "compatibility": lambda **on: compatibility([picture, picture], **on),
    }
    for call in calls.values():
        with pytest.raises(UsageError, match="no device 'cuda:63' to run on"):
            call(device="cuda:63")
        with pytest.raises(UsageError, match="no device 'tpu'"):
            call(device="tpu")
        with pytest.raises(UsageError, match="not in float16"):
            call(dtype="float16")
