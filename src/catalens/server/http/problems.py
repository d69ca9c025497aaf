"""Errors as RFC 9457 problem responses: each error class of the library has a type and a status."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from fastapi.responses import JSONResponse

from catalens.errors import (
    CatalensError,
    CatalogBusyError,
    ConflictError,
    FeedError,
    FilterError,
    ImageError,
    ImageLimitError,
    MissingExtraError,
    ModelError,
    NotFoundError,
    RemoteError,
    StorageError,
    StorageFullError,
    UsageError,
)

MEDIA = "application/problem+json"
MAX_DETAIL = 1_000
"""Characters of a problem's text, which may quote what came."""
TYPES = "urn:catalens:problem:"
"""Prefix of a problem's type; docs/serve.md explains each type."""

STATUS: tuple[tuple[type[CatalensError], int, str], ...] = (
    (ImageLimitError, 413, "image-too-large"),
    (ImageError, 422, "image-unreadable"),
    (FilterError, 400, "bad-filter"),
    (MissingExtraError, 501, "not-installed"),
    (UsageError, 400, "bad-request"),
    (NotFoundError, 404, "not-found"),
    (FeedError, 422, "feed-unreadable"),
    (CatalogBusyError, 409, "catalog-busy"),
    (ConflictError, 412, "changed-meanwhile"),
    (StorageFullError, 507, "storage-full"),
    (StorageError, 503, "storage-unavailable"),
    (RemoteError, 422, "address-refused"),
    (ModelError, 503, "model-unavailable"),
    (CatalensError, 503, "catalog-unavailable"),
)
"""Error class, status, type; the first match counts."""


class RefusedError(CatalensError):
    """A request refused before any work is done: status, type and headers of the answer."""

    def __init__(
        self, status: int, kind: str, what: str, *, cure: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(what, cure=cure)
        self.status, self.kind, self.headers = status, kind, dict(headers or {})


def problem(status: int, kind: str, detail: str, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Response of type application/problem+json."""
    title = kind.replace("-", " ").capitalize()
    body = {"type": TYPES + kind, "title": title, "status": status, "detail": without_paths(_shortened(detail))}
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA)


def _shortened(text: str) -> str:
    """A text of at most MAX_DETAIL characters: its middle is left out, since its end says what to do."""
    return text if len(text) <= MAX_DETAIL else f"{text[: MAX_DETAIL // 2]} ... {text[-MAX_DETAIL // 2 + 5 :]}"


def without_paths(text: str, *, roots: Iterable[str] = ()) -> str:
    """A text in which paths of this machine are shortened to the name of their file, and folders to `...`.

    Args:
        roots: folders whose names may hold blanks, which end a path elsewhere.
    """
    for root in sorted(roots, key=len, reverse=True):
        if len(root) > 1:
            text = re.sub(rf"{re.escape(root)}(?:/{_PATH_END})?", _file_name, text)
    return _PATH.sub(_file_name, text)


_TOP = [folder.name for folder in Path("/").iterdir()]
_PATH_END = r"[^\s'\"]*"
_PATH = re.compile(rf"(?<![\w.:/-])/(?:{'|'.join(map(re.escape, sorted(_TOP, reverse=True)))})/{_PATH_END}")
"""An absolute path on this machine: it begins with one of the folders of its root."""


def _file_name(path: re.Match[str]) -> str:
    whole = path.group().rstrip(".,:;)")
    name = whole.rpartition("/")[2]
    return (name if "." in name else "...") + path.group()[len(whole) :]


def problem_of(error: CatalensError, *, roots: Iterable[str] = ()) -> JSONResponse:
    """Response for an error of the library.

    Args:
        roots: folders of this machine, whose paths are not told.
    """
    if isinstance(error, CatalogBusyError):  # its own words name a process and a machine
        error = CatalogBusyError("another process is writing to the catalog", cure="try again a little later")
    if isinstance(error, RefusedError):
        return problem(error.status, error.kind, str(error), headers=error.headers)
    status, kind = next((status, kind) for known, status, kind in STATUS if isinstance(error, known))
    detail = without_paths(_shortened(str(error)), roots=roots)
    return problem(status, kind, detail, headers={"Retry-After": "2"} if status in (409, 503) else None)
