"""Model files and cards made to run a command, hang, or read elsewhere: each is refused with an error of ours."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import re
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from catalens import settings
from catalens.errors import CatalensError, ModelError
from catalens.models.card import read_card
from catalens.models.file_card import read_file_card
from catalens.models.runtimes.onnx import open_session
from catalens.models.untrusted import read_arrays
from catalens.models.zoo import WEIGHTS
from catalens.tasks.classifier_folder import load_classifier
from catalens.tasks.embed import encoder
from tests.test_encoder_contract import tiny_card

CARD = "size = [8, 6]\nfit = 'stretch'\nmean = [0, 0, 0]\nstd = [1, 1, 1]\n"


def card_in(folder: Path) -> Path:
    """A folder with a good card."""
    (folder / "card").mkdir()
    return Path(tiny_card(folder / "card"))


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.path}",)


def with_members(path: Path, change: Callable[[str, bytes], bytes], **more: bytes) -> None:
    """Write an archive anew with other members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    root = next(iter(members)).partition("/")[0]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, change(name, data))
        for name, data in more.items():
            archive.writestr(f"{root}/{name}", data)


def program(path: Path, change: Callable[[str, bytes], bytes]) -> None:
    """An exported program of PyTorch, changed."""
    torch = pytest.importorskip("torch", reason="torch is in the train extra")
    sizes = ({0: torch.export.Dim("n")},)
    network = torch.export.export(torch.nn.Flatten(), (torch.zeros(2, 3, 8, 6),), dynamic_shapes=sizes)
    torch.export.save(network, path)
    with_members(path, change)


def program_with_a_pickle(path: Path, marker: Path) -> None:
    bad = pickle.dumps(Touch(marker))
    program(path, lambda name, data: bad if "sample_inputs" in name else data)


def program_with_an_expression(path: Path, marker: Path) -> None:
    """A size of the program is an expression, which the library evaluates."""
    bad = f"__import__('os').system('touch {marker}') or Integer(2)".encode()
    size = re.compile(rb"Symbol\('s\d+', positive=True, integer=True\)")
    program(path, lambda name, data: size.sub(bad, data) if name.endswith("model.json") else data)


def script(path: Path, line: str) -> None:
    """TorchScript with a line more before it returns."""
    torch = pytest.importorskip("torch", reason="torch is in the train extra")
    torch.jit.save(torch.jit.script(torch.nn.Flatten()), str(path))
    end = re.compile(rb"(\n *)return ")
    with_members(
        path,
        lambda name, data: end.sub(rb"\1" + line.encode() + rb"\1return ", data) if name.endswith(".py") else data,
    )


def script_that_saves(path: Path, marker: Path) -> None:
    script(path, f'torch.save(input, "{marker}")')


def script_that_maps_a_file(path: Path, marker: Path) -> None:
    script(path, f'x = torch.from_file("{marker}", True, 4)')


def script_with_a_pickle(path: Path, marker: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is in the train extra")
    torch.jit.save(torch.jit.script(torch.nn.Flatten()), str(path))
    with_members(path, lambda name, data: pickle.dumps(Touch(marker)) if name.endswith("data.pkl") else data)


def saved_by_torch(path: Path, marker: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is in the train extra")
    torch.save(Touch(marker), path)


def plain_pickle(path: Path, marker: Path) -> None:
    path.write_bytes(pickle.dumps(Touch(marker)))


def keras_config(path: Path, layer: dict[str, object]) -> None:
    settings.prefer_torch_for_keras()
    keras = pytest.importorskip("keras", reason="keras is an extra")
    keras.Sequential([keras.layers.Input((8, 6, 3)), keras.layers.Flatten()]).save(path)
    table = json.loads(zipfile.ZipFile(path).read("config.json"))
    table["config"]["layers"].append(layer)
    text = json.dumps(table).encode()
    with_members(path, lambda name, data: text if name == "config.json" else data)


def keras_with_code(path: Path, marker: Path) -> None:
    settings.prefer_torch_for_keras()
    keras = pytest.importorskip("keras", reason="keras is an extra")
    command = f"touch {marker}"
    code = keras.layers.Lambda(lambda x: [x, __import__("os").system(command)][0])
    keras.Sequential([keras.layers.Input((8, 6, 3)), code, keras.layers.Flatten()]).save(path)


def keras_with_a_command(path: Path, marker: Path) -> None:
    keras_config(path, {"module": "os", "class_name": "system", "config": f"touch {marker}", "registered_name": None})


def keras_with_a_vocabulary(path: Path, marker: Path) -> None:
    lookup: dict[str, object] = {"vocabulary": "/etc/passwd"}
    layer: dict[str, object] = {"module": "keras.layers", "class_name": "StringLookup", "config": lookup}
    keras_config(path, layer)
    marker.with_name("vocabulary")  # nothing to touch: the file of another place is never opened


def keras_without_end(path: Path, marker: Path) -> None:
    del marker
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "[" * 1_000_000)


FILES: dict[str, tuple[str, str, Callable[[Path, Path], None]]] = {
    "an exported program with a pickle": ("torch", "pt2", program_with_a_pickle),
    "an exported program with an expression": ("torch", "pt2", program_with_an_expression),
    "an exported program by another name": ("torch", "pt", program_with_a_pickle),
    "torch.save": ("torch", "pt", saved_by_torch),
    "a plain pickle": ("torch", "pt", plain_pickle),
    "TorchScript with a pickle": ("torch", "pt", script_with_a_pickle),
    "TorchScript that saves": ("torch", "pt", script_that_saves),
    "TorchScript that maps a file": ("torch", "pt", script_that_maps_a_file),
    "Keras with code": ("keras", "keras", keras_with_code),
    "Keras with a command": ("keras", "keras", keras_with_a_command),
    "Keras that reads a file": ("keras", "keras", keras_with_a_vocabulary),
    "Keras without end": ("keras", "keras", keras_without_end),
    "Keras, the old format": ("keras", "h5", plain_pickle),
    "ONNX that is a pickle": ("onnx", "onnx", plain_pickle),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused_and_nothing_runs(tmp_path: Path, name: str) -> None:
    kind, ending, build = FILES[name]
    path, marker = tmp_path / f"net.{ending}", tmp_path / "marker"
    build(path, marker)
    marker.unlink(missing_ok=True)  # what a library runs when it writes a file is not the question
    path.with_suffix(".toml").write_text(CARD, "utf-8")
    with pytest.raises(CatalensError):
        encoder(f"{kind}:{path}").encode_images([np.zeros((8, 6, 3), np.uint8)])
    assert not marker.exists()


def external(path: Path, *places: str) -> None:
    """An ONNX file with weights in other files."""
    onnx = pytest.importorskip("onnx", reason="onnx is in the train extra")
    weights = []
    for number, place in enumerate(places):
        tensor = onnx.TensorProto(name=f"w{number}", data_type=1, dims=[3], data_location=1)
        for key, value in (("location", place), ("offset", "0"), ("length", "12")):
            tensor.external_data.add(key=key, value=value)
        weights.append(tensor)
    value = onnx.helper.make_tensor_value_info
    nodes = [onnx.helper.make_node("Sum", ["x", *(one.name for one in weights)], ["location"])]
    graph = onnx.helper.make_graph(nodes, "g", [value("x", 1, [3])], [value("location", 1, [3])], weights)
    opset = [onnx.helper.make_opsetid("", 17)]
    path.write_bytes(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """A folder with weights, a link out of it and a pipe; a secret beside it."""
    folder = tmp_path / "in"
    folder.mkdir()
    for path in (tmp_path / "secret.bin", folder / "weights.bin"):
        path.write_bytes(np.arange(3, dtype=np.float32).tobytes())
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    (folder / "out").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    return folder


@pytest.mark.parametrize(
    "place",
    ["../secret.bin", "./../secret.bin", "out/secret.bin", "link.bin", "{parent}/secret.bin", "/dev/zero", "pipe",
     "", ".", "absent.bin", "..\\secret.bin", "a" * 5000, "a\0b"],
)  # fmt: skip
@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_weights_outside_the_folder_are_never_read(places: Path, place: str, runtime: str) -> None:
    path = places / "net.onnx"
    external(path, "weights.bin", place.format(parent=places.parent))
    path.with_suffix(".toml").write_text(CARD, "utf-8")
    with pytest.raises(CatalensError):
        encoder(f"{runtime}:{path}")


def test_weights_beside_the_file_are_read(places: Path) -> None:
    external(places / "net.onnx", "weights.bin", "./weights.bin")
    session, _ = open_session(places / "net.onnx", threads=1)
    np.testing.assert_allclose(session.run(None, {"x": np.ones(3, np.float32)})[0], [1, 3, 5])


@pytest.mark.parametrize(
    "data", [b"", b"\x0a", b"\x0a\xff\xff\xff\xff\x0f", b"\x80" * 50, b"\x3b" * 9, b"\x3a\x00" * 9]
)
def test_a_damaged_onnx_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "net.onnx").write_bytes(data)
    with pytest.raises(ModelError):
        open_session(tmp_path / "net.onnx", threads=1)


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return file.getvalue()


HEADER = "{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}"
OBJECTS = npy(HEADER.format(descr="|O", shape="(1,)"), pickle.dumps([1]))
ARRAYS: dict[str, bytes] = {
    "empty": b"",
    "objects": zipped(scale=OBJECTS),
    "a terabyte": zipped(scale=npy(HEADER.format(descr="<f8", shape=f"({10**12},)"))),
    "less than nothing": zipped(scale=npy(HEADER.format(descr="<f8", shape="(-1,)"))),
    "a header that is deep": zipped(scale=npy("(" * 100)),
    "no array": zipped(scale=b"hello"),
    "cut off": zipped(scale=bytes(1000))[:-30],
}


@pytest.mark.parametrize("name", ARRAYS)
def test_hostile_arrays_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "head.npz").write_bytes(ARRAYS[name])
    with pytest.raises(ModelError, match="does not hold plain arrays"):
        read_arrays(tmp_path / "head.npz")


@pytest.mark.parametrize("length", [2**63, 2**40, 5])
def test_a_header_of_safetensors_that_says_too_much_is_refused(tmp_path: Path, length: int) -> None:
    load_file = pytest.importorskip("safetensors.numpy", reason="safetensors is in the transformers extra").load_file
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", length) + b"{}")
    with pytest.raises(Exception, match=r"(?i)header"):
        load_file(tmp_path / "a.safetensors")


SIZES = [
    "nan, 6",
    "inf, 6",
    "-inf, 6",
    "1e30, 6",
    "8, 0",
    "-8, 6",
    "8.5, 6",
    "8",
    "8, 6, 4",
    "true, 6",
    "'8', 6",
    "[8], 6",
]


@pytest.mark.parametrize("size", SIZES)
def test_a_size_that_is_none_is_refused(tmp_path: Path, size: str) -> None:
    path = tmp_path / "net.toml"
    path.write_text(CARD.replace("8, 6", size), "utf-8")
    with pytest.raises(ModelError):
        read_file_card(path)
    folder = card_in(tmp_path)
    card = folder / "card.toml"
    card.write_text(re.sub(r"size = .*", f"size = [{size}]", card.read_text("utf-8")), "utf-8")
    with pytest.raises(ModelError):
        read_card(folder)


@pytest.mark.parametrize("mean", ["nan, 0, 0", "inf, 0, 0", "0, 0", "'a', 0, 0", "1" + "0" * 400 + ", 0, 0"])
def test_numbers_that_are_none_are_refused(tmp_path: Path, mean: str) -> None:
    for key in ("mean", "std"):
        (tmp_path / "net.toml").write_text(re.sub(rf"{key} = .*", f"{key} = [{mean}]", CARD), "utf-8")
        with pytest.raises(ModelError):
            read_file_card(tmp_path / "net.toml")
    folder = card_in(tmp_path)
    card = folder / "card.toml"
    card.write_text(re.sub(r"mean = .*", f"mean = [{mean}]", card.read_text("utf-8")), "utf-8")
    with pytest.raises(ModelError):
        read_card(folder)


@pytest.mark.parametrize("weights", ["", ".", "..", "../tiny.onnx", "/dev/zero", "pipe", "link", "folder", "a\\u0000b"])
def test_weights_are_a_regular_file_of_the_folder(tmp_path: Path, weights: str) -> None:
    folder = card_in(tmp_path)
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (tmp_path / "elsewhere").write_bytes(b"x")
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    sha256 = hashlib.sha256(b"x").hexdigest()
    card = folder / "card.toml"
    text = re.sub(r"weights = .*", lambda _: f'weights = "{weights}"', card.read_text("utf-8"), count=1)
    card.write_text(re.sub(r"sha256 = .*", f'sha256 = "{sha256}"', text, count=1), "utf-8")
    with pytest.raises(CatalensError):
        read_card(folder)


def as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def as_link(to: str) -> Callable[[Path], None]:
    def link(path: Path) -> None:
        path.unlink()
        path.symlink_to(to)

    return link


def holding(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text, "utf-8")


CARDS: dict[str, Callable[[Path], object]] = {
    "a pipe": as_pipe,
    "a device": as_link("/dev/zero"),
    "a link to itself": as_link("card.toml"),
    "deep lists": holding("a = " + "[" * 50_000),
    "deep tables": holding("a = " + "{b = " * 50_000),
    "a deep key": holding("a." * 50_000 + "b = 1"),
    "a deep key in quotes": holding('"=" . ' * 50_000 + "b = 1"),
    "a deep key within": holding('x = {s = """a"""", ' + "b." * 50_000 + 'b = "c"}'),
    "a long number": holding("a = " + "9" * 100_000),
    "large": lambda path: os.truncate(path, 2**24 + 1),
    "of another encoding": lambda path: path.write_bytes(b"a = '\xff'"),
}


@pytest.mark.parametrize("name", CARDS)
def test_a_card_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    folder = card_in(tmp_path)
    CARDS[name](folder / "card.toml")
    with pytest.raises(CatalensError):
        read_card(folder)
    with pytest.raises(CatalensError):
        load_classifier(folder)
    (tmp_path / "net.onnx").write_bytes((folder / "tiny.onnx").read_bytes())
    (tmp_path / "net.toml").touch()
    CARDS[name](tmp_path / "net.toml")
    with pytest.raises(CatalensError):
        encoder(f"onnx:{tmp_path / 'net.onnx'}")


def test_what_is_bundled_passes_the_checks() -> None:
    for folder in sorted(path.parent for path in WEIGHTS.glob("*/card.toml")):
        open_session(read_card(folder).weights, threads=1)


def test_links_within_a_folder_are_followed(tmp_path: Path) -> None:
    folder = card_in(tmp_path)
    shutil.move(folder / "tiny.onnx", folder / "real.onnx")
    (folder / "tiny.onnx").symlink_to("real.onnx")
    (tmp_path / "other").symlink_to(folder)
    assert read_card(tmp_path / "other").weights.name == "tiny.onnx"
