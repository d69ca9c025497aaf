"""The search for settings of fine-tuning: the usual ones first, the best encoder kept, nothing left beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalens.errors import StorageError, UsageError
from catalens.models.card import read_card
from tests.test_finetune import one_thread, photos, small

pytest.importorskip("optuna")

from catalens.learning.tuning_search import search_tuning

__all__ = ["one_thread", "small"]


def test_the_best_of_the_trials_is_kept(small: Path, tmp_path: Path) -> None:
    given = photos(tmp_path / "photos", 40)
    found = search_tuning(given, out=tmp_path / "out" / "tuned", encoder=str(small), trials=2, minutes=0.05)
    first = found.trials[0]
    assert (first.rate, first.policy, first.mix) == (2e-3, "phone", 0.2)
    assert found.best.accuracy == max(trial.accuracy for trial in found.trials)
    assert read_card(found.folder).scores[0].value == pytest.approx(found.best.accuracy)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tuned"]


def test_wrong_wishes_are_refused(small: Path, tmp_path: Path) -> None:
    given = photos(tmp_path / "photos", 2)
    with pytest.raises(UsageError, match="0 trials"):
        search_tuning(given, out=tmp_path / "out", trials=0)
    with pytest.raises(StorageError, match="is there"):
        search_tuning(given, out=tmp_path)
    with pytest.raises(UsageError, match="too few to choose settings by"):
        search_tuning(given, out=tmp_path / "out", encoder=str(small), trials=1, minutes=0.02)
    assert not (tmp_path / "out").exists()
