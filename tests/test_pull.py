"""Known networks are fetched by name: checked, resumed, from a maker or a mirror; what is wrong is one sentence."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from catalens.cli.main import app
from catalens.errors import CatalensError, ModelError, NotFoundError, RemoteError, StorageError, UsageError
from catalens.models.known import KnownFile, KnownNetwork, find_known, known_networks
from catalens.models.pull import folder_of, pinned, pull, pulled_file
from catalens.models.zoo import resolve

onnx = pytest.importorskip("onnx", reason="onnx is in the train extra")


def tiny_onnx(scale: float = 1.0) -> bytes:
    """A network of one node: what it gives is its input, times a number."""
    from onnx import TensorProto, helper

    shape = [1, 3, 320, 320]
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "k"], ["all"]), helper.make_node("ReduceMean", ["all", "axes"], ["y"])],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 320, 320])],
        [
            helper.make_tensor("k", TensorProto.FLOAT, [1], [scale]),
            helper.make_tensor("axes", TensorProto.INT64, [1], [1]),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return bytes(made.SerializeToString())


@dataclass
class Served:
    """A loopback server.

    Args:
        files: path -> bytes; answers: path -> (status, headers, bytes) that come instead.
        cut: bytes after which an answer ends before its time, once; asked: paths, and ranges that were asked for.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    cut: int | None = None
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def served() -> Iterator[Served]:
    state = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            asked = self.headers.get("Range")
            state.asked.append((path, asked))
            if path in state.answers:
                status, headers, data = state.answers[path]
            elif path in state.files:
                data = state.files[path]
                tag = f'"{hashlib.sha256(data).hexdigest()[:8]}"'
                status, headers = 200, {"ETag": tag, "Content-Type": "application/octet-stream"}
                if asked and self.headers.get("If-Range") == tag:
                    start = int(asked.removeprefix("bytes=").rstrip("-"))
                    headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
                    status, data = 206, data[start:]
            else:
                status, headers, data = 404, {}, b"nothing here"
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if state.cut is not None:
                data, state.cut = data[: state.cut], None
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CATALENS_MODELS", str(tmp_path / "cache"))
    monkeypatch.delenv("CATALENS_MODELS_MIRROR", raising=False)
    monkeypatch.setenv("CATALENS_ACCEPT_LICENCE", "")
    return tmp_path / "cache"


def made(served: Served, data: bytes, **more: Any) -> KnownNetwork:
    """A known network in one file of the server."""
    served.files["/net.onnx"] = data
    known = find_known("u2netp-float")
    assert known is not None
    file = KnownFile(f"{served.address}/net.onnx", **{"sha256": hashlib.sha256(data).hexdigest(), **more})
    return replace(known, key="tiny", files=(file,))


def fetched(known: KnownNetwork, **more: Any) -> Any:
    return pull(known, is_allowed=lambda _: True, **more)


def left(cache: Path) -> list[str]:
    """What is in the network's folder, but for the lock."""
    folder = cache / "tiny"
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock") if folder.is_dir() else []


def test_a_network_is_fetched_once_and_pinned(served: Served, cache: Path) -> None:
    data = tiny_onnx()
    known = made(served, data)
    assert pinned(known) is None
    found = fetched(known)
    assert [(one.bytes, one.sha256, one.trusted) for one in found.files] == [
        (len(data), hashlib.sha256(data).hexdigest(), True)
    ]
    assert pulled_file(known).read_bytes() == data
    assert left(cache) == ["net.onnx", "pinned.json"]
    asked = len(served.asked)
    assert fetched(known) == found == pinned(known)
    assert len(served.asked) == asked


def test_the_first_file_of_an_unknown_hash_is_trusted_and_pinned(served: Served, cache: Path) -> None:
    known = made(served, tiny_onnx(), sha256="")
    assert [one.trusted for one in fetched(known).files] == [False]
    (cache / "tiny" / "net.onnx").write_bytes(tiny_onnx(2))
    with pytest.raises(ModelError, match="not the file that was pulled"):
        pulled_file(known)


def test_half_a_download_goes_on_where_it_ended(served: Served, cache: Path) -> None:
    data = tiny_onnx() + b"\x12\x80\x80\x40" + bytes(2**20)  # with a long name of its producer
    known = made(served, data)
    served.cut = 300_000
    with pytest.raises(RemoteError, match="Run the command again"):
        fetched(known)
    assert left(cache) == [".net.onnx.part", ".net.onnx.part.tag"]
    assert pinned(known) is None
    there = (cache / "tiny" / ".net.onnx.part").stat().st_size
    assert 0 < there <= 300_000
    fetched(known)
    assert served.asked[-1] == ("/net.onnx", f"bytes={there}-")
    assert pulled_file(known).read_bytes() == data
    assert left(cache) == ["net.onnx", "pinned.json"]


def test_a_file_that_changed_meanwhile_starts_anew(served: Served) -> None:
    known = made(served, tiny_onnx() + b"\x12\x80\x80\x40" + bytes(2**20), sha256="")
    served.cut = 300_000
    with pytest.raises(RemoteError):
        fetched(known)
    served.files["/net.onnx"] = tiny_onnx(3)
    fetched(known)
    assert pulled_file(known).read_bytes() == tiny_onnx(3)


PAGE = b"<!DOCTYPE html><title>Log in</title>"


@pytest.mark.parametrize(
    ("answer", "more", "error", "said"),
    [
        ((404, {}, b""), {}, RemoteError, "answers 404"),
        ((503, {}, b""), {}, RemoteError, "answers 503"),
        ((200, {"Content-Type": "text/html; charset=utf-8"}, PAGE), {}, ModelError, "web page"),
        ((200, {}, PAGE), {"sha256": ""}, ModelError, "is a web page"),
        ((200, {}, tiny_onnx(7)), {}, ModelError, "it is another file, or damaged"),
        ((200, {}, b"no network"), {"sha256": ""}, ModelError, "no ONNX file"),
        ((200, {}, b""), {"sha256": ""}, ModelError, "no ONNX file"),
        ((200, {}, tiny_onnx()), {"sha256": "", "md5": "0" * 32}, ModelError, "has the MD5"),
        ((200, {}, tiny_onnx()), {"bytes": 10}, ModelError, "more than 10 bytes"),
        ((200, {}, tiny_onnx()), {"bytes": 10_000}, RemoteError, "of 10000 bytes"),
        ((302, {"Location": "/net.onnx"}, b""), {}, RemoteError, "redirected more than 3 times"),
        ((302, {"Location": "ftp://127.0.0.1/net.onnx"}, b""), {}, RemoteError, "no http or https address"),
        ((206, {"Content-Range": "bytes 5-9/10"}, b"12345"), {}, RemoteError, "another part"),
        ((200, {"Content-Length": "x"}, b""), {}, CatalensError, "was not"),
    ],
)
def test_what_is_no_network_is_one_sentence_and_leaves_nothing(
    served: Served,
    cache: Path,
    answer: tuple[int, dict[str, str], bytes],
    more: dict[str, Any],
    error: type[CatalensError],
    said: str,
) -> None:
    known = made(served, tiny_onnx(), **more)
    served.answers["/net.onnx"] = answer
    with pytest.raises(error, match=said) as caught:
        fetched(known)
    assert "\n" not in str(caught.value)
    assert not {"net.onnx", "pinned.json"} & set(left(cache))


def test_redirects_are_followed(served: Served) -> None:
    known = made(served, tiny_onnx())
    served.files["/elsewhere"] = served.files["/net.onnx"]
    served.answers["/net.onnx"] = (302, {"Location": "/elsewhere"}, b"")
    fetched(known)
    assert [path for path, _ in served.asked] == ["/net.onnx", "/elsewhere"]


def test_a_maker_within_the_network_is_refused(served: Served) -> None:
    with pytest.raises(RemoteError, match=r"not on the public internet.*CATALENS_MODELS_MIRROR"):
        pull(made(served, tiny_onnx()))
    assert served.asked == []


def test_no_network_is_one_sentence() -> None:
    known = find_known("u2netp-float")
    assert known is not None

    def nowhere(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    with pytest.raises(RemoteError, match="CATALENS_MODELS_MIRROR"):
        pull(known, resolve=nowhere)


def test_disks_that_take_nothing(served: Served, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = made(served, tiny_onnx())
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(StorageError, match="MB left"):
        fetched(known)
    monkeypatch.undo()
    monkeypatch.setenv("CATALENS_MODELS", str(cache))
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def refused(*_: Any, **__: Any) -> Any:
        raise full

    monkeypatch.setattr(Path, "write_text", refused)
    with pytest.raises(StorageError, match="Make room"):
        fetched(known)
    monkeypatch.undo()
    (cache.parent / "file").write_bytes(b"")
    monkeypatch.setenv("CATALENS_MODELS", str(cache.parent / "file" / "cache"))
    with pytest.raises(StorageError, match="CATALENS_MODELS"):
        fetched(known)


@pytest.mark.parametrize("kind", ["folder", "address"])
def test_a_cache_is_a_mirror_for_others(
    served: Served, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    known = made(served, tiny_onnx(), sha256="")
    fetched(known)
    mirror = str(cache) if kind == "folder" else served.address + "/mirror/"
    for path in (cache / "tiny").iterdir():
        served.files[f"/mirror/tiny/{path.name}"] = path.read_bytes()
    monkeypatch.setenv("CATALENS_MODELS", str(tmp_path / "other"))
    found = pull(known, mirror=mirror)  # whatever its address: the operator named it
    assert found.files[0].trusted
    assert pulled_file(known).read_bytes() == tiny_onnx()
    with pytest.raises((NotFoundError, RemoteError), match="copy its folder other to the mirror"):
        pull(replace(known, key="other"), mirror=mirror)


@pytest.mark.parametrize(
    "listed",
    [
        b"{}",
        b"[]",
        b"no json",
        b'{"name": "tiny", "license": "MIT", "origin": "", "files": []}',
        b'{"name": "tiny", "license": "MIT", "origin": "", "files": [{"name": "../up", "bytes": 1, "sha256": "00", '
        b'"trusted": true}]}',
    ],
)
def test_a_mirror_that_lists_nonsense(served: Served, cache: Path, listed: bytes) -> None:
    known = made(served, tiny_onnx())
    served.files["/m/tiny/pinned.json"] = listed
    with pytest.raises((ModelError, RemoteError)):
        pull(known, mirror=served.address + "/m")
    assert left(cache) == []


def test_a_mirror_cannot_change_what_is_published(served: Served, cache: Path) -> None:
    known = made(served, tiny_onnx())
    other = tiny_onnx(5)
    row = {"name": "net.onnx", "bytes": len(other), "sha256": hashlib.sha256(other).hexdigest(), "trusted": True}
    table = {"name": "tiny", "license": "MIT", "origin": "", "files": [row]}
    served.files["/m/tiny/pinned.json"] = json.dumps(table).encode()
    served.files["/m/tiny/net.onnx"] = other
    with pytest.raises(ModelError, match="another file"):
        pull(known, mirror=served.address + "/m")
    assert left(cache) == []


def test_a_licence_is_accepted_first(served: Served, cache: Path) -> None:
    known = replace(made(served, tiny_onnx()), commercial=False, license="CC-BY-NC-4.0", forbids="commercial use")
    for wrong in (None, "MIT"):
        with pytest.raises(UsageError, match=r"CC-BY-NC-4\.0 forbids commercial use"):
            fetched(known, accept_licence=wrong)
    assert left(cache) == []
    fetched(known, accept_licence="CC-BY-NC-4.0")


def git_blob(data: bytes) -> str:
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()


def on_hub(served: Served, name: str, files: dict[str, bytes]) -> None:
    """A repository as the hub lists and sends it; large files by their SHA-256."""
    rows: list[dict[str, Any]] = []
    for file, data in files.items():
        row: dict[str, Any] = {"rfilename": file, "size": len(data), "blobId": git_blob(data)}
        if file.endswith((".safetensors", ".bin")):
            row["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        rows.append(row)
        served.files[f"/{name}/resolve/abc123/{file}"] = data
    served.files[f"/api/models/{name}"] = json.dumps({"sha": "abc123", "siblings": rows}).encode()


def test_a_repository_of_the_hub_is_fetched_without_code_and_pickles(served: Served, cache: Path) -> None:
    known = find_known("d-fine-nano")
    assert known is not None
    files = {
        "config.json": b'{"model_type": "d_fine"}',
        "preprocessor_config.json": b"{}",
        "model.safetensors": b"weights",
        "pytorch_model.bin": b"pickle",
        "modeling.py": b"raise SystemExit",
        "onnx/model.onnx": b"",
    }
    on_hub(served, known.hub, files)
    found = fetched(known, hub=served.address)
    assert [one.name for one in found.files] == ["config.json", "preprocessor_config.json", "model.safetensors"]
    assert found.origin.endswith("at abc123")
    assert resolve("d-fine-nano", task="detect", forms=("hf",)).place == str(folder_of(known))
    assert (folder_of(known) / "model.safetensors").read_bytes() == b"weights"


@pytest.mark.parametrize(
    ("files", "error"),
    [({}, ModelError), ({"config.json": b"{}", "pytorch_model.bin": b"pickle"}, ModelError)],
)
def test_repositories_without_weights_that_may_be_read(
    served: Served, files: dict[str, bytes], error: type[CatalensError]
) -> None:
    known = find_known("d-fine-nano")
    assert known is not None
    on_hub(served, known.hub, files)
    with pytest.raises(error, match="pickles are never read"):
        fetched(known, hub=served.address)


def test_known_networks_say_where_they_are_and_what_they_learned_from() -> None:
    for one in known_networks("matte", "outline", "refine", "detect"):
        assert one.remarks, one.key
        assert one.source, one.key
        assert bool(one.hub) != bool(one.files), one.key
        for file in one.files:
            assert file.url.startswith("https://")
            assert len(file.sha256) in (0, 64)
            assert file.sha256 or file.md5 or "trusted" in one.remarks
    names = [name for one in known_networks() for name in (one.key, *one.aliases)]
    assert len(names) == len(set(names))
    assert all(one.input for one in known_networks("matte"))


REMBG = (
    "u2net", "u2net_human_seg", "silueta", "isnet-general-use", "isnet-anime", "birefnet-general",
    "birefnet-general-lite", "birefnet-portrait", "birefnet-dis", "bria-rmbg",
)  # fmt: skip


@pytest.mark.parametrize("name", [*REMBG, "isnet-general", "birefnet", "birefnet-lite", "rmbg"])
def test_names_of_rembg_and_of_the_makers_work(name: str) -> None:
    known = find_known(name)
    assert known is not None
    accepted = None if known.commercial else known.license
    with pytest.raises(NotFoundError, match=f"catalens models pull {known.key}"):
        resolve(name, task="matte", forms=("card", "onnx"), accept_licence=accepted)


def test_a_bundled_network_is_taken_under_its_name() -> None:
    assert resolve("u2netp", task="matte", forms=("card", "onnx")).form == "card"


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def test_the_command_fetches_from_a_mirror_and_lists_what_is_here(
    served: Served, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tiny_onnx()
    known = find_known("silueta")
    assert known is not None
    small = replace(known, files=(KnownFile(f"{served.address}/silueta.onnx", sha256=""),))
    monkeypatch.setattr("catalens.models.known.find_known", lambda name: small if name == "silueta" else None)
    row = {"name": "silueta.onnx", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "trusted": True}
    table = {"name": "silueta", "license": "Apache-2.0", "origin": "rembg", "files": [row]}
    served.files["/m/silueta/pinned.json"] = json.dumps(table).encode()
    served.files["/m/silueta/silueta.onnx"] = data
    found = run("models", "pull", "silueta", "--mirror", served.address + "/m")
    assert found.exit_code == 0, found.output
    assert hashlib.sha256(data).hexdigest() in found.stdout
    rows = {row["name"]: row for row in json.loads(run("models", "list", "--task", "cutout", "--json").stdout)}
    assert (rows["silueta"]["here"], rows["u2net"]["here"]) == ("pulled", "not here")
    assert rows["u2net"]["mb"] == pytest.approx(176, abs=0.1)
    assert rows["u2net"]["scores"] == []  # its authors' figures could not be checked
    assert rows["u2net"]["ms"] is None
    rows = {row["name"]: row for row in json.loads(run("models", "list", "--task", "detect", "--json").stdout)}
    assert rows["yolox-m"]["scores"] == ["COCO val2017 AP 0.469"]
    assert "README" in rows["yolox-m"]["source"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["models", "pull", "u2nett"], "did you mean u2net"),
        (["models", "pull", "nothing-like-it"], "models list"),
        (["models", "pull", "catalens-encoder-s"], "is bundled"),
        (["models", "pull", "u2netp"], "is bundled"),
        (["models", "pull", "rmbg"], "forbids commercial use"),
        (["models", "pull", "sdxl"], "runs in diffusers"),
        (["models", "pull", "u2net", "--mirror", "/nowhere"], "the mirror /nowhere has no u2net"),
        (["models", "list", "--task", "nothing"], "cutout"),
        (["cutout", "PHOTO", "out.png", "--model", "u2net"], "catalens models pull u2net"),
        (["cutout", "PHOTO", "out.png", "--model", "u2nett"], "u2net"),
        (["cutout", "PHOTO", "out.png", "--model", "sam2-tiny"], "is for 'outline'"),
    ],
)
def test_commands_that_cannot_go_on(words: list[str], said: str) -> None:
    photo = str(Path(__file__).parents[1] / "examples" / "shop" / "none.jpg")
    found = run(*(photo if word == "PHOTO" else word for word in words))
    assert isinstance(found.exception, CatalensError), found.output
    assert said.casefold() in str(found.exception).casefold()
