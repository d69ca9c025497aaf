"""Search for the settings of fine-tuning with Optuna: rate, how many stages learn, augmentation, mixing.

Every trial is a whole tuning with its share of the time, and the same photos choose its epoch; the best encoder is
kept. The network's width is that of the bundled one: its weights are what is tuned.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from catalens.errors import MissingExtraError, StorageError, UsageError
from catalens.learning.finetune import finetune
from catalens.learning.labelled import LabelledPhotos
from catalens.models.card import read_card
from catalens.types import Progress

if TYPE_CHECKING:
    from optuna.trial import Trial as OptunaTrial

POLICIES = ("shop", "phone", "strong")
MOST_STAGES = 4
DEFAULTS = {"rate": 2e-3, "stages": MOST_STAGES, "policy": "phone", "mix": 0.2}
"""Tried first: the defaults of `finetune`."""


@dataclass(frozen=True, slots=True)
class TuningTrial:
    """One tuning and the accuracy on the photos that chose its epoch."""

    number: int
    rate: float
    stages: int
    policy: str
    mix: float
    accuracy: float
    seconds: float

    def to_dict(self) -> dict[str, object]:
        return {
            "number": self.number,
            "rate": self.rate,
            "stages": self.stages,
            "policy": self.policy,
            "mix": self.mix,
            "accuracy": round(self.accuracy, 4),
            "seconds": round(self.seconds, 1),
        }

    def __str__(self) -> str:
        return f"rate {self.rate:.2g}, the last {self.stages} stages, policy {self.policy}, mixed {self.mix:g}"


@dataclass(frozen=True, slots=True)
class TuningSearch:
    """The trials, the best of them, and the folder of its encoder."""

    best: TuningTrial
    trials: tuple[TuningTrial, ...]
    folder: Path


def search_tuning(
    photos: LabelledPhotos,
    *,
    out: Path,
    encoder: str | None = None,
    trials: int = 6,
    minutes: float = 30.0,
    policies: Sequence[str] = POLICIES,
    seed: int = 0,
    progress: Progress | None = None,
) -> TuningSearch:
    """Try settings of `finetune` and write the best encoder to `out`.

    Args:
        trials: each gets the same share of the `minutes`; at least one is made.
        policies: to choose from.

    Raises:
        UsageError: a number out of range, or too few photos to choose by.
        StorageError: `out` is there.
        MissingExtraError: optuna, torch or onnx is not installed.
    """
    if trials < 1 or not minutes > 0 or not policies:
        raise UsageError(
            f"got {trials} trials, {minutes:g} minutes", cure="give at least one trial and policy, and a time above 0"
        )
    if out.exists():
        raise StorageError(f"{out} is there", cure="give a new folder")
    try:
        import optuna
    except ImportError:
        raise MissingExtraError.of("optuna", extra="train") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    if DEFAULTS["policy"] in policies:
        study.enqueue_trial(dict(DEFAULTS))
    made: list[TuningTrial] = []
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as beside:
        best = Path(beside) / "best"

        def objective(optuna_trial: OptunaTrial) -> float:
            folder = Path(beside) / str(optuna_trial.number)
            trial = _tuned(
                optuna_trial, photos, folder, encoder, policies, minutes / trials, seed=seed, progress=progress
            )
            if not made or trial.accuracy > max(one.accuracy for one in made):
                shutil.rmtree(best, ignore_errors=True)
                folder.rename(best)
            else:
                shutil.rmtree(folder)
            made.append(trial)
            return trial.accuracy

        study.optimize(objective, n_trials=trials, timeout=minutes * 60)
        best.rename(out)
    return TuningSearch(max(made, key=lambda one: one.accuracy), tuple(made), out)


def _tuned(
    optuna_trial: OptunaTrial,
    photos: LabelledPhotos,
    folder: Path,
    encoder: str | None,
    policies: Sequence[str],
    minutes: float,
    *,
    seed: int,
    progress: Progress | None,
) -> TuningTrial:
    started = time.perf_counter()
    rate = optuna_trial.suggest_float("rate", 2e-4, 1e-2, log=True)
    stages = optuna_trial.suggest_int("stages", 1, MOST_STAGES)
    policy = str(optuna_trial.suggest_categorical("policy", list(policies)))
    mix = float(optuna_trial.suggest_categorical("mix", [0.0, 0.2, 0.5]))
    finetune(
        photos, out=folder, encoder=encoder, minutes=minutes, seed=seed, policy=policy, rate=rate, stages=stages,
        mix=mix, progress=progress,
    )  # fmt: skip
    scores = read_card(folder).scores
    if not scores:
        raise UsageError(
            f"{len(photos)} photos are too few to choose settings by",
            cure="add photos, or use catalens train classifier",
        )
    return TuningTrial(optuna_trial.number, rate, stages, policy, mix, scores[0].value, time.perf_counter() - started)
