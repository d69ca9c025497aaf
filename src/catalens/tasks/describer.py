"""Descriptions by a vision-language model of your own, over an OpenAI-compatible endpoint (`/chat/completions`).

The model fills in attributes; alt text and title are made from them as from our own recognisers'. What it answers is
held against the taxonomy: another word than those that it may use is left out, and so is a sentence instead of a word.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from catalens import settings, taxonomy
from catalens.errors import ModelError, RemoteError, UsageError
from catalens.images.draw import encode_image
from catalens.images.prepare import resize
from catalens.images.read import ImageLike, read_image
from catalens.json_text import parse_json
from catalens.tasks.describe import Description, Stated, check_languages, with_texts

PREFIX = "api:"
SIDE, DEADLINE_S, MAX_BYTES = 768, 60.0, 1 << 20
"""Longest side of the photo that is sent, in pixels; seconds and bytes that an answer may take."""
MOST_COLORS, LONGEST_WORD, LONGEST_TEXT = 3, 40, 200
"""Colors that are taken; characters of a word and of the text on the product."""
CHOICES: Mapping[str, tuple[str, ...]] = {
    "pattern": ("plain", "striped", "checked", "floral", "dotted", "printed"),
    "sleeves": ("long", "short", "none"),
    "setting": ("worn", "flat"),
}
PROMPT = (
    "Describe the one product for sale on this photo. Answer with one JSON object and nothing else, with these keys; "
    'leave out what you are not sure of: "kind" (an English noun such as shirt, sneakers, handbag, sofa), "colors" '
    "(English names, the largest area first, at most three), "
    + ", ".join(f'"{name}" (one of {", ".join(words)})' for name, words in CHOICES.items())
    + ', "text" (the largest text printed on the product, exactly).'
)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class ApiDescriber:
    """Asks a model for the attributes of a photo.

    Args:
        address: "api:" and the base address, such as "api:http://localhost:8000/v1"; "#NAME" behind it names the model.
            The key of `CATALENS_DESCRIBER_KEY` is sent over https, or to this machine.

    Raises:
        UsageError: no such address.
    """

    def __init__(self, address: str) -> None:
        url, _, model = address.removeprefix(PREFIX).partition("#")
        try:
            parsed = urlsplit(url)
            host = parsed.hostname
        except ValueError:
            host = None
        if not address.startswith(PREFIX) or host is None or parsed.scheme not in ("http", "https"):
            raise UsageError(f"no describer at {address!r}", cure="name one as api:http://localhost:8000/v1#MODEL")
        if parsed.username is not None or parsed.password is not None or parsed.query:
            raise UsageError("a describer's address has a user name or a query", cure="set CATALENS_DESCRIBER_KEY")
        key = settings.describer_key()
        if key is not None and parsed.scheme == "http" and host not in _LOOPBACK:
            raise UsageError(f"the key would go to {host} unencrypted", cure="name an https address")
        self._url, self._model = f"{url.rstrip('/')}/chat/completions", model or "default"
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self.name = f"{PREFIX}{host}#{self._model}"

    def describe(self, image: ImageLike, *, languages: Sequence[str] = ("en",)) -> Description:
        """As `describe.describe`; confidences are None, for nobody measured them.

        Raises:
            RemoteError: the endpoint cannot be reached, refuses, redirects, or its answer is too large or too slow.
            ModelError: its answer is no JSON object.
        """
        check_languages(languages)
        pixels = read_image(image)
        height, width = pixels.shape[:2]
        scale = min(1.0, SIDE / max(height, width))
        small = resize(pixels, (max(1, round(height * scale)), max(1, round(width * scale)))) if scale < 1 else pixels
        photo = base64.b64encode(encode_image(small, format="JPEG", quality=90)).decode()
        content = [
            {"type": "text", "text": PROMPT},
            {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{photo}"}},
        ]
        asked = {"model": self._model, "temperature": 0, "messages": [{"role": "user", "content": content}]}
        attributes, left_out = checked_answer(_content(self._asked(asked)))
        left = (f"left out of its answer: {', '.join(left_out)}",) if left_out else ()
        return with_texts(attributes, languages, (f"described by {self.name}", *left))

    def _asked(self, body: Mapping[str, Any]) -> bytes:
        """The answer's bytes. No proxy or setting of the environment is used, and no redirect is followed."""
        until, found = time.monotonic() + DEADLINE_S, b""
        try:
            with (
                httpx.Client(timeout=DEADLINE_S, trust_env=False, follow_redirects=False) as client,
                client.stream("POST", self._url, json=body, headers=self._headers) as response,
            ):
                if response.status_code != 200:
                    raise RemoteError(
                        f"{self.name} answered {response.status_code}", cure="check its address, model and key"
                    )
                for part in response.iter_bytes():
                    found += part
                    if len(found) > MAX_BYTES or time.monotonic() > until:
                        raise RemoteError(f"the answer of {self.name} is too large or too slow", cure="try another one")
        except httpx.HTTPError as error:
            raise RemoteError(f"{self.name} cannot be asked: {error}", cure="check that it runs there") from None
        return found


def _content(answer: bytes) -> object:
    """The object that the model wrote, also between words or fences."""
    try:
        text = parse_json(answer.decode("utf-8"))["choices"][0]["message"]["content"]
        return parse_json(text[text.index("{") : text.rindex("}") + 1])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise ModelError("the describer's answer is no JSON object", cure="name a model that follows it") from None


def checked_answer(answer: object) -> tuple[list[Stated], list[str]]:
    """What of a model's answer the taxonomy knows, and the keys of what was left out.

    Raises:
        ModelError: it is no JSON object.
    """
    if not isinstance(answer, dict):
        raise ModelError("the describer's answer is no JSON object", cure="name a model that follows it")
    found = list(_attributes(answer))
    said = {one.name for one in found}
    asked = {"kind": "kind", "colors": "color", "text": "text", **{name: name for name in CHOICES}}
    return found, sorted(str(key)[:LONGEST_WORD] for key in answer if asked.get(key) not in said)[:20]


def _attributes(answer: Mapping[str, Any]) -> Iterator[Stated]:
    kind = taxonomy.named(_word(answer.get("kind")), language="en")
    if kind is not None:
        yield Stated("kind", kind.name, None)
    colors = answer.get("colors")
    known = {name: look.names["en"][0] for look in taxonomy.looks() if look.section == "colors"
             for name in (look.name, *look.names["en"])}  # fmt: skip
    words = [known[word] for one in (colors if isinstance(colors, list) else []) if (word := _word(one)) in known]
    yield from (Stated("color", color, None) for color in list(dict.fromkeys(words))[:MOST_COLORS])
    for name, choices in CHOICES.items():
        if (word := _word(answer.get(name))) in choices:
            yield Stated(name, word, None)
    text = answer.get("text")
    if isinstance(text, str) and 0 < len(text) <= LONGEST_TEXT and text.isprintable():
        yield Stated("text", " ".join(text.split()), None)


def _word(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) and len(value) <= LONGEST_WORD else ""
