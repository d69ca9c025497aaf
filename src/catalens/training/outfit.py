"""Recipe: the bundled outfit network, which says whether garments go together and what would go with them.

    python -m catalens.training.outfit --out runs/outfit --minutes 6

What people wear together goes together; a garment of the same kind from another photo mostly does not. A small
transformer over the set of garments (Vaswani et al. 2017; without positions, so that their order says nothing) learns
to tell the two apart, and what vector a missing garment has (as in OutfitTransformer, Sarkar et al. 2022). Beside it
a control learns from light and focus alone: it must stay at chance, or the figures mean nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens import settings
from catalens.errors import CatalensError
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.models.card import Card, Score
from catalens.models.zoo import DEFAULT_OUTFIT
from catalens.tasks.embed import encoder as load_encoder
from catalens.tasks.outfit import KINDS, MOST
from catalens.training.export import LICENSE, OPSET, PREPROCESS, export_onnx, sha256, write_card
from catalens.training.loop import Run, drawn, progress_bar, train
from catalens.training.worn import STATISTICS, Worn, worn_together
from catalens.types import FloatArray

WIDTH, HEADS, LAYERS, COLOR_DIM = 96, 4, 2, 448
DROPOUT = 0.25
BATCH, RATE = 96, 1e-3
VERSIONS = 2
CHOICES = 4
"""Garments to choose from, of one kind, in the test of a blank to be filled."""
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
        self.blind = nn.Dropout(DROPOUT)
        self.blocks = nn.ModuleList(_Block() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        self.verdict, self.wanted = nn.Linear(WIDTH, 1), nn.Linear(WIDTH, dim)

    def forward(self, vectors: Tensor, colors: Tensor, kinds: Tensor) -> tuple[Tensor, Tensor]:
        present = kinds < len(KINDS)
        seen = (self.items(self.blind(vectors)) + self.colors(self.blind(colors))) * present[..., None]
        x = seen + self.kinds(kinds)
        there = kinds < PADDING
        for block in self.blocks:
            x = block(x, there)
        x = self.norm(x)
        weight = present[..., None].float()
        together = (x * weight).sum(1) / weight.sum(1).clamp(min=1)
        return self.verdict(together)[:, 0], self.wanted(x)


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

    def __init__(self, worn: Worn, *, held_out: bool) -> None:
        self._worn = worn
        self.outfits = worn.outfits(held_out=held_out)
        inside = np.concatenate(self.outfits)
        self._of_kind = [inside[worn.kinds[inside] == kind] for kind in range(len(KINDS))]

    def draw(self, rng: np.random.Generator) -> Batch:
        chosen = [self._some(rng) for _ in range(BATCH // 2)]
        false = [self.exchanged(rows, rng) for rows in chosen]
        vectors, colors, kinds = self.stacked([*chosen, *false], rng)
        places = np.array([int(rng.integers(len(rows))) for rows in chosen])
        asked = self.stacked(chosen, rng)
        wanted, negatives = [], []
        for row, (rows, place) in enumerate(zip(chosen, places.tolist(), strict=True)):
            kind = int(self._worn.kinds[rows[place]])
            asked[0][row, place], asked[1][row, place], asked[2][row, place] = 0, 0, len(KINDS) + kind
            wanted.append(rows[place])
            negatives.append(rng.choice(self._of_kind[kind], 31))
        rows_all = np.concatenate([np.array(wanted)[:, None], np.array(negatives)], 1)
        version = int(rng.integers(self._worn.vectors.shape[1]))
        truth = np.repeat([1.0, 0.0], [len(chosen), len(false)]).astype(np.float32)
        return Batch(vectors, colors, kinds, truth, asked, places, self._worn.vectors[rows_all, version])

    def _some(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """An outfit, at times only a part of it."""
        rows = self.outfits[int(rng.integers(len(self.outfits)))]
        count = int(rng.integers(2, len(rows) + 1)) if rng.random() < 0.5 else len(rows)
        return rng.permutation(rows)[: min(count, MOST)]

    def exchanged(self, rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """All garments but one, or fewer, exchanged for others of their kind from other photos."""
        found = rows.copy()
        count = int(rng.integers(1, len(rows)))
        for place in rng.permutation(len(rows))[:count].tolist():
            found[place] = self.other(int(rows[place]), rng)
        return found

    def other(self, row: int, rng: np.random.Generator) -> int:
        """A garment of the same kind from another photo."""
        worn = self._worn
        while True:
            found = int(rng.choice(self._of_kind[int(worn.kinds[row])]))
            if worn.photos[found] != worn.photos[row] or len(self._of_kind[int(worn.kinds[row])]) == 1:
                return found

    def stacked(
        self, outfits: list[NDArray[np.int64]], rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
        """Vectors, colors and kinds, each garment in a version of its own."""
        length = max(map(len, outfits))
        worn = self._worn
        vectors = np.zeros((len(outfits), length, worn.vectors.shape[2]), np.float32)
        colors = np.zeros((len(outfits), length, worn.colors.shape[2]), np.float32)
        kinds = np.full((len(outfits), length), PADDING, np.int64)
        for row, rows in enumerate(outfits):
            version = rng.integers(worn.vectors.shape[1], size=len(rows))
            vectors[row, : len(rows)], colors[row, : len(rows)] = (
                worn.vectors[rows, version],
                worn.colors[rows, version],
            )
            kinds[row, : len(rows)] = worn.kinds[rows]
        return vectors, colors, kinds


def losses_of(network: OutfitNetwork, batch: Batch) -> dict[str, Tensor]:
    """Worn together or not; which of 32 garments of the kind is the missing one (InfoNCE, van den Oord et al. 2018)."""
    logits, _ = network(torch.from_numpy(batch.vectors), torch.from_numpy(batch.colors), torch.from_numpy(batch.kinds))
    _, found = network(*(torch.from_numpy(one) for one in batch.asked))
    wanted = F.normalize(found[torch.arange(len(found)), torch.from_numpy(batch.places)], dim=1)
    likeness = torch.einsum("nd,ncd->nc", wanted, torch.from_numpy(batch.candidates)) / TEMPERATURE
    target = torch.zeros(len(likeness), dtype=torch.long)
    return {
        "together": F.binary_cross_entropy_with_logits(logits, torch.from_numpy(batch.truth)),
        "wanted": WANTED_WEIGHT * F.cross_entropy(likeness, target),
    }


Judge = Callable[[list[NDArray[np.int64]]], FloatArray]
"""Outfits as rows of garments -> a score each, higher where they go together."""


def auc(drawer: Drawer, judge: Judge, *, seed: int) -> Estimate:
    """How often a worn outfit scores above one with garments exchanged: the area under the ROC curve, by photo."""
    rng = np.random.default_rng(seed)
    true = drawer.outfits
    false = [drawer.exchanged(rows, rng) for rows in true]
    right, wrong = judge(true), judge(false)
    above = (right[:, None] > wrong[None]).mean(1) + 0.5 * (right[:, None] == wrong[None]).mean(1)
    return bootstrap_mean(above)


def blanks(drawer: Drawer, judge: Judge, *, seed: int) -> Estimate:
    """How often the missing garment is chosen among four of its kind (fill in the blank, Han et al. 2017)."""
    rng = np.random.default_rng(seed)
    right = []
    for rows in drawer.outfits:
        place = int(rng.integers(len(rows)))
        offered = []
        for choice in range(CHOICES):
            one = rows.copy()
            if choice:
                one[place] = drawer.other(int(rows[place]), rng)
            offered.append(one)
        scores = judge(offered)
        best = np.flatnonzero(scores == scores.max())
        right.append(float(0 in best) / len(best))
    return bootstrap_mean(np.array(right))


def judge_of(network: OutfitNetwork, drawer: Drawer, *, seed: int) -> Judge:
    """What the network says."""
    network.eval()

    def judge(outfits: list[NDArray[np.int64]]) -> FloatArray:
        rng = np.random.default_rng(seed)
        with torch.no_grad():
            arrays = drawer.stacked(outfits, rng)
            return np.asarray(network(*(torch.from_numpy(one) for one in arrays))[0].numpy(), np.float32)

    return judge


def baselines(worn: Worn, drawer: Drawer) -> dict[str, Judge]:
    """Mean likeness of the vectors, and of the colors, of each pair of garments."""

    def of(table: FloatArray) -> Judge:
        def judge(outfits: list[NDArray[np.int64]]) -> FloatArray:
            found = []
            for rows in outfits:
                units = table[rows, 0] / np.maximum(np.linalg.norm(table[rows, 0], axis=1, keepdims=True), 1e-9)
                pairs = (units @ units.T)[np.triu_indices(len(rows), 1)]
                found.append(float(pairs.mean()))
            return np.array(found, np.float32)

        return judge

    del drawer
    return {"likeness": of(worn.vectors), "color harmony": of(worn.colors)}


def taught(worn: Worn, *, out: Path, minutes: float, seed: int, rate: float) -> tuple[Run[Batch], Drawer]:
    """Train a network on the outfits that are not held out."""
    torch.manual_seed(seed)
    network = OutfitNetwork(worn.vectors.shape[2], color_dim=worn.colors.shape[2])
    drawer = Drawer(worn, held_out=False)
    run: Run[Batch] = Run(network, lambda batch: losses_of(network, batch))
    train(run, drawn(drawer.draw, seed=seed), out=out, minutes=minutes, rate=rate)
    return run, Drawer(worn, held_out=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the recipe from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m catalens.training.outfit", description=(__doc__ or "").split(":")[0]
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, curves, card and weights")
    parser.add_argument("--minutes", type=float, default=6.0, help="time for training; the control gets a third of it")
    parser.add_argument("--rate", type=float, default=RATE, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=settings.threads())
    parser.add_argument("--data", type=Path, default=settings.data_folder())
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    try:
        encoder = load_encoder(threads=given.threads)
        with progress_bar() as bar:
            task = bar.add_task("cutting garments", total=None)
            worn = worn_together(
                given.data, encoder=encoder, cache=given.out / "cache", versions=VERSIONS, seed=given.seed,
                progress=lambda done, total, what: bar.update(task, completed=done, total=total, description=what),
            )  # fmt: skip
        run, held = taught(worn, out=given.out, minutes=given.minutes, seed=given.seed, rate=given.rate)
        shipped = run.average.network.to("cpu")
        assert isinstance(shipped, OutfitNetwork)
        judge = judge_of(shipped, held, seed=given.seed)
        scores = {
            "worn together or not, AUC": auc(held, judge, seed=given.seed),
            "fill in the blank, 4 choices": blanks(held, judge, seed=given.seed),
        }
        for name, baseline in baselines(worn, held).items():
            scores[f"{name} only, AUC"] = auc(held, baseline, seed=given.seed)
            scores[f"{name} only, fill in the blank"] = blanks(held, baseline, seed=given.seed)
        nothing = np.zeros((*worn.statistics.shape[:2], 1), np.float32)
        control = Worn(worn.photos, worn.kinds, nothing, _scaled(worn.statistics), worn.statistics)
        cheat, held_control = taught(
            control, out=given.out / "control", minutes=given.minutes / 3, seed=given.seed, rate=given.rate
        )
        cheating = cheat.average.network
        assert isinstance(cheating, OutfitNetwork)
        scores["light and focus only, AUC"] = auc(
            held_control, judge_of(cheating, held_control, seed=given.seed), seed=given.seed
        )
        for name, one in scores.items():
            sys.stderr.write(f"held out: {name} {one}\n")
        export(shipped, given.out, dim=worn.vectors.shape[2], scores=scores, training={
            "data": DATA,
            "start": "random numbers",
            "encoder": encoder.name,
            "command": f"python -m catalens.training.outfit {' '.join(arguments or sys.argv[1:])}",
            "seed": str(given.seed),
            "cost": f"{run.seconds / 60:.0f} minutes on cpu, {given.threads} threads, {run.step * BATCH} outfits",
            "held out": f"each fifth of the street photos: {len(held.outfits)} outfits",
        })  # fmt: skip
    except CatalensError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _scaled(statistics: FloatArray) -> FloatArray:
    """Each number with mean 0 and deviation 1."""
    flat = statistics.reshape(-1, STATISTICS)
    return np.asarray((statistics - flat.mean(0)) / np.maximum(flat.std(0), 1e-6), np.float32)


def export(
    network: OutfitNetwork, folder: Path, *, dim: int, scores: dict[str, Estimate], training: dict[str, str]
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
            DEFAULT_OUTFIT, "outfit", weights, sha256(weights), PREPROCESS, dim, LICENSE, parameters, OPSET,
            "float32", training, rows, classes=KINDS,
        )
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
