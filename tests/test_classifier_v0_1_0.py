"""Classifiers that version 0.1.0 wrote open, and answer as they did there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import catalens
from catalens.models.zoo import DEFAULT_ENCODER
from catalens.tasks.classifier_folder import load_classifier

HOME = Path(__file__).parent / "fixtures" / "v0_1_0"
ANSWERS: dict[str, dict[str, dict[str, float]]] = json.loads((HOME / "classify.json").read_text("utf-8"))
"""What `catalens.classify` of version 0.1.0 said."""
MACHINES = 0.02
"""By which probabilities of an int8 encoder may differ between processors with and without VNNI."""


@pytest.mark.parametrize("name", ANSWERS)
def test_a_classifier_answers_as_it_did(name: str) -> None:
    photos = ANSWERS[name]
    found = catalens.classify([HOME / photo for photo in photos], model=HOME / name)
    for one, expected in zip(found, photos.values(), strict=True):
        assert one.names == tuple(expected)
        assert one.scores == pytest.approx(tuple(expected.values()), abs=MACHINES)
        assert not one.unknown


@pytest.mark.parametrize("name", ANSWERS)
def test_a_classifier_names_the_encoder_that_it_was_trained_with(name: str) -> None:
    classifier = load_classifier(HOME / name)
    assert classifier.encoder_name == DEFAULT_ENCODER
    assert classifier.encoder.name == catalens.encoder().name
