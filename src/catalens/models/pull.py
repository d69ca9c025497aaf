"""Fetch known networks into a cache: from their makers' addresses, or from a mirror, which is a copy of such a cache.

A network has a folder of its own: its files, and `pinned.json`, written last, with the size and SHA-256 of each. Files
arrive beside it under hidden names, go on where they were cut off, and are renamed when they were checked. `trusted`
says which hashes were known before the download; the others are those of what came first.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from catalens import settings
from catalens.errors import DISK_FULL, ModelError, NotFoundError, RemoteError, StorageError, StorageFullError
from catalens.files import PRIVATE_FILE, sync, try_lock
from catalens.images.addresses import Judge, Resolve, is_public, resolve
from catalens.images.remote import RemoteFile, fetch_image_bytes, open_remote
from catalens.json_text import parse_json
from catalens.models.known import KnownNetwork, require_accepted
from catalens.models.onnx_file import check_onnx
from catalens.models.untrusted import read_json
from catalens.types import Progress

PINNED = "pinned.json"
HUB = "https://huggingface.co"
MAX_LIST = 2**23
"""Bytes of a list of files."""
MAX_BYTES = 2**35
"""Of one file."""
DEADLINE_S = 6 * 3600.0
HTML = re.compile(rb"\s*<(!doctype html|html|head)", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SIDE_FILES = re.compile(
    r"(config|preprocessor_config|processor_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab"
    r"|model\.safetensors\.index)\.json|(vocab|merges)\.txt|(spiece|tokenizer|sentencepiece\.bpe)\.model"
)
"""What a network of Transformers needs besides its weights."""
_WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors")


@dataclass(frozen=True, slots=True)
class Part:
    """A file to fetch; hashes are "" where nobody says them before. `blob` is git's hash of it."""

    name: str
    place: str
    bytes: int | None = None
    sha256: str = ""
    md5: str = ""
    blob: str = ""


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """A file in the cache. `trusted`: its hash was known before it was fetched first."""

    name: str
    bytes: int
    sha256: str
    trusted: bool


@dataclass(frozen=True, slots=True)
class Pinned:
    """A network in the cache, and where it is from."""

    name: str
    license: str
    origin: str
    files: tuple[PinnedFile, ...]


def folder_of(known: KnownNetwork) -> Path:
    """Where the cache has a network, or would have it."""
    return settings.models_folder() / known.key


def pinned(known: KnownNetwork) -> Pinned | None:
    """What the cache has of a network; None where it has not all of it.

    Raises:
        ModelError: its list of files cannot be read.
    """
    path = folder_of(known) / PINNED
    if not path.is_file():
        return None
    found = _pinned_of(read_json(path), str(path))
    return found if all((path.parent / one.name).is_file() for one in found.files) else None


def pulled_file(known: KnownNetwork, place: int = 0) -> Path:
    """A file of a network in the cache, compared with its pinned hash and with the published one.

    Raises:
        NotFoundError: the network was not pulled.
        ModelError: it is another file now.
    """
    found = pinned(known)
    if found is None:
        raise not_pulled(known)
    file, path = found.files[place], folder_of(known) / found.files[place].name
    wanted = known.files[place].sha256 if place < len(known.files) and known.files[place].sha256 else file.sha256
    if path.stat().st_size != file.bytes or _hashes(path)["sha256"] != wanted:
        raise ModelError(
            f"{path} is not the file that was pulled: its SHA-256 is not {wanted}",
            cure=f"remove {path.parent}, then catalens models pull {known.key}",
        )
    return path


def not_pulled(known: KnownNetwork) -> NotFoundError:
    """The error of a network that the cache lacks."""
    return NotFoundError(f"{known.key} is not on this machine", cure=f"run: catalens models pull {known.key}")


def pull(
    known: KnownNetwork,
    *,
    mirror: str | None = None,
    accept_licence: str | None = None,
    progress: Progress | None = None,
    hub: str = HUB,
    resolve: Resolve = resolve,
    is_allowed: Judge = is_public,
) -> Pinned:
    """Fetch a known network into the cache; what is there and whole is not fetched again.

    Args:
        mirror: a folder or http(s) address that is asked instead of its maker; `CATALENS_MODELS_MIRROR` where None.
        accept_licence: name of the network's licence, where it limits commercial use.
        hub, resolve, is_allowed: address of the hub; how names are resolved, and which addresses may be connected to.

    Raises:
        UsageError: its licence limits commercial use and was not accepted.
        NotFoundError, RemoteError: the mirror or the maker does not give it.
        ModelError: it cannot be pulled, or what came is something else.
        StorageError: the cache is full, read-only, or written by another process.
    """
    if not known.commercial:
        accepted = accept_licence or settings.accepted_licence()
        require_accepted(known.key, license=known.license, forbids=known.forbids, accepted=accepted)
    mirror = mirror or settings.models_mirror()
    fetch = _Fetch(known, mirror, hub, resolve, is_allowed, progress)
    there = pinned(known)
    if there is not None:
        for place, one in enumerate(there.files):
            _check(folder_of(known) / one.name, _known_part(known, place, one), known)
        return there
    with _writing(folder_of(known)) as folder:
        origin, parts = fetch.parts()
        files = []
        for part in parts:
            path = fetch.file(part, folder)
            done = _hashes(path)
            files.append(PinnedFile(part.name, path.stat().st_size, done["sha256"], bool(part.sha256 or part.blob)))
        found = Pinned(known.key, known.license, origin, tuple(files))
        draft = folder / f".{PINNED}"
        draft.write_text(json.dumps(asdict(found), indent=1) + "\n", "utf-8")
        sync(draft)
        draft.replace(folder / PINNED)
        sync(folder)
    return found


@dataclass(frozen=True, slots=True)
class _Fetch:
    """Where one network is fetched from."""

    known: KnownNetwork
    mirror: str | None
    hub: str
    resolve: Resolve
    is_allowed: Judge
    progress: Progress | None

    def parts(self) -> tuple[str, list[Part]]:
        """Where the network is from, and its files."""
        if self.mirror is not None:
            return self._mirrored(self.mirror.rstrip("/"))
        if self.known.files:
            return self.known.source, [
                Part(one.name, one.url, one.bytes, one.sha256, one.md5) for one in self.known.files
            ]
        if self.known.library != "transformers":
            raise ModelError(
                f"{self.known.key} runs in {self.known.library}, and is not pulled",
                cure=f"see `catalens models show {self.known.key}` and docs/models.md for what runs it",
            )
        return self._on_hub()

    def _mirrored(self, mirror: str) -> tuple[str, list[Part]]:
        base = f"{mirror}/{self.known.key}"
        if _is_address(mirror):
            try:
                text = fetch_image_bytes(f"{base}/{PINNED}", max_bytes=MAX_LIST, accept="*/*", **self._guard(base))
            except RemoteError as error:
                raise RemoteError(
                    f"the mirror does not give {self.known.key}: {error.what}",
                    cure=f"pull it on a machine with a network, and copy its folder {self.known.key} to the mirror",
                ) from None
            found = _pinned_of(_json(text, base), base)
        else:
            path = Path(base) / PINNED
            if not path.is_file():
                raise NotFoundError(
                    f"the mirror {mirror} has no {self.known.key}",
                    cure=f"pull it on a machine with a network, and copy its folder {self.known.key} to the mirror",
                )
            found = _pinned_of(read_json(path), str(path))
        known = {one.name: one.sha256 for one in self.known.files}
        return found.origin, [
            Part(one.name, f"{base}/{one.name}", one.bytes, known.get(one.name) or one.sha256) for one in found.files
        ]

    def _on_hub(self) -> tuple[str, list[Part]]:
        address = f"{self.hub}/api/models/{self.known.hub}?blobs=true"
        with self._told():
            text = fetch_image_bytes(address, max_bytes=MAX_LIST, accept="*/*", **self._guard(address))
        try:
            table = _json(text, address)
            revision = str(table["sha"])
            rows = {str(one["rfilename"]): one for one in table["siblings"]}
            weights = [name for name in rows if _WEIGHTS.fullmatch(name)]
            if "model.safetensors" in weights:
                weights = ["model.safetensors"]
            names = [*sorted(name for name in rows if _SIDE_FILES.fullmatch(name)), *sorted(weights)]
            base = f"{self.hub}/{self.known.hub}/resolve/{revision}"
            parts = [
                Part(
                    name,
                    f"{base}/{name}",
                    rows[name].get("size"),
                    str((rows[name].get("lfs") or {}).get("sha256", "")),
                    blob="" if rows[name].get("lfs") else str(rows[name].get("blobId", "")),
                )
                for name in names
            ]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise RemoteError(f"{address} sends no list of files", cure="try again later, or use a mirror") from None
        if not re.fullmatch(r"[0-9a-f]{6,64}", revision) or not weights or "config.json" not in rows:
            raise ModelError(
                f"{self.known.hub} has no config.json and model.safetensors; pickles are never read",
                cure="name another network",
            )
        return f"{self.hub}/{self.known.hub} at {revision}", parts

    def file(self, part: Part, folder: Path) -> Path:
        """Fetch one file into the folder."""
        target, draft = folder / part.name, folder / f".{part.name}.part"
        if target.is_file():
            _check(target, part, self.known)
            return target
        if self.mirror is not None and not _is_address(self.mirror):
            if not Path(part.place).is_file():
                raise NotFoundError(f"the mirror has no file {part.place}", cure="copy the network's folder again")
            shutil.copyfile(part.place, draft)
        else:
            with self._told():
                self._download(part, draft)
        try:
            _check(draft, part, self.known)
        except ModelError:
            draft.unlink()  # it will not become right by what follows
            _tag_of(draft).unlink(missing_ok=True)
            raise
        sync(draft)
        draft.replace(target)
        _tag_of(draft).unlink(missing_ok=True)
        return target

    def _download(self, part: Part, draft: Path) -> None:
        there = draft.stat().st_size if draft.is_file() else 0
        tag = _tag_of(draft).read_text("utf-8") if _tag_of(draft).is_file() else ""
        with open_remote(part.place, start=there, tag=tag, deadline_s=DEADLINE_S, **self._guard(part.place)) as sent:
            if "text/html" in sent.kind:
                raise ModelError(
                    f"{part.place} answers with a web page, not with {part.name}",
                    cure="check the network (a login page of a proxy, for example), or use a mirror",
                )
            self._keep(sent, part, draft)

    def _keep(self, sent: RemoteFile, part: Part, draft: Path) -> None:
        most = part.bytes or MAX_BYTES
        total = part.bytes or sent.total
        if total is not None and total - sent.start > (free := shutil.disk_usage(draft.parent).free):
            raise StorageFullError(
                f"{part.name} takes {(total - sent.start) >> 20} MB and {draft.parent} has {free >> 20} MB left",
                cure="make room, or put CATALENS_MODELS on another disk",
            )
        done = sent.start
        with _on_disk(draft):
            _tag_of(draft).write_text(sent.tag, "utf-8")
            file = draft.open("r+b" if sent.start else "wb")
        with file:
            file.seek(sent.start)
            for chunk in sent.parts:
                done += len(chunk)
                if done > most:
                    raise ModelError(
                        f"{part.place} has more than {most} bytes", cure="check what is there, or use a mirror"
                    )
                with _on_disk(draft):
                    file.write(chunk)
                if self.progress is not None:
                    self.progress(done >> 20, None if total is None else total >> 20, f"MB of {part.name}")
            with _on_disk(draft):
                file.flush()
        if total is not None and done < total:
            raise RemoteError(f"{part.place} ended after {done} of {total} bytes", cure="run the command again")

    def _guard(self, address: str) -> dict[str, Any]:
        """A mirror is the operator's own word: it may lie in a private network, and leads nowhere else."""
        if self.mirror is None:
            return {"resolve": self.resolve, "is_allowed": self.is_allowed}
        host = re.sub(r"^https?://", "", address).partition("/")[0].rpartition("@")[2]
        host = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
        return {"resolve": self.resolve, "is_allowed": lambda _: True, "allow_hosts": frozenset({host.lower()})}

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except RemoteError as error:
            raise RemoteError(
                f"{self.known.key} was not fetched: {error.what}",
                cure="run the command again to go on; without a network, set CATALENS_MODELS_MIRROR to a mirror",
            ) from None


def _check(path: Path, part: Part, known: KnownNetwork) -> None:
    """Compare a file with what is known of it.

    Raises:
        ModelError: it is another one.
    """
    with path.open("rb") as file:
        head = file.read(512)
    if HTML.match(head):
        raise ModelError(
            f"{part.place or path} is a web page, not {part.name}", cure="check the network, or use a mirror"
        )
    done = _hashes(path)
    said = {
        "SHA-256": (part.sha256, done["sha256"]),
        "MD5": (part.md5, done["md5"]),
        "git hash": (part.blob, done["blob"]),
    }
    for kind, (wanted, came) in said.items():
        if wanted and wanted != came:
            raise ModelError(
                f"{part.name} of {known.key} has the {kind} {came} and not {wanted}: it is another file, or damaged",
                cure="nothing of it was kept: run the command again, or use a mirror",
            )
    if part.bytes is not None and path.stat().st_size != part.bytes:
        raise ModelError(
            f"{part.name} of {known.key} has {path.stat().st_size} bytes and not {part.bytes}", cure="pull it again"
        )
    if part.name.endswith(".onnx"):
        check_onnx(path)


def _known_part(known: KnownNetwork, place: int, file: PinnedFile) -> Part:
    wanted = known.files[place].sha256 if place < len(known.files) else ""
    return Part(file.name, "", file.bytes, wanted or file.sha256)


def _hashes(path: Path) -> dict[str, str]:
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    blob = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            for one in (sha256, md5, blob):
                one.update(chunk)
    return {"sha256": sha256.hexdigest(), "md5": md5.hexdigest(), "blob": blob.hexdigest()}


def _pinned_of(table: Any, where: str) -> Pinned:
    """A list of files, checked: a mirror may be anybody's."""
    try:
        files = tuple(PinnedFile(**one) for one in table["files"])
        texts = (table["name"], table["license"], table["origin"])
        if not files or not all(isinstance(one, str) for one in texts):
            raise ValueError
        for one in files:
            named = isinstance(one.name, str) and _NAME.fullmatch(one.name) and one.name != PINNED
            sized = type(one.bytes) is int and 0 <= one.bytes <= MAX_BYTES
            if not (named and sized and isinstance(one.trusted, bool) and _SHA256.fullmatch(one.sha256)):
                raise ValueError
        return Pinned(*texts, files)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ModelError(f"{where} is no list of a network's files", cure="copy the network's folder again") from None


def _json(text: bytes, where: str) -> Any:
    try:
        return parse_json(text.decode("utf-8"))
    except ValueError:
        raise RemoteError(f"{where} sends no JSON", cure="check the address") from None


def _is_address(mirror: str) -> bool:
    return mirror.startswith(("http://", "https://"))


def _tag_of(draft: Path) -> Path:
    return draft.with_name(draft.name + ".tag")


@contextmanager
def _on_disk(path: Path) -> Iterator[None]:
    """What the disk says, as one sentence."""
    try:
        yield
    except OSError as error:
        full = error.errno in DISK_FULL
        raise StorageError.of(
            error,
            f"{path.parent} cannot be written",
            cure="make room, and run the command again"
            if full
            else "set CATALENS_MODELS to a folder that can be written",
        ) from None


@contextmanager
def _writing(folder: Path) -> Iterator[Path]:
    """The folder, made where it is missing; of this process alone."""
    with _on_disk(folder / PINNED):
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    try:
        if not try_lock(lock):
            raise StorageError(f"another process pulls into {folder}", cure="wait until it is done")
        with _on_disk(folder / PINNED):
            yield folder
    finally:
        os.close(lock)
