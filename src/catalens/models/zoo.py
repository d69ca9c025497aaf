"""The only resolver of names: what `model=` means, for every task.

A name is one of a network that is bundled ("bundled" or nothing for the usual one), a folder with a card.toml, a short
name or hub place of `models.known` (with a folder of its files: `catvton:FOLDER`), or a form with a place:
`hf:OWNER/NAME`, `hf:FOLDER`, `onnx:FILE`, `openvino:FILE`, `torch:FILE`, `keras:FILE`, `keras:NAME`. What
`models.pull` fetched is taken from its cache.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache, wraps
from pathlib import Path
from types import MappingProxyType
from typing import Literal, ParamSpec, TypeAlias, TypeVar, cast, get_args

from catalens import settings
from catalens.errors import ModelError, NotFoundError, UsageError
from catalens.models import card as cards
from catalens.models import file_card, pull
from catalens.models import known as registry
from catalens.models.card import FILE, Card, read_card, read_table
from catalens.models.file_card import FileCard, file_card_of
from catalens.models.known import KnownNetwork, find_known, known_networks, require_accepted
from catalens.models.licence import UNKNOWN, require_allowed

Task: TypeAlias = cards.Task | Literal["classify", "outline", "refine", "paint"]
FILES = frozenset[str](get_args(file_card.Kind))
"""Forms of names that are files with a card beside them (`models.file_card`)."""
Form: TypeAlias = Literal["card", "hf", "known", "onnx", "openvino", "torch", "keras", "application"]

WEIGHTS = Path(__file__).parent / "weights"
DEFAULT_ENCODER = "catalens-encoder-s"
DEFAULT_PARSER = "catalens-parser-s"
DEFAULT_MATTE = "u2netp"
DEFAULT_DETECTOR = "catalens-detector-s"
DEFAULT_FACES = "catalens-faces-xs"
CLOSE_FACES = "blazeface-short"
"""Confirms faces that fill much of a photo; a part of the face detector, not one itself."""
THINGS = "nanodet-g"
"""Finds people, furniture and everyday things: a part of the default detector, and one itself."""
NAMER = "catalens-namer-xs"
"""Says what a box shows; a part of the default detector."""
DEFAULT_OUTFIT = "catalens-outfit-xs"
DEFAULT_POSE = "catalens-pose-xs"
DEFAULT_TRYON = "catalens-tryon-s"
DEFAULT_GENERATOR = "catalens-generator-s"
DEFAULTS: Mapping[Task, str] = MappingProxyType(
    {
        "embed": DEFAULT_ENCODER,
        "segment": DEFAULT_PARSER,
        "matte": DEFAULT_MATTE,
        "detect": DEFAULT_DETECTOR,
        "outfit": DEFAULT_OUTFIT,
        "pose": DEFAULT_POSE,
        "tryon": DEFAULT_TRYON,
        "generate": DEFAULT_GENERATOR,
    }
)
BUILT_IN_DETECTOR = "parts"
"""Name of the detector without a card of its own: it goes by the answers of the parser and the cut-out network."""
ENSEMBLE = "ensemble"
"""Name of the default detector: garments by `DEFAULT_DETECTOR`, people and things by `THINGS`, names by `NAMER`."""
BUNDLED = "bundled"
"""In place of a name: the bundled network of the task."""
WRITTEN: Mapping[Form, str] = MappingProxyType(
    {
        "card": "a bundled network or a folder with a card.toml",
        "hf": "hf:OWNER/NAME or hf:FOLDER",
        "known": "a short name of `catalens models list`",
        "onnx": "onnx:FILE",
        "openvino": "openvino:FILE",
        "torch": "torch:FILE",
        "keras": "keras:FILE",
        "application": "keras:NAME",
    }
)
"""How each form is written."""
PREFIXES: tuple[Form, ...] = ("hf", "onnx", "openvino", "torch", "keras")
_RELATED: Mapping[Task, tuple[registry.Task, ...]] = MappingProxyType(
    {"classify": ("classify", "embed"), "generate": ("paint",), "outfit": (), "pose": ()}
)
"""Tasks of known networks that serve for another one; every other task is served by its own."""

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a name stands for.

    Args:
        name: as it was asked for, or the bundled network's.
        form: how to load it.
        place: a folder, a file, a place on the hub, or a name of keras.applications.
        card: where the form is "card"; known: what is published of it, where that is known.
    """

    name: str
    task: Task
    form: Form
    place: str
    card: Card | None = None
    known: KnownNetwork | None = None

    @property
    def licence(self) -> str:
        """Of its weights: as its card or what is published says, else "unknown"."""
        if self.card is not None:
            return self.card.license
        if self.form in FILES and self.known is None:
            return file_card.read_file_licence(Path(self.place).with_suffix(".toml")).license or UNKNOWN
        return UNKNOWN if self.known is None else self.known.license

    def own_card(self) -> Card:
        """The card.

        Raises:
            ModelError: it has none.
        """
        if self.card is None:
            raise ModelError(f"{self.name} has no card", cure=f"name {WRITTEN['card']}")
        return self.card

    def file(self) -> tuple[Path, FileCard | None]:
        """A network in a file: where it is, and its card where that does not lie beside it; a pulled one is checked.

        Raises:
            NotFoundError, ModelError: it was not pulled, or is another file now.
        """
        if self.known is None:
            return Path(self.place), None
        card = self.known.input
        return pull.pulled_file(self.known), None if card is None else file_card_of(card)

    def in_transformers(self) -> str:
        """Where the Transformers library finds it.

        Raises:
            ModelError: it needs another library; code that comes with weights is never run.
        """
        if self.known is not None and self.known.library != "transformers":
            raise ModelError(
                f"{self.known.name} runs in {self.known.library}, not in Transformers alone",
                cure=f"export its network for pictures to ONNX and name it onnx:FILE ({self.known.source})",
            )
        return self.place


def resolve(
    name: str | None,
    *,
    task: Task,
    forms: Sequence[Form],
    default: str | None = None,
    accept_licence: str | None = None,
) -> Resolved:
    """Find out what a name stands for; nothing is loaded, and nothing fetched.

    Args:
        name: None or "bundled" for the default.
        forms: that the task can run.
        default: the bundled network where it is not the usual one of the task.
        accept_licence: name of a licence that limits commercial use, or "unknown", that the caller accepts.

    Raises:
        NotFoundError: nothing has that name; near ones are offered.
        ModelError: a card that cannot be used or is for another task.
        UsageError: a form or a known network that does not serve this task; a licence that was not accepted, or is
            not on the list of allowed ones (`settings.allowed_licences`).
    """
    given = default or DEFAULTS.get(task, "") if name is None or name == BUNDLED else name
    found = _resolved(given, task, forms)
    if found.form not in forms:
        raise UsageError(
            f"{given!r}: a network for {task!r} is not loaded from {WRITTEN[found.form]}",
            cure=f"name {', or '.join(WRITTEN[form] for form in forms)}",
        )
    allowed = settings.allowed_licences()
    # A classifier's folder is a head on an encoder, which is resolved, too, when it is loaded.
    if allowed is not None and not (task == "classify" and found.form == "card" and found.card is None):
        require_allowed(found.name, found.licence, allowed)
    if found.form in ("hf", "known") or found.known is not None:
        _check_licence(found, accept_licence or settings.accepted_licence())
    if found.known is not None and found.known.files and pull.pinned(found.known) is None:
        raise pull.not_pulled(found.known)
    return found


def find(name: str) -> Resolved:
    """What a name stands for, whatever its task: to be read of, not to be loaded, and so whatever its licence.

    Raises:
        NotFoundError: nothing has that name; near ones are offered.
        ModelError: a card that cannot be used.
    """
    scheme, colon, rest = name.partition(":")
    known = find_known(rest if colon and scheme == "hf" else scheme if colon else name)
    if known is not None:
        return Resolved(name, cast(Task, known.task), "known", _place(known), known=known)
    if colon and scheme in PREFIXES and rest:
        return _of_form(name, scheme, rest, "embed")
    folder = WEIGHTS / name if name in bundled_cards() else Path(name)
    if not name or not (folder / FILE).is_file():
        raise _unknown(name, None)
    return _of_card(name, cast(Task, read_table(folder).text("task")))


def find_card(name: str | None = None, *, task: cards.Task | None = None) -> Card:
    """Find the card of a bundled network by its name, or of a folder by its path.

    Raises:
        NotFoundError: neither a bundled name nor a folder with a card.
        ModelError: the card or its weights cannot be used, or are for another task than the one given.
    """
    if name is None or name == BUNDLED:
        name = DEFAULTS[task] if task is not None else DEFAULT_ENCODER
    folder = WEIGHTS / name if name in bundled_cards() else Path(name)
    if not (folder / FILE).is_file():
        raise _unknown(name, task)
    card = read_card(folder)
    if task is not None and card.task != task:
        raise ModelError(
            f"{card.name} is for {card.task!r}, not for {task!r}", cure=f"name one of {', '.join(bundled_cards(task))}"
        )
    return card


def bundled_cards(task: cards.Task | None = None) -> tuple[str, ...]:
    """Names of the networks that ship with the package, sorted; only those for a task, where one is given."""
    names = sorted(path.parent.name for path in WEIGHTS.glob(f"*/{FILE}"))
    return tuple(name for name in names if task is None or read_table(WEIGHTS / name).text("task") == task)


def near_names(name: str) -> list[str]:
    """Names of bundled and known networks that a mistyped one may stand for, three at most."""
    names = [*bundled_cards(), *(name for one in known_networks() for name in (one.key, *one.aliases))]
    return get_close_matches(name, names, n=3)


def loaded_once(default: str | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep the last networks that a function loaded, by its arguments, whether they are given or left at their
    defaults, and by what the environment says of devices and allowed licences.

    Args:
        default: what its argument `name` stands for where it is None or "bundled".
    """

    def decorated(load: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(load)

        @lru_cache(maxsize=8)
        def kept(environment: tuple[str, str, frozenset[str] | None], *args: P.args, **kwargs: P.kwargs) -> R:
            del environment  # read again where it is used
            return load(*args, **kwargs)

        @wraps(load)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            if bound.arguments.get("name") in (None, BUNDLED):
                bound.arguments["name"] = default
            return kept((settings.device(), settings.dtype(), settings.allowed_licences()), *bound.args, **bound.kwargs)

        return call

    return decorated


def _resolved(given: str, task: Task, forms: Sequence[Form]) -> Resolved:
    scheme, colon, rest = given.partition(":")
    if colon and scheme in PREFIXES:
        if not rest:
            raise NotFoundError(f"{given!r} names no network", cure="write hf:FOLDER, hf:OWNER/NAME or KIND:FILE")
        return _of_form(given, scheme, rest, task)
    known = None if given in bundled_cards() else find_known(scheme if colon else given)
    if known is not None and not (colon and known.key != scheme):
        if colon and not Path(rest).is_dir():
            raise NotFoundError(f"no folder {rest!r}", cure=f"write {known.key}:FOLDER")
        served = _served(known, task)
        if known.files:
            return Resolved(given, served, "onnx", str(pull.folder_of(known) / known.files[0].name), known=known)
        form: Form = "known" if "known" in forms else "hf"
        return Resolved(given, served, form, rest if colon else _place(known), known=known)
    if given in bundled_cards() or (given and (Path(given) / FILE).is_file()):
        return _of_card(given, task)
    if {"known", "hf"} <= set(forms) and _is_folder_or_id(given):  # as Diffusers writes and the hub names them
        return Resolved(given, task, "hf", given)
    if Path(given).is_file():
        raise ModelError(
            f"{given} is a file, and a network by itself is a folder with a card.toml",
            cure="say of which kind the file is, as in onnx:FILE or torch:FILE; pickles are never read",
        )
    raise _unknown(given, task, forms)


def _of_card(given: str, task: Task) -> Resolved:
    if task == "classify":
        folder = WEIGHTS / given if given in bundled_cards() else Path(given)
        if read_table(folder).text("task") == "classify":
            return Resolved(given, task, "card", given)
        task = "embed"
    return Resolved(given, task, "card", given, card=find_card(given, task=cast(cards.Task, task)))


def _of_form(given: str, form: Form, rest: str, task: Task) -> Resolved:
    if form == "keras" and rest.isidentifier() and not Path(rest).exists():
        return Resolved(given, task, "application", rest)
    if form != "hf":
        return Resolved(given, task, form, rest)
    known = None if Path(rest).is_dir() else find_known(rest)
    place = rest if known is None else _place(known)
    if known is None and not Path(rest).is_dir() and (rest.startswith((".", "/", "~")) or rest.count("/") > 1):
        raise NotFoundError(f"no folder {rest!r}", cure="check the path, or name an id on the hub: hf:OWNER/NAME")
    return Resolved(given, task if known is None else _served(known, task), form, place, known=known)


def _place(known: KnownNetwork) -> str:
    """The folder of a network that was pulled, else its place on the hub."""
    return known.hub if known.files or pull.pinned(known) is None else str(pull.folder_of(known))


def _is_folder_or_id(given: str) -> bool:
    return (bool(given) and Path(given).is_dir()) or (given.count("/") == 1 and not given.startswith((".", "/", "~")))


def _served(known: KnownNetwork, task: Task) -> Task:
    """The task for which a known network serves another one.

    Raises:
        UsageError: it does not.
    """
    served = _RELATED.get(task, (cast(registry.Task, task),))
    if known.task in served:
        return known.task if task == "classify" else task
    names = [*(one.key for one in known_networks(*served) if served), *_bundled_for(task)]
    raise UsageError(
        f"{known.key} is for {known.task!r}, not for {task!r}", cure=f"take one of {', '.join(names)}" if names else ""
    )


def _check_licence(found: Resolved, accepted: str | None) -> None:
    """Refuse what a shop may not use, or of which that is not known; a folder is the user's own."""
    known = found.known
    if known is None and Path(found.place).is_dir():
        return
    if known is None or not known.commercial:
        license, forbids = (None, "") if known is None else (known.license, known.forbids)
        require_accepted(
            found.name if known is not None else found.place, license=license, forbids=forbids, accepted=accepted
        )


def _bundled_for(task: Task | None) -> tuple[str, ...]:
    """Names for a task; those for embedding serve to classify by words."""
    if task == "paint" or task == "outline" or task == "refine":
        return ()
    return bundled_cards("embed" if task == "classify" else task)


def _unknown(name: str, task: Task | None, forms: Sequence[Form] = ("card",)) -> NotFoundError:
    served = () if task is None else _RELATED.get(task, (cast(registry.Task, task),))
    others = [one.key for one in known_networks(*served)] if served and {"hf", "known", "onnx"} & set(forms) else []
    near = get_close_matches(name, [*others, *_bundled_for(task)], n=3)
    if near and not Path(name).exists():
        return NotFoundError(
            f"no network called {name!r}", cure=f"perhaps {', '.join(near)}; `catalens models list` has all"
        )
    ours = _bundled_for(task) if "card" in forms else ()
    names = ", ".join([*ours, *(others if not ours else [])])
    return NotFoundError(f"no network called {name!r}", cure=f"name one of {names}, or a folder with a {FILE}")
