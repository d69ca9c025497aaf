"""How long do detecting, parsing, cutting out and checking take, and how much memory; beside rembg and plain numpy?

    python benchmarks/regions.py [--photos 40] [--side 1000] [--flat 1000] [--only tasks rembg suppression]

On photos of phones, scaled to a longer side. `tasks`: each in a process of its own, one photo at a time, on one and on
all cores: median milliseconds, photos a second, time of the processor, the most memory. `rembg`: cut-outs with the same
network file, run by rembg's own session class (`pip install rembg`), in turn with ours: as it is by default (the
network's mask, the photo's colors), with colors freed from the background as ours are, and with edges followed too;
memory after a tenth and after all of many photos. `suppression`: our non-maximum suppression beside the textbook's loop
in plain numpy, on the same boxes, in time of the processor.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from catalens import settings
from catalens.geometry import iou, nms
from catalens.images.draw import save_image
from catalens.images.prepare import resize
from catalens.images.read import read_header, read_image
from catalens.models.zoo import DEFAULT_MATTE, find_card
from catalens.tasks.cutout import cutout_of, cutter
from catalens.tasks.detect import detector
from catalens.tasks.listing import check
from catalens.tasks.segment import parser
from catalens.types import FloatArray, IntArray

TASKS = ("detect", "segment", "cutout", "check")
BOXES = (100, 1000)


def photos_of(data: Path, out: Path, *, count: int, side: int) -> None:
    """Write photos, scaled to a longer side, into a folder."""
    for path in sorted((data / "clothing" / "validation").rglob("*.jpg"))[:count]:
        image = read_image(path)
        scale = side / max(image.shape[:2])
        size = round(image.shape[0] * scale), round(image.shape[1] * scale)
        save_image(out / path.name, resize(image, size))


def task(name: str, threads: int) -> Callable[[Path], object]:
    """One of the things to do with a photo, from its file on."""
    if name == "detect":
        find = detector(threads=threads)
        return lambda path: find(read_image(path))
    if name == "segment":
        parse = parser(threads=threads)
        return lambda path: parse(read_image(path))
    if name == "cutout":
        cut = cutter(threads=threads)

        def whole(path: Path) -> object:
            image = read_image(path)
            return cutout_of(image, cut.alpha(image)).rgba

        return whole
    return lambda path: check(path, rules=["google", "amazon"])


def measured_here(name: str, threads: int, paths: list[Path]) -> dict[str, float]:
    cv2.setNumThreads(threads)
    run, spent, pixels = task(name, threads), [], []
    run(paths[0])
    busy = time.process_time()
    for path in paths:
        start = time.perf_counter()
        run(path)
        spent.append(time.perf_counter() - start)
        pixels.append(np.prod(read_header(path).size) / 1e6)
    busy = time.process_time() - busy
    return {
        "ms": 1000 * statistics.median(spent),
        "photos a second": len(spent) / sum(spent),
        "CPU ms": 1000 * busy / len(spent),
        "ms a megapixel": 1000 * sum(spent) / sum(pixels),
        "most MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def tasks(folder: Path) -> dict[str, dict[str, float]]:
    """Each in a process of its own, so that its memory is its own."""
    found = {}
    for threads in sorted({1, os.cpu_count() or 1}):
        for name in TASKS:
            words = [sys.executable, __file__, "--here", name, str(threads), str(folder)]
            row = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
            found[f"{name}, {threads} threads"] = row
            print(f"{name:<8} {threads} threads  " + "  ".join(f"{key} {value:.1f}" for key, value in row.items()))
    return found


def beside_rembg(paths: list[Path], flat: int) -> dict[str, float]:
    """Ours and rembg's ways, in turn, photo by photo; then ours alone over many photos."""
    from PIL import Image
    from rembg import remove

    theirs, ours = rembg_session(), task("cutout", settings.threads())
    ways: dict[str, Callable[[Path], object]] = {
        "ours": ours,
        # Edges as the network gives them, colors as they are; colors freed; edges followed and colors freed.
        "rembg": lambda path: remove(Image.open(path), session=theirs),
        "rembg, decontaminate": lambda path: remove(Image.open(path), session=theirs, decontaminate=True),
        "rembg, alpha matting": lambda path: remove(Image.open(path), session=theirs, alpha_matting=True),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    work: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way(paths[0])  # numba compiles, or reads what it compiled
    for path in paths:
        for name, way in ways.items():
            start, busy = time.perf_counter(), time.process_time()
            way(path)
            times[name].append(time.perf_counter() - start)
            work[name].append(time.process_time() - busy)
    found = {f"{name}, ms": 1000 * statistics.median(spent) for name, spent in times.items()}
    found |= {f"{name}, CPU ms": 1000 * statistics.median(spent) for name, spent in work.items()}
    for name in list(ways)[1:]:
        ratios = [other / own for other, own in zip(times[name], times["ours"], strict=True)]
        found[f"{name}, times ours"] = statistics.median(ratios)
    grown = []
    for number, path in enumerate(islice(cycle(paths), flat)):
        ours(path)
        if number in (flat // 10, flat - 1):
            grown.append(resident_mb())
    found |= {"MB after a tenth": grown[0], "MB after all": grown[-1], "photos": float(flat)}
    print("  ".join(f"{name} {value:.2f}" for name, value in found.items()))
    return found


def rembg_session() -> Any:
    """The session class of rembg around the same file: the same size and numbers in; rembg does all else."""
    import onnxruntime
    from PIL import Image
    from rembg.sessions.base import BaseSession

    card = find_card(DEFAULT_MATTE)

    class Session(BaseSession):  # type: ignore[misc]
        @classmethod
        def name(cls, *args: object, **kwargs: object) -> str:
            del args, kwargs
            return card.name

        @classmethod
        def download_models(cls, *args: object, **kwargs: object) -> str:
            del args, kwargs
            return str(card.weights)

        def predict(self, img: Image.Image, *args: object, **kwargs: object) -> list[Image.Image]:
            del args, kwargs
            spec = card.preprocess
            # What `normalize` of the base class does, but for dividing by the brightest pixel, which no card says.
            small = np.asarray(img.convert("RGB").resize(spec.size[::-1], Image.Resampling.LANCZOS), np.float32)
            x = ((small / 255 - spec.mean) / spec.std).astype(np.float32).transpose(2, 0, 1)[None]
            logits = self.inner_session.run(None, {self.inner_session.get_inputs()[0].name: x})[0][0, 0]
            mask = Image.fromarray((255 / (1 + np.exp(-logits))).astype(np.uint8))
            return [mask.resize(img.size, Image.Resampling.LANCZOS)]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads()
    return Session(card.name, options, providers=["CPUExecutionProvider"])


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def plain_nms(boxes: FloatArray, scores: FloatArray, *, threshold: float) -> IntArray:
    """The surest box, away with all that overlap it, the next one (as courses write it)."""
    order, kept = np.argsort(-scores, kind="stable"), []
    while len(order):
        kept.append(order[0])
        left, top = np.maximum(boxes[order[0], :2], boxes[order[1:], :2]).T
        right, bottom = np.minimum(boxes[order[0], 2:], boxes[order[1:], 2:]).T
        both = np.clip(right - left, 0, None) * np.clip(bottom - top, 0, None)
        areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
        order = order[1:][both / (areas[order[0]] + areas[order[1:]] - both) <= threshold]
    return np.array(kept, np.int64)


def suppression() -> dict[str, float]:
    rng, found = np.random.default_rng(0), {}
    for count in BOXES:
        corner = rng.uniform(0, 400, (count, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(20, 120, (count, 2))], 1).astype(np.float32)
        scores = rng.random(count).astype(np.float32)
        kept = nms(boxes, scores, threshold=0.5)
        assert np.array_equal(kept, plain_nms(boxes, scores, threshold=0.5))
        assert iou(boxes[kept], boxes[kept])[~np.eye(len(kept), dtype=bool)].max(initial=0) <= 0.5
        for name, way in (("ours", partial(nms, threshold=0.5)), ("plain numpy", partial(plain_nms, threshold=0.5))):
            spent = []
            for _ in range(20):
                start = time.process_time()
                way(boxes, scores)
                spent.append(time.process_time() - start)
            found[f"{name}, {count} boxes, ms"] = 1000 * statistics.median(spent)
    print("  ".join(f"{name} {value:.2f}" for name, value in found.items()))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--side", type=int, default=1000)
    parser.add_argument("--flat", type=int, default=1000, help="photos over which memory is watched")
    parser.add_argument("--only", nargs="*", default=["tasks", "rembg", "suppression"])
    parser.add_argument("--here", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here is not None:
        name, threads, folder = given.here
        print(json.dumps(measured_here(name, int(threads), sorted(Path(folder).iterdir()))))
        return
    result: dict[str, object] = {"benchmark": "regions", "photos": given.photos, "longer side": given.side}
    with tempfile.TemporaryDirectory() as folder:
        photos_of(settings.data_folder(), Path(folder), count=given.photos, side=given.side)
        if "suppression" in given.only:
            result["suppression"] = suppression()
        if "tasks" in given.only:
            result["tasks"] = tasks(Path(folder))
        if "rembg" in given.only:
            result["rembg"] = beside_rembg(sorted(Path(folder).iterdir()), given.flat)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
