"""Recipe: the bundled encoder's words, learned on what its finished network sees.

    python -m recipes.words --out runs/words --encoder runs/encoder --minutes 5

While the network for pictures learned, words followed pictures that moved, some hundreds at a time. Here pictures stay:
each is looked at once, and every caption is told from thousands of them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.learning.networks.encoder import EncoderNetwork
from catalens.learning.networks.loop import Run, sampled_batches, train
from catalens.models.card import read_card
from catalens.models.text import text_batch
from catalens.types import FloatArray, ImageArray, IntArray, Progress
from recipes.encoder import towers_of
from recipes.facts import Facts, Truths, caption, known_words
from recipes.objectives import caption_loss
from recipes.packed import add_lesson, lesson_of
from recipes.recipe import RecipeParser, as_command, progress_of
from recipes.towers import TextNetwork, export_towers, prepared

CAPTIONS, PICTURES = 128, 2048
"""In a step."""
RATE = 2e-3


@dataclass(frozen=True)
class Batch:
    """What one step learns from: captions, and pictures that they are true of or not."""

    grams: IntArray
    weights: FloatArray
    """(captions, L) both, as the text network takes them."""
    rows: IntArray
    """(pictures,) of the lesson."""
    truth: FloatArray
    """(captions, pictures) 1 where a caption is true of a picture, 0 where it is not, nan where nobody knows."""


class Drawer:
    """Draws captions of pictures of which something is known, and pictures to tell them from."""

    def __init__(self, facts: Sequence[Facts], chances: NDArray[np.float64]) -> None:
        self._facts = facts
        known = chances * np.array([bool(one) for one in facts])
        self._chances = known / known.sum()
        self._truths = Truths(facts)

    def draw(self, rng: np.random.Generator) -> Batch:
        said, rows = (rng.choice(len(self._facts), count, p=self._chances) for count in (CAPTIONS, PICTURES))
        captions = [caption(self._facts[row], rng) for row in said.tolist()]
        grams, weights = text_batch([one.text for one in captions])
        return Batch(grams, weights, rows, self._truths.of(captions, rows))


@torch.no_grad()
def seen(network: EncoderNetwork, squares: Sequence[ImageArray], *, progress: Progress | None = None) -> Tensor:
    """(N, dim) unit length: what the network makes of whole pictures."""
    network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    found: list[Tensor] = []
    for batch in prepared(squares, device=torch.device("cpu")):
        found.append(F.normalize(network(batch)))
        if progress is not None:
            progress(min(len(found) * len(found[0]), len(squares)), len(squares), "looking at pictures")
    return torch.cat(found)


def run_of(words: TextNetwork, pictures: Tensor) -> Run[Batch]:
    """A run of the loop: only the words learn."""

    def losses(batch: Batch) -> dict[str, Tensor]:
        said = F.normalize(words(torch.from_numpy(batch.grams), torch.from_numpy(batch.weights)))
        return {"words": caption_loss(said @ pictures[batch.rows].T, torch.from_numpy(batch.truth))}

    return Run(words, losses)


def history_of(encoder: Path, again: Mapping[str, str]) -> dict[str, str]:
    """What a card says of the training: that of both towers, as the run's card has it, and then of the words."""
    before = dict(read_card(encoder).training)
    del before["data"]
    return {**before, **{f"words: {name}": value for name, value in again.items()}}


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("words", __doc__)
    parser.add_shared("--out", "--minutes")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of the encoder's run")
    add_lesson(parser)
    parser.add_shared("--rate", "--seed", "--threads", "--data")
    parser.set_defaults(minutes=5.0, rate=RATE)
    given = parser.read(arguments)
    pictures, words = towers_of(given.encoder)
    taught = lesson_of(given, cache=given.encoder / "cache")
    with progress_of("looking at pictures") as progress:
        vectors = seen(pictures, taught.squares, progress=progress)
    facts = [photo.facts for photo in taught.photos]
    run = run_of(words, vectors)
    batches = sampled_batches(Drawer(facts, taught.chances).draw, seed=given.seed)
    train(run, batches, out=given.out, minutes=given.minutes, rate=given.rate)
    again = given.training(f"{run.seconds / 60:.0f} minutes, {given.threads} threads, {run.step * CAPTIONS} captions")
    export_towers(
        pictures,
        cast(TextNetwork, run.average.network),
        given.out,
        known=known_words(facts),
        photos=taught.squares,
        training=history_of(given.encoder, again),
    )


if __name__ == "__main__":
    sys.exit(main())
