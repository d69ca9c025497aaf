"""How soon does `catalens photo classify` answer from a cold start; how long does a softmax head on 3,000 photos take?

    python benchmarks/classify.py [--rounds 5] [--photos 3000]

The command is started anew each time, with a classifier of one's own and with words alone; training is the whole
command: photos read, features, calibration, figures. Time on the clock and of the processor.
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
from pathlib import Path

from catalens import settings

LABELS = "dress,shirt,shoes"


def timed(*words: str) -> tuple[float, float]:
    """Seconds on the clock and of the processor that a command takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "catalens.cli.main", *words], check=True, capture_output=True)
    spent = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def sorted_photos(data: Path, out: Path, count: int) -> int:
    """Links to photos in a folder for each category; how many."""
    photos = sorted((data / "clothing" / "train").rglob("*.jpg"))[:: max(1, 3068 // count)][:count]
    for photo in photos:
        folder = out / photo.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / photo.name).symlink_to(photo.resolve())
    return len(photos)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--photos", type=int, default=3000)
    given = parser.parse_args()
    result: dict[str, object] = {"benchmark": "classify", "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory() as place:
        folder, model = Path(place) / "photos", Path(place) / "model"
        count = sorted_photos(settings.data_folder(), folder, given.photos)
        took, busy = timed("train", "classifier", "--data", str(folder), "--out", str(model))
        print(f"softmax head on {count} photos: {took:.1f} s, {busy:.1f} s of the processor", flush=True)
        result["softmax head"] = {"photos": count, "seconds": took, "CPU seconds": busy}
        photo = str(next(folder.rglob("*.jpg")))
        for name, words in (("own labels", ["--model", str(model)]), ("words", ["--labels", LABELS])):
            rounds = [timed("photo", "classify", photo, *words) for _ in range(given.rounds)]
            took, busy = (statistics.median(column) for column in zip(*rounds, strict=True))
            print(f"classify from a cold start, {name}: {took:.2f} s, {busy:.2f} s of the processor")
            result[f"cold start, {name}"] = {"seconds": took, "CPU seconds": busy}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
