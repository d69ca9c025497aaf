"""Train a generator on a user's photos, sorted by category: cut out on white, trained, measured on held-out ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from catalens.errors import CatalensError, UsageError
from catalens.evaluation.generation import GenerationScores, copies, generation_scores
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.images.read import read_image
from catalens.learning.generator.gan import ExportedGenerator, GanTraining, Plan, export, latents_of, train_gan
from catalens.learning.generator.network import Critic, Encoder, Shape, StyleGenerator
from catalens.learning.generator.pictures import Pictures, Words, on_white
from catalens.learning.labelled import LabelledPhotos, read_labelled
from catalens.learning.learned import Learned
from catalens.models.zoo import DEFAULT_GENERATOR
from catalens.tasks.embed import encoder
from catalens.tasks.generate import generator
from catalens.types import Failure, FloatArray, ImageArray, Progress, Where

WIDTHS, BATCH, RATE = (192, 128, 96, 48), 16, 6e-4
PLAN = Plan(betas=(0.5, 0.99), critic_rate=4e-4, likeness=10.0, spread=0.001)
BEGIN = 0.7
"""Share of the time in which there is no critic."""
FEWEST = 16
"""Photos below which there is nothing to learn from."""
HELD_OUT = 0.1
THUMB = 16
"""Side at which pictures are compared for copies, in pixels."""


def white_pictures(
    photos: LabelledPhotos, kinds: tuple[str, ...], *, progress: Progress | None = None
) -> tuple[Pictures, tuple[Failure, ...]]:
    """Photos cut out on white with the numbers of their kinds; and those that could not be used.

    Args:
        kinds: those that are known; photos of others are left out.
    """
    images, words, failed = [], [], []
    for done, (path, labels) in enumerate(zip(photos.paths, photos.labels, strict=True), start=1):
        try:
            found = on_white(read_image(path, target=256))
        except CatalensError as error:
            failed.append(Failure(Where(str(path.parent)), path.name, error.what, error.cure))
            continue
        if labels[0] not in kinds:
            failed.append(
                Failure(Where(str(path.parent)), path.name, f"no kind {labels[0]!r}", "name it as one of them")
            )
        elif found is None:
            failed.append(Failure(Where(str(path.parent)), path.name, "no product was found", "take a clearer photo"))
        else:
            images.append(found[0])
            words.append(kinds.index(labels[0]))
        if progress is not None:
            progress(done, len(photos), "cutting out photos")
    side = 128
    stacked = np.stack(images) if images else np.empty((0, side, side, 3), np.uint8)
    return Pictures(stacked, np.array(words, np.int64)[:, None]), tuple(failed)


def train_generator(
    data: Path, *, label: str = "folder", out: Path, minutes: float, seed: int = 0, resume: bool = False,
    progress: Progress | None = None,
) -> Learned:  # fmt: skip
    """Train a generator of 128x128 pictures on labelled photos; a tenth of them is held out and measured against.

    Raises:
        NotFoundError, UsageError, FeedError: the photos cannot be listed.
        UsageError: too few of them.
    """
    photos = read_labelled(data, label=label)
    kinds = photos.classes
    pictures, failed = white_pictures(photos, kinds, progress=progress)
    if len(pictures.words) < FEWEST:
        raise UsageError(f"{len(pictures.words)} photos can be used", cure=f"give at least {FEWEST}, better hundreds")
    order = np.random.default_rng(seed).permutation(len(pictures.words))
    count = max(4, round(HELD_OUT * len(order)))
    held, learned = (Pictures(pictures.images[rows], pictures.words[rows]) for rows in (order[:count], order[count:]))
    torch.manual_seed(seed)
    shape = Shape((len(kinds),), 4, WIDTHS)
    network = Encoder(shape)
    gan = GanTraining(StyleGenerator(shape), Critic(shape), PLAN, encoder=network)
    train_gan(
        gan, learned, out=out, minutes=minutes, begin=BEGIN * minutes, rate=RATE, batch=BATCH, seed=seed,
        resume=resume,
    )  # fmt: skip
    shipped = ExportedGenerator(gan.average.network, *latents_of(network, learned, kinds=len(kinds)))
    training = {
        "data": f"{len(learned.words)} photos of the user; {count} more held out",
        "start": "random numbers",
        "cost": f"{gan.seconds / 60:.1f} of {minutes:g} minutes, {gan.step} steps",
        "seed": str(seed),
    }
    export(shipped, out, name=out.name, words=Words(kinds), scores=(), training=training)
    found = measured(held, model=str(out), n=min(1000, 4 * count), seed=seed, learned=learned)
    figures = {name: str(figure) for name, figure in found.to_dict().items() if figure is not None}
    return Learned(out, figures, len(learned.words), (*photos.skipped, *failed))


@dataclass(frozen=True)
class Measured:
    """What a generator is worth. `copied` is None where nobody said what it learned from."""

    scores: GenerationScores
    copied: Estimate | None = None

    def to_dict(self) -> dict[str, object]:
        copied = {} if self.copied is None else {"copies": self.copied.to_dict()}
        return {**self.scores.to_dict(), **copied}


def measured(
    held: Pictures, *, model: str = DEFAULT_GENERATOR, n: int, seed: int, learned: Pictures | None = None
) -> Measured:
    """Make n pictures of the kinds of those held out, as various as the network can, and compare.

    Args:
        learned: what the network learned from, to look for copies of it.

    Raises:
        UsageError: too few pictures.
    """
    if len(held.images) < 2:
        raise UsageError(f"{len(held.images)} pictures to compare with", cure="give at least two of what it makes")
    network, look = generator(model), encoder()
    made = []
    for number, kind in enumerate(network.kinds):
        count = round(n * float((held.words[:, 0] == number).mean()))
        if count:
            made.append(network.make(kind=kind, n=count, seed=seed, truncation=1.0).pictures)
    pictures = np.concatenate(made) if made else np.empty((0, 128, 128, 3), np.uint8)
    features = look.encode_images(list(held.images)), look.encode_images(list(pictures))
    scores = generation_scores(*features, features=f"{look.name}, {look.dim} numbers, of unit length", seed=seed)
    copied = None if learned is None else bootstrap_mean(copied_from(pictures, learned.images))
    return Measured(scores, copied)


def copied_from(made: ImageArray, learned: ImageArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(N,) which pictures are copies of ones that were learned from, or of their mirror images, seen small."""
    return copies(thumbs(made), np.concatenate([thumbs(learned), thumbs(learned[:, :, ::-1])]))


def thumbs(images: ImageArray) -> FloatArray:
    """(N, S, S, 3) -> (N, 16 * 16 * 3), averaged down."""
    count, side = len(images), images.shape[1]
    step = side // THUMB
    small = images.reshape(count, THUMB, step, THUMB, step, 3).mean((2, 4), dtype=np.float32)
    return np.asarray(small.reshape(count, -1), np.float32)


def evaluate_generator(
    photos: LabelledPhotos, *, model: Path | None, n: int, seed: int = 0, progress: Progress | None = None
) -> tuple[Measured, tuple[Failure, ...]]:
    """Measure a generator against labelled photos, cut out on white as those it learned from.

    Raises:
        NotFoundError, ModelError: no such generator.
        UsageError: fewer than five photos of kinds that it makes, or nothing to be made.
    """
    if n < 5:
        raise UsageError(f"{n} pictures", cure="make at least 5")
    name = DEFAULT_GENERATOR if model is None else str(model)
    pictures, failed = white_pictures(photos, generator(name).kinds, progress=progress)
    return measured(pictures, model=name, n=n, seed=seed), failed
