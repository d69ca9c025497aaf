"""Prometheus metrics, summed over the worker processes of a service."""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

BATCHES = (1, 2, 4, 8, 16, 32)
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counters, gauges and histograms.

    Args:
        folder: shared by the worker processes of a service; None for a service of one process.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._registry = here = CollectorRegistry()
        self.requests = Counter("catalens_requests_total", "Requests.", ["route", "status"], registry=here)
        self.seconds = Histogram("catalens_request_seconds", "Time of a request.", ["route"], registry=here)
        self.waited = Histogram(
            "catalens_wait_seconds", "Time in the queue of a class.", ["class"], registry=here, buckets=SECONDS
        )
        self.worked = Histogram(
            "catalens_work_seconds", "Time at work, by class.", ["class"], registry=here, buckets=SECONDS
        )
        self.queued = Gauge(
            "catalens_queued", "Calls that wait.", ["class"], registry=here, multiprocess_mode="livesum"
        )
        self.refused = Counter("catalens_refused_total", "Calls turned away.", ["class", "why"], registry=here)
        self.ended = Counter(
            "catalens_connections_ended_total", "Connections refused or cut off before an answer.", ["why"],
            registry=here,
        )  # fmt: skip
        self.batch = Histogram(
            "catalens_batch_size", "Pictures that went through the network at once.", registry=here, buckets=BATCHES
        )
        self.model_seconds = Histogram(
            "catalens_model_seconds", "Time of the network for one batch.", registry=here, buckets=SECONDS
        )
        self.products = Gauge(
            "catalens_products", "Products of the catalog.", registry=here, multiprocess_mode="livemostrecent"
        )
        self.pictures = Gauge(
            "catalens_pictures", "Pictures of the catalog.", registry=here, multiprocess_mode="livemostrecent"
        )
        if folder is not None:
            _delete_gauges_of_ended_workers(folder)

    def count_ended(self, why: str) -> None:
        """Count a connection that was refused or cut off: why, as in the type of its problem."""
        self.ended.labels(why).inc()

    def text(self) -> bytes:
        """All metrics in the Prometheus text format."""
        if self._folder is None:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together, path=str(self._folder))  # type: ignore[no-untyped-call]
        return generate_latest(together)


def _delete_gauges_of_ended_workers(folder: Path) -> None:
    """Delete gauge files of ended worker processes; their counters stay."""
    for path in folder.glob("gauge_live*_*.db"):
        number = path.stem.rpartition("_")[2]
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            path.unlink(missing_ok=True)
        except (PermissionError, ValueError):
            continue
