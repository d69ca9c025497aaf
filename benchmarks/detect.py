"""How good is the detector, and are its proposals better than selective search?

    python benchmarks/detect.py [--model NAME ...] [--without-proposals]

On the street photos whose masks were never learned from: average precision of each detector; recall of the first 100
and 1,000 proposals at IoU 0.5 and 0.7, side by side with selective search; times of a photo on one core.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from catalens import settings
from catalens.evaluation.detection import Truth, detection_scores, proposal_recall
from catalens.learning.regions.detector import Labelled
from catalens.models.parts import PRODUCTS
from catalens.models.zoo import BUILT_IN_DETECTOR, DEFAULT_DETECTOR, ENSEMBLE, bundled_cards
from catalens.tasks.detect import Detector, detector
from catalens.tasks.proposals import proposer
from catalens.types import Detections, FloatArray
from recipes.detector_lesson import street_photos

MAIN = ("top", "outerwear", "dress", "skirt", "trousers", "shoes", "bag")
MERGED = {"shorts": "trousers", "boots": "shoes"}
"""Labels that the parser takes together: for the detector that goes by its parts."""


def truths_of(photos: Sequence[Labelled], *, merged: bool) -> list[Truth]:
    names = [[PRODUCTS[label] for label in photo.labels.tolist()] for photo in photos]
    if merged:
        names = [[MERGED.get(name, name) for name in row] for row in names]
    return [Truth(photo.boxes, tuple(row)) for photo, row in zip(photos, names, strict=True)]


def timed(find: Callable[[np.ndarray], object], photos: Sequence[Labelled]) -> tuple[list[object], float]:
    """What is found, and the median time of a photo in seconds."""
    found, spent = [], []
    for photo in photos:
        start = time.perf_counter()
        found.append(find(photo.image))
        spent.append(time.perf_counter() - start)
    return found, float(np.median(spent))


def average_precision(name: str, finder: Detector, photos: Sequence[Labelled]) -> dict[str, object]:
    found, spent = timed(finder, photos)
    answers = [one for one in found if isinstance(one, Detections)]
    scores = detection_scores(answers, truths_of(photos, merged=name == BUILT_IN_DETECTOR))
    main = float(np.mean([scores.by_class[label].value for label in MAIN]))
    print(
        f"{name}: AP {scores.ap}, AP50 {scores.ap50}, AP50 of main garments {main:.3f}, {1000 * spent:.0f} ms a photo"
    )
    for label, one in scores.by_class.items():
        print(f"  {label:<10} {one}")
    return {**scores.to_dict(), "AP50 of main garments": main, "ms": 1000 * spent}


def recalls(way: str, photos: Sequence[Labelled]) -> dict[str, float]:
    found, spent = timed(proposer(way, threads=1), photos)  # type: ignore[arg-type]
    boxes: list[FloatArray] = [one for one in found if isinstance(one, np.ndarray)]
    truths = truths_of(photos, merged=False)
    row: dict[str, float] = {"ms": 1000 * spent}
    for count in (100, 1000):
        for threshold in (0.5, 0.7):
            hits, total = proposal_recall(boxes, truths, count=count, threshold=threshold)
            row[f"recall of {count} at {threshold}"] = hits / total
    print(f"{way:<17}", "  ".join(f"{name} {value:.3f}" for name, value in row.items()))
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", nargs="*", default=None, help="detectors; all that are bundled where absent")
    parser.add_argument("--without-proposals", action="store_true", help="average precision only")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    photos = street_photos(settings.data_folder(), held_out=True)
    bundled = [DEFAULT_DETECTOR] if DEFAULT_DETECTOR in bundled_cards("detect") else []
    names = [BUILT_IN_DETECTOR, *bundled, ENSEMBLE] if given.model is None else given.model
    result: dict[str, object] = {"benchmark": "detect", "n": len(photos)}
    for name in names:
        result[name] = average_precision(name, detector(name, threads=1), photos)
    if not given.without_proposals:
        result["selective-search"] = recalls("selective-search", photos)
        if bundled:
            result["rpn"] = recalls("rpn", photos)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
