"""OpenVINO as a quicker way to run the same ONNX file."""

from __future__ import annotations

from typing import Any

import numpy as np

from catalens import settings
from catalens.errors import MissingExtraError, ModelError
from catalens.models.card import Card
from catalens.models.onnx import REGIONS, VECTORS
from catalens.types import FloatArray


class OpenVinoNetwork:
    """Runs a card's network as `onnx.OnnxNetwork` does; calls from several threads are safe.

    Raises:
        MissingExtraError: openvino is not installed.
        ModelError: the weights do not load.
    """

    def __init__(self, card: Card, *, threads: int | None = None) -> None:
        try:
            import openvino
        except ImportError:
            raise MissingExtraError.of("openvino", extra="openvino") from None
        count = threads or settings.threads()
        try:
            model = openvino.Core().read_model(str(card.weights))
            self._compiled = openvino.compile_model(
                model, "CPU", {"INFERENCE_NUM_THREADS": count, "PERFORMANCE_HINT": "THROUGHPUT"}
            )
        except RuntimeError as error:
            raise ModelError(f"{card.weights} does not load in OpenVINO: {error}", cure="run it on ONNX") from None
        self._outputs = {name: port for port in self._compiled.outputs for name in port.get_names()}
        self.has_regions = REGIONS in self._outputs

    def __call__(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32, normalised as the card says -> (N, D) float32."""
        return self._run(self._outputs.get(VECTORS, self._compiled.outputs[0]), batch)

    def regions(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32 -> (N, h, w, D) float32."""
        return self._run(self._outputs[REGIONS], batch)

    def _run(self, output: Any, batch: FloatArray) -> FloatArray:
        try:
            request = self._compiled.create_infer_request()
            return np.array(request.infer([np.ascontiguousarray(batch)])[output], np.float32)
        except RuntimeError as error:
            raise ModelError(
                f"the network does not take {batch.dtype} {batch.shape}: {error}", cure="prepare the pictures first"
            ) from None
