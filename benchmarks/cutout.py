"""How good are cut-outs, beside GrabCut and a model of the border's color?

    python benchmarks/cutout.py [--sheet sheet.png]

On 200 composed pictures, whose things and backgrounds were never learned from, and on street photos whose masks were
never learned from. S-measure, IoU, mean error, F of the outline, and the time for a megapixel on one core: the ratio of
each way to GrabCut counts, not the milliseconds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from catalens import settings
from catalens.evaluation.intervals import bootstrap_mean
from catalens.features.foreground import foreground_guess
from catalens.images.draw import save_image
from catalens.images.matting import composite, foreground_colors
from catalens.images.prepare import resize
from catalens.tasks.cutout import cutter
from catalens.types import FloatArray, ImageArray
from recipes.cutout import RENDERED, composed_pictures
from recipes.matting_scores import boundary_f, iou, mean_error, s_measure
from recipes.objects import goods, people, rendered
from recipes.parts import masked_photos
from recipes.scenes import backgrounds

Cut = Callable[[ImageArray], FloatArray]
MEASURES = {"S-measure": s_measure, "IoU": iou, "mean error": mean_error, "boundary F": boundary_f}
STREET, SHOWN = 100, 40
GREEN = (40, 160, 70)


def grab_cut(image: ImageArray) -> FloatArray:
    """GrabCut (Rother et al. 2004) from a frame of a twentieth of the picture, which is taken for background."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    frame = (width // 20, height // 20, width - 2 * (width // 20), height - 2 * (height // 20))
    cv2.setRNGSeed(0)
    cv2.grabCut(
        np.ascontiguousarray(image[..., ::-1]), mask, frame, np.zeros((1, 65)), np.zeros((1, 65)), 3,
        cv2.GC_INIT_WITH_RECT,
    )  # fmt: skip
    return np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)


def border_color(image: ImageArray) -> FloatArray:
    return foreground_guess(image).astype(np.float32)


def measured(cut: Cut, pictures: list[tuple[ImageArray, FloatArray]]) -> dict[str, object]:
    found = [cut(image) for image, _ in pictures]
    return {
        name: bootstrap_mean([measure(wanted, one) for (_, wanted), one in zip(pictures, found, strict=True)])
        for name, measure in MEASURES.items()
    }


def time_of(cut: Cut) -> float:
    """Seconds for a megapixel, the median of five."""
    rng = np.random.default_rng(0)
    image = resize(rng.integers(0, 255, (40, 40, 3), np.uint8), (1000, 1000))
    cut(image)
    spent = []
    for _ in range(5):
        start = time.perf_counter()
        cut(image)
        spent.append(time.perf_counter() - start)
    return float(np.median(spent))


def sheet(cut: Cut, pictures: list[tuple[ImageArray, FloatArray]]) -> ImageArray:
    """Pictures and their cut-outs on green, eight to a row."""
    tiles = []
    for image, _ in pictures:
        alpha = cut(image)
        green = np.full_like(image, GREEN)
        laid = composite(foreground_colors(image, alpha), alpha, green)
        tiles.append(np.vstack([resize(image, (192, 192)), resize(laid, (192, 192))]))
    return np.vstack([np.hstack(tiles[row : row + 8]) for row in range(0, len(tiles), 8)])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sheet", type=Path, help="write 40 pictures with their cut-outs (.png)")
    parser.add_argument("--cache", type=Path, default=Path("runs/cutout/cache"), help="folder of rendered things")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    data = settings.data_folder()
    unseen = masked_photos(data, held_out=True)
    things = [*goods(data), *rendered(RENDERED, seed=7, cache=given.cache)]
    kept = [*people(unseen), *(thing for thing in things if thing.is_held_out)]
    composed = composed_pictures(kept, backgrounds(data, unseen, seed=1, table="validation.csv"), seed=99)
    street = [(photo.image, (photo.labels > 0).astype(np.float32)) for photo in unseen[:STREET]]
    ours = cutter(threads=1)
    ways: dict[str, Cut] = {"catalens": ours.alpha, "GrabCut": grab_cut, "border color": border_color}
    result: dict[str, object] = {"benchmark": "cutout"}
    times = {name: time_of(cut) for name, cut in ways.items()}
    for name, cut in ways.items():
        rows = {"composed": measured(cut, composed), "street": measured(cut, street)}
        print(
            f"{name}: {times[name] / times['GrabCut']:.3f} of GrabCut's time ({1000 * times[name]:.0f} ms a megapixel)"
        )
        for kind, figures in rows.items():
            for figure, estimate in figures.items():
                print(f"  {kind:<9} {figure:<11} {estimate}")
        result[name] = {
            kind: {figure: estimate.to_dict() for figure, estimate in figures.items()}  # type: ignore[attr-defined]
            for kind, figures in rows.items()
        } | {"of GrabCut's time": times[name] / times["GrabCut"]}
    if given.sheet is not None:
        save_image(given.sheet, sheet(ours.alpha, composed[:SHOWN]))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
