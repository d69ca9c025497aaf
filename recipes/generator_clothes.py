"""Recipe: the bundled generator of product pictures, on rendered products and on photos of clothes cut out on white.

    python -m recipes.generator_clothes --out runs/generator --minutes 60

First the pictures are only made again, by way of latents; then a critic joins, and half of what it sees is new.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

from catalens.evaluation.generation import generation_scores, nearest
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.images.draw import save_image
from catalens.learning.generator.gan import ExportedGenerator, GanTraining, Plan, export, latents_of, sample, train_gan
from catalens.learning.generator.network import Critic, Encoder, Shape, StyleGenerator
from catalens.learning.generator.pictures import Pictures
from catalens.learning.generator.train import copied_from, thumbs
from catalens.learning.networks.export import score_rows
from catalens.models.zoo import DEFAULT_GENERATOR
from catalens.options import Generate
from catalens.tasks.embed import encoder
from catalens.types import FloatArray, ImageArray, IntArray
from recipes.generator_pictures import MADE, RENDERED, clothing_pictures, rendered_pictures, sheet_of
from recipes.generator_weave import Woven
from recipes.recipe import RecipeParser, as_command

WIDTHS, BATCH, RATE = (192, 128, 96, 48), 16, 6e-4
PRODUCTS, HELD_PRODUCTS = 8320, 1040
PHOTOS, HELD_PHOTOS = 112, 40
"""Of each kind, at most; the validation part of the set is held out."""
CRISPNESS, BLUR = 1.2, 2.0
"""How much outlines are sharpened in what ships, and over how many pixels: chosen by eye."""
CENTERS = 1300
"""Rendered pictures that the mean features of kinds are taken from."""
BEGIN = 0.7
"""Share of the time in which there is no critic."""
DATA = (
    "rendered products of our own, clothing-dataset-small train (CC0) cut out on white by the bundled network; their "
    "colors measured"
)


def pictures_of(data: Path, cache: Path, *, products: int, seed: int) -> Pictures:
    """To learn from.

    Raises:
        NotFoundError: the photo set is absent.
    """
    rendered = rendered_pictures(products, seed=seed + 1, cache=cache)
    photos = clothing_pictures(data, part="train", each=PHOTOS, cache=cache)
    return Pictures(np.concatenate([rendered[0], photos[0]]), np.concatenate([rendered[1], photos[1]]))


def held_out(data: Path, cache: Path, *, seed: int) -> Pictures:
    """Other products, other photos.

    Raises:
        NotFoundError: the photo set is absent.
    """
    rendered = rendered_pictures(HELD_PRODUCTS, seed=seed + 2, cache=cache)
    photos = clothing_pictures(data, part="validation", each=HELD_PHOTOS, cache=cache)
    return Pictures(np.concatenate([rendered[0], photos[0]]), np.concatenate([rendered[1], photos[1]]))


def contest_of(pictures: Pictures, *, seed: int) -> tuple[GanTraining, Encoder]:
    """The networks, untaught but for the palette."""
    torch.manual_seed(seed)
    shape = Shape(RENDERED.counts, 4, WIDTHS)
    generator, critic, network = StyleGenerator(shape), Critic(shape), Encoder(shape)
    generator.begin_with(pictures.tints(RENDERED.counts[1]), 1.0)
    woven = Woven(generator, colors=RENDERED.colors, patterns=RENDERED.patterns)
    for one in (generator, critic, network):
        one.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    plan = Plan(betas=(0.5, 0.99), critic_rate=4e-4, likeness=10.0, spread=0.001)
    return GanTraining(woven, critic, plan, encoder=network, is_plain=woven.is_plain), network


def figures_of(
    shipped: ExportedGenerator, learned: Pictures, held: Pictures, out: Path, *, seed: int
) -> tuple[dict[str, object], dict[str, Estimate]]:
    """Against the pictures held out, of the same words; sheets are written to `out`."""
    look = encoder()
    is_rendered = held.words[:, 2] < RENDERED.counts[2]
    features = f"{look.name}, {look.dim} numbers, of unit length"
    made = sample(shipped, held.words, seed=seed)
    seen, told = look.encode_images(list(held.images)), look.encode_images(list(made))
    figures: dict[str, object] = {"all": generation_scores(seen, told, features=features, seed=seed).to_dict()}
    for name, rows in (("rendered", is_rendered), ("photos", ~is_rendered)):
        if rows.sum() > 10:
            figures[name] = generation_scores(seen[rows], told[rows], features=features, seed=seed).to_dict()
    words = held.words[is_rendered]
    firm = sample(shipped, words, seed=seed, truncation=Generate.truncation.default)
    of_kind = centers(look.encode_images(list(learned.images[:CENTERS])), learned.words[:CENTERS, 0])
    scores = {
        "kind agreement, nearest mean": bootstrap_mean(
            nearest_kind(look.encode_images(list(firm)), of_kind) == words[:, 0]
        ),
        "kind agreement of real ones, nearest mean": bootstrap_mean(
            nearest_kind(seen[is_rendered], of_kind) == words[:, 0]
        ),
        "copies": bootstrap_mean(copied_from(made, learned.images)),
        "copies among pictures held out": bootstrap_mean(copied_from(held.images, learned.images)),
    }
    save_image(out / "nearest.png", beside_nearest(firm[:: max(1, len(firm) // 24)][:24], learned.images))
    asked = np.array(
        [
            (kind, (kind * 4 + 5 * pattern) % RENDERED.counts[1], pattern)
            for pattern in range(5)
            for kind in range(len(MADE))
        ],
        np.int64,
    )
    save_image(
        out / "sheet.png",
        sheet_of(sample(shipped, asked, seed=seed, truncation=Generate.truncation.default), columns=len(MADE)),
    )
    return figures | {name: one.to_dict() for name, one in scores.items()}, scores


def centers(features: FloatArray, kinds: IntArray) -> FloatArray:
    """(K, D) the mean features of each kind, of unit length."""
    found = np.stack([features[kinds == kind].mean(0) for kind in range(len(MADE))])
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def nearest_kind(features: FloatArray, of_kind: FloatArray) -> IntArray:
    """(N,) the kind whose mean is nearest."""
    return np.asarray((features @ of_kind.T).argmax(1), np.int64)


def beside_nearest(made: ImageArray, learned: ImageArray) -> ImageArray:
    """A sheet of made pictures, below each the nearest one that was learned from."""
    rows, _ = nearest(thumbs(made), thumbs(learned))
    half = len(made) // 2
    both = [made[:half], learned[rows[:half, 0]], made[half : 2 * half], learned[rows[half : 2 * half, 0]]]
    return sheet_of(np.concatenate(both), columns=half)


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("generator_clothes", __doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, sheets, card and weights")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--begin", type=float, default=BEGIN, help="share of the time in which there is no critic")
    parser.add_shared("--rate")
    parser.add_argument("--products", type=int, default=PRODUCTS, help="rendered pictures to learn from")
    parser.add_shared("--seed", "--threads", "--data")
    parser.add_argument("--cache", type=Path, help="folder for the pictures; in --out if absent")
    parser.add_shared("--resume")
    parser.set_defaults(rate=RATE)
    given = parser.read(arguments)
    cache = given.cache or given.out / "cache"
    learned = pictures_of(given.data, cache, products=given.products, seed=given.seed)
    contest, network = contest_of(learned, seed=given.seed)
    train_gan(
        contest, learned, out=given.out, minutes=given.minutes, begin=given.begin * given.minutes,
        rate=given.rate, batch=BATCH, seed=given.seed, resume=given.resume,
    )  # fmt: skip
    only = learned.words[:, 2] == 0  # plain rendered products: what the encoder was taught, and what is asked for
    of_kind = latents_of(network, Pictures(learned.images[only], learned.words[only]), kinds=len(MADE))
    average = contest.average.network
    assert isinstance(average, Woven)
    average.generator.sharpen(amount=CRISPNESS, blur=BLUR)
    shipped = ExportedGenerator(average, *of_kind)
    held = held_out(given.data, cache, seed=given.seed)
    figures, scores = figures_of(shipped, learned, held, given.out, seed=given.seed)
    (given.out / "figures.json").write_text(json.dumps(figures, indent=2), "utf-8")
    sys.stderr.write(json.dumps(figures, indent=2) + "\n")
    export(shipped, given.out, name=DEFAULT_GENERATOR, words=RENDERED, scores=score_rows(scores), training={
        "data": DATA,
        "start": "random numbers",
        **given.training(f"{contest.seconds / 60:.0f} minutes on cpu, {contest.step * BATCH} pictures"),
        "held out": f"{len(held.words)} pictures: other products, and photos of the set's validation part",
    })  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
