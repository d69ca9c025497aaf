"""Doubt about a try-on: what is surely wrong is refused, and says why."""

from __future__ import annotations

import numpy as np
import pytest

from catalens.errors import UnfitImageError
from catalens.tasks.tryon.bones import grid
from catalens.tasks.tryon.doubt import BOUND, Doubt, evenness


@pytest.mark.parametrize(
    ("outline", "even", "shown", "said"),
    [
        (1.0, 1.0, 1.0, None),
        (0.9, 0.9, 0.9, None),
        (0.3, 1.0, 1.0, "outline is doubtful"),
        (0.9, 0.4, 0.9, "crushed or torn"),
        (0.9, 0.9, 0.3, "invented"),
    ],
)
def test_what_is_doubtful_is_refused_with_its_reason(
    outline: float, even: float, shown: float, said: str | None
) -> None:
    doubt = Doubt(outline, even, shown)
    assert doubt.confidence == pytest.approx(outline * even * shown)
    if said is None:
        doubt.require()
    else:
        with pytest.raises(UnfitImageError, match=said):
            doubt.require()


@pytest.mark.parametrize(
    ("squeezed", "least", "most"),
    [(1.0, 1.0, 1.0), (BOUND - 0.5, 0.9, 1.0), (4 * BOUND, 0.0, 0.8)],
    ids=["as it is", "within the bound", "crushed"],
)
def test_a_crushed_garment_is_not_even(squeezed: float, least: float, most: float) -> None:
    """The lower third of the view reads `squeezed` times as much of the garment for each pixel."""
    back = grid((90, 60))
    back[60:, :, 1] = 60 + (back[60:, :, 1] - 60) * squeezed
    alpha = np.ones((round(61 + 30 * squeezed), 60), np.float32)
    assert least <= evenness(back.astype(np.float32), alpha) <= most


def test_a_folded_or_absent_garment_is_not_even() -> None:
    folded = grid((40, 40))[:, ::-1]
    folded = np.concatenate([grid((40, 40))[:, :20], folded[:, :20] - np.array([20, 0])], axis=1)
    assert evenness(folded.astype(np.float32), np.ones((40, 40), np.float32)) < 0.7
    assert evenness(grid((40, 40)).astype(np.float32), np.zeros((40, 40), np.float32)) == 0
