"""Networks of keras.applications by name, with their published weights: `keras:MobileNetV2`."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

import numpy as np

from catalens.errors import ModelError, NotFoundError
from catalens.images.prepare import Preprocess
from catalens.models.device import AUTO
from catalens.models.runtimes.keras import import_keras
from catalens.types import FloatArray

SIDES: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(
            ("ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge", "DenseNet121",
             "DenseNet169", "DenseNet201", "EfficientNetB0", "EfficientNetV2B0", "MobileNet", "MobileNetV2",
             "MobileNetV3Large", "MobileNetV3Small", "NASNetMobile", "ResNet50", "ResNet50V2", "ResNet101",
             "ResNet101V2", "ResNet152", "ResNet152V2", "VGG16", "VGG19"),
            224,
        ),
        **dict.fromkeys(("InceptionResNetV2", "InceptionV3", "Xception"), 299),
        "EfficientNetB1": 240, "EfficientNetB2": 260, "EfficientNetB3": 300, "EfficientNetB4": 380,
        "EfficientNetB5": 456, "EfficientNetB6": 528, "EfficientNetB7": 600, "EfficientNetV2B1": 240,
        "EfficientNetV2B2": 260, "EfficientNetV2B3": 300, "EfficientNetV2L": 480, "EfficientNetV2M": 480,
        "EfficientNetV2S": 384, "NASNetLarge": 331,
    }
)  # fmt: skip
"""Side in pixels that each was made for (keras.io/api/applications). Their weights stand under licences that allow
trade: Apache-2.0, MIT, BSD, and CC BY 4.0 for VGG16 and VGG19 (ibid., "Reproducing")."""


class KerasApplication:
    """A network of keras.applications with the weights that it was published with, which Keras fetches once:
    (N, 3, H, W) pictures in 0..255 in, one vector for each out.

    Raises:
        NotFoundError: no such application, or its weights can be neither found nor fetched.
        MissingExtraError: Keras is not installed.
    """

    has_text = False

    def __init__(self, name: str, *, device: str = AUTO, dtype: str = AUTO) -> None:
        if name not in SIDES:
            near = get_close_matches(name, SIDES, n=3)
            raise NotFoundError(
                f"keras:{name} is neither a file nor a network of keras.applications",
                cure=f"take {' or '.join(near)}" if near else f"take one of {', '.join(sorted(SIDES))}",
            )
        keras, self._scope, self.runs_on = import_keras(device, dtype)
        build = getattr(keras.applications, name)
        side = SIDES[name]
        try:
            with self._scope():
                self._network = build(include_top=False, pooling="avg", input_shape=(side, side, 3), weights="imagenet")
        except Exception as error:  # of the network, of the file, of Keras itself
            raise NotFoundError(
                f"the weights of {name} could not be fetched ({type(error).__name__})",
                cure="connect once, they are kept for later; or save the network to a .keras file (docs/models.md)",
            ) from None
        self._prepare = sys.modules[build.__module__].preprocess_input
        self._to_numpy = keras.ops.convert_to_numpy
        self.preprocess = Preprocess(size=(side, side), fit="crop", mean=(0, 0, 0), std=(1 / 255, 1 / 255, 1 / 255))
        digest = hashlib.sha256(b"".join(one.tobytes() for one in self._network.get_weights()))
        self.identity = f"{name}@{digest.hexdigest()[:12]}"
        self.dim = int(self._network.output_shape[1])

    def __call__(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32 in 0..255 -> (N, D) float32, not yet of unit length.

        Raises:
            ModelError: pictures of another size.
        """
        if batch.shape[1:] != (3, *self.preprocess.size):
            raise ModelError(f"{self.identity} does not take pictures of {batch.shape[1:]}", cure="prepare them by it")
        # Each application has its own way from colors to what it saw in training.
        seen = self._prepare(np.array(batch.transpose(0, 2, 3, 1), np.float32), data_format="channels_last")
        with self._scope():
            return np.asarray(self._to_numpy(self._network(seen, training=False)), np.float32)
