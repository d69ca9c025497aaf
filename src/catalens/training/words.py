"""Recipe: the bundled encoder's words, learned once more on what its finished network sees.

    python -m catalens.training.words --out runs/words --encoder runs/encoder --minutes 5

While both towers learn, words follow pictures that move, a hundred at a time. Here pictures stay: each is looked at
once, and every caption is told from thousands of them.
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

from catalens.models.card import read_card
from catalens.models.text import text_batch
from catalens.training.encoder import towers_of
from catalens.training.export import PREPROCESS, export_encoder
from catalens.training.facts import Facts, Truths, caption, known_words
from catalens.training.lesson import lesson
from catalens.training.loop import Run, drawn, train
from catalens.training.network import EncoderNetwork, TextNetwork
from catalens.training.objectives import caption_loss
from catalens.training.recipe import RecipeParser, as_command, progress_of
from catalens.types import FloatArray, ImageArray, IntArray, Progress

CAPTIONS, PICTURES = 128, 2048
"""In a step."""
RATE = 2e-3
LOOKED_AT = 32
"""Pictures that are looked at together."""


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
    found = []
    for start in range(0, len(squares), LOOKED_AT):
        some = [PREPROCESS.apply(square)[0] for square in squares[start : start + LOOKED_AT]]
        found.append(F.normalize(network(torch.from_numpy(np.stack(some)))))
        if progress is not None:
            progress(min(start + LOOKED_AT, len(squares)), len(squares), "looking at pictures")
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
    return {**before, **{f"words, once more: {name}": value for name, value in again.items()}}


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("words", __doc__)
    parser.add_shared("--out", "--minutes")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of the encoder's run")
    parser.add_argument("--rendered", type=int, default=5000, help="products that are rendered")
    parser.add_shared("--rate", "--seed", "--threads", "--data")
    parser.set_defaults(minutes=5.0, rate=RATE)
    given = parser.read(arguments)
    pictures, words = towers_of(given.encoder)
    with progress_of("reading photos") as progress:
        cache = given.encoder / "cache"
        taught = lesson(data=given.data, cache=cache, seed=given.seed, rendered=given.rendered, progress=progress)
        vectors = seen(pictures, taught.squares, progress=progress)
    facts = [photo.facts for photo in taught.photos]
    run = run_of(words, vectors)
    batches = drawn(Drawer(facts, taught.chances).draw, seed=given.seed)
    train(run, batches, out=given.out, minutes=given.minutes, rate=given.rate)
    again = given.training(f"{run.seconds / 60:.0f} minutes, {given.threads} threads, {run.step * CAPTIONS} captions")
    export_encoder(
        pictures,
        cast(TextNetwork, run.average.network),
        given.out,
        known=known_words(facts),
        photos=taught.squares,
        training=history_of(given.encoder, again),
    )


if __name__ == "__main__":
    sys.exit(main())
