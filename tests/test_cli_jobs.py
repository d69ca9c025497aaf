"""Jobs of the service on the command line: listed with their reasons, shown, tried again by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from catalens.catalog import Catalog
from catalens.cli.main import run
from catalens.server.jobs.queue import Job, JobQueue, Turn
from catalens.storage.audit import read_audit
from catalens.storage.places import Places
from catalens.types import Product, Where
from tests.fakes import FakeEncoder

FAILED = ({"where": "a.csv:2", "what": "x.png", "why": "no such file", "cure": "send it"},)


def called(arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["catalens", *arguments.split()])
    try:
        run()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    with Catalog.open(tmp_path / "shop", encoder=FakeEncoder()) as shop:
        shop.add([Product("a", Where("x"), "A")])
    return tmp_path / "shop"


def jobs(shop: Path) -> JobQueue:
    """One that is done, one that was set aside and has its upload, one of a tenant that failed and has none."""

    def work(job: Job, _: Turn) -> Job:
        return job

    queue = JobQueue(Places(shop).jobs, work, paused=True)
    aside = Job("ab12", "", "a.csv", "", state="set aside", problem="attempted 3 times: \x1b[2Jboom", created=2.0)
    for job in (
        Job("cd34", "", "b.csv", "", state="done", added=3, failed=FAILED, failed_count=1, created=1.0),
        aside,
        Job("ef56", "one", "c.csv", "", state="failed", problem="no feed", created=3.0),
    ):
        queue._save(job)
    upload = Places(shop).uploads / "ab12" / "feed"
    upload.mkdir(parents=True)
    (upload / "a.csv").write_text("sku\nA\n")
    return queue


def test_they_are_listed_with_their_reasons(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(f"jobs list -c {shop}", monkeypatch) == 0
    assert capsys.readouterr().out == ""
    jobs(shop)
    assert called(f"jobs list -c {shop}", monkeypatch) == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines() if line[0] != " "] == ["ef56", "ab12", "cd34"]
    assert "\\x1b[2Jboom" in out
    assert called(f"jobs list -c {shop}.tenants/one --json", monkeypatch) == 3  # no catalog of that tenant
    assert called(f"jobs list -c {shop} --json", monkeypatch) == 0
    assert [job["tenant"] for job in json.loads(capsys.readouterr().out)] == ["one", "", ""]


def test_one_is_shown_with_what_failed(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs(shop)
    assert called(f"jobs show cd34 -c {shop}", monkeypatch) == 0
    assert "a.csv:2: x.png: no such file. send it" in capsys.readouterr().out
    for id in ("nope", "../cd34"):
        assert called(f"jobs show {id} -c {shop}", monkeypatch) == 3


def test_one_is_tried_again_only_by_hand_and_with_its_upload(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = jobs(shop)
    for id, code in (("ab12", 0), ("cd34", 2), ("ef56", 2), ("nope", 3)):
        assert called(f"jobs retry {id} -c {shop}", monkeypatch) == code
    job = queue.get("ab12", tenant="")
    assert (job.state, job.attempts, job.problem) == ("waiting", 0, "")
    last = list(read_audit(Places(shop).audit))[-1]
    assert (last["what"], last["job"]) == ("jobs retry", "ab12")


def test_a_running_service_sees_it(shop: Path) -> None:
    done: list[str] = []

    def work(job: Job, _: Turn) -> Job:
        done.append(job.id)
        return job

    other = jobs(shop)
    service = JobQueue(Places(shop).jobs, work)
    service.look()
    other.retry("ab12", tenant="")
    assert done == []
    service.look()
    thread = service._thread
    if thread is not None:
        thread.join()
    service.close()
    assert done == ["ab12"]
