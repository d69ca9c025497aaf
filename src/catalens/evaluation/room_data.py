"""Evaluation on Shop the Look: is the right product chosen for a scene?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from catalens.errors import CatalensError, NotFoundError, UsageError
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.evaluation.outfit_data import SceneProduct, read_shop_the_look
from catalens.images.read import read_image
from catalens.styling.outfit import main_color
from catalens.styling.room import palette_fit, room_palette
from catalens.tasks.embed import Encoder
from catalens.types import Failure, FloatArray, ImageArray, Progress, Where

CHOICES = 4
DOMAINS = ("home", "fashion")


def is_shop_the_look(data: Path) -> bool:
    """Whether a folder holds the Shop the Look dataset (home or fashion)."""
    return any((data / f"{domain}-cat.json").is_file() for domain in DOMAINS)


def scene_figures(
    data: Path, *, encoder: Encoder, seed: int = 0, progress: Progress | None = None
) -> tuple[dict[str, dict[str, Estimate]], tuple[Failure, ...]]:
    """Accuracy of choosing the product of a scene among four of its category (Kang et al. 2019 use pairs).

    What shows the product itself is painted over in the scene's mean color first: it must be told from the rest.

    Returns:
        Figures of the room's palette, of likeness, and of both as `Catalog.room` weighs them; what could not be read.

    Raises:
        UsageError: nothing is left to measure on.
    """
    domain = next((name for name in DOMAINS if (data / f"{name}-cat.json").is_file()), None)
    if domain is None:
        raise NotFoundError(f"no Shop the Look at {data}", cure="give the folder of home.json and home-cat.json")
    rng = np.random.default_rng(seed)
    rows = read_shop_the_look(data, domain=domain)
    by_category: dict[str, list[SceneProduct]] = {}
    for row in rows:
        by_category.setdefault(row.category, []).append(row)
    hits: dict[str, list[float]] = {"palette": [], "likeness": [], "both": []}
    failed: list[Failure] = []
    for done, row in enumerate(rows, start=1):
        others = sorted({one.product for one in by_category[row.category]} - {row.product})
        if len(others) >= CHOICES - 1:
            chosen = [others[place] for place in rng.choice(len(others), CHOICES - 1, replace=False).tolist()]
            try:
                palette, alike = _said(row, [row.product, *chosen], encoder)
            except CatalensError as error:
                failed.append(Failure(Where(str(row.scene)), str(row.product), str(error), "put the picture there"))
                continue
            for name, scores in (("palette", palette), ("likeness", alike), ("both", 0.5 * palette + 0.3 * alike)):
                best = np.flatnonzero(scores == scores.max())
                hits[name].append(float(0 in best) / len(best))
        if progress is not None:
            progress(done, len(rows), "looking at scenes")
    if not hits["both"]:
        raise UsageError(
            "no scene is left to measure on", cure="check that pictures can be read, and categories repeat"
        )
    return {name: {"4 choices": bootstrap_mean(some)} for name, some in hits.items()}, tuple(failed)


def _said(row: SceneProduct, products: Sequence[Path], encoder: Encoder) -> tuple[FloatArray, FloatArray]:
    """Scores of products for a scene with its own product masked: by color harmony, by embedding; (n,) each."""
    scene = _without(read_image(row.scene), row.box)
    palette = room_palette(scene)
    pictures = [read_image(path, target=512) for path in products]
    colors = [main_color(row.category, picture) for picture in pictures]
    fits = [palette_fit(color.rgb, palette) for color in colors]
    vectors = encoder.encode_images([scene, *pictures])
    return np.asarray(fits, np.float32), np.asarray((vectors[1:] @ vectors[0] + 1) / 2, np.float32)


def _without(scene: ImageArray, box: tuple[float, float, float, float]) -> ImageArray:
    height, width = scene.shape[:2]
    left, top, right, bottom = (round(side * size) for side, size in zip(box, (width, height) * 2, strict=True))
    found = scene.copy()
    found[max(0, top) : bottom, max(0, left) : right] = scene.mean((0, 1)).astype(np.uint8)
    return found
