"""OpenVINO as a quicker way to run the same ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from catalens import settings
from catalens.errors import MissingExtraError, ModelError, first_line
from catalens.models.card import Card
from catalens.models.device import AUTO, RunsOn, place_openvino
from catalens.models.onnx_file import check_onnx
from catalens.models.runtimes.base import Run
from catalens.models.runtimes.onnx import REGIONS, VECTORS
from catalens.models.untrusted import regular_file
from catalens.types import FloatArray

Arithmetic: TypeAlias = Literal["float32", "bfloat16"]
"""What is multiplied in where the file does not say int8."""
_HINT = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}


class OpenVinoNetwork:
    """Runs a card's network as `onnx.OnnxNetwork` does; calls from several threads are safe.

    Args:
        arithmetic: None lets OpenVINO choose what is quickest on this processor.

    Raises:
        MissingExtraError: openvino is not installed.
        ModelError: the weights do not load.
    """

    def __init__(
        self,
        card: Card,
        *,
        threads: int | None = None,
        arithmetic: Arithmetic | None = None,
        device: str = AUTO,
        dtype: str = AUTO,
    ) -> None:
        compiled = _compile(card.weights, threads or settings.threads(), device, arithmetic or dtype)
        self._compiled, self.runs_on = compiled
        self._outputs = _outputs(self._compiled)
        self.has_regions = REGIONS in self._outputs

    def __call__(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32, normalised as the card says -> (N, D) float32."""
        return self._run(self._outputs.get(VECTORS, self._compiled.outputs[0]), batch)

    def regions(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32 -> (N, h, w, D) float32."""
        return self._run(self._outputs[REGIONS], batch)

    def _run(self, output: Any, batch: FloatArray) -> FloatArray:
        try:
            return _infer(self._compiled, output, batch)
        except RuntimeError as error:
            raise ModelError(
                f"the network does not take {batch.dtype} {batch.shape}: {error}", cure="prepare the pictures first"
            ) from None


def load_openvino(
    path: Path, *, output: str | None, threads: int, device: str = AUTO, dtype: str = AUTO
) -> tuple[Run, RunsOn]:
    """Load an ONNX file, or OpenVINO's own `.xml` with its `.bin` beside it.

    Raises:
        MissingExtraError: openvino is not installed.
        ModelError: it does not load, or has no such output.
        UsageError: a device that is not there.
    """
    compiled, runs_on = _compile(path, threads, device, dtype)
    outputs = _outputs(compiled)
    if output is not None and output not in outputs:
        raise ModelError(f"{path} has no output {output!r}", cure=f"name one of {', '.join(sorted(outputs))}")
    port = compiled.outputs[0] if output is None else outputs[output]
    return lambda batch: _infer(compiled, port, batch), runs_on


def _compile(path: Path, threads: int, device: str, dtype: str) -> tuple[Any, RunsOn]:
    try:
        import openvino
    except ImportError:
        raise MissingExtraError.of("openvino", extra="openvino") from None
    if path.suffix == ".xml":
        regular_file(path)
        regular_file(path.with_suffix(".bin"), within=path.parent)
    else:
        check_onnx(path)
    core = openvino.Core()
    runs_on = place_openvino(lambda: list(core.available_devices), device, dtype)
    # All threads work on one request: pictures come in batches, from one caller at a time.
    options: dict[str, object] = {"PERFORMANCE_HINT": "LATENCY"}
    if runs_on.dtype in _HINT:
        options["INFERENCE_PRECISION_HINT"] = _HINT[runs_on.dtype]
    try:
        network = core.read_model(str(path))
        if runs_on.is_gpu:
            try:
                return core.compile_model(network, "GPU", options), runs_on
            except RuntimeError as error:
                if device != AUTO:
                    raise
                runs_on = RunsOn("cpu", runs_on.dtype, f"the GPU failed: {first_line(error)}")
        return core.compile_model(network, "CPU", {**options, "INFERENCE_NUM_THREADS": threads}), runs_on
    except RuntimeError as error:
        said = str(error).strip().splitlines()[-1]
        raise ModelError(f"{path} does not load in OpenVINO: {said}", cure="run it on ONNX Runtime") from None


def _outputs(compiled: Any) -> dict[str, Any]:
    return {name: port for port in compiled.outputs for name in port.get_names()}


def _infer(compiled: Any, port: Any, batch: FloatArray) -> FloatArray:
    """A request of its own for each call: one request serves one thread at a time."""
    return np.array(compiled.create_infer_request().infer([np.ascontiguousarray(batch)])[port], np.float32)
