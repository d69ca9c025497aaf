"""Generate pictures of products that do not exist: a category, a color, a pattern and a seed -> pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from catalens import options
from catalens.errors import ModelError, UsageError
from catalens.models.card import Card
from catalens.models.device import AUTO
from catalens.models.hub.pipeline import paint_many
from catalens.models.runtimes.onnx import open_session
from catalens.models.zoo import DEFAULT_GENERATOR, Form, loaded_once, resolve
from catalens.types import FloatArray, ImageArray, IntArray

BATCH = 16
FORMS: tuple[Form, ...] = ("card", "known", "hf")
"""What `model` may be here."""
LISTS = ("kind", "color", "pattern")


@dataclass(frozen=True)
class Made:
    """Pictures (N, S, S, 3) uint8, and the words and seed of each; its place among them is the rest of its name.

    Args:
        model: name of the network that made them.
    """

    model: str
    pictures: ImageArray
    words: tuple[dict[str, str], ...]
    seed: int


class Generator:
    """A network that makes pictures, by its card. Calls from several threads are safe.

    Raises:
        ModelError: the card is for something else, or its weights cannot be used.
    """

    def __init__(self, card: Card, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO) -> None:
        self._known = {what: _words(card, what) for what in LISTS}
        if card.task != "generate" or not self._known["kind"]:
            raise ModelError(f"{card.name} is for {card.task!r}, not for 'generate'", cure="name a generator")
        self.name, self._latent = card.name, card.dim
        self._session, self.runs_on = open_session(card.weights, threads=threads, device=device, dtype=dtype)
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
        color: str | None = options.Generate.color.default,
        pattern: str | None = options.Generate.pattern.default,
        n: int = options.Generate.n.default,
        seed: int | None = options.Generate.seed.default,
        truncation: float = options.Generate.truncation.default,
    ) -> Made:
        """Make pictures; see `generate`."""
        chosen = {"kind": kind, "color": color, "pattern": pattern}
        used = self._checked(chosen, n=n, seed=seed, truncation=truncation)
        latents, words = zip(*(self._drawn(chosen, seed=used, number=number) for number in range(n)), strict=True)
        return Made(self.name, self._run(np.stack(latents) * np.float32(truncation), words), words, used)

    def walk(
        self,
        *,
        kind: str,
        color: str | None = options.Generate.color.default,
        pattern: str | None = options.Generate.pattern.default,
        n: int = 8,
        seed: int | None = options.Generate.seed.default,
        truncation: float = options.Generate.truncation.default,
    ) -> Made:
        """The way from one picture to another of the same words, along a great circle, in n steps; see `generate`."""
        chosen = {"kind": kind, "color": color, "pattern": pattern}
        used = self._checked(chosen, n=n, seed=seed, truncation=truncation)
        first, words = self._drawn(chosen, seed=used, number=0)
        last, _ = self._drawn(chosen, seed=used, number=1)
        turns = np.linspace(0, np.pi / 2, n, dtype=np.float32)[:, None]
        latents = (np.cos(turns) * first + np.sin(turns) * last) * np.float32(truncation)
        return Made(self.name, self._run(latents.astype(np.float32), [words] * n), (words,) * n, used)

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
        options.check_all(options.Generate, truncation=truncation)
        return checked_seed(n=n, seed=seed)

    def _check(self, what: str, word: object) -> None:
        known = self._known[what]
        if not known:
            raise UsageError(f"{self.name} was not trained with a {what}", cure=f"leave out the {what}")
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


def checked_seed(*, n: int, seed: int | None) -> int:
    """The seed, drawn where none is given.

    Raises:
        UsageError: no pictures, or a seed that is none.
    """
    options.check_all(options.Generate, n=n, seed=seed)
    return int(np.random.default_rng().integers(1 << 32)) if seed is None else seed


def _words(card: Card, what: str) -> tuple[str, ...]:
    """The words of one list among a card's classes, which are written "kind:dress"."""
    return tuple(name.removeprefix(f"{what}:") for name in card.classes if name.startswith(f"{what}:"))


@loaded_once(DEFAULT_GENERATOR)
def generator(
    name: str | None = None, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO
) -> Generator:
    """The bundled generator, or one of yours by its folder; loaded once.

    Raises:
        NotFoundError, ModelError: it cannot be found or used.
        UsageError: an unsupported form or device.
    """
    found = resolve(name, task="generate", forms=("card",))
    return Generator(found.own_card(), threads=threads, device=device, dtype=dtype)


def generate(
    *,
    kind: str,
    color: str | None = options.Generate.color.default,
    pattern: str | None = options.Generate.pattern.default,
    n: int = options.Generate.n.default,
    seed: int | None = options.Generate.seed.default,
    truncation: float = options.Generate.truncation.default,
    model: str | None = options.Generate.model.default,
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> ImageArray:
    """Generate pictures of products that do not exist (experimental). Never show them as products on sale.

    Say so where they are shown: `trust.provenance.write_generated` writes them with the mark that machines read.

    Args:
        kind: of the bundled network: t-shirt, shirt, sweater, hoodie, dress, coat, jacket, trousers, shorts, skirt,
            sneaker, handbag, hat; of a network that paints from words, any.
        color, pattern: by their names; another one for each picture where None.
        n: pictures; the first of them are the same for any n.
        seed: the same seed gives the same pictures; None: others each time.
        truncation: 0 the middle of its kind, always the same, to 1, as various as what the network learned from; only
            for networks with a card.
        model: a bundled generator (the default where None), a folder with a card, or a network that paints from words
            by its short name, id on the hub or folder (`sdxl`, OWNER/NAME), which is asked for "product photo of a red
            striped dress, on a white background".
        accept_licence: name of a licence that limits commercial use, or "unknown", that you accept for this network.
        device, dtype: device and precision (`models.device`).

    Returns:
        (n, S, S, 3) uint8 sRGB; S is 128 of the bundled network.

    Raises:
        UsageError: an unknown word (near ones are named), no picture asked for, a number out of range; a form or
            device that does not go; a licence that was not accepted.
        NotFoundError, ModelError, MissingExtraError: the network cannot be found or used.
    """
    return make_pictures(
        kind=kind, color=color, pattern=pattern, n=n, seed=seed, truncation=truncation, model=model,
        accept_licence=accept_licence, device=device, dtype=dtype,
    ).pictures  # fmt: skip


def make_pictures(
    *,
    kind: str,
    color: str | None = options.Generate.color.default,
    pattern: str | None = options.Generate.pattern.default,
    n: int = options.Generate.n.default,
    seed: int | None = options.Generate.seed.default,
    truncation: float = options.Generate.truncation.default,
    model: str | None = options.Generate.model.default,
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> Made:
    """As `generate`, with the words and the seed of the pictures."""
    found = resolve(model, task="generate", forms=FORMS, accept_licence=accept_licence)
    if found.form == "card":
        network = generator(found.name, device=device, dtype=dtype)
        return network.make(kind=kind, color=color, pattern=pattern, n=n, seed=seed, truncation=truncation)
    options.check_all(options.Generate, kind=kind, truncation=truncation)
    used = checked_seed(n=n, seed=seed)
    words = {name: one for name, one in (("kind", kind), ("color", color), ("pattern", pattern)) if one}
    said = " ".join(one for one in (color, pattern, kind) if one)
    pictures = paint_many(
        f"product photo of a {said}, on a white background", model=found.name, seeds=range(used, used + n),
        accept_licence=accept_licence, device=device, dtype=dtype,
    )  # fmt: skip
    return Made(found.name, np.stack(pictures), (words,) * n, used)
