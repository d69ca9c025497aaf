"""How good is try-on on people it never learned from, beside ways without a network; how long does it take?

    python -m benchmarks.tryon [--sheet sheet.png] [--people 315]

The paired and the unpaired protocol of `recipes.tryon_protocol`, on each fifth of the street photos; the time for a
photo of 512x384 and the memory of the process, at one and at two cores. `--sheet` draws 48 of the unpaired ones.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.memory import memory_mb
from catalens import settings
from catalens.evaluation.generation import GenerationScores, generation_scores
from catalens.images.draw import save_image
from catalens.images.prepare import letterbox, resize
from catalens.images.read import read_image
from catalens.models.zoo import DEFAULT_TRYON
from catalens.tasks.embed import encoder
from catalens.tasks.segment import parser as load_parser
from catalens.tasks.tryon import tryon_model
from catalens.types import ImageArray
from recipes.laid_out import Person
from recipes.parts import HELD_OUT
from recipes.tryon_protocol import (
    Fitting,
    garment_on_white,
    identity_preserved,
    paired,
    scale_to_protocol,
    scores_of,
    unpaired,
)
from recipes.tryon_views import people

SHOWN, COLUMNS = 48, 6
TILE = (192, 128)
TIMED = (512, 384)
PAIR = ("photos/0005.jpg", "photos/0010.jpg")
"""Person and garment that the time is measured with."""


def held_out(cache: Path, count: int) -> list[Person]:
    found = people(settings.data_folder(), teachers=settings.teacher_folder(), cache=cache)
    return [person for person in found if person.number % HELD_OUT == 0][:count]


def sheet(fittings: Sequence[Fitting]) -> ImageArray:
    """Person, garment, worn: three a pair, six pairs to a row."""
    pairs = [
        np.hstack(
            [letterbox(one, TILE)[0] for one in (shown.person.image, garment_on_white(shown.garment), shown.worn.image)]
        )
        for shown in fittings
    ]
    rows = len(pairs) // COLUMNS
    return np.vstack([np.hstack(pairs[row * COLUMNS : (row + 1) * COLUMNS]) for row in range(rows)])


def against_photos(fittings: Sequence[Fitting]) -> GenerationScores:
    """FID, KID, precision and recall of people in garments of others against the same people's photos, at 256x192."""
    ask = encoder()
    photos, worn = (
        [scale_to_protocol(one.person.image) for one in fittings],
        [scale_to_protocol(one.worn.image) for one in fittings],
    )
    features = f"{ask.name}, {ask.dim} numbers of unit length"
    return generation_scores(ask.encode_images(photos), ask.encode_images(worn), features=features)


def timed(cores: int) -> dict[str, float]:
    """Seconds for a person and a worn garment, the median of nine, and the peak memory, in this process."""
    cv2.setNumThreads(cores)
    model = tryon_model(threads=cores)
    photo, garment = (resize(read_image(settings.data_folder() / "streetstyle" / name), TIMED) for name in PAIR)
    spent = []
    for _ in range(10):
        start = time.perf_counter()
        model(photo, garment)
        spent.append(time.perf_counter() - start)
    return {"seconds": round(float(np.median(spent[1:])), 3), "peak MB": round(memory_mb()["peak"])}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sheet", type=Path, help="write 48 people in garments of others (.png)")
    parser.add_argument("--people", type=int, default=1000, help="how many of the held out people to ask, at most")
    parser.add_argument("--model", default=DEFAULT_TRYON, help="a bundled try-on network, or a folder with a card")
    parser.add_argument("--cache", type=Path, default=Path("runs/tryon/cache"), help="folder that keeps the people")
    parser.add_argument("--time", type=int, help="what a child process measures: the time at so many cores")
    given = parser.parse_args()
    if given.time:
        print(json.dumps(timed(given.time)))
        return
    persons, model = held_out(given.cache, given.people), tryon_model(given.model)
    figures = scores_of(list(paired(model, persons)), encoder())
    others = list(unpaired(model, persons))
    figures["garment identity, unpaired, AUC"] = identity_preserved(others, encoder(), load_parser())
    for name, estimate in figures.items():
        print(f"{name:<70} {estimate}")
    unlike = against_photos([fitting for fitting, _ in others]).to_dict()
    print(f"unpaired, against photos: {unlike}")
    times = {}
    for cores in (1, 2):
        command = [sys.executable, "-m", "benchmarks.tryon", "--time", str(cores)]
        finished = subprocess.run(command, capture_output=True, text=True, check=True)
        times[f"{cores} cores"] = json.loads(finished.stdout.splitlines()[-1])
        print(f"{TIMED[0]}x{TIMED[1]}, {cores} cores: {times[f'{cores} cores']}")
    if given.sheet is not None:
        save_image(given.sheet, sheet([fitting for fitting, _ in others[:SHOWN]]))
    said = {name: estimate.to_dict() for name, estimate in figures.items()}
    print(json.dumps({"benchmark": "tryon", **said, "unpaired": unlike, "time": times}))


if __name__ == "__main__":
    main()
