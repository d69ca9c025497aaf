"""What `catalens serve --model NAME` allows: a name is resolved once, before the service starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from catalens.errors import NotFoundError, UsageError
from catalens.models.card import FILE, read_table
from catalens.models.hub import pipeline
from catalens.models.runtimes.file import LOADERS
from catalens.models.zoo import Form, Resolved, Task, bundled_cards, find, resolve
from catalens.options import Purpose
from catalens.server.services.served_models import PURPOSES, ServedModel, bundled_names
from catalens.tasks import cutout, detect, embed, foreign_classifier, segment
from catalens.tasks.classifier_folder import load_classifier
from catalens.tasks.faces import finds_faces

FORMS: Mapping[Purpose, tuple[Form, ...]] = {
    "embed": embed.FORMS,
    "segment": segment.FORMS,
    "matte": cutout.FORMS,
    "detect": detect.FORMS,
    "faces": ("card",),
    "classify": foreign_classifier.FORMS,
    "outfit": ("card",),
    "tryon": ("card", "known"),
    "generate": ("card", *pipeline.FORMS),
    "paint": pipeline.FORMS,
}
"""What the functions of the library can run."""
ALSO: Mapping[Purpose, tuple[Purpose, ...]] = {"embed": ("classify",), "paint": ("generate",)}
"""What a network for one purpose does, too: an encoder classifies by words, a painter generates product photos."""


def allow_models(given: Sequence[str]) -> tuple[ServedModel, ...]:
    """The networks of `--model`.

    Args:
        given: names as `model=` takes them; TASK=NAME where the name does not say what it is for.

    Raises:
        NotFoundError, ModelError: one cannot be found or used.
        UsageError: it is not said what one is for, two have one name, or a licence was not accepted.
    """
    found = tuple(map(_allowed, given))
    for place, one in enumerate(found):
        taken = {name for purpose in one.purposes for name in bundled_names(purpose)}
        taken |= {other.name for other in found[:place] if set(other.purposes) & set(one.purposes)}
        if one.name in taken:
            raise UsageError(f"two networks are called {one.name!r}", cure="name their folders apart")
    return found


def _allowed(given: str) -> ServedModel:
    word, equals, rest = given.partition("=")
    said = next((purpose for purpose in PURPOSES if equals and purpose == word), None)
    name = rest if said else given
    if (Path(name) / FILE).is_file() and name not in bundled_cards():
        name = str(Path(name).resolve())
    purpose = said or _purpose_of(name)
    if purpose == "classify" and (Path(name) / FILE).is_file() and read_table(Path(name)).text("task") == "classify":
        load_classifier(name)
        return ServedModel(Path(name).name, name, ("classify",))
    task: Task = "detect" if purpose == "faces" else purpose
    found = resolve(name, task=task, forms=FORMS[purpose])
    if found.form in LOADERS and not Path(found.place).is_file():
        raise NotFoundError(f"no file {found.place!r}", cure="check the path")
    purposes = (purpose, *ALSO.get(purpose, ()))
    if found.card is not None and purpose == "detect" and finds_faces(found.card):
        purposes = ("faces", "detect")
    license = found.card.license if found.card else found.known.license if found.known else None
    parameters = found.card.parameters if found.card else found.known.parameters if found.known else None
    return ServedModel(_called(found), name, purposes, license, parameters)


def _purpose_of(name: str) -> Purpose:
    found = find(name)
    for purpose in PURPOSES:
        if purpose == found.task and (found.known is not None or found.form == "card"):
            return purpose
    raise UsageError(
        f"{name!r} does not say what it is for", cure=f"write TASK={name}, TASK one of {', '.join(PURPOSES)}"
    )


def _called(found: Resolved) -> str:
    """Its short name where it is known, else its card's folder's, or the last part of its place."""
    if found.known is not None:
        return found.known.key
    if found.card is not None:
        return found.card.weights.parent.name
    return Path(found.place).stem if found.form in LOADERS else Path(found.place).name
