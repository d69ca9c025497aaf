from __future__ import annotations

import inspect
import pickle
import re

import pytest

from catalens import errors

CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, errors.CatalensError)]


@pytest.mark.parametrize("kind", CLASSES)
def test_a_message_says_what_came_and_the_cure(kind: type[errors.CatalensError]) -> None:
    assert str(kind("no photo at x.jpg", cure="check the path")) == "no photo at x.jpg. Check the path."
    assert str(kind("no photo at x.jpg")) == "no photo at x.jpg."


def test_a_message_that_ends_with_the_words_of_others_has_one_full_stop() -> None:
    assert str(errors.ModelError("no network: parsing failed.", cure="copy it ...")) == (
        "no network: parsing failed. Copy it ..."
    )


@pytest.mark.parametrize("kind", CLASSES)
def test_errors_travel_between_processes(kind: type[errors.CatalensError]) -> None:
    back = pickle.loads(pickle.dumps(kind("a", cure="b")))
    assert (type(back), back.what, back.cure) == (kind, "a", "b")


@pytest.mark.parametrize("kind", CLASSES)
def test_the_tree_in_the_docstring_names_every_class_and_its_exit_code(kind: type[errors.CatalensError]) -> None:
    line = next(line for line in (errors.__doc__ or "").splitlines() if re.search(rf"\b{kind.__name__}\b", line))
    code = next((int(word) for word in line.split() if word.isdigit()), None)
    parent = kind.__mro__[1]
    assert code == kind.exit_code or (code is None and kind.exit_code == getattr(parent, "exit_code", None))


def test_a_missing_extra_names_the_command_that_installs_it() -> None:
    assert str(errors.MissingExtraError.of("torch", extra="train")) == (
        'torch is not installed. Run: pip install "catalens[train]".'
    )
