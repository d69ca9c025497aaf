"""Listen: one process, or several that share one catalog; a line of JSON about each request on standard error."""

from __future__ import annotations

import logging
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from catalens import settings
from catalens.server.app import create_app
from catalens.server.signing import Signer
from catalens.server.state import ServeOptions

GRACE_S = 30
"""For what runs when the service is told to stop."""
HANGS_S = 30
"""After which a worker process that does not answer, or does not get ready, is replaced."""

TURN_S = 0.0005
"""For a thread, where Python's own 5 ms would keep the loop that reads and refuses waiting behind those at work."""


def application(options: ServeOptions) -> FastAPI:
    """The service as a process of its own runs it: with a log, and quick turns between its threads."""
    sys.setswitchinterval(TURN_S)
    log = logging.getLogger("catalens.server")
    log.setLevel(logging.INFO)
    if not log.handlers:
        lines = logging.StreamHandler(sys.stderr)
        lines.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(lines)
    return create_app(options)


def listen(options: ServeOptions, *, host: str, port: int, workers: int = 1) -> None:
    """Serve until SIGTERM or SIGINT; what runs then is answered first.

    Args:
        workers: processes that share the catalog, the cores and the jobs; one that dies or hangs is replaced.
    """
    if workers == 1:
        _server(partial(application, options), host=host, port=port).run()
        return
    Signer(options.signing)  # made once, so that all of them sign with the same key
    with tempfile.TemporaryDirectory(prefix="catalens-metrics-") as folder:
        settings.share_between(workers, metrics=Path(folder))
        app = partial(application, replace(options, metrics=Path(folder)))
        server = _server(app, host=host, port=port, workers=workers)
        Multiprocess(server.config, sockets=[server.config.bind_socket()]).run()


def _server(app: partial[FastAPI], *, host: str, port: int, workers: int = 1) -> uvicorn.Server:
    config = uvicorn.Config(
        app, factory=True, host=host, port=port, workers=workers, ws="none", access_log=False, log_level="warning",
        server_header=False, timeout_graceful_shutdown=GRACE_S, timeout_worker_healthcheck=HANGS_S,
    )  # fmt: skip
    return uvicorn.Server(config)
