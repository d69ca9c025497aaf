"""What the studio page needs of the service: pictures, feeds as jobs, explanations, facets; decoding that may die."""

from __future__ import annotations

import base64
import io
import json
import time
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="fastapi is in the serve extra")

from fastapi.testclient import TestClient

import catalens
from catalens.errors import FeedError, ImageError, ImageLimitError, StorageError
from catalens.feeds.archives import find_feed, unpack
from catalens.server.app import create_app
from catalens.server.http.problems import TYPES, RefusedError
from catalens.server.jobs.queue import Job, JobQueue
from catalens.server.services.api_keys import ApiKeys
from catalens.server.services.decode_pool import DecodePool
from catalens.server.services.options import ServeOptions
from catalens.server.services.signed_urls import STABLE_S, VALID_S, UrlSigner
from catalens.server.services.thumbnails import ThumbnailCache, negotiate_format
from catalens.tasks.cutout import Cutter
from tests.pictures import encoded

RED = encoded(np.full((40, 60, 3), (200, 20, 20), np.uint8), "PNG")


@pytest.fixture
def client(shop_folder: Path) -> Iterator[TestClient]:
    with TestClient(create_app(ServeOptions(shop_folder)), raise_server_exceptions=False) as client:
        yield client


def done(client: TestClient, id: str) -> dict[str, object]:
    for _ in range(400):
        job = client.get(f"/v1/jobs/{id}").json()
        if job["state"] in ("done", "failed"):
            return job  # type: ignore[no-any-return]
        time.sleep(0.02)
    raise AssertionError("the job never ended")


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def take(client: TestClient, name: str, data: bytes, **headers: str) -> dict[str, object]:
    answer = client.post("/v1/feeds", files={"feed": (name, data)}, headers=headers)
    assert answer.status_code == 202, answer.text
    return answer.json()  # type: ignore[no-any-return]


def test_a_feed_without_its_photos_keeps_the_pictures_that_came_before(client: TestClient) -> None:
    feed = b"sku,title,image\nZ-1,First,red.png\n"
    first = done(client, str(take(client, "a.zip", packed({"feed.csv": feed, "red.png": RED}))["id"]))
    assert (first["state"], first["added"], first["failed"]) == ("done", 1, [])
    before = client.get("/v1/products/Z-1").json()["pictures"]
    assert len(before) == 1
    second = done(client, str(take(client, "feed.csv", feed.replace(b"First", b"Second"))["id"]))
    assert (second["state"], second["updated"], second["failed_count"]) == ("done", 1, 1)
    now = client.get("/v1/products/Z-1").json()
    assert ([one["hash"] for one in now["pictures"]], now["title"]) == ([one["hash"] for one in before], "Second")
    bulk = client.post("/v1/products", json={"products": [{"sku": "Z-1", "attributes": {"price": 3}}]}).json()
    assert done(client, bulk["id"])["updated"] == 1
    now = client.get("/v1/products/Z-1").json()
    assert (len(now["pictures"]), now["title"], now["attributes"]["price"]) == (1, "Second", 3)


# Pictures


def test_a_match_has_a_picture_that_a_browser_may_show(client: TestClient) -> None:
    match = client.post("/v1/search", json={"text": "dress", "k": 1}).json()["matches"][0]
    answer = client.get(match["image"], headers={"accept": "image/avif,image/webp,*/*"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert catalens.read_image(answer.content).shape[2] == 3
    assert client.get(match["image"]).headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    ("change", "status", "kind"),
    [
        (lambda url: url.replace("by=", "by=0"), 403, "wrong-signature"),
        (lambda url: url.replace("/320?", "/640?"), 403, "wrong-signature"),
        (lambda url: url.replace("until=", "until=9"), 403, "wrong-signature"),
        (lambda url: url.replace("/-/", "/other/"), 403, "wrong-signature"),
        (lambda url: url.partition("?")[0], 403, "wrong-signature"),
        (lambda url: url.replace("/320?", "/9999?"), 404, "not-found"),
        (lambda url: "/pictures/-/abc/320", 422, "bad-fields"),
    ],
)
def test_an_address_that_was_changed_shows_nothing(client: TestClient, change: object, status: int, kind: str) -> None:
    match = client.post("/v1/search", json={"text": "dress", "k": 1}).json()["matches"][0]
    answer = client.get(change(match["image"]))  # type: ignore[operator]
    assert (answer.status_code, answer.json()["type"]) == (status, TYPES + kind)


def test_addresses_end_and_survive_one_new_key(tmp_path: Path) -> None:
    now = [1_000_000.0]
    signer = UrlSigner(tmp_path / "signing.json", clock=lambda: now[0])
    url = signer.url("a", "ff", 320)
    asked = dict(part.split("=") for part in url.partition("?")[2].split("&"))

    def check(one: UrlSigner) -> None:
        one.check("a", "ff", 320, until=int(asked["until"]), by=asked["by"])

    check(signer)
    assert signer.url("a", "ff", 320) == url  # so that browsers keep the picture
    signer.rotate()
    check(signer)
    check(UrlSigner(tmp_path / "signing.json", clock=lambda: now[0]))
    now[0] += VALID_S + 2 * STABLE_S
    with pytest.raises(RefusedError, match="has expired"):
        check(signer)
    now[0] -= VALID_S + 2 * STABLE_S
    signer.rotate()
    with pytest.raises(RefusedError, match="not signed"):
        check(signer)
    assert (tmp_path / "signing.json").stat().st_mode & 0o077 == 0
    (tmp_path / "signing.json").write_text("{", "utf-8")
    with pytest.raises(StorageError):
        UrlSigner(tmp_path / "signing.json")


def test_every_digit_of_a_signature_counts(tmp_path: Path) -> None:
    signer = UrlSigner(tmp_path / "signing.json")
    query = signer.url("a", "ff", 320).partition("?")[2]
    until, by = (part.partition("=")[2] for part in query.split("&"))
    assert len(bytes.fromhex(by)) >= 16  # RFC 2104, section 5: at least half of the hash
    signer.check("a", "ff", 320, until=int(until), by=by)
    changed = [by[:at] + ("0" if by[at] != "0" else "1") + by[at + 1 :] for at in range(len(by))]
    for wrong in (*changed, *(by[:digits] for digits in range(len(by))), by + "0", "ä" * len(by)):
        with pytest.raises(RefusedError, match="not signed"):
            signer.check("a", "ff", 320, until=int(until), by=wrong)


def test_thumbnails_are_kept_up_to_a_size() -> None:
    made: list[int] = []
    cache = ThumbnailCache(max_bytes=10)

    def make(n: int) -> bytes:
        made.append(n)
        return b"12345"

    for n in (1, 2, 1, 3, 1, 2):
        assert cache.get(("", str(n), 320, "WEBP"), partial(make, n)) == b"12345"
    assert made == [1, 2, 3, 2]


@pytest.mark.parametrize(
    ("accept", "format"), [("", "JPEG"), ("image/*", "JPEG"), ("image/avif", "AVIF"), ("image/webp,image/avif", "WEBP")]
)
def test_formats(accept: str, format: str) -> None:
    assert negotiate_format(accept) == format


# Products and their pictures


def test_a_picture_for_a_product_is_found_and_goes_with_it(client: TestClient, shop_folder: Path) -> None:
    assert client.post("/v1/pictures/X-1", files={"image": ("a.png", RED)}).status_code == 404
    assert client.put("/v1/products/X-1", json={"title": "Red square"}).json()["added"] == 1
    for _ in range(2):  # the same again changes nothing
        assert client.post("/v1/pictures/X-1", files={"image": ("a.png", RED)}).status_code == 201
    shown = client.get("/v1/products/X-1").json()
    assert [picture["size"] for picture in shown["pictures"]] == [[40, 60]]
    assert client.get(shown["pictures"][0]["image"]).status_code == 200
    assert client.post("/v1/search", files={"image": ("a.png", RED)}).json()["matches"][0]["sku"] == "X-1"
    assert client.put("/v1/products/X-1", json={"title": "Still red"}).json()["updated"] == 1
    assert len(client.get("/v1/products/X-1").json()["pictures"]) == 1
    kept = shop_folder.with_name("shop.uploads") / "pictures" / "-"
    assert len(list(kept.iterdir())) == 1
    assert client.delete("/v1/products/X-1").status_code == 204
    assert not list(kept.iterdir())
    assert client.post("/v1/pictures/X-1", files={"image": ("a.png", b"no picture")}).status_code == 422


# Feeds


def test_a_feed_goes_in_and_tells_what_failed(client: TestClient, shop_folder: Path) -> None:
    lines = [{"sku": "N-1", "title": "One"}, {"sku": "N-2", "pictures": ["/etc/hostname", "http://127.0.0.1/a.png"]}]
    job = done(
        client, str(take(client, "new.jsonl", "\n".join(map(json.dumps, lines)).encode() + b"\nno json\n")["id"])
    )
    assert (job["state"], job["added"], job["failed_count"]) == ("done", 2, 3)
    why = json.dumps(job["failed"])
    assert "not JSON" in why
    assert "did not come with the feed" in why
    assert str(shop_folder.parent) not in json.dumps(job)
    assert client.get("/v1/products/N-2").json()["pictures"] == []
    listed = client.get("/v1/jobs").json()["jobs"]
    assert [one["id"] for one in listed] == [job["id"]]


def test_an_archive_brings_its_photos(client: TestClient) -> None:
    feed = b"sku,title,image\nZ-1,Red thing,photos/red.png\n"
    job = done(client, str(take(client, "all.zip", packed({"shop/feed.csv": feed, "shop/photos/red.png": RED}))["id"]))
    assert (job["state"], job["added"], job["pictures"], job["failed_count"]) == ("done", 1, 1, 0), job
    assert len(client.get("/v1/products/Z-1").json()["pictures"]) == 1


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("../out.png", RED, "relative names"),
        ("/etc/out.png", RED, "relative names"),
        ("a\\..\\..\\out.png", RED, "relative names"),
    ],
)
def test_an_archive_stays_in_its_folder(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    (tmp_path / "a.zip").write_bytes(packed({name: data}))
    with pytest.raises(FeedError, match=why):
        unpack(tmp_path / "a.zip", tmp_path / "in" / "side")
    assert not (tmp_path / "out.png").exists()


def test_a_broken_archive_is_a_problem(client: TestClient) -> None:
    answer = client.post("/v1/feeds", files={"feed": ("a.zip", b"PK\x03\x04 broken")})
    assert (answer.status_code, answer.json()["type"]) == (422, TYPES + "feed-unreadable")
    empty = client.post("/v1/feeds", files={"feed": ("a.csv", b"")})
    assert (empty.status_code, empty.json()["type"]) == (422, TYPES + "feed-unreadable")
    assert client.post("/v1/feeds", json={}).status_code == 415
    assert client.post("/v1/feeds", files={"other": ("a.csv", b"x")}).status_code == 400
    assert client.get("/v1/jobs/none").status_code == 404


def test_an_unreadable_feed_fails_as_a_job(client: TestClient) -> None:
    job = done(client, str(take(client, "a.csv", b"\x00\x01\x02")["id"]))
    assert job["state"] == "failed"
    assert job["problem"]


def test_an_idempotency_key_gives_one_job(client: TestClient) -> None:
    first = take(client, "a.jsonl", b'{"sku": "I-1"}', **{"Idempotency-Key": "abc"})
    done(client, str(first["id"]))
    again = take(client, "a.jsonl", b'{"sku": "I-1"}', **{"Idempotency-Key": "abc"})
    assert again["id"] == first["id"]
    other = client.post("/v1/feeds", files={"feed": ("a.jsonl", b'{"sku": "I-2"}')}, headers={"Idempotency-Key": "abc"})
    assert (other.status_code, other.json()["type"]) == (422, TYPES + "key-used")
    assert len(client.get("/v1/jobs").json()["jobs"]) == 1


def test_many_products_at_a_time(client: TestClient) -> None:
    many = [{"sku": f"B-{n}", "title": f"Thing {n}", "attributes": {"price": n}} for n in range(450)]
    answer = client.post("/v1/products", json={"products": many})
    assert answer.status_code == 202, answer.text
    job = done(client, answer.json()["id"])
    assert (job["added"], job["failed_count"]) == (450, 0)
    assert client.get("/v1/products/B-449").json()["attributes"]["price"] == 449
    assert client.post("/v1/products", json={"products": []}).status_code == 422


def test_a_job_that_was_cut_off_begins_again(tmp_path: Path) -> None:
    seen: list[str] = []

    def work(job: Job, keep: object) -> Job:
        seen.append(job.id)
        return job

    (tmp_path / "jobs").mkdir()
    cut = {"id": "a", "tenant": "", "source": "x", "digest": "", "state": "running", "failed": [], "notes": []}
    (tmp_path / "jobs" / "a.json").write_text(json.dumps(cut), "utf-8")
    (tmp_path / "jobs" / "b.json").write_text("{ broken", "utf-8")
    jobs = JobQueue(tmp_path / "jobs", work)
    for _ in range(200):
        if jobs.get("a", tenant="").state == "done":
            break
        time.sleep(0.01)
    jobs.close()
    assert seen == ["a"]
    assert JobQueue(tmp_path / "jobs", work).get("a", tenant="").state == "done"


def test_jobs_belong_to_their_tenant(shop_folder: Path) -> None:
    options = ServeOptions(shop_folder)
    secrets = [ApiKeys(options.keys).create(scopes=["read", "write"], tenant=tenant)[1] for tenant in ("one", "two")]
    with TestClient(create_app(options)) as client:
        mine, other = ({"Authorization": f"Bearer {secret}"} for secret in secrets)
        job = take(client, "a.jsonl", b'{"sku": "T-1"}', **mine)
        assert client.get(f"/v1/jobs/{job['id']}", headers=mine).status_code == 200
        assert client.get(f"/v1/jobs/{job['id']}", headers=other).status_code == 404
        assert client.get("/v1/jobs", headers=other).json()["jobs"] == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["feed.csv", "photos/a.png"], "feed.csv"),
        (["shop/feed.xml", "shop/a.png"], "shop/feed.xml"),
        (["a.png", "b.png"], "."),
        (["__MACOSX/x", "in/feed.jsonl"], "in/feed.jsonl"),
        (["products"], "products"),
        (["products.export"], "products.export"),
        (["products", "a.png"], "products"),
        (["a.png", "README.md"], "."),
    ],
)
def test_where_the_feed_is(tmp_path: Path, files: list[str], expected: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert find_feed(tmp_path) == (tmp_path / expected).resolve() or find_feed(tmp_path) == tmp_path / expected


# Explaining, filters, repairs


def test_why_a_product_matches(client: TestClient, export: Path) -> None:
    photo = min((export / "queries").glob("*.jpg")).read_bytes()
    match = client.post("/v1/search", files={"image": ("a.jpg", photo)}, data={"k": "1"}).json()["matches"][0]
    for fields in ({"picture_hash": match["picture_hash"]}, {"sku": match["sku"]}):
        told = client.post("/v1/explain", files={"image": ("a.jpg", photo)}, data=fields).json()
        assert 0 < told["cosine"] <= 1
        assert len(told["heat_query"]) == len(told["heat_product"]) > 0
        assert client.get(told["image"]).status_code == 200
    for wrong in ({"sku": "none"}, {"picture_hash": "00"}, {}):
        assert client.post("/v1/explain", files={"image": ("a.jpg", photo)}, data=wrong).status_code == 404


def test_what_to_filter_by(client: TestClient) -> None:
    found = client.get("/v1/facets").json()
    facets = {facet["name"]: facet for facet in found["facets"]}
    assert facets["price"]["span"][0] < facets["price"]["span"][1]
    counts = [one["products"] for one in facets["color"]["values"]]
    assert counts == sorted(counts, reverse=True)
    color = facets["color"]["values"][0]
    matches = client.post("/v1/search", json={"where": f'color="{color["value"]}"', "k": 40}).json()["matches"]
    assert len(matches) == color["products"]
    assert found["weights"]["deep"] > 0


def test_a_photo_is_repaired(client: TestClient) -> None:
    grey = np.full((600, 600, 3), 230, np.uint8)
    grey[200:400, 220:380] = (30, 60, 160)
    photo = encoded(grey, "PNG")
    before = client.post("/v1/check", files={"image": ("a.png", photo)}, data={"rules": "amazon"}).json()["findings"]
    fixed = client.post("/v1/fix", files={"image": ("a.png", photo)}, data={"rules": "amazon"}).json()
    assert len(fixed["findings"]) < len(before)
    again = client.post("/v1/check", json={"image": fixed["image"], "rules": "amazon"}).json()["findings"]
    assert again == fixed["findings"]
    assert {one["level"] for one in fixed["not_judged"]} <= {"advice"}
    assert "amazon" in client.get("/v1/rules").json()["rules"]


def test_what_is_not_judged_is_said_and_what_passes_comes_back_unchanged(client: TestClient) -> None:
    across = np.full((700, 700, 3), 255, np.uint8)
    across[200:500], across[:, 250:450] = (200, 120, 90), (60, 60, 160)
    photo = {"image": ("a.png", encoded(across, "PNG"))}
    for route in ("/v1/check", "/v1/fix"):
        told = client.post(route, files=photo, data={"rules": "amazon"}).json()
        assert not told["passed"]
        assert {"fill", "whole"} <= {one["rule"] for one in told["not_judged"]}
    good = np.full((1200, 1200, 3), 255, np.uint8)
    good[60:1140, 60:1140] = (150, 30, 40)
    fixed = client.post("/v1/fix", files={"image": ("a.png", encoded(good, "PNG"))}, data={"rules": "amazon"}).json()
    assert fixed["passed"]
    assert base64.b64decode(fixed["image"].partition(",")[2]) == encoded(good, "PNG")


@pytest.mark.parametrize("confidence", [0.9, 0.3])
def test_a_doubtful_outline_is_said(client: TestClient, monkeypatch: pytest.MonkeyPatch, confidence: float) -> None:
    monkeypatch.setattr(Cutter, "confidence", lambda *_: confidence)
    image = np.full((600, 600, 3), 230, np.uint8)
    image[200:400, 220:380] = (30, 60, 160)
    photo = {"image": ("a.png", encoded(image, "PNG"))}
    cut = client.post("/v1/cutout", files=photo)
    assert cut.status_code == 200
    assert ("X-Outline-Doubtful" in cut.headers) == (confidence < 0.5)
    fixed = client.post("/v1/fix", files=photo, data={"rules": "amazon"}).json()
    assert ("pure_white is not repaired: the product's outline is doubtful" in str(fixed["refused"])) == (
        confidence < 0.5
    )
    assert ("white" in {one["rule"] for one in fixed["findings"]}) == (confidence < 0.5)


def test_how_it_is(client: TestClient, shop_folder: Path) -> None:
    info = client.get("/v1/info").json()
    assert info["catalog"]["products"] == 40
    assert str(shop_folder.parent) not in json.dumps(info)


# Decoding


def test_decoding_elsewhere_gives_the_same_pixels(export: Path) -> None:
    photo = min((export / "queries").glob("*.jpg"))
    decoders = DecodePool(1)
    try:
        for target in (None, 60):
            assert (decoders.read(photo.read_bytes(), target=target) == catalens.read_image(photo, target=target)).all()
        with pytest.raises(ImageError):
            decoders.read(b"no picture")
        with pytest.raises(ImageLimitError):
            decoders.read(_bomb())
        assert decoders.replaced == 0
    finally:
        decoders.close()


def test_a_decoder_that_takes_too_long_is_replaced(export: Path) -> None:
    photo = min((export / "queries").glob("*.jpg")).read_bytes()
    decoders = DecodePool(1, deadline_s=0.0)
    try:
        with pytest.raises(ImageError, match="too long"):
            decoders.read(photo)
        assert decoders.replaced == 1
        decoders._deadline_s = 10.0
        assert decoders.read(photo).ndim == 3
    finally:
        decoders.close()


def _bomb() -> bytes:
    """A PNG whose header announces 100,000 x 100,000 pixels."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
