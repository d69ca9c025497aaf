"""Recipe: the bundled outfit network, which says whether garments go together and what would go with them.

    python -m catalens.training.outfit --out runs/outfit --minutes 4

What people wear together goes together; a garment of the same kind from another photo mostly does not. A small
transformer over the set of garments (Vaswani et al. 2017; without positions, so that their order says nothing), and
beside it each pair of them, learn to tell the two apart, and what vector a missing garment has (as in
OutfitTransformer, Sarkar et al. 2022). A few such networks, begun from other random numbers, are shipped as one that
says their mean. Beside them a control learns from light and focus alone: it must stay at chance, or the figures mean
nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.evaluation.intervals import Estimate
from catalens.evaluation.outfits import Judge, Rows, Wardrobe, drawn_trial, outfit_figures, simple_judges
from catalens.models.card import Card, Score
from catalens.models.zoo import DEFAULT_OUTFIT
from catalens.tasks.embed import encoder as load_encoder
from catalens.tasks.outfit import KINDS, MOST
from catalens.training.export import LICENSE, OPSET, PREPROCESS, export_onnx, sha256, write_card
from catalens.training.loop import Run, drawn, train
from catalens.training.recipe import RecipeParser, as_command, progress_of, say_held_out
from catalens.training.worn import STATISTICS, worn_together
from catalens.types import FloatArray

WIDTH, HEADS, LAYERS, COLOR_DIM = 96, 4, 1, 448
BLIND, DROPOUT = 0.35, 0.25
"""Of the inputs, and inside."""
BATCH, RATE = 96, 1e-3
VERSIONS = 2
NETWORKS = 2
OTHERS = 31
"""Garments of the kind that the missing one is told from."""
TEMPERATURE = 0.08
WANTED_WEIGHT = 0.5
PADDING = 2 * len(KINDS)
DATA = (
    "garments cut from Clothing Co-Parsing photos but each fifth, by masks or, without, by the bundled parser and the "
    "photo's tags (Apache-2.0)"
)


class OutfitNetwork(nn.Module):
    """vectors (N, L, D), colors (N, L, 448), kinds (N, L) -> logits (N,), and of each place a vector (N, L, D).

    A kind k is a garment of kind k, K + k one that is looked for, 2 K nothing.
    """

    def __init__(self, dim: int, *, color_dim: int = COLOR_DIM) -> None:
        super().__init__()
        self.items = nn.Linear(dim, WIDTH)
        self.colors = nn.Linear(color_dim, WIDTH, bias=False)
        self.kinds = nn.Embedding(PADDING + 1, WIDTH)
        self.blind = nn.Dropout(BLIND)
        self.blocks = nn.ModuleList(_Block() for _ in range(LAYERS))
        self.norm, self.before = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.verdict, self.wanted = nn.Linear(WIDTH, 1), nn.Linear(WIDTH, dim)
        self.pairs = nn.Sequential(nn.Linear(2 * WIDTH + 2, WIDTH), nn.GELU(), nn.Dropout(DROPOUT), nn.Linear(WIDTH, 1))

    def forward(self, vectors: Tensor, colors: Tensor, kinds: Tensor) -> tuple[Tensor, Tensor]:
        present = kinds < len(KINDS)
        begun, x = self.seen(vectors, colors, kinds)
        weight = present[..., None].float()
        together = (x * weight).sum(1) / weight.sum(1).clamp(min=1)
        beside = self._of_pairs(self.before(begun), vectors, colors, present)
        return self.verdict(together)[:, 0] + beside, self.wanted(x)

    def seen(self, vectors: Tensor, colors: Tensor, kinds: Tensor) -> tuple[Tensor, Tensor]:
        """(N, L, WIDTH) each place by itself, and with what is beside it."""
        here = (self.items(self.blind(vectors)) + self.colors(self.blind(colors))) * (kinds < len(KINDS))[..., None]
        begun = here + self.kinds(kinds)
        x = begun
        for block in self.blocks:
            x = block(x, kinds < PADDING)
        return begun, self.norm(x)

    def _of_pairs(self, x: Tensor, vectors: Tensor, colors: Tensor, present: Tensor) -> Tensor:
        """(N,) mean over all pairs of garments of what each says; the order in a pair says nothing."""
        one, other = x[:, :, None], x[:, None]
        alike = torch.stack([vectors @ vectors.transpose(1, 2), colors @ colors.transpose(1, 2)], -1)
        said = self.pairs(torch.cat([one * other, (one - other).abs(), alike], -1))[..., 0]  # (N, L, L)
        weight = (present[:, :, None] & present[:, None]).float() * (1 - torch.eye(x.shape[1]))
        mean: Tensor = (said * weight).sum((1, 2)) / weight.sum((1, 2)).clamp(min=1)
        return mean


class _Block(nn.Module):
    """Attention among what is there, then a hidden layer; both beside the identity."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.asks = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.hidden = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH))
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        count, length, _ = x.shape
        query, key, value = self.asks(self.before(x)).reshape(count, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        likeness = query @ key.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5
        weights = likeness.masked_fill(~there[:, None, None], -1e4).softmax(-1)
        x = x + self.drop(self.out((weights @ value).transpose(1, 2).reshape(count, length, WIDTH)))
        y: Tensor = x + self.drop(self.hidden(self.between(x)))
        return y


class Together(nn.Module):
    """Networks that say their mean: of the logits, and of the vectors at unit length."""

    def __init__(self, networks: Sequence[OutfitNetwork]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, vectors: Tensor, colors: Tensor, kinds: Tensor) -> tuple[Tensor, Tensor]:
        said = [network(vectors, colors, kinds) for network in self.networks]
        logits = torch.stack([one for one, _ in said]).mean(0)
        return logits, torch.stack([F.normalize(wanted, dim=-1) for _, wanted in said]).mean(0)


@dataclass(frozen=True)
class Batch:
    """Outfits: vectors, colors, kinds; truth (N,) 1 where worn together.

    `asked` are the true ones again, each with one garment looked for, at `places` (n,); `candidates` (n, C, D) are
    vectors of such garments, the first the right one.
    """

    vectors: FloatArray
    colors: FloatArray
    kinds: NDArray[np.int64]
    truth: FloatArray
    asked: tuple[FloatArray, FloatArray, NDArray[np.int64]]
    places: NDArray[np.int64]
    candidates: FloatArray


class Drawer:
    """Draws outfits that were worn, and such with garments exchanged for others of their kind."""

    def __init__(self, wardrobe: Wardrobe) -> None:
        self._wardrobe = wardrobe
        rows = [outfit[:MOST] for outfit in wardrobe.outfits]
        self._rows = np.full((len(rows), MOST), -1, np.int64)
        for number, outfit in enumerate(rows):
            self._rows[number, : len(outfit)] = outfit
        some = wardrobe.of_kind
        self._counts = np.array([max(len(one), 1) for one in some])
        self._table = np.zeros((len(some), self._counts.max()), np.int64)
        self._place = np.zeros(len(wardrobe.kinds), np.int64)
        for kind, one in enumerate(some):
            self._table[kind, : len(one)] = one
            self._place[one] = np.arange(len(one))

    def draw(self, rng: np.random.Generator) -> Batch:
        rows = self._some(rng, BATCH // 2)
        false = self._exchanged(rows, rng)
        vectors, colors, kinds = self._stacked(np.concatenate([rows, false]), rng)
        sizes = (rows >= 0).sum(1)
        places = (rng.random(len(rows)) * sizes).astype(np.int64)
        each = np.arange(len(rows))
        wanted = rows[each, places]
        kind = self._wardrobe.kinds[wanted]
        asked = self._stacked(rows, rng)
        asked[0][each, places], asked[1][each, places], asked[2][each, places] = 0, 0, len(KINDS) + kind
        others = self._other(np.repeat(wanted[:, None], OTHERS, 1), rng)
        offered = np.concatenate([wanted[:, None], others], 1)
        version = int(rng.integers(self._wardrobe.vectors.shape[1]))
        truth = np.repeat([1.0, 0.0], len(rows)).astype(np.float32)
        return Batch(vectors, colors, kinds, truth, asked, places, self._wardrobe.vectors[offered, version])

    def _some(self, rng: np.random.Generator, count: int) -> Rows:
        """(count, L) outfits in any order, at times only parts of them; -1 where nothing is."""
        rows = self._rows[rng.integers(len(self._rows), size=count)]
        order = np.where(rows >= 0, rng.random(rows.shape), 2).argsort(1)
        rows = np.take_along_axis(rows, order, 1)
        sizes = (rows >= 0).sum(1)
        kept = np.where(rng.random(count) < 0.5, 2 + (rng.random(count) * (sizes - 1)).astype(np.int64), sizes)
        rows = np.where(np.arange(MOST) < kept[:, None], rows, -1)
        return rows[:, : int(kept.max())]

    def _exchanged(self, rows: Rows, rng: np.random.Generator) -> Rows:
        """All garments but one, or fewer, exchanged for others of their kind."""
        sizes = (rows >= 0).sum(1)
        count = 1 + (rng.random(len(rows)) * (sizes - 1)).astype(np.int64)
        chosen = np.where(rows >= 0, rng.random(rows.shape), 2).argsort(1).argsort(1) < count[:, None]
        return np.where(chosen & (rows >= 0), self._other(rows, rng), rows)

    def _other(self, rows: Rows, rng: np.random.Generator) -> Rows:
        """Other garments of the same kinds."""
        kinds = self._wardrobe.kinds[rows]
        counts = self._counts[kinds]
        step = 1 + (rng.random(rows.shape) * np.maximum(counts - 1, 1)).astype(np.int64)
        return np.asarray(self._table[kinds, (self._place[rows] + step) % counts])

    def _stacked(self, rows: Rows, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
        """Vectors, colors and kinds, each garment in a version of its own."""
        worn, there = self._wardrobe, rows >= 0
        version = rng.integers(worn.vectors.shape[1], size=rows.shape)
        vectors = worn.vectors[rows, version] * there[..., None]
        colors = worn.colors[rows, version] * there[..., None]
        return vectors, colors, np.where(there, worn.kinds[rows], PADDING)


def losses_of(network: OutfitNetwork, batch: Batch) -> dict[str, Tensor]:
    """Worn together or not; which of 32 garments of the kind is the missing one (InfoNCE, van den Oord et al. 2018)."""
    logits, _ = network(torch.from_numpy(batch.vectors), torch.from_numpy(batch.colors), torch.from_numpy(batch.kinds))
    _, asked = network.seen(*(torch.from_numpy(one) for one in batch.asked))
    found = network.wanted(asked[torch.arange(len(asked)), torch.from_numpy(batch.places)])
    wanted = F.normalize(found, dim=1)
    likeness = torch.einsum("nd,ncd->nc", wanted, torch.from_numpy(batch.candidates)) / TEMPERATURE
    target = torch.zeros(len(likeness), dtype=torch.long)
    return {
        "together": F.binary_cross_entropy_with_logits(logits, torch.from_numpy(batch.truth)),
        "wanted": WANTED_WEIGHT * F.cross_entropy(likeness, target),
    }


def judge_of(network: nn.Module, wardrobe: Wardrobe) -> Judge:
    """What a network says of outfits, each garment in its first version."""
    network.eval()

    def judge(outfits: Sequence[Rows]) -> FloatArray:
        length = max(map(len, outfits))
        rows = np.array([[*one.tolist(), *([-1] * (length - len(one)))] for one in outfits])
        there = rows >= 0
        vectors, colors = (table[rows, 0] * there[..., None] for table in (wardrobe.vectors, wardrobe.colors))
        kinds = np.where(there, wardrobe.kinds[rows], PADDING)
        with torch.no_grad():
            said = network(torch.from_numpy(vectors), torch.from_numpy(colors), torch.from_numpy(kinds))[0]
        return np.asarray(said.numpy(), np.float32)

    return judge


def taught(wardrobe: Wardrobe, *, out: Path, minutes: float, seed: int, rate: float, networks: int) -> Taught:
    """Train networks one after the other, each from other random numbers, each for its share of the minutes."""
    made: list[OutfitNetwork] = []
    steps = 0
    for number in range(networks):
        torch.manual_seed(seed + number)
        network = OutfitNetwork(wardrobe.vectors.shape[2], color_dim=wardrobe.colors.shape[2])
        run: Run[Batch] = Run(network, partial(losses_of, network))
        batches = drawn(Drawer(wardrobe).draw, seed=seed + number)
        train(run, batches, out=out / str(number), minutes=minutes / networks, rate=rate)
        average = run.average.network.to("cpu")
        assert isinstance(average, OutfitNetwork)
        made.append(average)
        steps += run.step
    return Taught(Together(made).eval(), steps)


@dataclass(frozen=True)
class Taught:
    """Networks and how many batches they saw."""

    network: Together
    steps: int


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("outfit", __doc__)
    parser.add_shared("--out")
    parser.add_argument("--cache", type=Path, help="folder for cuts and vectors, to be used again; in --out if absent")
    parser.add_argument("--encoder", help="name or folder of the encoder; the bundled one if absent")
    parser.add_argument("--minutes", type=float, default=4.0, help="time for training; the control gets a third of it")
    parser.add_shared("--rate", "--seed", "--threads", "--data")
    parser.set_defaults(rate=RATE)
    given = parser.read(arguments)
    encoder = load_encoder(given.encoder, threads=given.threads)
    with progress_of("cutting garments") as progress:
        worn = worn_together(
            given.data, encoder=encoder, cache=given.cache or given.out / "cache", versions=VERSIONS,
            seed=given.seed, progress=progress,
        )  # fmt: skip
    learned, held = worn.wardrobe(held_out=False), worn.wardrobe(held_out=True)
    found = taught(learned, out=given.out, minutes=given.minutes, seed=given.seed, rate=given.rate, networks=NETWORKS)
    trial = drawn_trial(held, seed=given.seed)
    figures = {"": outfit_figures(trial, judge_of(found.network, held))}
    for name, judge in simple_judges(held, learned=learned).items():
        figures[f"{name} only"] = outfit_figures(trial, judge)
    shown = np.zeros((*worn.statistics.shape[:2], 1), np.float32), _scaled(worn.statistics)
    control, control_held = (Wardrobe(worn.kinds, *shown, one.outfits) for one in (learned, held))
    cheat = taught(
        control, out=given.out / "control", minutes=given.minutes / 3, seed=given.seed, rate=given.rate, networks=1
    )
    figures["light and focus only"] = outfit_figures(trial, judge_of(cheat.network, control_held))
    scores = {_called(name, figure): one for name, some in figures.items() for figure, one in some.items()}
    say_held_out(scores)
    export(found.network, given.out, dim=worn.vectors.shape[2], name=DEFAULT_OUTFIT, scores=scores, training={
        "data": DATA,
        "start": "random numbers",
        "encoder": encoder.name,
        **given.training(f"{given.minutes:g} minutes on cpu, {given.threads} threads, {found.steps * BATCH} outfits"),
        "held out": f"each fifth of the street photos: {len(held.outfits)} outfits",
    })  # fmt: skip


def _called(name: str, figure: str) -> str:
    figure = {"AUC": "worn together or not, AUC", "fill in the blank": "fill in the blank, 4 choices"}[figure]
    return f"{name}: {figure}" if name else figure


def _scaled(statistics: FloatArray) -> FloatArray:
    """Each number with mean 0 and deviation 1."""
    flat = statistics.reshape(-1, STATISTICS)
    return np.asarray((statistics - flat.mean(0)) / np.maximum(flat.std(0), 1e-6), np.float32)


def export(
    network: Together,
    folder: Path,
    *,
    dim: int,
    name: str,
    scores: dict[str, Estimate],
    training: dict[str, str],
) -> Path:
    """Write `network.onnx` and `card.toml`; float32, for it is small."""
    weights = folder / "network.onnx"
    shapes = torch.zeros(1, 2, dim), torch.zeros(1, 2, COLOR_DIM), torch.zeros(1, 2, dtype=torch.long)
    names = ["vectors", "colors", "kinds"]
    export_onnx(
        network.eval(), shapes, weights, inputs=names, outputs=["logits", "wanted"],
        axes={**{name: {0: "n", 1: "l"} for name in (*names, "wanted")}, "logits": {0: "n"}},
    )  # fmt: skip
    rows = tuple(Score(name, one.value, one.n, one.low, one.high) for name, one in scores.items())
    parameters = sum(p.numel() for p in network.parameters())
    return write_card(
        Card(
            name, "outfit", weights, sha256(weights), PREPROCESS, dim, LICENSE, parameters, OPSET, "float32", training,
            rows, classes=KINDS,
        )
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
