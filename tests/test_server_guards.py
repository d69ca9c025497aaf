"""What the service refuses before any work, and what it does the same twice: odd JSON, other pages, bodies, writes."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="fastapi is in the serve extra")

from fastapi.testclient import TestClient
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import catalens
from catalens.errors import CatalensError, CatalogBusyError, FeedError, ImageError, UsageError
from catalens.feeds.archives import unpack
from catalens.server.app import create_app
from catalens.server.dependencies.state import State
from catalens.server.http.problems import STATUS, TYPES, RefusedError, problem_of
from catalens.server.jobs.queue import Job, JobQueue, Turn
from catalens.server.middleware.body_limits import BodyLimit
from catalens.server.middleware.idempotency import IdempotencyCache
from catalens.server.middleware.rate_limit import RateLimiter
from catalens.server.middleware.request_log import RequestLog
from catalens.server.services.api_keys import ApiKeys
from catalens.server.services.batching import BatchingEncoder
from catalens.server.services.decode_pool import DecodePool
from catalens.server.services.metrics import Metrics
from catalens.server.services.options import ServeOptions
from catalens.storage.lock import WriterLock
from tests.fakes import FakeEncoder
from tests.pictures import encoded

JSON = {"content-type": "application/json"}
RED = encoded(np.full((40, 60, 3), (200, 20, 20), np.uint8), "PNG")


@pytest.fixture
def client(shop_folder: Path) -> Iterator[TestClient]:
    hosts = frozenset({"testserver"})
    with TestClient(create_app(ServeOptions(shop_folder, hosts=hosts)), raise_server_exceptions=False) as client:
        yield client


# Requests


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/search", b"[" * 100_000),
        ("/v1/search", b'{"a":' * 100_000),
        ("/v1/search", rb'{"text": "\ud800"}'),
        ("/v1/search", rb'{"like": ["\ud800"]}'),
        ("/v1/search", rb'{"where": "color=\ud800"}'),
        ("/v1/search", b'{"text": "a", "k": NaN}'),
        ("/v1/search", b'{"text": "a", "k": 2.5}'),
        ("/v1/search", b'{"text": "a", "k": ' + b"9" * 400 + b"}"),
        ("/v1/search", b'{"text": "a", "group": {}}'),
        ("/v1/search", json.dumps({"text": "a", "weights": "[" * 100_000}).encode()),
        ("/v1/search?k=1&k=2", b'{"text": "a"}'),
        ("/v1/embeddings", b"[" * 100_000),
        ("/v1/embeddings", b'{"input": "a", "dimensions": 7}'),
        ("/v1/embeddings", b'{"input": "http://127.0.0.1/a.jpg"}'),
        ("/v1/classify", json.dumps({"labels": [str(n) for n in range(1000)]}).encode()),
    ],
)
def test_odd_json_is_a_problem(client: TestClient, path: str, body: bytes) -> None:
    answer = client.post(path, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (400, TYPES + "bad-request"), answer.text


def test_other_character_sets_are_refused(client: TestClient) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\na\r\n--x--\r\n'
    kind = "multipart/form-data; boundary=x; charset=punycode"
    assert client.post("/v1/search", content=form, headers={"content-type": kind}).status_code == 415
    assert client.post("/v1/feeds", content=form, headers={"content-type": kind}).status_code == 415


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://testserver"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "evil.example"}, 403),
        ({"host": "evil.example", "origin": "http://evil.example"}, 403),
        ({"host": "testserver:8000", "origin": "http://testserver:8000"}, 200),
    ],
)
def test_without_keys_no_page_of_another_site_may_call(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    assert client.get("/v1/rules", headers=headers).status_code == status
    assert client.post("/v1/feeds", headers=headers, files={"feed": ("a.csv", b"")}).status_code in (status, 422)


def test_beyond_this_machine_a_key_is_needed_even_when_there_is_none_any_more(shop_folder: Path) -> None:
    client = TestClient(create_app(ServeOptions(shop_folder, closed=True)))
    assert client.get("/v1/rules").status_code == 401
    assert client.get("/metrics").status_code == 401
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": ["search", "write"], "origins": ["https://shop.example"]},
        {"scopes": ["search"], "per_second": float("nan")},
        {"scopes": ["search"], "per_second": float("inf")},
        {"scopes": ["search"], "tenant": "-"},
    ],
)
def test_keys_that_make_no_sense(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        ApiKeys(tmp_path / "keys.json").create(**wrong)  # type: ignore[arg-type]


def test_rates_are_shared(tmp_path: Path) -> None:
    one, other = RateLimiter(tmp_path), RateLimiter(tmp_path)
    assert [rates.take("a", 0.2) > 0 for rates in (one, other, one)] == [False, False, True]
    assert RateLimiter().take("a", 0.2) == 0


def test_what_is_said_holds_no_path_and_no_process(
    client: TestClient, shop_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def writing(tenant: str, *, who: str) -> None:
        raise CatalogBusyError(f"{shop_folder} is being written by process 1 on host", cure="wait")

    monkeypatch.setattr(client.app.state.catalens, "writable_catalog", writing)  # type: ignore[attr-defined]
    answer = client.put("/v1/products/A", json={})
    assert (answer.status_code, answer.json()["type"]) == (409, TYPES + "catalog-busy")
    assert str(shop_folder) not in answer.text
    assert "process 1" not in answer.text
    assert answer.headers["retry-after"]


# Bodies


def ask(pieces: list[bytes], *, wait: float = 0.0, **limits: float) -> int:
    """Send pieces of a body through the limit to an application that reads all of it; return the status."""
    statuses: list[int] = []

    async def application(_: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            continue
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def run() -> None:
        left = list(pieces)

        async def receive() -> Message:
            await asyncio.sleep(wait)
            body = left.pop(0) if left else b""
            return {"type": "http.request", "body": body, "more_body": bool(left)}

        async def send(message: Message) -> None:
            statuses.extend([message["status"]] if "status" in message else [])

        limit = BodyLimit(application, limit=100, longer={}, **limits)  # type: ignore[arg-type]
        await limit({"type": "http", "path": "/", "headers": []}, receive, send)
        assert limit._held == 0

    asyncio.run(run())
    (status,) = statuses
    return status


def test_bodies_are_bounded_in_bytes_in_time_and_together() -> None:
    assert ask([]) == 200
    assert ask([b"x" * 50, b"x" * 50]) == 200
    assert ask([b"x" * 50, b"x" * 51]) == 413
    assert ask([b"x"] * 3, wait=0.05, timeout_s=0.01) == 408
    assert ask([b"x" * 50], held=49) == 429


# Room


async def no_body() -> Message:
    raise AssertionError("a body was read")


def posted(app: ASGIApp, path: str, *, receive: Receive = no_body) -> list[Message]:
    """What is answered to a post from a page of a shop."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"testserver"), (b"origin", b"https://shop.example")]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}

    async def call() -> None:
        await app(scope, receive, send)

    asyncio.run(call())
    return sent


def test_where_there_is_no_room_no_body_is_read(shop_folder: Path) -> None:
    hosts, origins = frozenset({"testserver"}), ("https://shop.example",)
    app = create_app(ServeOptions(shop_folder, hosts=hosts, origins=origins))
    state: State = app.state.catalens
    paths = [path for path, calls in app.openapi()["paths"].items() if "post" in calls and "{" not in path]
    assert posted(app, "/v1/search")[0]["status"] == 400  # there is room, and nothing is asked
    for gate in state.limiters.values():
        gate._admitted = gate.running + gate.waiting
    for path in paths:
        start = posted(app, path)[0]
        headers = dict(start["headers"])
        assert start["status"] == 429, path
        assert headers[b"content-type"] == b"application/problem+json"
        assert headers[b"access-control-allow-origin"] == b"https://shop.example"
        assert int(headers[b"retry-after"]) > 0
        assert f'route="{path}",status="429"' in state.metrics.text().decode()
    assert posted(app, "/v1/nothing")[0]["status"] == 404
    state.close()


# Counts


@pytest.mark.parametrize(
    ("starts", "error", "told", "counted"),
    [
        (False, None, [], 499),
        (True, None, [200], 200),
        (False, ClientDisconnect(), [], 499),
        (True, ClientDisconnect(), [200], 200),
        (False, ValueError("secret"), [500], 500),
        (True, ValueError("secret"), [200], 200),
    ],
)
def test_every_request_is_counted_however_it_ends(
    starts: bool, error: Exception | None, told: list[int], counted: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def application(_: Scope, receive: Receive, send: Send) -> None:
        if starts:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        if error is not None:
            raise error

    metrics = Metrics()
    with caplog.at_level("INFO", "catalens.server"):
        sent = posted(RequestLog(application, metrics=metrics, paths=["/a"]), "/a")
        posted(RequestLog(application, metrics=metrics, paths=["/a"]), "/b")
    assert [message["status"] for message in sent if "status" in message] == told
    for route in ("/a", "none"):
        assert f'catalens_requests_total{{route="{route}",status="{counted}"}} 1.0' in metrics.text().decode()
    assert ("ValueError" in caplog.text) == isinstance(error, ValueError)
    assert "secret" not in caplog.text + str(sent)


# Pictures


def test_a_decoder_that_was_stopped_is_replaced(export: Path) -> None:
    photo = min((export / "queries").glob("*.jpg")).read_bytes()
    decoders = DecodePool(1, deadline_s=0.3)
    try:
        decoders.read(photo)
        worker = decoders._free.get()
        assert worker is not None
        os.kill(worker._process.pid, signal.SIGSTOP)
        decoders._free.put(worker)
        with pytest.raises(ImageError, match="too long"):
            decoders.read(photo + bytes(2**20))  # more than a pipe holds: writing, too, must end
        decoders._deadline_s = 10.0
        assert decoders.read(photo).ndim == 3
    finally:
        decoders.close()


def test_a_picture_that_is_known_is_not_sent_again(client: TestClient) -> None:
    url = client.post("/v1/search", json={"text": "dress", "k": 1}).json()["matches"][0]["image"]
    tags = {}
    for accept, kind in {"image/webp": "webp", "image/webp;q=0, */*": "jpeg", "": "jpeg"}.items():
        answer = client.get(url, headers={"accept": accept})
        assert answer.headers["content-type"] == f"image/{kind}"
        tags[kind] = answer.headers["etag"]
        assert client.get(url, headers={"accept": accept, "if-none-match": tags[kind]}).status_code == 304
    assert tags["webp"] != tags["jpeg"]
    assert client.get(url, headers={"accept": "image/webp", "if-none-match": tags["jpeg"]}).status_code == 200


class _Photo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(RED)

    def log_message(self, *_: object) -> None: ...


def test_addresses_of_pictures(shop_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTPServer(("127.0.0.1", 0), _Photo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://localhost:{server.server_port}/a.png"
        for hosts, status, kind in (
            ((), 400, "bad-request"),
            (("shop.example",), 422, "address-refused"),
            (("localhost",), 422, "address-refused"),  # allowed, but not on the public internet
        ):
            with TestClient(create_app(ServeOptions(shop_folder, url_hosts=frozenset(hosts)))) as client:
                answer = client.post("/v1/search", json={"image": url, "k": 1})
                assert (answer.status_code, answer.json()["type"]) == (status, TYPES + kind), answer.text
        monkeypatch.setattr("catalens.images.remote.is_public", lambda address: True)
        monkeypatch.setitem(
            catalens.images.remote.fetch_image_bytes.__kwdefaults__,  # type: ignore[attr-defined]
            "is_allowed",
            lambda address: True,
        )
        with TestClient(create_app(ServeOptions(shop_folder, url_hosts=frozenset({"localhost"})))) as client:
            by_address = client.post("/v1/search", json={"image": url, "k": 1}).json()["matches"]
            by_file = client.post("/v1/search", files={"image": ("a.png", RED)}, data={"k": "1"}).json()["matches"]
        server.shutdown()
    assert [one["sku"] for one in by_address] == [one["sku"] for one in by_file]


def test_calls_of_a_network_go_through_it_together() -> None:
    fake, sizes = FakeEncoder(), []
    busy = threading.Event()

    class Slow(FakeEncoder):
        def encode_prepared(self, batch: np.ndarray) -> np.ndarray:
            busy.wait(5)
            return super().encode_prepared(batch)

    batching = BatchingEncoder(Slow(), on_batch=lambda pictures, _: sizes.append(pictures))
    pictures = [np.full((8, 8, 3), 20 * n, np.uint8) for n in range(6)]
    found: dict[int, np.ndarray] = {}

    def one(number: int) -> None:
        found[number] = batching.encode_images([pictures[number]])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    while len(batching._waiting) < 5:
        time.sleep(0.005)
    busy.set()
    for thread in threads:
        thread.join()
    assert sizes == [1, 5]
    for number, vector in found.items():
        np.testing.assert_allclose(vector, fake.encode_images([pictures[number]]), atol=1e-6)
    assert batching.encode_images([]).shape == (0, fake.dim)


# Writes


def test_an_answer_is_kept_by_its_key(tmp_path: Path) -> None:
    answers, done = IdempotencyCache(tmp_path / "answers"), []

    def work() -> int:
        done.append(1)
        return len(done)

    assert [answers.once(None, "", "a", work), answers.once(None, "", "a", work)] == [1, 2]
    assert [answers.once("k", "", "a", work), answers.once("k", "", "a", work)] == [3, 3]
    assert answers.once("k", "other tenant", "a", work) == 4
    assert IdempotencyCache(tmp_path / "answers").once("k", "", "a", work) == 3  # on disk
    with pytest.raises(RefusedError, match="another request"):
        answers.once("k", "", "b", work)


def test_writes_by_idempotency_key(client: TestClient) -> None:
    key = {"Idempotency-Key": "1"}
    put = [client.put("/v1/products/I-1", json={"title": "a"}, headers=key).json() for _ in range(2)]
    assert put[0] == put[1]
    assert client.put("/v1/products/I-1", json={"title": "b"}, headers=key).status_code == 422
    gone = [client.delete("/v1/products/I-1", headers={"Idempotency-Key": "2"}).status_code for _ in range(2)]
    assert gone == [204, 204]
    assert client.delete("/v1/products/I-1").status_code == 404


def test_one_tenant_does_not_delete_the_other_ones_photo(shop_folder: Path) -> None:
    options = ServeOptions(shop_folder)
    secrets = [ApiKeys(options.keys).create(scopes=["read", "write"], tenant=name)[1] for name in ("one", "two")]
    with TestClient(create_app(options)) as client:
        for secret in secrets:
            head = {"Authorization": f"Bearer {secret}"}
            client.put("/v1/products/P", json={}, headers=head)
            assert client.post("/v1/pictures/P", files={"image": ("a.png", RED)}, headers=head).status_code == 201
        mine, other = ({"Authorization": f"Bearer {secret}"} for secret in secrets)
        assert client.delete("/v1/products/P", headers=mine).status_code == 204
        (picture,) = client.get("/v1/products/P", headers=other).json()["pictures"]
        assert client.get(picture["image"]).status_code == 200


def test_searches_go_on_while_others_write(client: TestClient) -> None:
    statuses: list[int] = []
    stop = threading.Event()

    def search() -> None:
        while not stop.is_set():
            statuses.append(client.post("/v1/search", json={"text": "dress", "k": 1}).status_code)

    thread = threading.Thread(target=search)
    thread.start()
    for number in range(5):
        assert client.put(f"/v1/products/W-{number}", json={"title": "dress"}).status_code == 200
    stop.set()
    thread.join()
    assert set(statuses) <= {200}


def packed(files: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def broken() -> bytes:
    data = bytearray(packed({"feed.csv": bytes(range(256)) * 40}))
    data[60:120] = b"\xff" * 60
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        broken(),
        packed({"a": b"x", "a/b": b"y"}),
        packed({"x" * 300: b"x"}),
        packed({"bomb.csv": bytes(80 * 2**20)}),
    ],
    ids=["broken", "a file and a folder", "a long name", "a bomb"],
)
def test_archives_that_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(FeedError):
        unpack(tmp_path / "a.zip", tmp_path / "in")


@pytest.mark.parametrize("name", ["..", "a\0b.csv", "é" * 100 + ".csv", "../../etc/passwd", "C:\\a.csv", ".hidden"])
def test_a_feed_of_any_name(client: TestClient, name: str) -> None:
    answer = client.post("/v1/feeds", files={"feed": (name, b"sku,title\nQ-1,t\n")})
    assert answer.status_code == 202, answer.text


def test_a_job_goes_on_behind_what_was_done_and_tells_of_each_item(tmp_path: Path) -> None:
    seen: list[int] = []

    def work(job: Job, keep: Turn) -> Job:
        for start in range(job.taken, 10, 5):
            seen.append(start)
            job = replace(job, taken=start + 5)
            if not keep(job, [{"sku": str(n)} for n in range(start, start + 5)]):
                break
        return job

    (tmp_path / "jobs").mkdir()
    cut = {"id": "a", "tenant": "", "source": "x", "digest": "", "state": "running", "failed": [], "notes": []}
    (tmp_path / "jobs" / "a.json").write_text(json.dumps({**cut, "taken": 5}), "utf-8")
    (tmp_path / "jobs" / "a.items").mkdir()
    (tmp_path / "jobs" / "a.items" / "000000000000.json").write_text(
        json.dumps([{"sku": str(n)} for n in range(5)]), "utf-8"
    )
    jobs = JobQueue(tmp_path / "jobs", work)
    while jobs.get("a", tenant="").state != "done":
        time.sleep(0.01)
    assert seen == [5]
    found, following = jobs.items(jobs.get("a", tenant=""), after=3, limit=4)
    assert [one["sku"] for one in found] == ["3", "4", "5", "6"]
    assert following == 7
    assert jobs.items(jobs.get("a", tenant=""), after=7, limit=4)[1] is None
    jobs.close()


def test_another_process_does_the_jobs_where_it_holds_the_lock(tmp_path: Path) -> None:
    done: list[str] = []

    def work(job: Job, _: Turn) -> Job:
        done.append(job.id)
        return job

    (tmp_path / "jobs").mkdir()
    jobs = JobQueue(tmp_path / "jobs", work)
    with WriterLock(tmp_path / "jobs" / "lock", wait_s=0):
        jobs.submit(Job("a", "", "x", ""))
        time.sleep(0.1)
        assert not done
        assert jobs.get("a", tenant="").state == "waiting"
    for _ in range(300):
        if done:
            break
        time.sleep(0.01)
    jobs.close()
    assert done == ["a"]


# What problems there are


def test_every_problem_is_explained() -> None:
    root = Path(__file__).parent.parent
    page = (root / "docs" / "serve.md").read_text("utf-8")
    sources = "\n".join(path.read_text("utf-8") for path in (root / "src/catalens/server").rglob("*.py"))
    raised = set(re.findall(r'(?:RefusedError|problem|_refusal)\(\s*\d{3},\s*"([a-z-]+)"', sources))
    kinds = raised | {kind for _, _, kind in STATUS}
    assert {"too-busy", "key-missing", "body-too-slow", "model-unavailable"} <= kinds
    assert sorted(kind for kind in kinds if f"`{kind}`" not in page) == []


@pytest.mark.parametrize("error", [kind for kind, _, _ in STATUS])
def test_every_error_of_the_library_is_a_problem(error: type[CatalensError]) -> None:
    answer = problem_of(error("what came, at /secret/shop", cure="what to do"), roots=["/secret"])
    told = json.loads(bytes(answer.body))
    assert 400 <= answer.status_code <= 507
    assert answer.status_code != 500
    assert told["type"].startswith(TYPES)
    assert "/secret" not in told["detail"]
