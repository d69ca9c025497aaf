"""Errors as RFC 9457 problem responses: each error class of the library has a type and a status."""

from __future__ import annotations

from collections.abc import Mapping

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
    UsageError,
)

MEDIA = "application/problem+json"
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
    (StorageError, 507, "storage-full"),
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
    body = {"type": TYPES + kind, "title": title, "status": status, "detail": detail}
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA)


def problem_of(error: CatalensError, *, hidden: Mapping[str, str] | None = None) -> JSONResponse:
    """Response for an error of the library.

    Args:
        hidden: texts to redact, such as paths of this machine, and their replacements.
    """
    if isinstance(error, CatalogBusyError):  # its own words name a process and a machine
        error = CatalogBusyError("another one is writing to the catalog", cure="try again a little later")
    if isinstance(error, RefusedError):
        return problem(error.status, error.kind, str(error), headers=error.headers)
    status, kind = next((status, kind) for known, status, kind in STATUS if isinstance(error, known))
    detail = str(error)
    for text, other in (hidden or {}).items():
        detail = detail.replace(text, other)
    return problem(status, kind, detail, headers={"Retry-After": "2"} if status in (409, 503) else None)
