"""Broken, odd and hostile pictures: what does reading do with each of 952 files, and with bombs?

    python -m benchmarks.broken

Reads every file of `broken-images/` (docs/data.md) and the bombs made here, each once; one that takes 20 s hangs.
Counted: errors outside our tree, warnings, the slowest file, the memory that a file needs at most, and the share
accepted of those that Pillow decodes and that lie inside the limits.
"""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import tarfile
import tempfile
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from PIL import Image

from catalens import settings
from catalens.errors import CatalensError, ImageLimitError
from catalens.images.limits import FORMATS, MAX_ASPECT, MAX_BYTES, MAX_PIXELS, MAX_SIDE
from catalens.images.read import read_image

HANG_S = 20.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file; `memory_mb` is by how much its process grew above any file before it."""

    kind: str
    seconds: float
    memory_mb: float
    warned: int


def peak_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def read_once(data: bytes) -> Outcome:
    before, started = peak_mb(), time.perf_counter()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            read_image(data)
            kind = "read"
        except ImageLimitError:
            kind = "refused by a limit"
        except CatalensError:
            kind = "named as broken"
        except BaseException as error:
            kind = f"OUTSIDE OUR TREE: {type(error).__name__}"
    return Outcome(kind, time.perf_counter() - started, peak_mb() - before, len(seen))


def work(asked: Connection) -> None:
    while True:
        asked.send(read_once(asked.recv()))


class Reader:
    """A process that reads; one that does not answer in time is ended and replaced."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("fork").Process(target=work, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def read(self, data: bytes) -> Outcome:
        self._pipe.send(data)
        try:
            if self._pipe.poll(HANG_S):
                outcome: Outcome = self._pipe.recv()
                return outcome
            kind = "HANGS"
        except EOFError:
            kind = "CRASHES"
        self.close()
        self._start()
        return Outcome(kind, HANG_S, 0.0, 0)

    def close(self) -> None:
        self._process.kill()
        self._process.join()


def pillow_decodes_within_limits(data: bytes) -> bool:
    """Whether Pillow itself decodes the first frame of a file that the limits admit."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
                inside = (
                    len(data) <= MAX_BYTES
                    and max(width, height) <= MAX_SIDE
                    and width * height <= MAX_PIXELS
                    and max(width, height) <= MAX_ASPECT * min(width, height)
                )
                if inside:
                    image.load()
                return inside
    except Exception:
        return False


def png(width: int, height: int) -> bytes:
    """A valid PNG of one bit a pixel, black: a thousandth of a byte each."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    pixels = b"".join(packer.compress(row * min(1000, height - start)) for start in range(0, height, 1000))
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([1, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels + packer.flush()) + chunk(b"IEND", b"")


def bombs() -> Iterable[tuple[str, bytes]]:
    """Valid files of a few bytes that ask for much: memory, or time."""
    yield "PNG 1x49,000,000", png(1, 49_000_000)
    yield "PNG 7000x7000", png(7000, 7000)
    large = Image.new("RGB", (7000, 7000))
    for format, options in (("WEBP", {"method": 0}), ("AVIF", {"speed": 10}), ("JPEG", {"progressive": True})):
        yield f"{format} 7000x7000", saved(large, format, **options)
    yield "GIF 7000x7000", saved(Image.new("L", (7000, 7000)), "GIF")
    yield (
        "GIF, 2,000 frames",
        saved(
            Image.new("L", (500, 500)),
            "GIF",
            append_images=[Image.new("L", (500, 500), n % 256) for n in range(1, 2000)],
        ),
    )
    photo = saved(Image.new("RGB", (6000, 6000)), "JPEG", progressive=True)
    scan = photo[photo.rfind(b"\xff\xc4", 0, photo.rfind(b"\xff\xda")) : -2]
    yield "JPEG 6000x6000, 100,000 scans", photo[:-2] + scan * 100_000 + photo[-2:]


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, save_all="append_images" in options, **options)
    return buffer.getvalue()


def corpus(folder: Path) -> list[tuple[str, str, bytes]]:
    """Magic, path and bytes of each file of the manifest."""
    with (folder / "manifest.tsv").open(encoding="utf-8") as lines:
        magics = {row["path"]: row["magic"] for row in csv.DictReader(lines, delimiter="\t")}
    with tempfile.TemporaryDirectory() as temporary, tarfile.open(folder / "corpus.tar.gz") as archive:
        archive.extractall(temporary, filter="data")
        return [(magic, path, (Path(temporary) / path).read_bytes()) for path, magic in sorted(magics.items())]


def main() -> None:
    files = corpus(settings.data_folder() / "broken-images")
    reader = Reader()
    found = {path: reader.read(data) for _, path, data in files}
    decodable = {path for _, path, data in files if pillow_decodes_within_limits(data)}
    missed = sorted(path for path in decodable if found[path].kind != "read")
    kinds = [*dict.fromkeys(["read", "named as broken", "refused by a limit", *(o.kind for o in found.values())])]
    print(f"{'files':<12}" + "".join(f"{kind:>20}" for kind in kinds))
    for magic in [*sorted({magic for magic, _, _ in files}), "all"]:
        counted = Counter(found[path].kind for name, path, _ in files if magic in {name, "all"})
        print(f"{magic:<12}" + "".join(f"{counted[kind]:>20}" for kind in kinds))
    print(f"\n{len(decodable)} decode in Pillow inside the limits; not read of those: {missed or 'none'}")
    slowest = max(found, key=lambda path: found[path].seconds)
    print(f"slowest: {found[slowest].seconds:.2f} s, {slowest}\n")
    print(f"{'bomb':<32}{'bytes':>10}{'seconds':>9}{'MB':>7}  outcome")
    blown: dict[str, Outcome] = {}
    for name, data in bombs():
        blown[name] = reader.read(data)
        print(f"{name:<32}{len(data):>10,}{blown[name].seconds:>9.3f}{blown[name].memory_mb:>7.0f}  {blown[name].kind}")
    reader.close()
    everything = [*found.values(), *blown.values()]
    result = {
        "benchmark": "broken",
        "files": len(files),
        "outcomes": Counter(outcome.kind for outcome in found.values()),
        "decodable": len(decodable),
        "accepted": round(1 - len(missed) / len(decodable), 4),
        "outside_our_tree": sum(outcome.kind.startswith("OUTSIDE") for outcome in everything),
        "hangs": sum(outcome.kind == "HANGS" for outcome in everything),
        "crashes": sum(outcome.kind == "CRASHES" for outcome in everything),
        "warnings": sum(outcome.warned for outcome in everything),
        "slowest_s": round(found[slowest].seconds, 3),
        "bombs_slowest_s": round(max(outcome.seconds for outcome in blown.values()), 3),
        "bombs_memory_mb": round(max(outcome.memory_mb for outcome in blown.values())),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
