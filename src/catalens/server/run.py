"""Run the service in one process, or in several that share one catalog; requests are logged as JSON on stderr."""

from __future__ import annotations

import errno
import logging
import os
import socket
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
from catalens.errors import UsageError
from catalens.options import Serve
from catalens.printable import printable
from catalens.server.app import create_app
from catalens.server.http.connections import ConnectionLimits, GuardedProtocol
from catalens.server.services.options import ServeOptions
from catalens.server.services.signed_urls import UrlSigner

BACKLOG = 2048
"""Connections that the system keeps until they are accepted."""
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


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens on an address, so that it is known to be free before anything else is done.

    Args:
        port: 0 for any that is free.

    Raises:
        UsageError: it is taken, not allowed, or no address of this machine.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        what = f"port {port} of {host} is taken" if taken else f"nothing can listen on port {port} of {host}"
        cure = "stop what listens there, or name another --port" if taken else "check --host and --port"
        raise UsageError(what if taken else f"{what}: {error.strerror}", cure=cure) from None
    listener.set_inheritable(True)
    return listener


def listen(options: ServeOptions, listener: socket.socket, *, workers: int = Serve.workers.default) -> None:
    """Serve until SIGTERM or SIGINT; running requests are answered first.

    Args:
        listener: as `bind` made it; it is closed at the end.
        workers: processes that share the catalog, the cores and the jobs; one that dies or hangs is replaced.
    """
    os.umask(0o077)  # uploads and whatever else the service writes are its own user's
    if workers == 1:
        _server(partial(build_app, options)).run(sockets=[listener])
        return
    UrlSigner(options.signing)  # creates the key file that all workers share
    with tempfile.TemporaryDirectory(prefix="catalens-metrics-") as folder:
        settings.share_between(workers, metrics=Path(folder))
        app = partial(build_app, replace(options, metrics=Path(folder)))
        Multiprocess(_server(app, workers=workers).config, sockets=[listener]).run()


def _server(app: partial[FastAPI], *, workers: int = Serve.workers.default) -> uvicorn.Server:
    guarded: Any = partial(GuardedProtocol, limits=ConnectionLimits().within_descriptors())
    config = uvicorn.Config(
        app, factory=True, workers=workers, http=guarded, ws="none", access_log=False, log_level="error",
        server_header=False, proxy_headers=False, timeout_graceful_shutdown=GRACE_S,
        timeout_worker_healthcheck=HEALTH_S, backlog=BACKLOG,
    )  # fmt: skip
    return uvicorn.Server(config)
