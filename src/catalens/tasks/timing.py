"""How long networks take on this machine for one photo: measured once for each file, and kept in the cache."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from statistics import median

import numpy as np

from catalens import settings
from catalens.errors import CatalensError, ModelError, NotFoundError
from catalens.json_text import parse_json
from catalens.models.known import find_known
from catalens.models.pull import pinned
from catalens.tasks.cutout import cutter
from catalens.tasks.detect import detector
from catalens.tasks.embed import encoder
from catalens.types import ImageArray

FILE = "measured.json"
TASKS = frozenset({"matte", "detect", "embed"})
"""Tasks that are measured; the others need more than a photo."""
SIDE, RUNS = 640, 3
"""Side of the photo, in pixels; runs after a first one, of which the median counts."""


def measured(name: str, task: str) -> float | None:
    """Milliseconds that a network takes for a photo of `SIDE` pixels here; None where it cannot be measured.

    What was measured before is read from the cache, unless the network, the device or the threads are others now.
    """
    if task not in TASKS:
        return None
    path = settings.models_folder() / FILE
    known = find_known(name)
    try:
        files = "" if known is None or (found := pinned(known)) is None else found.files[0].sha256
    except ModelError:
        return None
    key = f"{name} {files[:16]} {settings.device()} {settings.dtype()} {settings.threads()}"
    try:
        kept = parse_json(path.read_text("utf-8"))
        if isinstance(kept, dict) and isinstance(kept.get(key), int | float):
            return float(kept[key])
    except (OSError, ValueError):
        kept = {}
    try:
        found_ms = _measure(name, task)
    except CatalensError:  # an extra is missing, a licence not accepted: nothing to say of its time
        return None
    with suppress(OSError):  # a cache that cannot be written: it is measured again
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        draft.write_text(json.dumps({**(kept if isinstance(kept, dict) else {}), key: found_ms}, indent=1), "utf-8")
        draft.replace(path)
    return found_ms


def _measure(name: str, task: str) -> float:
    if task == "matte":
        network = cutter(name)
        return _median(network.alpha)
    if task == "detect":
        find = detector(name)
        return _median(find)
    if task == "embed":
        embed = encoder(name)
        return _median(lambda image: embed.encode_images([image]))
    raise NotFoundError(f"networks for {task!r} are not measured")


def _median(run: Callable[[ImageArray], object]) -> float:
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    inside = ((y - SIDE / 2) ** 2 + (x - SIDE / 2) ** 2 < (SIDE / 3) ** 2)[..., None]
    image: ImageArray = np.where(inside, np.uint8(60), np.uint8(225)) + (np.dstack([x, y, x]) / 32).astype(np.uint8)
    times = []
    for _ in range(1 + RUNS):
        start = time.perf_counter()
        run(image)
        times.append(time.perf_counter() - start)
    return round(1000 * median(times[1:]), 1)
