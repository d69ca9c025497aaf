"""Recipe: the bundled detector, two stages, of garments, shoes, bags and goods of any kind.

    python -m recipes.detector --out runs/detector --start runs/parser --minutes 90

It learns from the boxes of the street photos' masks, and from goods and rendered products laid into scenes, whose boxes
are exact.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from catalens.learning.networks.detector import DetectorNetwork
from catalens.learning.networks.encoder import inherit
from catalens.learning.networks.export import export_detector
from catalens.learning.networks.loop import CHECKPOINT, Run, read_checkpoint, sampled_batches, train
from catalens.learning.regions.detector import (
    BATCH,
    PREPROCESS,
    RATE,
    SIZE,
    Batch,
    Labelled,
    card_scores,
    losses_of,
    score,
    view,
)
from catalens.models.parts import PRODUCTS
from catalens.models.zoo import DEFAULT_DETECTOR
from catalens.taxonomy import classes
from catalens.types import ImageArray
from recipes.cutout import RENDERED
from recipes.detector_lesson import scene, street_photos
from recipes.objects import Thing, goods, rendered
from recipes.parts import masked_photos
from recipes.recipe import RecipeParser, as_command, progress_of
from recipes.scenes import backgrounds

COMPOSED = 0.35
"""Share of the views that are put together."""
MAIN = classes("main")
"""Garments that a person is mostly seen by; their mean is reported beside the whole."""
DATA = (
    "Clothing Co-Parsing, masks of four fifths of the masked photos (Apache-2.0); GroceryStoreDataset shop pictures, "
    "and photos as backgrounds (MIT); clothing-dataset-small train, corners of photos as backgrounds (CC0); rendered "
    "products of our own"
)


class Drawer:
    """Draws batches of street photos and scenes."""

    def __init__(self, photos: Sequence[Labelled], things: Sequence[Thing], grounds: Sequence[ImageArray]) -> None:
        self._photos, self._things, self._grounds = photos, things, grounds

    def draw(self, rng: np.random.Generator) -> Batch:
        views = [self._view(rng) for _ in range(BATCH)]
        return Batch(np.stack([one.image for one in views]), views)

    def _view(self, rng: np.random.Generator) -> Labelled:
        if rng.random() < COMPOSED:
            return scene(self._things, self._grounds, SIZE, rng)
        return view(self._photos[int(rng.integers(len(self._photos)))], SIZE, rng)


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("detector", __doc__)
    parser.add_shared("--out", "--minutes")
    parser.add_argument("--start", type=Path, help="folder of a parser's run, whose network to begin with")
    parser.add_shared("--rate", "--seed", "--device", "--threads", "--resume")
    parser.add_argument("--cache", type=Path, help="folder of rendered things; --out/cache where absent")
    parser.add_shared("--data")
    parser.set_defaults(minutes=90.0, rate=RATE)
    given = parser.read(arguments)
    with progress_of("reading photos") as progress:
        drawn_products = rendered(RENDERED, seed=7, cache=given.cache or given.out / "cache", progress=progress)
        photos = street_photos(given.data, held_out=False)
    things = [thing for thing in (*goods(given.data), *drawn_products) if not thing.is_held_out]
    grounds = backgrounds(given.data, masked_photos(given.data, held_out=False), seed=given.seed)
    network, device = DetectorNetwork(len(PRODUCTS)).to(given.device), torch.device(given.device)
    start = "random numbers"
    if given.start is not None:
        inherit(network, read_checkpoint(given.start / CHECKPOINT)["average"])
        start = "the bundled parser, which began with random numbers"
    run: Run[Batch] = Run(network, lambda batch: losses_of(network, device, batch))
    if given.resume:
        run.load(given.out / CHECKPOINT)
    drawer = Drawer(photos, things, grounds)
    train(
        run,
        sampled_batches(drawer.draw, seed=given.seed + run.step),
        out=given.out,
        minutes=given.minutes,
        rate=given.rate,
    )
    shipped = run.average.network.to("cpu")
    held = street_photos(given.data, held_out=True)
    scores, recalls = score(shipped, held, PRODUCTS)
    main_garments = np.mean([scores.by_class[name].value for name in MAIN if name in scores.by_class])
    sys.stderr.write(f"AP50 of main garments {main_garments:.3f}\n")
    sys.stderr.write(f"held out: AP {scores.ap}, AP50 {scores.ap50}, {recalls}\n")
    export_detector(
        shipped, given.out, name=DEFAULT_DETECTOR, classes=PRODUCTS, preprocess=PREPROCESS,
        photos=[photo.image for photo in photos[::3]], scores=card_scores(scores, recalls),
        training={
            "data": DATA,
            "start": start,
            **given.training(given.cost(run.seconds, views=run.step * BATCH)),
            "held out": f"each fifth of the masked photos, {len(held)}",
        },
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
