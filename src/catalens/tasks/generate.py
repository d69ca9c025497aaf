"""Make product pictures that show no product there is: a kind, a color, a pattern and a seed -> pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

import numpy as np

from catalens.errors import ModelError, UsageError
from catalens.models.card import Card
from catalens.models.onnx import open_session
from catalens.models.zoo import DEFAULT_GENERATOR, find_card
from catalens.types import FloatArray, ImageArray, IntArray

TRUNCATION = 0.7
"""How far from the middle of its kind a picture may lie: 0 always the same, 1 as various as what was learned from."""
BATCH = 16
LISTS = ("kind", "color", "pattern")


@dataclass(frozen=True)
class Made:
    """Pictures (N, S, S, 3) uint8, and the words and seed of each; its place among them is the rest of its name."""

    pictures: ImageArray
    words: tuple[dict[str, str], ...]
    seed: int


class Generator:
    """A network that makes pictures, by its card. Calls from several threads are safe.

    Raises:
        ModelError: the card is for something else, or its weights cannot be used.
    """

    def __init__(self, card: Card, *, threads: int | None = None) -> None:
        self._known = {what: _words(card, what) for what in LISTS}
        if card.task != "generate" or not self._known["kind"]:
            raise ModelError(f"{card.name} is for {card.task!r}, not for 'generate'", cure="name a generator")
        self.name, self._latent = card.name, card.dim
        self._session = open_session(card.weights, threads=threads)
        inputs = [node.name for node in self._session.get_inputs()]
        if inputs != ["latents", "words"]:
            raise ModelError(f"{card.weights} takes {inputs}", cure="export latents and words")

    @property
    def kinds(self) -> tuple[str, ...]:
        """What it makes."""
        return self._known["kind"]

    @property
    def colors(self) -> tuple[str, ...]:
        """In which colors; nothing where it was taught none."""
        return self._known["color"]

    @property
    def patterns(self) -> tuple[str, ...]:
        """In which patterns; nothing where it was taught none."""
        return self._known["pattern"]

    def make(
        self,
        *,
        kind: str,
        color: str | None = None,
        pattern: str | None = None,
        n: int = 1,
        seed: int | None = None,
        truncation: float = TRUNCATION,
    ) -> Made:
        """Make pictures; see `generate`."""
        chosen = {"kind": kind, "color": color, "pattern": pattern}
        used = self._checked(chosen, n=n, seed=seed, truncation=truncation)
        latents, words = zip(*(self._drawn(chosen, seed=used, number=number) for number in range(n)), strict=True)
        return Made(self._run(np.stack(latents) * np.float32(truncation), words), words, used)

    def walk(
        self,
        *,
        kind: str,
        color: str | None = None,
        pattern: str | None = None,
        n: int = 8,
        seed: int | None = None,
        truncation: float = TRUNCATION,
    ) -> Made:
        """The way from one picture to another of the same words, along a great circle, in n steps; see `generate`."""
        chosen = {"kind": kind, "color": color, "pattern": pattern}
        used = self._checked(chosen, n=n, seed=seed, truncation=truncation)
        first, words = self._drawn(chosen, seed=used, number=0)
        last, _ = self._drawn(chosen, seed=used, number=1)
        turns = np.linspace(0, np.pi / 2, n, dtype=np.float32)[:, None]
        latents = (np.cos(turns) * first + np.sin(turns) * last) * np.float32(truncation)
        return Made(self._run(latents.astype(np.float32), [words] * n), (words,) * n, used)

    def _drawn(self, chosen: dict[str, str | None], *, seed: int, number: int) -> tuple[FloatArray, dict[str, str]]:
        """The latent (L,) and the words of one picture, which is the same in whatever company it is made."""
        rng = np.random.default_rng([seed, number])
        latent = rng.standard_normal(self._latent, np.float32)
        return latent, {what: chosen[what] or str(rng.choice(known)) for what, known in self._known.items() if known}

    def _checked(self, chosen: dict[str, str | None], *, n: int, seed: int | None, truncation: float) -> int:
        """The seed, drawn where none is given."""
        for what, word in chosen.items():
            if word is not None or what == "kind":
                self._check(what, word)
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise UsageError(f"{n} pictures", cure="ask for at least 1")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
            raise UsageError(f"seed is {seed!r}", cure="give a whole number that is not negative")
        if not 0 <= truncation <= 1:
            raise UsageError(f"truncation is {truncation}", cure="give a number from 0 (all alike) to 1 (all that is)")
        return int(np.random.default_rng().integers(1 << 32)) if seed is None else seed

    def _check(self, what: str, word: object) -> None:
        known = self._known[what]
        if not known:
            raise UsageError(f"{self.name} was taught no {what}s", cure=f"leave out the {what}")
        if word not in known:
            near = get_close_matches(str(word), known, n=3, cutoff=0.6)
            asked = f"did you mean {' or '.join(near)}? It" if near else "it"
            raise UsageError(f"no {what} {word!r}", cure=f"{asked} can be {', '.join(known)}")

    def _run(self, latents: FloatArray, words: Sequence[dict[str, str]]) -> ImageArray:
        taught = [(what, known) for what, known in self._known.items() if known]
        numbers: IntArray = np.array([[known.index(row[what]) for what, known in taught] for row in words], np.int64)
        made = []
        for start in range(0, len(latents), BATCH):
            rows = slice(start, start + BATCH)
            (pictures,) = self._session.run(None, {"latents": latents[rows], "words": numbers[rows]})
            made.append(pictures)
        found: ImageArray = np.concatenate(made)
        return found if found.shape[3] == 3 else np.repeat(found, 3, axis=3)


def _words(card: Card, what: str) -> tuple[str, ...]:
    """The words of one list among a card's classes, which are written "kind:dress"."""
    return tuple(name.removeprefix(f"{what}:") for name in card.classes if name.startswith(f"{what}:"))


@cache
def generator(name: str = DEFAULT_GENERATOR, *, threads: int | None = None) -> Generator:
    """The bundled generator, or one of yours by its folder; loaded once.

    Raises:
        NotFoundError, ModelError: it cannot be found or used.
    """
    return Generator(find_card(name, task="generate"), threads=threads)


def generate(
    *,
    kind: str,
    color: str | None = None,
    pattern: str | None = None,
    n: int = 1,
    seed: int | None = None,
    truncation: float = TRUNCATION,
) -> ImageArray:
    """Make pictures of products that do not exist, by the bundled network. They show no goods to be sold.

    Say so where they are shown: `trust.provenance.write_generated` writes them with the mark that machines read.

    Args:
        kind: t-shirt, shirt, sweater, hoodie, dress, coat, jacket, trousers, shorts, skirt, sneaker, handbag, hat.
        color, pattern: by their names; another one for each picture where None.
        n: pictures; the first of them are the same for any n.
        seed: the same seed gives the same pictures; None: others each time.
        truncation: 0 the middle of its kind, always the same, to 1, as various as what the network learned from.

    Returns:
        (n, 128, 128, 3) uint8 sRGB.

    Raises:
        UsageError: an unknown word (near ones are named), no picture asked for, a number out of range.
    """
    return generator().make(
        kind=kind, color=color, pattern=pattern, n=n, seed=seed, truncation=truncation
    ).pictures  # fmt: skip
