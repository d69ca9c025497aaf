"""Hostile pictures: mutants of real files through the library, the command and HTTP; bombs refused from the header.

A mutant is a file that was cut short, whose header says another size, whose chunks have other lengths, whose bits are
flipped, that is put together of two, or that has an archive at its end. The seed is the day's, and printed.
"""

from __future__ import annotations

import io
import random
import struct
import subprocess
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from PIL import Image

from benchmarks.broken import Reader, corpus, saved
from benchmarks.serving import COMMAND, Service
from catalens import settings

HANGS_S = 5.0
BOMBS = ((7000, 7000), (12_500, 4000), (60, 11_000), (16_000, 16_000), (9001, 9001))
"""(width, height) that are beyond the limits: pixels, a side, the aspect."""
SIZES = (b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\xff\xff", b"\0\1", struct.pack(">I", 9000))
ARCHIVE = io.BytesIO()
with zipfile.ZipFile(ARCHIVE, "w") as packed:
    packed.writestr("shell.php", "<?php system($_GET[0]);")


def originals() -> list[bytes]:
    """Small valid and odd files: those of `broken-images` where they are, and one of each format."""
    picture = Image.effect_noise((96, 64), 60).convert("RGB")
    made = [saved(picture, kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP", "TIFF")]
    folder = settings.data_folder() / "broken-images"
    real = [data for _, _, data in corpus(folder) if len(data) < 60_000] if folder.is_dir() else []
    return made + real


def mutants(files: Sequence[bytes], count: int, *, seed: int) -> Iterator[bytes]:
    """So many mutants."""
    rng = random.Random(seed)
    for _ in range(count):
        data = bytearray(rng.choice(files))
        place = rng.randrange(max(1, len(data)))
        kind = rng.randrange(6)
        if kind == 0:
            del data[place:]
        elif kind == 1:  # sizes stand near the beginning, in 2 or 4 bytes
            at = rng.randrange(min(len(data), 64) or 1)
            data[at : at + 4] = rng.choice(SIZES)
        elif kind == 2:
            data[place : place + 4] = struct.pack(rng.choice(["<I", ">I"]), rng.choice([0, 1, 2**31 - 1, 2**32 - 1]))
        elif kind == 3:
            for _ in range(rng.randrange(1, 40) if data else 0):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        elif kind == 4:
            other = rng.choice(files)
            data[place:] = other[rng.randrange(max(1, len(other))) :]
        else:
            data += ARCHIVE.getvalue()
        yield bytes(data)


def bombs() -> Iterator[tuple[str, bytes]]:
    """Files whose headers announce more than is read: 8 kinds of 5 sizes."""
    small = Image.new("RGB", (64, 48))
    jpeg, progressive = saved(small, "JPEG"), saved(small, "JPEG", progressive=True)
    png, gif, bmp, tiff = (saved(small, kind) for kind in ("PNG", "GIF", "BMP", "TIFF"))
    avif, webp = saved(small, "AVIF"), saved(small.convert("RGBA"), "WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")
    for width, height in BOMBS:
        name = f"{width}x{height}"
        for kind, data, marker in (("JPEG", jpeg, b"\xff\xc0"), ("progressive JPEG", progressive, b"\xff\xc2")):
            at = data.index(marker) + 5
            yield f"{kind} {name}", data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]
        yield f"PNG {name}", _png(png, width, height)
        yield f"GIF {name}", gif[:6] + struct.pack("<HH", width, height) + gif[10:]
        yield f"BMP {name}", bmp[:18] + struct.pack("<ii", width, height) + bmp[26:]
        yield f"TIFF {name}", _tiff(tiff, width, height)
        at = avif.index(b"ispe") + 8
        yield f"AVIF {name}", avif[:at] + struct.pack(">II", width, height) + avif[at + 8 :]
        at = webp.index(b"VP8X") + 12
        canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        yield f"WebP {name}", webp[:at] + canvas + webp[at + 6 :]


def _png(data: bytes, width: int, height: int) -> bytes:
    head = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]


def _tiff(data: bytes, width: int, height: int) -> bytes:
    """Tags 256 and 257, each of 12 bytes: number, type (3 short, 4 long), count, value."""
    out = bytearray(data)
    for tag, value in ((256, width), (257, height)):
        short = struct.pack("<HHI", tag, 3, 1)
        at = out.index(short if short in out else struct.pack("<HHI", tag, 4, 1))
        out[at : at + 12] = struct.pack("<HHII", tag, 4, 1, value)
    return bytes(out)


def run(service: Service, folder: Path, *, count: int, seed: int) -> dict[str, dict[str, object]]:
    """All of it; `count` mutants through the library, a tenth of them through HTTP and the command."""
    files = originals()
    print(f"mutants: seed {seed}, of {len(files)} files")
    sent = max(50, count // 10)
    return {
        "mutants, library": _library(list(mutants(files, count, seed=seed))),
        "mutants, HTTP": _http(service, list(mutants(files, sent, seed=seed + 1))),
        "mutants, command": _command(list(mutants(files, sent, seed=seed + 2)), folder),
        "bombs": _bombs(service),
    }


def _library(data: Sequence[bytes]) -> dict[str, object]:
    reader, kinds, slowest, memory = Reader(), Counter[str](), 0.0, 0.0
    for one in data:
        outcome = reader.read(one)
        kinds[outcome.kind] += 1
        slowest, memory = max(slowest, outcome.seconds), max(memory, outcome.memory_mb)
    reader.close()
    wrong = sum(count for kind, count in kinds.items() if kind.isupper() or kind.startswith("OUTSIDE"))
    return {"n": len(data), "wrong": wrong, "slowest s": round(slowest, 2), "most MB": round(memory), **kinds}


def _http(service: Service, data: Sequence[bytes]) -> dict[str, object]:
    statuses: Counter[int] = Counter()
    slowest: list[float] = []

    def send(one: bytes) -> None:
        began = time.perf_counter()
        files = {"image": ("a.jpg", one, "image/jpeg")}
        statuses[httpx.post(f"{service.address}/v1/search", files=files, timeout=60).status_code] += 1
        slowest.append(time.perf_counter() - began)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(send, data))
    wrong = sum(count for status, count in statuses.items() if status >= 500)
    counted = {str(status): count for status, count in sorted(statuses.items())}
    return {"n": len(data), "5xx": wrong, "slowest s": round(max(slowest), 2), "over 5 s": _over(slowest), **counted}


def _over(seconds: Sequence[float]) -> int:
    return sum(one > HANGS_S for one in seconds)


def _command(data: Sequence[bytes], folder: Path) -> dict[str, object]:
    place = folder / "mutants"
    place.mkdir()
    for number, one in enumerate(data):
        (place / f"{number:05}.jpg").write_bytes(one)
    began = time.perf_counter()
    done = subprocess.run(
        [*COMMAND, "add", str(place), "--catalog", str(folder / "of-mutants")], capture_output=True, check=False
    )
    trace = b"Traceback" in done.stderr
    return {"n": len(data), "exit code": done.returncode, "trace": trace, "s": round(time.perf_counter() - began, 1)}


def _bombs(service: Service) -> dict[str, object]:
    reader, kinds, statuses, slowest, memory = Reader(), Counter[str](), Counter[str](), 0.0, 0.0
    for _, data in bombs():
        outcome = reader.read(data)
        kinds[outcome.kind] += 1
        slowest, memory = max(slowest, outcome.seconds), max(memory, outcome.memory_mb)
        answer = httpx.post(f"{service.address}/v1/search", files={"image": ("a", data)}, timeout=60)
        statuses[f"HTTP {answer.status_code}"] += 1
    reader.close()
    return {"n": kinds.total(), "slowest s": round(slowest, 3), "most MB": round(memory), **kinds, **statuses}
