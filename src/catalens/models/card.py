"""A card says what a network is: weights and hash, preprocessing, licence, training data, cost, measured scores.

A card is a folder with `card.toml` and the weights file that it names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from catalens.errors import ModelError, NotFoundError
from catalens.images.prepare import Fit, Preprocess
from catalens.models.untrusted import read_toml, regular_file, size_of

FILE = "card.toml"

Precision = Literal["float32", "int8"]
"""What the weights are kept and multiplied in; int8 is static, with a scale per output channel."""


Task = Literal["embed", "segment", "matte", "detect", "outfit", "pose", "tryon", "generate", "confirm", "name"]
"""What a network does: a vector for a picture; a class for each place; the product's share of each place; boxes;
whether things go together; where a body's joints are; a garment on a person; pictures of words; whether a cut-out shows
what another network took it for; what a box shows, of evidence by other networks."""


@dataclass(frozen=True, slots=True)
class Score:
    """One measured figure with its number of queries and 95 % bootstrap interval."""

    name: str
    value: float
    n: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TextTower:
    """The network for words that belongs to one for pictures: its file, and how texts become its input."""

    weights: Path
    sha256: str
    tokens: Literal["ngrams-1"]
    """The function of `models.text`."""
    known: tuple[str, ...]
    """Words and phrases that it was taught."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a network is. `license` is an SPDX name; `training` says in words from what, how and at what cost.

    `opset` is the version of the ONNX operators that the weights file asks of its runtime. `dim` counts the numbers
    that it gives of a picture, or of each place of one. `text` is None where the network knows no words. `classes`
    names what it tells apart, in the order of its outputs; nothing for an encoder; of a generator what it can be asked
    for, as in "kind:dress"; there `dim` counts the numbers of a latent, and `preprocess.size` is what it gives.
    """

    name: str
    task: Task
    weights: Path
    sha256: str
    preprocess: Preprocess
    dim: int
    license: str
    parameters: int
    opset: int
    precision: Precision
    training: Mapping[str, str]
    scores: tuple[Score, ...]
    text: TextTower | None = None
    classes: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """Name of the vector space: vectors of two cards may be compared only where this is equal."""
        return f"{self.name}@{self.sha256[:12]}"

    @property
    def origin(self) -> str:
        """In words what it began with and learned from."""
        start, data = self.training.get("start", "?"), self.training.get("data", "?")
        return f"{self.identity}, which began with {start}, and learned from {data}"

    @property
    def gives(self) -> str:
        """In words what comes out, as in "boxes of 16 classes"."""
        kinds = sum(name.startswith("kind:") for name in self.classes)
        return {
            "embed": f"{self.dim} numbers",
            "segment": f"masks of {len(self.classes)} classes",
            "matte": "a mask of the product",
            "detect": f"boxes of {len(self.classes)} class{'' if len(self.classes) == 1 else 'es'}",
            "outfit": f"how well {len(self.classes)} kinds of clothes go together",
            "pose": f"{len(self.classes)} joints of a body",
            "tryon": "a garment on a person",
            "confirm": f"whether a cut-out shows a {self.classes[0] if self.classes else 'thing'}",
            "name": f"which of {len(self.classes)} categories a box shows",
            "generate": f"pictures of {kinds} kinds of products",
        }[self.task]


def read_card(folder: Path) -> Card:
    """Read and check the card in a folder, and that the weights beside it are those it was written for.

    Raises:
        NotFoundError: no card, or no weights beside it.
        ModelError: a key is missing, unknown or of the wrong type, or the weights' hash differs.
    """
    card = _card(read_table(folder), folder)
    check_file(card.weights, card.sha256)
    if card.text is not None:
        check_file(card.text.weights, card.text.sha256)
    return card


def read_table(folder: Path) -> CardTable:
    """The card in a folder, of whatever kind.

    Raises:
        NotFoundError: there is none.
        ModelError: it is not valid TOML.
    """
    path = folder / FILE
    try:
        return CardTable(read_toml(path), path)
    except NotFoundError:
        raise NotFoundError(f"no {FILE} in {folder}", cure="name a bundled encoder or a folder with a card") from None


def _card(table: CardTable, folder: Path) -> Card:
    task = table.text("task")
    if task not in get_args(Task):
        raise ModelError(f"{table.path}: task is {task!r}", cure=f"write one of {', '.join(get_args(Task))}")
    precision = table.text("precision")
    if precision not in {"float32", "int8"}:
        raise ModelError(f"{table.path}: precision is {precision!r}", cure="write float32 or int8")
    card = Card(
        name=table.text("name"),
        task=cast(Task, task),
        weights=folder / table.file("weights"),
        sha256=table.text("sha256"),
        preprocess=_preprocess(table.table("preprocess")),
        dim=table.whole("dim"),
        license=table.text("license"),
        parameters=table.whole("parameters"),
        opset=table.whole("opset"),
        precision=cast(Precision, precision),
        training=table.texts("training"),
        scores=tuple(score_of(row) for row in table.tables("scores")),
        text=_text(table.table("text"), folder) if table.has("text") else None,
        classes=table.list_of_texts("classes") if table.has("classes") else (),
    )
    table.done()
    return card


def _preprocess(table: CardTable) -> Preprocess:
    fit = table.text("fit")
    if fit not in {"letterbox", "crop", "stretch"}:
        raise ModelError(f"{table.path}: fit is {fit!r}", cure="write letterbox, crop or stretch")
    try:
        size = size_of(*table.numbers("size", 2))
    except ValueError as error:
        raise ModelError(f"{table.path}: size: {error}", cure="fix the card") from None
    mean, std, pad = table.numbers("mean", 3), table.numbers("std", 3), table.numbers("pad", 3)
    table.done()
    return Preprocess(
        size=size,
        fit=cast(Fit, fit),
        mean=(mean[0], mean[1], mean[2]),
        std=(std[0], std[1], std[2]),
        pad=(int(pad[0]), int(pad[1]), int(pad[2])),
    )


def _text(table: CardTable, folder: Path) -> TextTower:
    tokens = table.text("tokens")
    if tokens != "ngrams-1":
        raise ModelError(f"{table.path}: tokens is {tokens!r}", cure="write ngrams-1, or update catalens")
    weights, sha256, known = folder / table.file("weights"), table.text("sha256"), table.list_of_texts("known")
    tower = TextTower(weights, sha256, "ngrams-1", known)
    table.done()
    return tower


def score_of(table: CardTable) -> Score:
    """One of a card's measured figures."""
    low, high = table.numbers("interval", 2)
    score = Score(table.text("name"), table.number("value"), table.whole("n"), low, high)
    table.done()
    return score


def check_file(path: Path, sha256: str) -> None:
    """Hold a file against the hash that its card has of it.

    Raises:
        NotFoundError: no such file.
        ModelError: it is another one.
    """
    try:
        with regular_file(path, within=path.parent).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except NotFoundError:
        raise NotFoundError(f"no weights at {path}", cure="copy them beside their card") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}", cure="check the file") from None
    if found != sha256:
        raise ModelError(
            f"{path} is not the file its card was written for (sha256 {found[:12]}, card {sha256[:12]})",
            cure="copy the weights again from where the card comes from",
        )


class CardTable:
    """A TOML table whose keys are taken one by one with their types; what is left at the end was not expected."""

    def __init__(self, values: Mapping[str, object], path: Path) -> None:
        self._left = dict(values)
        self.path = path

    def _take(self, key: str, kind: type | tuple[type, ...], expected: str) -> object:
        value = self._left.pop(key, None)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ModelError(f"{self.path}: expected {expected} for {key} and got {value!r}", cure="fix the card")
        return value

    def has(self, key: str) -> bool:
        """Whether the key is there and not taken yet."""
        return key in self._left

    def text(self, key: str) -> str:
        return cast(str, self._take(key, str, "a text"))

    def file(self, key: str) -> str:
        """The name of a file that lies in the card's own folder."""
        name = self.text(key)
        if name in {"", ".", ".."} or "/" in name or "\\" in name or "\0" in name:
            raise ModelError(f"{self.path}: {key} is {name!r}", cure="name a file in the folder of the card")
        return name

    def whole(self, key: str) -> int:
        return cast(int, self._take(key, int, "a whole number"))

    def number(self, key: str) -> float:
        value = self._take(key, (int, float), "a number")
        if not _is_finite(value):
            raise ModelError(f"{self.path}: {key} is {value!r}", cure="write a finite number")
        return float(cast(float, value))

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        values = cast(list[float], self._take(key, list, f"{count} numbers"))
        if len(values) != count or not all(_is_finite(value) for value in values):
            raise ModelError(f"{self.path}: {key} is {values!r}", cure=f"write {count} numbers")
        return tuple(float(value) for value in values)

    def list_of_texts(self, key: str) -> tuple[str, ...]:
        values = cast(list[object], self._take(key, list, "a list of texts"))
        if not all(isinstance(value, str) for value in values):
            raise ModelError(f"{self.path}: expected only texts in {key}", cure="fix the card")
        return tuple(cast(list[str], values))

    def numbers_by_name(self, key: str) -> dict[str, int]:
        values = cast(dict[str, object], self._take(key, dict, "a table of whole numbers"))
        if not all(isinstance(value, int) and not isinstance(value, bool) for value in values.values()):
            raise ModelError(f"{self.path}: expected only whole numbers in {key}", cure="fix the card")
        return cast(dict[str, int], values)

    def texts(self, key: str) -> dict[str, str]:
        values = cast(dict[str, object], self._take(key, dict, "a table of texts"))
        if not all(isinstance(value, str) for value in values.values()):
            raise ModelError(f"{self.path}: expected only texts in {key}", cure="fix the card")
        return cast(dict[str, str], values)

    def table(self, key: str) -> CardTable:
        return CardTable(cast(dict[str, object], self._take(key, dict, "a table")), self.path)

    def tables(self, key: str) -> list[CardTable]:
        rows = cast(list[object], self._left.pop(key, []))
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ModelError(f"{self.path}: expected tables for {key}", cure="fix the card")
        return [CardTable(cast(dict[str, object], row), self.path) for row in rows]

    def done(self) -> None:
        if self._left:
            raise ModelError(f"{self.path}: unknown keys {sorted(self._left)}", cure="remove them, or update catalens")


def _is_finite(value: object) -> bool:
    """Whether it is a number that fits into a float."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
