"""The default runtime: a card's ONNX file on ONNX Runtime, arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from catalens import settings
from catalens.errors import ModelError
from catalens.images.prepare import Preprocess
from catalens.models.card import Card
from catalens.models.device import AUTO, RunsOn, place_onnx
from catalens.models.onnx_file import check_onnx
from catalens.models.runtimes.base import Run
from catalens.models.text import text_batch
from catalens.types import FloatArray

VECTORS, REGIONS = "vectors", "regions"
"""Outputs by name, where there are several: of whole pictures, and of the places in them."""

DETECTED = ("proposals", "objectness", "labels", "boxes")
"""Outputs of a detector."""


class OnnxNetwork:
    """A network that takes pictures and gives vectors; calls from several threads are safe.

    It has one output, or one called "vectors" and perhaps one called "regions".

    Raises:
        ModelError: the weights do not load, or take or give other shapes than the card says.
    """

    def __init__(self, card: Card, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO) -> None:
        self._session, self.runs_on = open_session(card.weights, threads=threads, device=device, dtype=dtype)
        inputs = self._session.get_inputs()
        outputs = {output.name: output.shape for output in self._session.get_outputs()}
        if len(inputs) != 1 or not (len(outputs) == 1 or VECTORS in outputs):
            raise ModelError(
                f"{card.weights} has {len(inputs)} inputs and {len(outputs)} outputs",
                cure=f"export one of each, or name the outputs {VECTORS} and {REGIONS}",
            )
        self._input, self._output = inputs[0].name, VECTORS if VECTORS in outputs else next(iter(outputs))
        self.has_regions = REGIONS in outputs
        """Whether `regions` may be asked for."""
        _check_shape(card, "takes pictures", inputs[0].shape, (3, *card.preprocess.size))
        _check_shape(card, "gives vectors", outputs[self._output], (card.dim,))

    def __call__(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32, normalised as the card says -> (N, D) float32.

        Raises:
            ModelError: the network does not take this batch.
        """
        return _answers(self._session, self._input, batch, [self._output])[0]

    def regions(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32 -> (N, h, w, D) float32, a vector for each place.

        Raises:
            ModelError: the network does not take this batch, or has no output of that name.
        """
        return _answers(self._session, self._input, batch, [REGIONS])[0]


class OnnxVectorNetwork:
    """A card's network that takes vectors and gives a number for each class; calls from several threads are safe.

    Raises:
        ModelError: the weights do not load, or do not give the card's classes.
    """

    def __init__(self, card: Card, *, threads: int | None = None) -> None:
        self._session, self.runs_on = open_session(card.weights, threads=threads, device="cpu")
        _check_shape(card, "gives classes", self._session.get_outputs()[0].shape, (len(card.classes),))
        _check_shape(card, "takes vectors", self._session.get_inputs()[0].shape, (card.dim,))
        self._input = self._session.get_inputs()[0].name

    def __call__(self, vectors: FloatArray) -> FloatArray:
        """(N, D) float32 -> (N, C) float32.

        Raises:
            ModelError: the vectors have another length.
        """
        return _answers(self._session, self._input, vectors)[0]


class OnnxTextNetwork:
    """A network that takes n-grams and their weights and gives vectors; calls from several threads are safe.

    Raises:
        ModelError: the weights do not load, or take or give something else.
    """

    def __init__(self, weights: Path, *, dim: int, threads: int | None = None, device: str = AUTO) -> None:
        self._session, self.runs_on = open_session(weights, threads=threads, device=device)
        inputs = [node.name for node in self._session.get_inputs()]
        outputs = self._session.get_outputs()
        if inputs != ["grams", "weights"] or len(outputs) != 1 or outputs[0].shape[-1] != dim:
            raise ModelError(
                f"{weights} takes {inputs} and gives {[output.shape for output in outputs]}",
                cure=f"export a network that takes grams and weights and gives {dim} numbers",
            )

    def __call__(self, texts: Sequence[str]) -> FloatArray:
        """N texts -> (N, D) float32."""
        grams, weights = text_batch(texts)
        return self._session.run(None, {"grams": grams, "weights": weights})[0]  # type: ignore[no-any-return]


class OnnxDenseNetwork:
    """A card's network that says something of every place of a picture; calls from several threads are safe.

    Raises:
        ModelError: the weights do not load, or take or give other shapes than the card says.
    """

    def __init__(self, card: Card, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO) -> None:
        self._session, self.runs_on = open_session(card.weights, threads=threads, device=device, dtype=dtype)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(
                f"{card.weights} has {len(inputs)} inputs and {len(outputs)} outputs", cure="export one of each"
            )
        self._input = inputs[0].name
        self.preprocess: Preprocess = card.preprocess
        self.is_fixed = all(isinstance(side, int) for side in inputs[0].shape[2:])
        _check_shape(card, "gives places", outputs[0].shape[:2], (card.dim,))

    def __call__(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32, sides multiples of 32 -> (N, dim, h, w) float32, h and w a few times smaller.

        Raises:
            ModelError: the network does not take this batch.
        """
        return _answers(self._session, self._input, batch)[0]


class OnnxDetectorNetwork:
    """A network that gives proposals, their logits, the logits of their labels, and boxes; safe from several threads.

    Raises:
        ModelError: the weights do not load, or give something else.
    """

    def __init__(self, card: Card, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO) -> None:
        self._session, self.runs_on = open_session(card.weights, threads=threads, device=device, dtype=dtype)
        outputs = [output.name for output in self._session.get_outputs()]
        if outputs != list(DETECTED) or len(self._session.get_inputs()) != 1:
            raise ModelError(
                f"{card.name} is no detector in two stages: it gives {', '.join(outputs)}, not {', '.join(DETECTED)}",
                cure="name catalens-detector-s, or a folder that `catalens train detector` wrote",
            )
        self._input = self._session.get_inputs()[0].name

    def __call__(self, batch: FloatArray) -> list[FloatArray]:
        """(1, 3, H, W) float32, sides multiples of 32 -> what `DETECTED` names.

        Raises:
            ModelError: the network does not take this picture.
        """
        return _answers(self._session, self._input, batch)


def load_onnx(
    path: Path, *, output: str | None, threads: int, device: str = AUTO, dtype: str = AUTO
) -> tuple[Run, RunsOn]:
    """Load an ONNX file for `file.FileNetwork`; one that takes half precision is given it.

    Raises:
        ModelError: it does not load, or has no such output.
        UsageError: a device that is not there, or a precision that is not the file's.
    """
    session, runs_on = open_session(path, threads=threads, device=device, dtype=dtype)
    given, outputs = session.get_inputs()[0], [node.name for node in session.get_outputs()]
    if output is not None and output not in outputs:
        raise ModelError(f"{path} has no output {output!r}", cure=f"name one of {', '.join(outputs)}")
    taken = output or (VECTORS if VECTORS in outputs else outputs[0])
    kind = np.float16 if given.type == "tensor(float16)" else np.float32
    return lambda batch: session.run([taken], {given.name: batch.astype(kind, copy=False)})[0], runs_on


def open_session(
    weights: Path, *, threads: int | None, device: str = AUTO, dtype: str = AUTO
) -> tuple[ort.InferenceSession, RunsOn]:
    """Load an ONNX file onto a device (`models.device`).

    Raises:
        NotFoundError: a file of its weights is missing.
        ModelError: it does not load.
        UsageError: a device that is not there, or a precision that is not the file's.
    """
    check_onnx(weights)
    runs_on, provider = place_onnx(device, dtype)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or settings.threads()
    options.inter_op_num_threads = 1
    # Idle threads that spin take the cores from the threads that decode.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    options.enable_mem_pattern = runs_on.device != "directml"  # which does without (ONNX Runtime's page on it)
    providers = [*([] if provider is None else [provider]), "CPUExecutionProvider"]
    try:
        return ort.InferenceSession(str(weights), options, providers=providers), runs_on
    except Exception as error:  # ONNX Runtime has no common base for what it raises on a bad file
        raise ModelError(f"{weights} does not load: {error}", cure="copy the weights again") from None


def _answers(
    session: ort.InferenceSession, name: str, batch: FloatArray, outputs: list[str] | None = None
) -> list[FloatArray]:
    """What a network says of pictures; all its outputs where none is named."""
    try:
        return session.run(outputs, {name: batch})  # type: ignore[no-any-return]
    except Exception as error:  # ONNX Runtime has no common base for what it raises
        raise ModelError(
            f"the network does not take {batch.dtype} {batch.shape}: {error}", cure="prepare the pictures first"
        ) from None


def _check_shape(card: Card, what: str, found: list[int | str], expected: tuple[int, ...]) -> None:
    """Compare all axes but the first, the batch; a name in place of a number is an axis of any length."""
    axes = found[1:]
    if len(axes) != len(expected) or any(
        isinstance(axis, int) and axis != wanted for axis, wanted in zip(axes, expected, strict=True)
    ):
        raise ModelError(
            f"{card.weights} {what} of shape {axes} and its card says {list(expected)}", cure="fix the card"
        )
