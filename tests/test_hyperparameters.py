"""The search for settings: seeded, in time, never worse than the usual ones by cross-validation, and honest after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from catalens.errors import UsageError
from catalens.learning.embedded_views import EmbeddedViews
from catalens.learning.labelled import LabelledPhotos
from catalens.tasks.classifier_folder import load_classifier, save_classifier
from catalens.tasks.embed import encoder
from tests.fakes import FakeEncoder, write_photo

pytest.importorskip("optuna")

from catalens.learning.hyperparameters import Search, search_settings
from catalens.learning.split import held_out

LABELS = ("flat", "square", "tall")


def photos(folder: Path, per_label: int, *, labels: tuple[str, ...] = LABELS) -> LabelledPhotos:
    """Two blocks of color in three mixtures, so that there is something to learn and something to get wrong."""
    paths = []
    for place, label in enumerate(labels):
        for number in range(per_label):
            seed = place if number % 3 else 1000 * place + number
            paths.append(Path(write_photo(folder / f"{label}-{number}.png", seed=seed).location))
    return LabelledPhotos(tuple(paths), tuple((label,) for label in labels for _ in range(per_label)))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Search:
    given = photos(tmp_path_factory.mktemp("photos"), 12)
    return search_settings(given, name="mine", encoder=FakeEncoder(), trials=8, minutes=5, seed=3)


def test_the_best_is_no_worse_than_the_usual_settings_by_cross_validation(found: Search) -> None:
    usual = found.trials[0]
    assert (usual.settings.head, usual.settings.views, dict(usual.settings.numbers)) == ("softmax", 0, {"C": 10.0})
    assert found.best.accuracy >= usual.accuracy
    assert found.best.accuracy == max(trial.accuracy for trial in found.trials if not trial.pruned)


def test_figures_are_of_photos_held_out(found: Search) -> None:
    assert found.photos == 36
    assert found.held_out == 6  # two of twelve, of each label
    assert found.found is not None
    assert found.usual is not None
    assert found.found.n == found.usual.n == 6
    assert found.classifier.scores[0].value == found.found.value


def test_the_same_seed_makes_the_same_trials(found: Search, tmp_path: Path) -> None:
    again = search_settings(photos(tmp_path, 12), name="mine", encoder=FakeEncoder(), trials=8, minutes=5, seed=3)
    assert [trial.settings for trial in again.trials] == [trial.settings for trial in found.trials]
    assert [trial.accuracy for trial in again.trials] == [trial.accuracy for trial in found.trials]


def test_time_ends_it_after_at_least_one_trial(tmp_path: Path) -> None:
    found = search_settings(photos(tmp_path, 4), name="x", encoder=FakeEncoder(), trials=500, minutes=1e-4)
    assert 1 <= len(found.trials) < 500


def test_only_what_is_allowed_is_tried(tmp_path: Path) -> None:
    found = search_settings(
        photos(tmp_path, 4), name="x", encoder=FakeEncoder(), trials=4, heads=("knn",), policies=("shop",)
    )
    assert {trial.settings.head for trial in found.trials} == {"knn"}
    assert {trial.settings.policy for trial in found.trials} == {"shop"}
    assert all(1 <= trial.settings.views <= 4 for trial in found.trials)


def test_the_classifier_is_saved_and_says_the_same(tmp_path: Path) -> None:
    given = photos(tmp_path / "photos", 5)
    found = search_settings(given, name="mine", encoder=encoder(), trials=2, policies=("none", "shop"))
    save_classifier(found.classifier, tmp_path / "mine")
    again = load_classifier(tmp_path / "mine")
    ask = list(given.paths[:4])
    np.testing.assert_allclose(again.probabilities(ask), found.classifier.probabilities(ask), atol=1e-6)
    np.testing.assert_allclose(again.probabilities(ask).sum(1), 1, atol=1e-5)


def test_several_labels_to_a_photo(tmp_path: Path) -> None:
    one = photos(tmp_path, 6)
    several = LabelledPhotos(one.paths, tuple((*row, "new") if n % 2 else row for n, row in enumerate(one.labels)))
    found = search_settings(several, name="x", encoder=FakeEncoder(), trials=3)
    assert found.classifier.head.activation == "sigmoid"
    classifier = found.classifier
    assert classifier.thresholds is not None
    test = held_out(several, 0.2, seed=0)
    asked = several.of(np.flatnonzero(test).tolist())
    said = classifier.probabilities(asked.paths) >= classifier.thresholds
    right = (said == asked.targets(classifier.classes)).all(1)
    assert found.found is not None
    assert found.found.value == pytest.approx(right.mean())  # of the classifier that is kept, with its own thresholds


def test_photos_on_both_sides_are_told(tmp_path: Path) -> None:
    one = photos(tmp_path, 6)
    test = np.flatnonzero(held_out(one, 0.2, seed=0)).tolist()
    learned = next(row for row in range(len(one)) if row not in test)
    one.paths[test[0]].write_bytes(one.paths[learned].read_bytes())
    found = search_settings(one, name="x", encoder=FakeEncoder(), trials=1)
    assert (str(one.paths[test[0]]), str(one.paths[learned])) in found.leaks
    assert found.to_dict()["leaks"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"trials": 0}, "0 trials"), ({"minutes": 0}, "0 minutes"), ({"heads": ("tree",)}, "no head called 'tree'")],
)
def test_wrong_wishes_are_refused(wrong: dict[str, object], words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        search_settings(photos(tmp_path, 2), name="x", encoder=FakeEncoder(), **wrong)  # type: ignore[arg-type]


def test_nothing_and_one_label_are_refused(tmp_path: Path) -> None:
    for given in (LabelledPhotos((), ()), photos(tmp_path, 3, labels=("flat",))):
        with pytest.raises(UsageError, match=r"at least two labels|none of 0 photos"):
            search_settings(given, name="x", encoder=FakeEncoder())


def test_views_are_made_once_and_repeat(tmp_path: Path) -> None:
    given, counted = photos(tmp_path, 2).paths, FakeEncoder()
    views = EmbeddedViews(given, counted, seed=0)
    first = views.of("phone", 1)[0]
    more = views.of("phone", 3)
    assert counted.encoded == 3 * len(given)
    np.testing.assert_array_equal(first, more[0])
    np.testing.assert_array_equal(more[2], EmbeddedViews(given, FakeEncoder(), seed=0).of("phone", 3)[2])
    assert views.of("phone", 0) == []
    assert (more[0] != more[1]).any()
