"""Where networks run, and in which precision: the processor or a GPU, for ONNX Runtime, PyTorch and OpenVINO.

A device is "cpu", "cuda" (an NVIDIA or AMD GPU), "cuda:1" (the second of them), "mps" (Apple's), "gpu" (whichever the
runtime has: DirectML and Intel GPUs, too) or "auto". "auto" takes a GPU on which a tiny network gave the right result,
else the processor; it is what `CATALENS_DEVICE` says where that is set. Apple's GPU is taken by ONNX Runtime only
where it is asked for. Half precision is for GPUs. An ONNX file runs in the precision that it was exported in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, get_args

from catalens import settings
from catalens.errors import UsageError, first_line
from catalens.options import Dtype, Network

DTYPES: tuple[Dtype, ...] = get_args(Dtype)
DEVICES = ("auto", "cpu", "gpu", "cuda", "mps")
"""And "cuda:N"."""
AUTO: Dtype = Network.dtype.default
_ONNX: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "auto": ("CUDAExecutionProvider", "ROCMExecutionProvider", "DmlExecutionProvider"),
        "gpu": (
            "CUDAExecutionProvider", "ROCMExecutionProvider", "DmlExecutionProvider", "CoreMLExecutionProvider",
        ),
        "cuda": ("CUDAExecutionProvider", "ROCMExecutionProvider"),
        "mps": ("CoreMLExecutionProvider",),
    }
)  # fmt: skip
"""ONNX Runtime's execution providers by device, the first that works is taken."""
_NAMES = {"DmlExecutionProvider": "directml", "CoreMLExecutionProvider": "mps"}
_DOUBLE = (
    b'\x08\x08:5\n\x0e\n\x01x\n\x01x\x12\x01y"\x03Add\x12\x01pZ\x0f\n\x01x\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01'
    b"b\x0f\n\x01y\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01B\x04\n\x00\x10\r"
)
"""The smallest ONNX network, y = x + x of one number, written by `onnx.helper`: what a provider is tried with."""


@dataclass(frozen=True, slots=True)
class RunsOn:
    """Where and how a network runs.

    Args:
        device: "cpu", "cuda:0", "mps", "directml", "gpu" (of OpenVINO).
        dtype: in which its weights are multiplied; "as exported" of a file that says so itself.
        note: why not on a GPU, where one was there and failed; else empty.
    """

    device: str = "cpu"
    dtype: str = "as exported"
    note: str = ""

    @property
    def is_gpu(self) -> bool:
        return self.device != "cpu"


def wanted_device(device: str) -> str:
    """The device that is asked for; what the environment says where that is "auto".

    Raises:
        UsageError: it is none.
    """
    found = (settings.device() if device == AUTO else device).lower()
    if found not in DEVICES and not re.fullmatch(r"cuda:\d+", found):
        raise UsageError(f"no device {device!r}", cure=f"take one of {', '.join(DEVICES)}, or cuda:1 for the second")
    return found


def wanted_dtype(dtype: str) -> Dtype:
    """The precision that is asked for; what the environment says where that is "auto".

    Raises:
        UsageError: it is none.
    """
    found = settings.dtype() if dtype == AUTO else dtype
    if found not in DTYPES:
        raise UsageError(f"no dtype {found!r}", cure=f"take one of {', '.join(DTYPES)}")
    return found


def place_onnx(device: str = AUTO, dtype: str = AUTO) -> tuple[RunsOn, tuple[str, Mapping[str, str]] | None]:
    """Where ONNX Runtime runs a network, and its provider with options; None for the processor's.

    An int8 network runs on a GPU through float32, which is right and seldom quicker than the processor's own int8.

    Raises:
        UsageError: a device that is not there; a precision other than that of the file.
    """
    import onnxruntime

    wanted = wanted_device(device)
    if dtype not in {AUTO, "float32"}:
        wanted_dtype(dtype)
        raise UsageError(
            f"an ONNX network runs as it was exported, not in {dtype}", cure='export it so, or leave dtype="auto"'
        )
    if wanted == "cpu":
        return RunsOn(), None
    kind, number = _parts(wanted)
    there = [one for one in _ONNX[kind] if one in onnxruntime.get_available_providers()]
    said = ""
    for provider in there:
        options = {} if provider == "CoreMLExecutionProvider" else {"device_id": str(number)}
        said = try_provider(provider, number)
        if not said:
            name = _NAMES.get(provider, f"cuda:{number}")
            return RunsOn(name), (provider, options)
    if wanted == AUTO:
        return RunsOn(note=f"{there[-1]} failed: {said}" if there else ""), None
    raise _absent(
        wanted,
        f"{there[-1]} failed: {said}" if there else f"this ONNX Runtime has no {' or '.join(_ONNX[kind])}",
        "install onnxruntime-gpu in place of onnxruntime, with NVIDIA's driver" if kind == "cuda" else "",
    )


@cache
def try_provider(provider: str, number: int) -> str:
    """Run a tiny network on a provider; why that failed, empty where it did not."""
    import numpy as np
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    chosen = [(provider, {} if provider == "CoreMLExecutionProvider" else {"device_id": str(number)})]
    try:
        session = ort.InferenceSession(_DOUBLE, options, providers=chosen)
        if provider not in session.get_providers():  # it falls back without an error where a library is missing
            return "its libraries do not load"
        (found,) = session.run(None, {"x": np.ones(1, np.float32)})
    except Exception as error:  # ONNX Runtime has no common base for what it raises
        return first_line(error)
    return "" if found[0] == 2 else f"1 + 1 gave {found[0]}"


def place_torch(torch: Any, device: str = AUTO, dtype: str = AUTO) -> RunsOn:
    """Where PyTorch runs a network. "auto" is half precision (float16) on CUDA, else float32.

    Raises:
        UsageError: a device that is not there; half precision on the processor.
    """
    wanted, precision = wanted_device(device), wanted_dtype(dtype)
    kind, number = _parts(wanted)
    there = {"cuda": bool(torch.cuda.is_available()), "mps": bool(torch.backends.mps.is_available())}
    tried = [one for one in there if kind in (one, "gpu", AUTO)]
    chosen, said = "cpu", ""
    for name in (one for one in tried if there[one]):
        full = f"cuda:{number}" if name == "cuda" else name
        failed = _torch_fails(torch, full)
        if not failed:
            chosen = full
            break
        said = f"{full} failed: {failed}"
    if chosen == "cpu" and wanted not in ("cpu", AUTO):
        raise _absent(wanted, said or "PyTorch finds none", "install a build of PyTorch for your GPU, with its driver")
    if chosen == "cpu" and precision in ("float16", "bfloat16"):
        if dtype != AUTO:
            raise UsageError(f"{precision} is for GPUs, and the network runs on the cpu", cure='leave dtype="auto"')
        precision = "float32"  # of the environment: a wish for machines with a GPU
    if precision == AUTO:
        precision = "float16" if chosen.startswith("cuda") else "float32"
    return RunsOn(chosen, precision, said)


def place_openvino(available: Callable[[], list[str]], device: str = AUTO, dtype: str = AUTO) -> RunsOn:
    """Where OpenVINO runs a network; `available` names its devices. "auto" leaves the precision to it.

    Raises:
        UsageError: a device that is not there; half precision on the processor.
    """
    wanted, precision = wanted_device(device), wanted_dtype(dtype)
    has_gpu = any(name.startswith("GPU") for name in available()) if wanted in ("gpu", AUTO) else False
    if wanted not in ("cpu", AUTO) and not has_gpu:
        raise _absent(wanted, "OpenVINO runs on the processor and on Intel GPUs", "")
    if not has_gpu and precision == "float16":
        if dtype != AUTO:
            raise UsageError("float16 is for GPUs, and the network runs on the cpu", cure='leave dtype="auto"')
        precision = AUTO
    return RunsOn("gpu" if has_gpu else "cpu", precision)


def _parts(device: str) -> tuple[str, int]:
    kind, _, number = device.partition(":")
    return kind, int(number or 0)


def _torch_fails(torch: Any, device: str) -> str:
    """Compute something tiny there; why that failed, empty where it did not."""
    try:
        found = float((torch.ones(2, device=device) * 2).sum().cpu())
        return "" if found == 4 else f"2 + 2 gave {found}"
    except Exception as error:  # a driver that does not fit raises what it likes
        return first_line(error)


def _absent(device: str, why: str, cure: str) -> UsageError:
    cures = ['take device="auto" or "cpu"', *([cure] if cure else [])]
    return UsageError(f"no device {device!r} to run on: {why}", cure="; or ".join(cures))
