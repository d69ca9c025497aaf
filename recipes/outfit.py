"""Recipe: the bundled outfit network, which says whether garments go together and what would go with them.

    python -m recipes.outfit --out runs/outfit --minutes 4

What people wear together goes together; a garment of the same kind from another photo mostly does not. A small
transformer over the set of garments (Vaswani et al. 2017; without positions, so that their order says nothing), and
beside it each pair of them, learn to tell the two apart, and what vector a missing garment has (as in
OutfitTransformer, Sarkar et al. 2022). What pairs of garments tell in closed form (`learning.outfits.pairs`) is added:
from a thousand outfits it is the better half. Both are shipped as one network. Beside it a control learns from light
and focus alone: it must stay at chance, or the figures mean nothing.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from catalens.evaluation.outfits import Wardrobe, outfit_figures, sample_trial, simple_judges
from catalens.learning.outfits.fit import RATE, calibrated_pairs, export, judge_of, trained
from catalens.learning.outfits.sampler import BATCH
from catalens.models.zoo import DEFAULT_OUTFIT
from catalens.tasks.embed import encoder as load_encoder
from recipes.recipe import RecipeParser, as_command, progress_of, say_held_out
from recipes.worn import ALL, BRIGHTNESS, FOCUS, Worn, worn_together

VERSIONS = 2
TIMES = 5
"""That garments of each outfit held out are exchanged."""
DATA = (
    "garments cut from Clothing Co-Parsing photos but each fifth, by masks or, without, by the bundled parser and the "
    "photo's tags (Apache-2.0)"
)


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("outfit", __doc__)
    parser.add_shared("--out")
    parser.add_argument("--cache", type=Path, help="folder for cuts and vectors, to be used again; in --out if absent")
    parser.add_argument("--encoder", help="name or folder of the encoder; the bundled one if absent")
    parser.add_argument("--minutes", type=float, default=4.0, help="time for training; the control gets a third of it")
    parser.add_shared("--rate", "--seed", "--threads", "--resume", "--data")
    parser.set_defaults(rate=RATE)
    given = parser.read(arguments)
    encoder = load_encoder(given.encoder, threads=given.threads)
    with progress_of("cutting garments") as progress:
        worn = worn_together(
            given.data, encoder=encoder, cache=given.cache or given.out / "cache", versions=VERSIONS,
            seed=given.seed, progress=progress,
        )  # fmt: skip
    learned, held = worn.wardrobe(held_out=False), worn.wardrobe(held_out=True)
    found = trained(
        learned, out=given.out, minutes=given.minutes, seed=given.seed, rate=given.rate, resume=given.resume
    )
    trial = sample_trial(held, seed=given.seed, times=TIMES)
    figures = {"": outfit_figures(trial, judge_of(found.network, held))}
    for name, judge in simple_judges(held, learned=learned).items():
        figures[f"{name} only"] = outfit_figures(trial, judge)
    control, control_held = (_seen_only(worn, one, ALL) for one in (learned, held))
    cheat = trained(
        control, out=given.out / "control", minutes=given.minutes / 3, seed=given.seed, rate=given.rate,
        resume=given.resume,
    )  # fmt: skip
    figures["light and focus only"] = outfit_figures(trial, judge_of(cheat.network, control_held))
    for name, columns in {"focus only": FOCUS, "brightness only": BRIGHTNESS}.items():
        control, control_held = (_seen_only(worn, one, columns) for one in (learned, held))
        pairs = calibrated_pairs(control, seed=given.seed)
        figures[name] = outfit_figures(trial, judge_of(pairs, control_held))
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


def _seen_only(worn: Worn, wardrobe: Wardrobe, columns: slice) -> Wardrobe:
    """Garments of which nothing but some statistics are seen, each number with mean 0 and deviation 1."""
    some = worn.statistics[..., columns]
    flat = some.reshape(-1, some.shape[2])
    scaled = np.asarray((some - flat.mean(0)) / np.maximum(flat.std(0), 1e-6), np.float32)
    return replace(wardrobe, vectors=np.zeros((*some.shape[:2], 1), np.float32), colors=scaled)


if __name__ == "__main__":
    sys.exit(main())
