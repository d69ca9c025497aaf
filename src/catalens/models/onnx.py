"""The default runtime: a card's ONNX file on ONNX Runtime, arrays in, arrays out."""

from __future__ import annotations

import onnxruntime as ort

from catalens import settings
from catalens.errors import ModelError
from catalens.models.card import Card
from catalens.types import FloatArray


class OnnxNetwork:
    """A network with one input and one output; calls from several threads are safe.

    Raises:
        ModelError: the weights do not load, or take or give other shapes than the card says.
    """

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
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(
                f"{card.weights} has {len(inputs)} inputs and {len(outputs)} outputs", cure="export one of each"
            )
        self._input, self._output = inputs[0].name, outputs[0].name
        _check_shape(card, "takes pictures", inputs[0].shape, (3, *card.preprocess.size))
        _check_shape(card, "gives vectors", outputs[0].shape, (card.dim,))

    def __call__(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32, normalised as the card says -> (N, D) float32.

        Raises:
            ModelError: the network does not take this batch.
        """
        try:
            (result,) = self._session.run([self._output], {self._input: batch})
        except Exception as error:  # as above
            raise ModelError(
                f"the network does not take {batch.dtype} {batch.shape}: {error}", cure="prepare the pictures first"
            ) from None
        return result  # type: ignore[no-any-return]


def _check_shape(card: Card, what: str, found: list[int | str], expected: tuple[int, ...]) -> None:
    """Compare all axes but the first, the batch; a name in place of a number is an axis of any length."""
    axes = found[1:]
    if len(axes) != len(expected) or any(
        isinstance(axis, int) and axis != wanted for axis, wanted in zip(axes, expected, strict=True)
    ):
        raise ModelError(
            f"{card.weights} {what} of shape {axes} and its card says {list(expected)}", cure="mend the card"
        )
