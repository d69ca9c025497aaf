"""Jobs that cannot hold up the service: workers that die, attempts, turns, quotas, what is deleted by its age."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="fastapi is in the serve extra")

from fastapi.testclient import TestClient

from catalens.errors import FeedError, UsageError
from catalens.server.app import create_app
from catalens.server.http.problems import TYPES, RefusedError
from catalens.server.jobs.feed_items import batches, dump_item, load_item
from catalens.server.jobs.feed_reader import WORKER, FeedLimits, FeedReader, WorkerDeathError
from catalens.server.jobs.queue import MAX_ATTEMPTS, Job, JobQueue, Turn
from catalens.server.services import quotas
from catalens.server.services.options import ServeOptions
from catalens.server.services.quotas import UploadsInFlight
from catalens.storage.records import MAX_ATTRIBUTES
from catalens.types import Failure, PictureSource, Product, Variant, Where
from tests.pictures import encoded

RED = encoded(np.full((40, 60, 3), (200, 20, 20), np.uint8), "PNG")
BLUE = encoded(np.full((40, 60, 3), (20, 20, 200), np.uint8), "PNG")
WHERE = Where("feed.csv", 3)
KILLED = (sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
HANGS = (sys.executable, "-c", "import time; time.sleep(600)")
SPINS = (
    sys.executable,
    "-c",
    "import itertools, json, sys\nfrom catalens.server.jobs import feed_worker as worker\n"
    "worker.open_feed = lambda *_, **__: sum(itertools.count())\nworker.main(json.loads(sys.argv[1]))",
)


@contextmanager
def served(folder: Path, *, reader: FeedReader | None = None, **options: Any) -> Iterator[TestClient]:
    app = create_app(ServeOptions(folder, **options), reader=reader)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def until(check: Callable[[], bool]) -> None:
    for _ in range(3_000):
        if check():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


def ended(client: TestClient, id: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def is_ended() -> bool:
        found.update(client.get(f"/v1/jobs/{id}").json())
        return found["state"] not in ("waiting", "running")

    until(is_ended)
    return found


def send(client: TestClient, data: bytes, name: str = "feed.csv", **fields: str) -> str:
    answer = client.post("/v1/feeds", files={"feed": (name, data)}, data=fields)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def packed(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return out.getvalue()


# The worker


@pytest.mark.parametrize(
    ("worker", "limits", "why"),
    [
        (KILLED, FeedLimits(), "signal 9"),
        ((sys.executable, "-c", "raise SystemExit(1)"), FeedLimits(), "status 1"),
        (HANGS, FeedLimits(wall_s=0.0), "more than 0 s"),
        (SPINS, FeedLimits(cpu_s=1), "more than 1 s of CPU time"),
        (WORKER, FeedLimits(memory=2**20), "more than 1 MB of memory"),
        (WORKER, FeedLimits(output=2**20), "more than 1 MB"),
    ],
)
def test_a_worker_that_breaks_a_limit_says_which(
    tmp_path: Path, worker: tuple[str, ...], limits: FeedLimits, why: str
) -> None:
    (tmp_path / "feed").mkdir()
    lines = "\n".join(json.dumps({"sku": f"A-{n}", "title": f"{n} " * 40}) for n in range(20_000))
    (tmp_path / "feed" / "a.jsonl").write_text(lines, "utf-8")
    reader = FeedReader(limits, worker=worker)
    reader.start(tmp_path, format=None)
    with pytest.raises(WorkerDeathError, match=why):
        until(lambda: reader.wait(tmp_path) is not None)  # type: ignore[func-returns-value]
    assert not reader.is_reading(tmp_path)
    assert reader.found(tmp_path) is None


def test_a_feed_of_too_many_products_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "feed").mkdir()
    (tmp_path / "feed" / "a.csv").write_text("sku,title\n" + "".join(f"A-{n},t\n" for n in range(11)), "utf-8")
    reader = FeedReader(FeedLimits(items=10))
    reader.start(tmp_path, format=None)
    until(lambda: not (reader.wait(tmp_path) or reader.is_reading(tmp_path)))  # type: ignore[func-returns-value]
    with pytest.raises(FeedError, match="more than 10 products"):
        reader.found(tmp_path)


@pytest.mark.parametrize(
    ("worker", "data", "why"),
    [(WORKER, b"PK\x03\x04 broken", "cannot be unpacked"), (KILLED, packed(a_csv=b"sku\n1\n"), "signal 9")],
)
def test_an_archive_that_cannot_be_unpacked(tmp_path: Path, worker: tuple[str, ...], data: bytes, why: str) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(FeedError, match=why):
        FeedReader(worker=worker).unpack(tmp_path / "a.zip", tmp_path / "in")


@pytest.mark.parametrize(
    "item",
    [
        Product("a", WHERE),
        Failure(WHERE, "row", "why", "cure"),
        Product(
            "é\n\U0001f600", Where("a"), "title", "text\u2028",
            {"n": 1, "f": 0.1, "b": True, "t": "x", "many": ("a", "b"), "none": ()},
            (PictureSource("/a/b.jpg", WHERE),),
            (Variant("v", "t", {"size": "S"}, (PictureSource("https://x.example/1.jpg", WHERE),)),),
        ),
    ],
)  # fmt: skip
def test_items_come_back_as_they_were(item: Product | Failure) -> None:
    assert "\n" not in dump_item(item)
    assert load_item(dump_item(item)) == item


def test_items_come_in_batches_that_go_on_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text("", "utf-8")
    assert list(batches(path, taken=0, offset=0, most=2, most_bytes=10**6)) == []
    items = [Product(str(n), WHERE) for n in range(5)]
    path.write_text("".join(dump_item(one) + "\n" for one in items), "utf-8")
    whole = list(batches(path, taken=0, offset=0, most=2, most_bytes=10**6))
    assert [part for part, _ in whole] == [items[:2], items[2:4], items[4:]]
    assert [part for part, _ in batches(path, taken=2, offset=whole[0][1], most=2, most_bytes=10**6)] == [
        items[2:4],
        items[4:],
    ]
    assert [part for part, _ in batches(path, taken=4, offset=0, most=2, most_bytes=10**6)] == [items[4:]]
    assert [len(part) for part, _ in batches(path, taken=0, offset=0, most=9, most_bytes=1)] == [1] * 5


@pytest.mark.skipif(sys.platform != "linux", reason="Linux ends the children of a process that was killed")
def test_a_worker_ends_with_the_service_that_started_it(tmp_path: Path) -> None:
    (tmp_path / "feed").mkdir()
    (tmp_path / "feed" / "a.csv").write_text("sku\n1\n", "utf-8")
    service = (
        "import sys, time\nfrom pathlib import Path\nfrom catalens.server.jobs.feed_reader import FeedReader\n"
        f"reader = FeedReader(worker={SPINS!r})\nfolder = Path({str(tmp_path)!r})\n"
        "reader.start(folder, format=None)\nprint(reader._running[folder][0].pid, flush=True)\ntime.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", service], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    until(lambda: "feed_worker" in Path(f"/proc/{worker}/cmdline").read_text("utf-8"))
    process.kill()
    process.wait()
    process.stdout.close()

    def is_gone() -> bool:
        stat = Path(f"/proc/{worker}/stat")
        return not stat.exists() or stat.read_text("utf-8").rpartition(")")[2].split()[0] == "Z"

    until(is_gone)


# Jobs that are set aside


def test_a_job_whose_worker_dies_is_set_aside_and_tried_again_only_by_hand(shop_folder: Path) -> None:
    with served(shop_folder, reader=FeedReader(worker=KILLED)) as client:
        id = send(client, b"sku,title\nS-1,One\n")
        job = ended(client, id)
        assert (job["state"], job["attempts"]) == ("set aside", MAX_ATTEMPTS)
        assert "signal 9" in job["problem"]
        assert client.post(f"/v1/jobs/{id}/retry").json()["state"] == "waiting"
        assert ended(client, id)["state"] == "set aside"
    with served(shop_folder) as client:  # a restart does not begin it again
        assert client.get(f"/v1/jobs/{id}").json()["state"] == "set aside"
        assert client.get("/v1/products/S-1").status_code == 404
        assert client.post(f"/v1/jobs/{id}/retry").status_code == 202
        job = ended(client, id)
        assert (job["state"], job["added"], job["problem"], job["attempts"]) == ("done", 1, "", 0)
        assert client.post(f"/v1/jobs/{id}/retry").status_code == 400
        assert client.post("/v1/jobs/none/retry").status_code == 404


def test_the_service_answers_while_a_feed_hangs(shop_folder: Path) -> None:
    reader = FeedReader(worker=HANGS)
    with served(shop_folder, reader=reader) as client:
        id = send(client, b"sku,title\nS-1,One\n")
        until(lambda: reader.is_reading(shop_folder.with_name("shop.uploads") / id))
        assert client.get("/healthz").status_code == 200
        assert client.post("/v1/search", json={"text": "dress"}).status_code == 200
        assert client.put("/v1/products/S-2", json={"title": "Two"}).json()["added"] == 1
        assert client.get(f"/v1/jobs/{id}").json()["state"] == "running"
    record = json.loads((shop_folder.with_name("shop.jobs") / f"{id}.json").read_text("utf-8"))
    assert (record["state"], record["attempts"]) == ("running", 0)  # an orderly end is no attempt


def test_a_cell_that_took_hours_to_parse(shop_folder: Path) -> None:
    with served(shop_folder) as client:
        job = ended(client, send(client, b"sku,title,price\nS-1,One,1" + b" " * 3_000 + b"x1\nS-2,Two,3\n"))
        assert job["state"] == "done"
        assert client.get("/v1/products/S-2").json()["attributes"]["price"] == 3


@pytest.mark.parametrize(("attempts", "state"), [(0, "done"), (1, "done"), (2, "done"), (3, "set aside")])
def test_attempts_are_counted_across_restarts(tmp_path: Path, attempts: int, state: str) -> None:
    seen: list[int] = []

    def work(job: Job, turn: Turn) -> Job:
        seen.append(turn.attempt(job).attempts)
        found = json.loads((tmp_path / "jobs" / "a.json").read_text("utf-8"))
        assert found["attempts"] == seen[-1]  # before it begins
        return job

    (tmp_path / "jobs").mkdir()
    cut = {"id": "a", "tenant": "", "source": "x", "digest": "", "state": "running", "failed": [], "notes": []}
    (tmp_path / "jobs" / "a.json").write_text(json.dumps({**cut, "attempts": attempts}), "utf-8")
    jobs = JobQueue(tmp_path / "jobs", work)
    until(lambda: not jobs.get("a", tenant="").is_open)
    jobs.close()
    assert jobs.get("a", tenant="").state == state
    assert seen == ([attempts + 1] if state == "done" else [])
    if state == "done":
        with pytest.raises(UsageError, match="is done"):
            jobs.retry("a", tenant="")


# Turns


@pytest.mark.parametrize("data", [b'x,"y\naa', b"\x00\x01", b'<!DOCTYPE a [<!ENTITY b "c">]><rss/>', b"sku,title\n"])
def test_a_job_that_came_to_nothing_has_no_items(shop_folder: Path, data: bytes) -> None:
    with served(shop_folder) as client:
        id = send(client, data)
        assert ended(client, id)["taken"] == 0
        answer = client.get(f"/v1/jobs/{id}/items")
        assert (answer.status_code, answer.json()) == (200, {"items": [], "next": None})


def test_tenants_take_turns(tmp_path: Path) -> None:
    order: list[str] = []

    def work(job: Job, turn: Turn) -> Job:
        for taken in range(job.taken, 3):
            order.append(job.id)
            job = replace(job, taken=taken + 1)
            if not turn(job, [{"sku": str(taken)}]):
                break
        return job

    jobs = JobQueue(tmp_path / "jobs", work, paused=True)
    (tmp_path / "jobs").mkdir()
    with_tenants = [("a1", "a"), ("a2", "a"), ("b1", "b"), ("c1", "c")]
    for number, (id, tenant) in enumerate(with_tenants):
        jobs._save(Job(id, tenant, "x", "", created=float(number + 1)))
    jobs.resume()
    until(lambda: jobs.queued == 0)
    jobs.close()
    assert order == ["a1", "b1", "c1"] * 3 + ["a2"] * 3
    assert [len(jobs.items(jobs.get(id, tenant=tenant), after=0, limit=9)[0]) for id, tenant in with_tenants] == [3] * 4


# Quotas and limits


def test_products_beyond_the_quota_are_refused(shop_folder: Path) -> None:
    with served(shop_folder, max_products=41) as client:
        known = client.get("/v1/products").json()["products"][0]["sku"]
        assert client.put("/v1/products/Q-1", json={"title": "41st"}).json()["added"] == 1
        refused = client.put("/v1/products/Q-2", json={"title": "42nd"})
        assert (refused.status_code, refused.json()["type"]) == (403, TYPES + "quota-products")
        assert client.put("/v1/products/Q-1", json={"title": "anew"}).json()["updated"] == 1
        job = ended(client, send(client, f"sku,title\nQ-3,new\n{known},Other title\n".encode()))
        assert (job["state"], job["added"], job["updated"], job["failed_count"]) == ("done", 0, 1, 1)
        assert "41 products" in job["failed"][0]["why"]


@pytest.mark.parametrize(
    ("quota", "status", "kind"),
    [({"max_gigabytes": 0}, 507, "quota-bytes"), ({"max_jobs": 0}, 429, "quota-jobs")],
)
def test_uploads_beyond_the_quota_are_refused(shop_folder: Path, quota: dict[str, int], status: int, kind: str) -> None:
    with served(shop_folder, max_gigabytes=quota.get("max_gigabytes", 1), max_jobs=quota.get("max_jobs", 1)) as client:
        for answer in (
            client.post("/v1/feeds", files={"feed": ("a.csv", b"sku\nA\n")}),
            client.post("/v1/products", json={"products": [{"sku": "A"}]}),
        ):
            assert (answer.status_code, answer.json()["type"]) == (status, TYPES + kind)
        uploads = shop_folder.with_name("shop.uploads")
        assert not uploads.exists() or not list(uploads.iterdir())
        if kind == "quota-bytes":
            sku = client.get("/v1/products").json()["products"][0]["sku"]
            assert client.post(f"/v1/pictures/{sku}", files={"image": ("a.png", RED)}).status_code == 507
        assert client.post("/v1/search", json={"text": "dress"}).status_code == 200


def test_a_product_beyond_a_limit_is_refused_and_the_others_are_not(shop_folder: Path) -> None:
    many = {f"n{n}": n for n in range(MAX_ATTRIBUTES + 1)}
    with served(shop_folder) as client:
        assert client.put("/v1/products/M-1", json={"attributes": many}).status_code == 422
        answer = client.put("/v1/products/M-1", json={"attributes": {"n": 10**400}})
        assert (answer.status_code, answer.json()["type"]) == (422, TYPES + "product-refused")
        assert "300 digits" in answer.json()["detail"]
        lines = [{"sku": "M-1", **many}, {"sku": "M-2", "title": "t" * 20_001}, {"sku": "M-3", "title": "fine"}]
        job = ended(client, send(client, "\n".join(map(json.dumps, lines)).encode(), "a.jsonl"))
        assert (job["state"], job["added"], job["failed_count"]) == ("done", 2, 2)
        assert len(client.get("/v1/products/M-1").json()["attributes"]) == MAX_ATTRIBUTES  # the feed's reader says so
        assert any(
            one["why"] == "20,001 characters in a title; a product may have at most 20,000" for one in job["failed"]
        )


def test_a_page_of_large_products_ends_early(shop_folder: Path) -> None:
    lines = [{"sku": f"0-{n}", "description": "word " * 300_000} for n in range(6)]
    with served(shop_folder) as client:
        assert ended(client, send(client, "\n".join(map(json.dumps, lines)).encode(), "a.jsonl"))["added"] == 6
        seen, after, pages = [], None, 0
        while pages == 0 or after is not None:
            page = client.get("/v1/products", params={"limit": 200, **({"after": after} if after else {})}).json()
            seen += [one["sku"] for one in page["products"]]
            after, pages = page["next"], pages + 1
        assert (len(seen), len(set(seen)), pages) == (46, 46, 3)


# What is on its way


def test_feeds_on_their_way_are_bounded(tmp_path: Path) -> None:
    flight = UploadsInFlight(tmp_path, largest=100)
    with flight.of("one") as first, flight.of("one") as second, flight.of("two") as third, flight.of("") as fourth:
        first(120)
        second(80)
        with pytest.raises(RefusedError, match="at a time") as refused:
            second(1)
        assert (refused.value.status, refused.value.kind) == (429, "too-busy")
        third(199)
        with pytest.raises(RefusedError):
            fourth(1)
    assert flight._sent == {}
    with flight.of("one") as again:
        again(200)


def test_nothing_is_taken_while_the_disk_is_nearly_full(shop_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(shop_folder) as client:
        monkeypatch.setattr(quotas, "SPARE_BYTES", 2**62)
        answer = client.post("/v1/feeds", files={"feed": ("a.csv", b"sku\nA\n")})
        assert (answer.status_code, answer.json()["type"]) == (507, TYPES + "storage-full")
        assert list(shop_folder.with_name("shop.uploads").iterdir()) == []


def test_an_upload_that_is_broken_off_leaves_nothing(shop_folder: Path) -> None:
    app = create_app(ServeOptions(shop_folder))
    parts = [{"type": "http.request", "body": b"--x\r\n" + bytes(3 * 2**20), "more_body": True}] * 2
    messages = iter([*parts, {"type": "http.disconnect"}])
    headers = [(b"content-type", b"multipart/form-data; boundary=x"), (b"host", b"localhost")]
    scope = {
        "type": "http", "method": "POST", "path": "/v1/feeds", "raw_path": b"/v1/feeds", "query_string": b"",
        "headers": headers, "client": ("127.0.0.1", 1), "server": ("localhost", 80), "scheme": "http",
        "http_version": "1.1", "root_path": "",
    }  # fmt: skip

    async def receive() -> Any:
        return next(messages)

    async def send(_: Any) -> None:
        pass

    asyncio.run(app(scope, receive, send))
    state = app.state.catalens
    assert state.in_flight._sent == {}
    assert list(state.options.uploads.iterdir()) == []
    assert state.jobs.queued == 0
    state.close()


def test_a_picture_that_lacks_counts_once_and_says_where_to_send_it(shop_folder: Path) -> None:
    feed = b"sku,title,image\nA,One,a.png\nB,Two,missing.png\n"
    with served(shop_folder) as client:
        for data, name, lacking in ((packed(feed_csv=feed, a_png=RED), "a.zip", 1), (feed, "a.csv", 2)):
            id = send(client, data, name)
            job = ended(client, id)
            assert (job["state"], job["taken"], job["failed_count"]) == ("done", 2, lacking)
            assert all("ZIP" in one["cure"] and "--" not in one["cure"] for one in job["failed"])
            assert {one["why"] for one in job["failed"]} == {"it did not come with the feed"}
            items = client.get(f"/v1/jobs/{id}/items").json()["items"]
            assert [one["sku"] for one in items] == ["A", "B"]
            assert "missing.png" in items[1]["why"]


# What a source leaves empty, and what it lists no longer


def test_an_empty_cell_clears_where_it_is_asked_for(shop_folder: Path) -> None:
    with served(shop_folder) as client:
        ended(client, send(client, b"sku,title,color\nC-1,One,red\n"))
        for fields, color in (({}, "red"), ({"clear_empty": "false"}, "red"), ({"clear_empty": "true"}, None)):
            ended(client, send(client, b"sku,title,color\nC-1,One,\n", **fields))
            assert client.get("/v1/products/C-1").json()["attributes"].get("color") == color


def test_what_a_source_lists_no_longer_goes_where_it_is_asked_for(shop_folder: Path) -> None:
    kept = shop_folder.with_name("shop.uploads") / "pictures" / "-"
    rows = [f"V-{n:03},Title {n},\n" for n in range(450)]  # more than one batch
    header = "sku,title,image\n"
    first = packed(feed_csv=(header + "".join(rows) + "V-450,Red,red.png\n").encode(), red_png=RED)
    erp = {"source_name": "erp"}
    with served(shop_folder) as client:
        assert ended(client, send(client, first, "a.zip", **erp))["added"] == 451
        (red,) = kept.iterdir()
        os.utime(red, (1.0, 1.0))
        ended(client, send(client, b"sku,title,image\nW-1,Of another source,\n", source_name="other"))
        for fields, missing, removed in ((erp, 151, 0), ({}, 0, 0), (erp | {"prune": "true"}, 0, 151)):
            job = ended(client, send(client, (header + "".join(rows[:300])).encode(), "b.csv", **fields))
            assert (job["state"], job["missing"], job["removed"]) == ("done", missing, removed)
        assert client.get("/v1/products/V-299").status_code == client.get("/v1/products/W-1").status_code == 200
        assert client.get("/v1/products/V-300").status_code == client.get("/v1/products/V-450").status_code == 404
        assert not red.exists()
        broken = header + "".join(rows[:11]) + ',"no sku",\n'
        job = ended(client, send(client, broken.encode(), **erp, prune="true"))
        assert (job["removed"], job["missing"]) == (0, 289)
        assert client.get("/v1/products/V-299").status_code == 200


@pytest.mark.parametrize("fields", [{"prune": "true"}, {"prune": "true", "source_name": ""}, {"prune": "perhaps"}])
def test_nothing_is_pruned_for_a_source_without_a_name(shop_folder: Path, fields: dict[str, str]) -> None:
    with served(shop_folder) as client:
        answer = client.post("/v1/feeds", files={"feed": ("a.csv", b"sku\nA\n")}, data=fields)
        assert (answer.status_code, answer.json()["type"]) == (400, TYPES + "bad-request")
        assert "prune" in answer.json()["detail"]
        assert client.get("/v1/jobs").json()["jobs"] == []


# What is deleted by its age


def test_the_upload_of_a_job_goes_and_its_pictures_stay(shop_folder: Path) -> None:
    uploads = shop_folder.with_name("shop.uploads")
    data = packed(feed_csv=b"sku,title,image\nZ-1,Red thing,red.png\n", red_png=RED)
    with served(shop_folder) as client:
        id = send(client, data, "a.zip")
        assert (ended(client, id)["added"], ended(client, id)["pictures"]) == (1, 1)
        until(lambda: not (uploads / id).exists())
        (kept,) = (uploads / "pictures" / "-").iterdir()
        assert kept.read_bytes() == RED
        picture = client.get("/v1/products/Z-1").json()["pictures"][0]["image"]
        assert client.get(picture).status_code == 200
        again = ended(client, send(client, data, "a.zip"))
        assert (again["unchanged"], again["pictures"]) == (1, 0)
        assert client.delete("/v1/products/Z-1").status_code == 204
        assert not kept.exists()


def test_old_records_go_with_their_uploads(shop_folder: Path) -> None:
    uploads, records = (shop_folder.with_name(f"shop.{name}") for name in ("uploads", "jobs"))
    with served(shop_folder) as client:
        failed = send(client, b"\x00\x01\x02")
        assert ended(client, failed)["state"] == "failed"
        assert client.post(f"/v1/jobs/{failed}/retry").status_code == 202
        assert ended(client, failed)["state"] == "failed"
        (uploads / failed / "feed").rename(uploads / failed / "moved")
        gone = client.post(f"/v1/jobs/{failed}/retry")
        assert (gone.status_code, gone.json()["type"]) == (409, TYPES + "upload-gone")
        done = send(client, b"sku,title\nR-1,One\n")
        assert ended(client, done)["state"] == "done"
        assert (uploads / failed).is_dir()
    for id in (failed, done):
        record = json.loads((records / f"{id}.json").read_text("utf-8"))
        (records / f"{id}.json").write_text(json.dumps({**record, "ended": time.time() - 29 * 86_400}), "utf-8")
    old = {"id": "0a", "tenant": "", "source": "x", "digest": "", "state": "done", "failed": [], "notes": []}
    (records / "0a.json").write_text(json.dumps({**old, "ended": 1.0}), "utf-8")
    (uploads / "0a" / "feed").mkdir(parents=True)  # of an older version: the catalog may show pictures in it
    with served(shop_folder) as client:
        assert {one["id"] for one in client.get("/v1/jobs").json()["jobs"]} == {failed, done}
        assert (uploads / failed).is_dir()
    with served(shop_folder, keep_jobs_days=28) as client:
        assert client.get("/v1/jobs").json()["jobs"] == []
        assert not (uploads / failed).exists()
        assert (uploads / "0a").is_dir()
        assert not list(records.glob("*.items"))
        assert client.get("/v1/products/R-1").status_code == 200


def test_a_picture_that_a_feed_replaced_goes(shop_folder: Path) -> None:
    kept = shop_folder.with_name("shop.uploads") / "pictures" / "-"
    feed = b"sku,title,image\nZ-1,Thing,it.png\n"
    with served(shop_folder) as client:
        ended(client, send(client, packed(feed_csv=feed, it_png=RED), "a.zip"))
        (red,) = kept.iterdir()
        os.utime(red, (1.0, 1.0))  # a fresh file may belong to a request that is not done yet
        job = ended(client, send(client, packed(feed_csv=feed, it_png=BLUE), "a.zip"))
        assert (job["updated"], job["pictures"]) == (1, 1)
        (blue,) = kept.iterdir()
        assert blue.read_bytes() == BLUE


# Columns and previews


@pytest.fixture
def client(shop_folder: Path) -> Iterator[TestClient]:
    with served(shop_folder) as client:
        yield client


def look(client: TestClient, data: bytes, name: str = "feed.csv", **fields: str) -> dict[str, Any]:
    answer = client.post("/v1/feeds/preview", files={"feed": (name, data)}, data=fields)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


UNCLEAR = b"Nummer X,Was,Bild Y\n17,Rote Tasche,a.jpg\n18,Blaue Tasche,b.jpg\n"


def test_a_preview_shows_what_is_understood_and_imports_nothing(client: TestClient) -> None:
    rows = "".join(f"A-{n},Bag {n},{n}.50,red\n" for n in range(30)).encode()
    found = look(client, b"sku,title,price,hue\n" + rows)
    assert (found["name"], found["problem"], len(found["products"])) == ("table", None, 10)
    assert found["products"][1]["attributes"]["price"] == 1.5
    assert [(one["column"], one["field"], one["example"]) for one in found["columns"]] == [
        ("sku", "sku", "A-0"), ("title", "title", "Bag 0"), ("price", "price", "0.50"), ("hue", "", "red"),
    ]  # fmt: skip
    assert client.get("/v1/jobs").json()["jobs"] == []
    assert client.get("/v1/products/A-0").status_code == 404


def test_a_preview_and_a_job_name_the_cells_that_are_left_out(client: TestClient) -> None:
    data, note = b"sku,title,price\na,A,abc\nb,B,7\n", "column price: 1 cell is no price and left out (line 2: 'abc')"
    found = look(client, data)
    assert note in found["notes"]
    assert [one["attributes"] for one in found["products"]] == [{}, {"price": 7.0}]
    job = ended(client, send(client, data))
    assert note in job["notes"]
    assert job["added"] == 2


@pytest.mark.parametrize("data", [b"", b"sku,title\n"], ids=["empty", "header"])
def test_a_preview_of_nothing(client: TestClient, data: bytes) -> None:
    answer = client.post("/v1/feeds/preview", files={"feed": ("a.csv", data)})
    if data:
        assert answer.json()["products"] == []
    else:
        assert answer.status_code == 422


def test_unclear_columns_are_shown_and_named(client: TestClient) -> None:
    unclear = look(client, UNCLEAR)
    assert "--map" in unclear["problem"]["cure"]
    assert [one["column"] for one in unclear["columns"]] == ["Nummer X", "Was", "Bild Y"]
    mapping = json.dumps({"sku": "Nummer X", "title": "Was"})
    found = look(client, UNCLEAR, mapping=mapping)
    assert found["problem"] is None
    assert [(one["sku"], one["title"]) for one in found["products"]] == [("17", "Rote Tasche"), ("18", "Blaue Tasche")]
    job = ended(client, send(client, UNCLEAR, mapping=mapping))
    assert (job["state"], job["added"]) == ("done", 2)
    assert client.get("/v1/products/17").json()["title"] == "Rote Tasche"


def test_an_encoding_is_given(client: TestClient) -> None:
    data = "sku,title\n1,Жёлтая сумка\n".encode("koi8-r")
    assert look(client, data, encoding="koi8-r")["products"][0]["title"] == "Жёлтая сумка"
    assert ended(client, send(client, data, encoding="koi8-r"))["added"] == 1
    assert client.get("/v1/products/1").json()["title"] == "Жёлтая сумка"


@pytest.mark.parametrize(
    "mapping", ['{"sku": "none"}', '{"colour": "Was"}', "[1]", "{", '{"sku": 5}', '{"sku": "' + "a" * 9000 + '"}']
)
def test_a_wrong_mapping_is_refused(client: TestClient, mapping: str) -> None:
    answer = client.post("/v1/feeds/preview", files={"feed": ("a.csv", UNCLEAR)}, data={"mapping": mapping})
    assert answer.status_code == 400 or answer.json()["problem"]
