"""The default runtime: a card's ONNX file on ONNX Runtime, arrays in, arrays out."""

from __future__ import annotations

import onnxruntime as ort

from catalens import settings
from catalens.errors import ModelError
from catalens.models.card import Card
from catalens.types import FloatArray


class OnnxNetwork:
    """A network with one input and one output; calls from several threads are safe."""

    def __init__(self, card: Card, *, threads: int | None = None) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or settings.threads()
        options.inter_op_num_threads = 1
        # Idle threads that spin take the cores from the threads that decode.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(str(card.weights), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has no common base for what it raises on a bad file
            raise ModelError(f"{card.weights} does not load: {error}", cure="copy the weights again") from None
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[0].name

    def __call__(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32, normalised as the card says -> (N, D) float32."""
        (result,) = self._session.run([self._output], {self._input: batch})
        return result  # type: ignore[no-any-return]
