"""Errors as RFC 9457 problems: every error of the library has a type, a status and its cure; nothing else is told."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi.responses import JSONResponse

from catalens.errors import (
    CatalensError,
    CatalogBusyError,
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
"""What a problem's type begins with; docs/serve.md explains each."""

STATUS: tuple[tuple[type[CatalensError], int, str], ...] = (
    (ImageLimitError, 413, "image-too-large"),
    (ImageError, 422, "image-unreadable"),
    (FilterError, 400, "bad-filter"),
    (MissingExtraError, 501, "not-installed"),
    (UsageError, 400, "bad-request"),
    (NotFoundError, 404, "not-found"),
    (FeedError, 422, "feed-unreadable"),
    (CatalogBusyError, 409, "catalog-busy"),
    (StorageError, 507, "storage-full"),
    (RemoteError, 422, "address-refused"),
    (ModelError, 503, "model-unavailable"),
    (CatalensError, 503, "catalog-unavailable"),
)
"""The first that fits: an error's class, its status, its type."""


class RefusedError(CatalensError):
    """A request that is turned away before any work: its status, type, and headers."""

    def __init__(
        self, status: int, kind: str, what: str, *, cure: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(what, cure=cure)
        self.status, self.kind, self.headers = status, kind, dict(headers or {})


def problem(status: int, kind: str, detail: str, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A problem as a response."""
    title = kind.replace("-", " ").capitalize()
    body = {"type": TYPES + kind, "title": title, "status": status, "detail": detail}
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA)


def problem_of(error: CatalensError, *, hidden: Mapping[str, str] | None = None) -> JSONResponse:
    """The problem that an error of the library is.

    Args:
        hidden: texts that nobody needs to know, such as paths of the machine, and what is told in their place.
    """
    if isinstance(error, CatalogBusyError):  # its own words name a process and a machine
        error = CatalogBusyError("another one is writing to the catalog", cure="try again a little later")
    if isinstance(error, RefusedError):
        return problem(error.status, error.kind, str(error), headers=error.headers)
    status, kind = next((status, kind) for known, status, kind in STATUS if isinstance(error, known))
    told = str(error)
    for text, other in (hidden or {}).items():
        told = told.replace(text, other)
    return problem(status, kind, told, headers={"Retry-After": "2"} if status in (409, 503) else None)
