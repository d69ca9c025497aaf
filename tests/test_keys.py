"""Keys of the service: none is lost between processes, none outlives its end, and lost keys never open the service."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="fastapi is in the serve extra")
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from catalens.cli.main import app
from catalens.errors import NotFoundError, StorageError, UsageError
from catalens.server.app import create_app
from catalens.server.services.api_keys import ApiKeys
from catalens.server.services.options import ServeOptions
from catalens.server.services.signed_urls import UrlSigner
from tests.test_api_keys import WRITTEN, with_key

CREATE = """
import sys; from pathlib import Path; from catalens.server.services.api_keys import ApiKeys
keys = ApiKeys(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])): print(keys.create(scopes=["read"])[1])
"""
REVOKE = """
import sys; from pathlib import Path; from catalens.server.services.api_keys import ApiKeys
keys = ApiKeys(Path(sys.argv[1]))
for id in sys.argv[2:]: keys.revoke(id)
"""


def all_of(*commands: list[str]) -> list[str]:
    """Lines that processes print which run at the same time."""
    running = [
        subprocess.Popen([sys.executable, "-c", *one], stdout=subprocess.PIPE, text=True, env=os.environ)
        for one in commands
    ]
    answers = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0] * len(commands)
    return [line for answer in answers for line in answer.split()]


def test_processes_lose_no_key_and_no_revocation(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    secrets = all_of(*([CREATE, str(path), "25"] for _ in range(4)))
    keys = ApiKeys(path)
    assert len(secrets) == len({key.id for key in keys.all()}) == 100
    assert all(keys.find(secret) for secret in secrets)
    ended = [key.id for secret in secrets[::5] if (key := keys.find(secret))]
    all_of(*([REVOKE, str(path), *ended[one::4]] for one in range(4)))
    assert [keys.find(secret) is None for secret in secrets] == [at % 5 == 0 for at in range(100)]


def test_secrets_are_never_readable_for_others_and_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, sync = [], os.fsync

    def watched(file: int) -> None:
        status = os.fstat(file)
        if stat.S_ISREG(status.st_mode):
            synced.append(stat.S_IMODE(status.st_mode))
        sync(file)

    monkeypatch.setattr(os, "fsync", watched)
    before = os.umask(0)
    try:
        key, _ = ApiKeys(tmp_path / "keys.json").create(scopes=["search"])
        ApiKeys(tmp_path / "keys.json").revoke(key.id)
        UrlSigner(tmp_path / "signing.json").rotate()
    finally:
        os.umask(before)
    assert len(synced) >= 4
    assert set(synced) == {0o600}


def moved(path: Path) -> None:
    path.rename(path.with_suffix(".elsewhere"))


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def holding(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text, "utf-8")


def row(scopes: str = '["read"]', tenant: str = '""', rate: str = "0") -> Callable[[Path], object]:
    text = f'"id": "a", "hash": "b", "scopes": {scopes}, "origins": [], "tenant": {tenant}, "per_second": {rate}'
    return holding(f"[{{{text}}}]")


LOSSES: dict[str, Callable[[Path], object]] = {
    "moved away": moved,
    "a folder": as_folder,
    "a pipe": as_pipe,
    "empty": holding(""),
    "no keys": holding("[]"),
    "cut off": holding('[{"id": "a"'),
    "another kind": holding('{"keys": 1}'),
    "deep": holding("[" * 100_000),
    "scopes in a text": row(scopes='"admin"'),
    "tenant outside": row(tenant='"../x"'),
    "endless rate": row(rate="NaN"),
    "a long number": row(rate="9" * 5000),
}


@pytest.fixture
def options(tmp_path: Path) -> ServeOptions:
    return ServeOptions(tmp_path / "shop")


@pytest.mark.parametrize("written", ["now", "by 0.1.0"])
@pytest.mark.parametrize("loss", LOSSES)
def test_once_keyed_a_service_stays_closed(options: ServeOptions, loss: str, written: str) -> None:
    if written == "now":
        ApiKeys(options.keys).create(scopes=["read", "write"])
    else:
        shutil.copy(WRITTEN, options.keys)
    client = TestClient(create_app(options))
    assert client.get("/v1/products").status_code == 401
    LOSSES[loss](options.keys)
    for one in (client, TestClient(create_app(options))):
        for answer in (one.get("/v1/products"), one.put("/v1/products/a", json={"title": "a"})):
            assert answer.status_code in {401, 503}
            assert str(options.keys) not in answer.text


def test_only_the_command_opens_it_again_and_only_at_the_next_start(options: ServeOptions) -> None:
    ApiKeys(options.keys).create(scopes=["read"])
    client = TestClient(create_app(options))
    assert client.get("/v1/products").status_code == 401
    assert CliRunner().invoke(app, ["keys", "open", "--catalog", str(options.catalog)]).exit_code == 0
    assert client.get("/v1/products").status_code == 401
    assert TestClient(create_app(options)).get("/v1/products").status_code == 404  # let in; there is no catalog


def test_a_service_that_never_had_keys_is_open(options: ServeOptions) -> None:
    assert TestClient(create_app(options)).get("/v1/products").status_code == 404
    assert not options.keys.exists()


@pytest.mark.parametrize("grace", [0, 600])
def test_a_rotated_key_has_a_new_secret_on_a_running_service(options: ServeOptions, grace: int) -> None:
    key, old = ApiKeys(options.keys).create(scopes=["read"], tenant="acme", per_second=5, origins=[])
    client = TestClient(create_app(options))
    assert client.get("/v1/products", headers=with_key(old)).status_code == 404
    asked = ["keys", "rotate", key.id, "--grace", str(grace), "--catalog", str(options.catalog)]
    answer = CliRunner().invoke(app, asked)
    new = answer.stdout.strip()
    assert new != old
    assert client.get("/v1/products", headers=with_key(new)).status_code == 404
    assert client.get("/v1/products", headers=with_key(old)).status_code == (404 if grace else 401)
    (now,) = ApiKeys(options.keys).all()
    assert (now.id, now.scopes, now.tenant, now.per_second) == (key.id, key.scopes, key.tenant, key.per_second)
    ApiKeys(options.keys).revoke(key.id)
    assert {client.get("/v1/products", headers=with_key(one)).status_code for one in (old, new)} == {401}


def test_grace_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = ApiKeys(tmp_path / "keys.json")
    key, old = keys.create(scopes=["read"])
    keys.rotate(key.id, grace_s=60)
    assert keys.find(old) is not None
    until = keys.all()[0].old_until
    monkeypatch.setattr("catalens.server.services.api_keys.time.time", lambda: until)
    assert keys.find(old) is None


def test_no_key_is_rotated_that_is_not_there_or_is_revoked(tmp_path: Path) -> None:
    keys = ApiKeys(tmp_path / "keys.json")
    with pytest.raises(NotFoundError):
        keys.rotate("nobody")
    key, _ = keys.create(scopes=["read"])
    keys.revoke(key.id)
    with pytest.raises(UsageError, match="revoked"):
        keys.rotate(key.id)


def test_a_damaged_file_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text("[{", "utf-8")
    with pytest.raises(StorageError, match="holds no keys"):
        ApiKeys(path).create(scopes=["read"])
    with pytest.raises(StorageError, match="holds no keys"):
        ApiKeys(path).revoke("a")
    assert path.read_text("utf-8") == "[{"


def test_running_services_sign_with_a_key_that_another_process_made(tmp_path: Path) -> None:
    path, now = tmp_path / "signing.json", 1_000_000.0
    running, other = (UrlSigner(path, clock=lambda: now) for _ in range(2))
    before = running.url("a", "ff", 320)
    assert other.url("a", "ff", 320) == before
    other.rotate()
    assert running.url("a", "ff", 320) == other.url("a", "ff", 320) != before
    for lost in (path.unlink, lambda: path.write_text("{", "utf-8")):
        url = running.url("a", "ff", 320)
        lost()
        assert running.url("a", "ff", 320) == url


def test_signing_keys_that_are_rotated_at_once_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "signing.json"
    first = UrlSigner(path)
    UrlSigner(path).rotate()
    first.rotate()  # of a process that read the file before the other one changed it
    assert UrlSigner(path).url("a", "ff", 320) == first.url("a", "ff", 320)
