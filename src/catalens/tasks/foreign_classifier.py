"""Image classifiers of others, with labels of their own: of the Transformers library, or in files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from catalens.errors import UsageError
from catalens.images.read import ImageLike, read_image
from catalens.models.device import AUTO, RunsOn
from catalens.models.hub.labelled import HubClassifier
from catalens.models.runtimes.file import FileClassifier, file_kind
from catalens.models.zoo import Form, loaded_once, resolve
from catalens.tasks.embed import BATCH, decode_target
from catalens.types import Labels

FORMS: tuple[Form, ...] = ("card", "hf", "onnx", "openvino", "torch", "keras")
"""What the `model` of `classify` may be; "card" is a classifier that was trained here, or an encoder."""


class ForeignClassifier:
    """A network of others that tells pictures apart. Calls from several threads are safe."""

    def __init__(self, network: HubClassifier | FileClassifier, names: tuple[str, ...]) -> None:
        self._network, self.classes = network, names

    @property
    def runs_on(self) -> RunsOn:
        """The device and precision."""
        return self._network.runs_on

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) that the network sees."""
        return self._network.preprocess.size

    def classify(self, images: Sequence[ImageLike], *, top: int = 5) -> list[Labels]:
        """The likeliest labels of each picture, best first, at most `top`.

        Raises:
            UsageError: `top` is below 1.
            ImageError: a picture cannot be read.
        """
        if top < 1:
            raise UsageError(f"expected at least one label and got top={top}", cure="ask for one or more")
        spec, found = self._network.preprocess, []
        for start in range(0, len(images), BATCH):
            chunk = images[start : start + BATCH]
            batch = np.stack([spec.apply(read_image(one, target=decode_target(spec)))[0] for one in chunk])
            logits = self._network(batch)
            likely = np.exp(logits - logits.max(1, keepdims=True))
            likely /= likely.sum(1, keepdims=True)
            for row in likely:
                order = np.argsort(-row, kind="stable")[:top].tolist()
                found.append(Labels(tuple(self.classes[one] for one in order), tuple(float(row[one]) for one in order)))
        return found


@loaded_once()
def foreign_classifier(
    name: str,
    *,
    threads: int | None = None,
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> ForeignClassifier:
    """A classifier of others by name; loaded once. Errors are those of `classify`."""
    found = resolve(name, task="classify", forms=FORMS, accept_licence=accept_licence)
    if found.form == "hf":
        network = HubClassifier(found.in_transformers(), threads=threads, device=device, dtype=dtype)
        return ForeignClassifier(network, network.labels)
    kind = file_kind(found.form)
    file = FileClassifier(kind, Path(found.place), threads=threads, device=device, dtype=dtype)
    return ForeignClassifier(file, file.classes)
