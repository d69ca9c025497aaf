"""EfficientSAM (Xiong et al. 2023) in two ONNX files, as its authors export it: a box or points -> one outline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from catalens.errors import ModelError, first_line
from catalens.models.device import AUTO
from catalens.models.runtimes.onnx import open_session
from catalens.types import FloatArray, ImageArray

PICTURE = ("batched_images",)
PROMPT = ("image_embeddings", "batched_point_coords", "batched_point_labels", "orig_im_size")
"""Inputs of the encoder and of the decoder."""


class OnnxOutliner:
    """Outlines what a box or points show. Calls from several threads are safe.

    Args:
        encoder, decoder: the two files; the encoder scales and normalises by itself.

    Raises:
        ModelError: they do not load, or take something else.
    """

    def __init__(
        self, encoder: Path, decoder: Path, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO
    ) -> None:
        self._encoder, self.runs_on = open_session(encoder, threads=threads, device=device, dtype=dtype)
        self._decoder, _ = open_session(decoder, threads=threads, device=device, dtype=dtype)
        for session, names, path in ((self._encoder, PICTURE, encoder), (self._decoder, PROMPT, decoder)):
            taken = {one.name for one in session.get_inputs()}
            if taken != set(names):
                raise ModelError(
                    f"{path} takes {', '.join(sorted(taken))} and not {', '.join(names)}",
                    cure="name EfficientSAM as its authors export it",
                )

    def __call__(self, image: ImageArray, points: FloatArray, labels: Sequence[int]) -> tuple[FloatArray, float]:
        """Arguments, returns and errors are those of `hub.outliner.HubOutliner`."""
        shares = np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
        try:
            (embedding,) = self._encoder.run(None, {PICTURE[0]: shares})[:1]
            masks, scores = self._decoder.run(
                None,
                {
                    "image_embeddings": embedding,
                    "batched_point_coords": np.asarray(points, np.float32)[None, None],
                    "batched_point_labels": np.asarray(labels, np.float32)[None, None],
                    "orig_im_size": np.array(image.shape[:2], np.int64),
                },
            )[:2]
            best = int(scores[0, 0].argmax())
            return np.asarray(masks[0, 0, best], np.float32), float(np.clip(scores[0, 0, best], 0, 1))
        except Exception as error:  # ONNX Runtime has no common base for what it raises
            raise ModelError(
                f"the network does not take this picture: {first_line(error)}", cure="name EfficientSAM"
            ) from None
