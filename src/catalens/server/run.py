"""Run the service in one process, or in several that share one catalog; requests are logged as JSON on stderr."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from catalens import settings
from catalens.options import Serve
from catalens.printable import printable
from catalens.server.app import create_app
from catalens.server.http.connections import ConnectionLimits, GuardedProtocol
from catalens.server.services.options import ServeOptions
from catalens.server.services.signed_urls import UrlSigner

GRACE_S = 30
"""Seconds for running requests to finish at shutdown."""
HEALTH_S = 30
"""Seconds after which a worker process that does not answer, or does not get ready, is replaced."""
SWITCH_S = 0.0005
"""Seconds between thread switches; Python's default of 5 ms would delay the event loop behind working threads."""


class PrintableFormatter(logging.Formatter):
    """One line for each record, without what could forge another one."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def build_app(options: ServeOptions) -> FastAPI:
    """The application with a request log and a short thread switch interval."""
    sys.setswitchinterval(SWITCH_S)
    log = logging.getLogger("catalens.server")
    log.setLevel(logging.INFO)
    if not log.handlers:
        lines = logging.StreamHandler(sys.stderr)
        lines.setFormatter(PrintableFormatter("%(message)s"))
        log.addHandler(lines)
    return create_app(options)


def listen(options: ServeOptions, *, host: str, port: int, workers: int = Serve.workers.default) -> None:
    """Serve until SIGTERM or SIGINT; running requests are answered first.

    Args:
        workers: processes that share the catalog, the cores and the jobs; one that dies or hangs is replaced.
    """
    os.umask(0o077)  # uploads and whatever else the service writes are its own user's
    if workers == 1:
        _server(partial(build_app, options), host=host, port=port).run()
        return
    UrlSigner(options.signing)  # creates the key file that all workers share
    with tempfile.TemporaryDirectory(prefix="catalens-metrics-") as folder:
        settings.share_between(workers, metrics=Path(folder))
        app = partial(build_app, replace(options, metrics=Path(folder)))
        server = _server(app, host=host, port=port, workers=workers)
        Multiprocess(server.config, sockets=[server.config.bind_socket()]).run()


def _server(app: partial[FastAPI], *, host: str, port: int, workers: int = Serve.workers.default) -> uvicorn.Server:
    guarded: Any = partial(GuardedProtocol, limits=ConnectionLimits().within_descriptors())
    config = uvicorn.Config(
        app, factory=True, host=host, port=port, workers=workers, http=guarded, ws="none", access_log=False,
        log_level="error", server_header=False, proxy_headers=False, timeout_graceful_shutdown=GRACE_S,
        timeout_worker_healthcheck=HEALTH_S,
    )  # fmt: skip
    return uvicorn.Server(config)
