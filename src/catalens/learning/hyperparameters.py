"""Search for the settings of a classifier with Optuna (Akiba et al. 2019): head, regularisation, augmentation, views.

Settings are tried on the vectors of a frozen encoder by cross-validation: heads learn from a photo and from augmented
views of it, and are asked about whole photos that they have not seen. Trials that fall behind are ended after the first
folds. A share of the photos takes no part in any of it and tells how good the best settings are, beside the default
ones: the best of many trials flatters itself.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catalens.errors import MissingExtraError, UsageError
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.learning.classifier import (
    card_scores,
    classifier_of,
    label_thresholds,
    notes_on_seen_photos,
    training_details,
)
from catalens.learning.embedded_views import EmbeddedViews
from catalens.learning.heads import Fitted, calibrated, fit_plain, out_of_fold, validation_score
from catalens.learning.labelled import LabelledPhotos
from catalens.learning.split import Split, embed_labelled, split
from catalens.models.zoo import DEFAULT_ENCODER
from catalens.tasks.classifier import Classifier
from catalens.tasks.embed import Encoder
from catalens.tasks.heads import HEAD_KINDS, Head, HeadKind
from catalens.types import Failure, FloatArray, Progress

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial
    from optuna.trial import Trial as OptunaTrial

MOST_VIEWS = 4
POLICIES = ("none", "shop", "phone")
DEFAULTS: Mapping[str, str | float | int] = {"head": "softmax", "softmax C": 10.0, "policy": "none"}
"""Tried first, so that what is found is never worse by cross-validation; what `train classifier` mostly comes to."""
UNPRUNED = 4
"""Trials before any is ended early."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One choice: the head, its numbers, and what it learns from beside the photos."""

    head: HeadKind
    numbers: Mapping[str, float]
    policy: str = "none"
    views: int = 0

    def __str__(self) -> str:
        numbers = ", ".join(f"{name} {value:.3g}" for name, value in self.numbers.items())
        views = f", {self.views} more views of each photo by policy {self.policy}" if self.views else ""
        return f"{self.head}, {numbers}{views}"

    def to_dict(self) -> dict[str, object]:
        return {"head": self.head, **self.numbers, "policy": self.policy, "views": self.views}


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial: accuracy by cross-validation (with several labels to a photo, mean average precision); that of the
    first folds where it was `pruned`.
    """

    number: int
    settings: Settings
    accuracy: float
    seconds: float
    pruned: bool

    def to_dict(self) -> dict[str, object]:
        figures = {"accuracy": round(self.accuracy, 4), "seconds": round(self.seconds, 2), "pruned": self.pruned}
        return {"number": self.number, **self.settings.to_dict(), **figures}


@dataclass(frozen=True, slots=True)
class Search:
    """What a search found, and the classifier made of it.

    `found` and `usual` are accuracies of the best and of the usual settings on the `held_out` photos, which no trial
    saw; None where none were held out. `leaks` pairs photos held out with photos learned from that look the same.
    """

    classifier: Classifier
    best: Trial
    trials: tuple[Trial, ...]
    found: Estimate | None
    usual: Estimate | None
    held_out: int
    photos: int
    seconds: float
    skipped: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
    leaks: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict[str, object]:
        return {
            "best": self.best.to_dict(),
            "accuracy_held_out": None if self.found is None else self.found.to_dict(),
            "accuracy_of_usual_settings": None if self.usual is None else self.usual.to_dict(),
            "held_out": self.held_out,
            "photos": self.photos,
            "seconds": round(self.seconds, 1),
            "trials": [trial.to_dict() for trial in self.trials],
            "skipped": [failure.to_dict() for failure in self.skipped],
            "notes": list(self.notes),
            "leaks": [list(pair) for pair in self.leaks],
        }


def search_settings(
    photos: LabelledPhotos,
    *,
    name: str,
    encoder: Encoder,
    encoder_name: str = DEFAULT_ENCODER,
    trials: int = 20,
    minutes: float = 5.0,
    heads: Sequence[HeadKind] = HEAD_KINDS,
    policies: Sequence[str] = POLICIES,
    test_share: float = 0.2,
    reject: float = 0.05,
    seed: int = 0,
    progress: Progress | None = None,
) -> Search:
    """Search for the best settings and fit a classifier with them.

    Args:
        name: of the classifier; encoder_name: by which its encoder is loaded again.
        trials, minutes: it ends with what is over first; at least one trial is made. The same seed makes the same
            trials, however many the time allows.
        heads, policies: to choose from.
        test_share: share of each label's photos that no trial sees.
        reject: share of pictures of other things that may be taken for a label.

    Raises:
        UsageError: fewer than two labels, or a number out of range.
        MissingExtraError: optuna is not installed.
    """
    _check(trials, minutes, heads, policies, test_share, reject)
    started = time.perf_counter()
    embedded = embed_labelled(photos, encoder, progress=progress)
    parts = split(embedded, test_share, seed=seed)
    used, test = parts.photos, parts.test
    views = EmbeddedViews(used.of(np.flatnonzero(~test).tolist()).paths, encoder, seed=seed)
    training_set = _TrainingSet(parts.learned, parts.learned_targets, views, seed)
    study = _study(training_set, trials, minutes * 60 - (time.perf_counter() - started), heads, policies, progress)
    made = tuple(_trial(one) for one in study)
    best = max((one for one in made if not one.pruned), key=lambda one: one.accuracy)
    fitted, plain = (training_set.fit(settings, parts.classes) for settings in (best.settings, _default_settings()))
    found, usual = (_accuracy(one, parts) for one in (fitted, plain))
    classifier = classifier_of(
        fitted, parts, name=name, kind=best.settings.head, encoder=encoder, encoder_name=encoder_name, reject=reject,
        seed=seed,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    how = f"{best.settings}, the best of {len(made)} trials"
    training = training_details(used, how, encoder, seed=seed, seconds=seconds)
    return Search(
        classifier=replace(classifier, training=training, scores=card_scores(found)),
        best=best,
        trials=made,
        found=found,
        usual=usual,
        held_out=int(test.sum()),
        photos=len(used),
        seconds=seconds,
        skipped=photos.skipped + embedded.skipped,
        notes=photos.notes + notes_on_seen_photos(parts, encoder),
        leaks=parts.leaks(),
    )


def _check(
    trials: int, minutes: float, heads: Sequence[str], policies: Sequence[str], test_share: float, reject: float
) -> None:
    if trials < 1 or not minutes > 0 or not heads or not policies or not 0 <= test_share < 1 or not 0 < reject < 1:
        raise UsageError(
            f"got {trials} trials, {minutes:g} minutes, test share {test_share:g}, reject {reject:g}",
            cure="give at least one trial, head and policy, a time above 0, and shares between 0 and 1",
        )
    unknown = set(heads) - set(HEAD_KINDS)
    if unknown:
        raise UsageError(f"no head called {sorted(unknown)[0]!r}", cure=f"one of {', '.join(HEAD_KINDS)}")


@dataclass(frozen=True)
class _TrainingSet:
    """Training set of the trials: (N, D) vectors of the photos, (N, C) targets, and augmented views."""

    vectors: FloatArray
    targets: NDArray[np.bool_]
    views: EmbeddedViews
    seed: int

    def learned(self, settings: Settings, rows: NDArray[np.int64]) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Vectors and targets of these photos and of their views."""
        views = [view[rows] for view in self.views.of(settings.policy, settings.views)]
        return np.concatenate([self.vectors[rows], *views]), np.tile(self.targets[rows], (1 + len(views), 1))

    def head(self, settings: Settings, rows: NDArray[np.int64]) -> Head:
        """A head on these photos and their views."""
        vectors, targets = self.learned(settings, rows)
        return fit_plain(vectors, targets, kind=settings.head, settings=settings.numbers)

    def out_of_fold(
        self, settings: Settings, *, optuna_trial: OptunaTrial | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """`heads.out_of_fold` by heads that saw neither the photos nor their views; a trial may be pruned by it."""

        def is_hopeless(scores: FloatArray, fold: int) -> bool:
            if optuna_trial is None:
                return False
            optuna_trial.report(validation_score(scores, self.targets), fold)
            return optuna_trial.should_prune()

        return out_of_fold(
            self.vectors, self.targets, partial(self.head, settings), seed=self.seed, is_hopeless=is_hopeless
        )

    def fit(self, settings: Settings, classes: tuple[str, ...]) -> Fitted:
        """A head on all photos and their views, calibrated out of fold."""
        scores, near = self.out_of_fold(settings)
        head = self.head(settings, np.arange(len(self.vectors)))
        return calibrated(head, self.targets, classes, settings.numbers, scores=scores, near=near)


def _study(
    training_set: _TrainingSet,
    trials: int,
    seconds: float,
    heads: Sequence[HeadKind],
    policies: Sequence[str],
    progress: Progress | None,
) -> list[FrozenTrial]:
    """Make the trials."""
    try:
        import optuna
    except ImportError:
        raise MissingExtraError.of("optuna", extra="train") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=training_set.seed, n_startup_trials=min(10, max(2, trials // 2))),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED, n_warmup_steps=1),
    )
    if "softmax" in heads and "none" in policies:
        study.enqueue_trial(dict(DEFAULTS))

    def objective(optuna_trial: OptunaTrial) -> float:
        scores, _ = training_set.out_of_fold(_suggested(optuna_trial, heads, policies), optuna_trial=optuna_trial)
        if optuna_trial.should_prune():
            raise optuna.TrialPruned
        return validation_score(scores, training_set.targets)

    def report(study: Any, _: Any) -> None:
        if progress is not None:
            done = study.trials
            best = max((one.value for one in done if one.value is not None), default=0.0)
            progress(len(done), trials, f"trying settings, best {best:.1%}")

    study.optimize(objective, n_trials=trials, timeout=max(seconds, 0.01), callbacks=[report])
    return list(study.trials)


def _suggested(optuna_trial: OptunaTrial, heads: Sequence[HeadKind], policies: Sequence[str]) -> Settings:
    chosen = optuna_trial.suggest_categorical("head", list(heads))
    head = next(kind for kind in heads if kind == chosen)
    policy = str(optuna_trial.suggest_categorical("policy", list(policies)))
    views = 0 if policy == "none" else optuna_trial.suggest_int("views", 1, MOST_VIEWS)
    if head == "knn":
        numbers = {
            "k": float(optuna_trial.suggest_int("k", 1, 30)),
            "sharpness": _log(optuna_trial, "sharpness", 0.01, 0.3),
        }
    elif head == "svm-rbf":
        numbers = {"C": _log(optuna_trial, "svm-rbf C", 0.1, 100.0), "gamma": _log(optuna_trial, "gamma", 0.1, 10.0)}
    elif head == "lda":
        numbers = {"shrinkage": _log(optuna_trial, "shrinkage", 0.01, 1.0)}
    else:
        low, high = (0.3, 300.0) if head == "softmax" else (0.01, 30.0)
        numbers = {"C": _log(optuna_trial, f"{head} C", low, high)}
    return Settings(head, numbers, policy, views)


def _log(optuna_trial: OptunaTrial, name: str, low: float, high: float) -> float:
    return float(optuna_trial.suggest_float(name, low, high, log=True))


def _trial(one: FrozenTrial) -> Trial:
    """A trial as its parameters say."""
    given = one.params
    head: HeadKind = given["head"]
    numbers = {name.removeprefix(f"{head} "): float(given[name]) for name in given if name not in _NOT_NUMBERS}
    pruned = one.value is None or one.state.name == "PRUNED"
    reported = list(one.intermediate_values.values())
    accuracy = reported[-1] if pruned and reported else float(one.value or 0.0)
    seconds = 0.0 if one.duration is None else one.duration.total_seconds()
    return Trial(one.number, Settings(head, numbers, given["policy"], given.get("views", 0)), accuracy, seconds, pruned)


_NOT_NUMBERS = frozenset({"head", "policy", "views"})


def _default_settings() -> Settings:
    return Settings("softmax", {"C": float(DEFAULTS["softmax C"])})


def _accuracy(fitted: Fitted, parts: Split) -> Estimate | None:
    """On photos held out; with several labels to a photo, the share whose labels are all right."""
    if not parts.test.any():
        return None
    targets, likely = parts.targets[parts.test], fitted.head.probabilities(parts.vectors[parts.test])
    thresholds = label_thresholds(fitted, parts.learned_targets)
    if thresholds is not None:
        return bootstrap_mean(((likely >= thresholds) == targets).all(1))
    return bootstrap_mean(targets[np.arange(len(targets)), likely.argmax(1)])
