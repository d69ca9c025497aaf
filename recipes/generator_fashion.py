"""Recipe: both generators on Fashion-MNIST, for the same time, and what they are worth.

    python -m recipes.textbook.residual --out runs/classifier
    python -m recipes.generator_fashion --classifier runs/classifier --out runs/fashion --minutes 35

50,000 of the 60,000 training pictures are learned from; 10,000 are held out, and 10,000 are made. The features that
pictures are compared by are those of the textbook's residual network, which learned from the same 50,000.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from catalens.evaluation.generation import copies, generation_scores
from catalens.evaluation.intervals import bootstrap_mean
from catalens.images.draw import save_image
from catalens.learning.generator.gan import ExportedGenerator, GanTraining, Plan, latents_of, sample, train_gan
from catalens.learning.generator.network import (
    Critic,
    Encoder,
    Shape,
    StyleGenerator,
)
from catalens.learning.generator.pictures import Pictures
from catalens.learning.networks.loop import CHECKPOINT
from catalens.types import FloatArray, ImageArray, IntArray
from recipes.dcgan import DCGAN, DcganCritic, DcganGenerator
from recipes.generator_pictures import sheet_of
from recipes.recipe import RecipeParser, as_command
from recipes.textbook.residual import MEAN, STD, taught_network
from recipes.thumbnails import NAMES, fashion_mnist

HELD_OUT = 10_000
BATCH, DCGAN_RATE, RATE = 64, 2e-4, 1e-3
TRUNCATION = 0.7
"""At which conditions are asked for, as the bundled generator does."""
FEATURES = "128 features of the residual network of training/textbook, trained on the same 50,000 pictures"
SHAPE = Shape((len(NAMES),), 7, (96, 64, 32), channels=1, enlarge=1, maps=2)
STYLE = Plan(betas=(0.5, 0.99), likeness=10.0, kept=0.4, spread=0.003, slope=0.1, told=1.0, is_adaptive=False)
"""Nothing is augmented: in minutes no critic learns 50,000 pictures by heart. With a tenth of the likeness kept, each
kind collapsed to one picture."""
OF, SURELY = 8, 3.0
"""Of how many pictures the critic picks one; exponent of its chances."""
BEGIN = 0.25
"""Share of its time in which there is no critic."""


class Judge:
    """The classifier that pictures are compared by: what it goes by, and what it takes them for."""

    def __init__(self, checkpoint: Path) -> None:
        network = taught_network(checkpoint)
        assert isinstance(network, nn.Sequential)
        self._features, self._scores = network[:-1], network[-1]

    @torch.no_grad()
    def describe(self, images: ImageArray) -> tuple[FloatArray, IntArray]:
        """(N, 28, 28, 1) uint8 -> features (N, 128), what each is taken for (N,)."""
        features, kinds = [], []
        for start in range(0, len(images), 500):
            x = torch.from_numpy(images[start : start + 500]).permute(0, 3, 1, 2).float() / 255
            found = self._features((x - MEAN) / STD)
            features.append(found.numpy())
            kinds.append(self._scores(found).argmax(1).numpy())
        return np.concatenate(features), np.concatenate(kinds)


def split(data: Path, *, seed: int) -> tuple[Pictures, Pictures]:
    """To learn from, and held out.

    Raises:
        NotFoundError: the set is absent.
    """
    images, labels = fashion_mnist(data)
    order = np.random.default_rng(seed).permutation(len(labels))
    parts = order[HELD_OUT:], order[:HELD_OUT]
    one, other = (Pictures(images[rows][..., None], labels[rows].astype(np.int64)[:, None]) for rows in parts)
    return one, other


def contest_of(name: str, *, seed: int) -> GanTraining:
    """The networks of "dcgan" or "style" against each other, untaught."""
    torch.manual_seed(seed)
    if name == "dcgan":
        return GanTraining(DcganGenerator(SHAPE.counts), DcganCritic(SHAPE.counts), DCGAN)
    generator = StyleGenerator(SHAPE)
    generator.begin_with(torch.zeros(0), -1.0)
    return GanTraining(generator, Critic(SHAPE, tells_kinds=True), STYLE, encoder=Encoder(SHAPE))


def shipped_of(contest: GanTraining, pictures: Pictures) -> ExportedGenerator:
    """What is measured: of DCGAN the last weights, as in its paper; else their average."""
    if contest.encoder is None:
        return ExportedGenerator(contest.generator)
    return ExportedGenerator(contest.average.network, *latents_of(contest.encoder, pictures, kinds=len(NAMES)))


def picked(contest: GanTraining, shipped: ExportedGenerator, words: IntArray, *, seed: int) -> ImageArray:
    """(N, 1) kinds -> (N, 28, 28, 1): of several pictures one, the likelier the more surely the critic takes it for the
    kind that was asked for and for real (Azadi et al. 2019, Discriminator rejection sampling).
    """
    made = [sample(shipped, words, seed=seed + turn) for turn in range(OF)]
    said = np.stack([_said(contest.critic, one, words) for one in made])
    chances = np.random.default_rng(seed).gumbel(size=said.shape)
    best = (SURELY * said + chances).argmax(0)
    return np.stack([made[turn][row] for row, turn in enumerate(best.tolist())])


@torch.no_grad()
def _said(critic: nn.Module, images: ImageArray, words: IntArray) -> FloatArray:
    """(N,) how real the critic takes each for, and the logarithm of how likely for its kind."""
    found = []
    for start in range(0, len(images), 500):
        x = torch.from_numpy(images[start : start + 500]).permute(0, 3, 1, 2).float() / 127.5 - 1
        asked = torch.from_numpy(words[start : start + 500])
        said = critic(x, asked)
        found.append((said[:, 0] + said[:, 1:].log_softmax(1).gather(1, asked)[:, 0]).numpy())
    return np.concatenate(found)


def figures_of(
    shipped: ExportedGenerator, judge: Judge, learned: Pictures, words: IntArray, real: FloatArray, *, seed: int
) -> dict[str, object]:
    """Of pictures asked for by the words (N, 1) of those held out, of which `real` (N, 128) are the features."""
    made = sample(shipped, words, seed=seed)
    right = judge.describe(sample(shipped, words, seed=seed, truncation=TRUNCATION))[1] == words[:, 0]
    some = made[:1000].reshape(1000, -1).astype(np.float32)
    copied = copies(some, learned.images.reshape(len(learned.words), -1).astype(np.float32))
    return {
        **against(judge.describe(made), words, real, seed=seed),
        f"class agreement, truncation {TRUNCATION}": bootstrap_mean(right).to_dict(),
        "copies": bootstrap_mean(copied).to_dict(),
        "parameters": sum(p.numel() for p in shipped.generator.parameters()),
    }


def against(
    described: tuple[FloatArray, IntArray], words: IntArray, real: FloatArray, *, seed: int
) -> dict[str, object]:
    """Figures of pictures, as the judge describes them, against those held out, whose kinds they were asked for."""
    features, kinds = described
    scores = generation_scores(real, features, features=FEATURES, seed=seed)
    return {**scores.to_dict(), "class agreement": bootstrap_mean(kinds == words[:, 0]).to_dict()}


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("generator_fashion", __doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, sheets and figures.json")
    parser.add_argument(
        "--classifier", type=Path, required=True, help="folder of a run of textbook.residual, of the same seed"
    )
    parser.add_argument("--minutes", type=float, default=35.0, help="time for each of the two")
    parser.add_shared("--seed", "--threads", "--data")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoints in --out")
    given = parser.read(arguments)
    learned, held = split(given.data, seed=given.seed)
    judge = Judge(given.classifier / CHECKPOINT)
    real, kinds = judge.describe(held.images)
    right = bootstrap_mean(kinds == held.words[:, 0])
    figures: dict[str, object] = {"features": FEATURES, "classifier on real pictures": right.to_dict()}
    for name, rate, begin in (("dcgan", DCGAN_RATE, 0.0), ("style", RATE, BEGIN)):
        contest = contest_of(name, seed=given.seed)
        train_gan(
            contest, learned, out=given.out / name, minutes=given.minutes, begin=begin * given.minutes, rate=rate,
            batch=BATCH, seed=given.seed, resume=given.resume,
        )  # fmt: skip
        shipped = shipped_of(contest, learned)
        found = figures_of(shipped, judge, learned, held.words, real, seed=given.seed)
        if name == "style":
            chosen = picked(contest, shipped, held.words, seed=given.seed)
            found[f"picked by the critic, of {OF}"] = against(judge.describe(chosen), held.words, real, seed=given.seed)
        found |= {"steps": contest.step, "pictures seen": contest.step * BATCH, "seconds": round(contest.seconds)}
        figures[name] = found
        asked = np.repeat(np.arange(len(NAMES)), 10)[:, None]
        save_image(given.out / f"{name}.png", sheet_of(sample(shipped, asked, seed=given.seed), columns=10))
        sys.stderr.write(f"{name}: {json.dumps(found)}\n")
    (given.out / "figures.json").write_text(json.dumps(figures, indent=2), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
