"""Pictures as feeds name them: lists in one cell, objects, and addresses in all their spellings."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from catalens.images.folder import SUFFIXES, UNREAD
from catalens.json_text import parse_json
from catalens.types import Failure, PictureSource, Where

MOST = 500
"""Pictures of one product or variant; the rest is named and left out."""
LONGEST = 4000
"""Characters of an address or path."""
KEYS = (
    "src",
    "url",
    "href",
    "original",
    "source",
    "link",
    "preview",
    "path",
    "file",
    "filename",
    "image",
    "value",
    "data",
)
"""Where an object has its picture's address, the likeliest first."""
_SCHEME = re.compile(r"(?:https?:)?//|www\.", re.IGNORECASE)
_ENDINGS = (*SUFFIXES, *UNREAD, ".svg")
_BETWEEN = re.compile(r"(?<!\s)\s+(?=(?:https?:)?//)", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+:/|https?:", re.IGNORECASE)
_HOST = re.compile(r"(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,}/\S")
"""An address without its scheme, such as `cdn.shop.example/a.jpg`, where no file of this path is there."""
_NOTHING = frozenset(
    {"no_selection", "-", "--", "n/a", "na", "none", "null", "nan", "no image", "false", "0", "undefined"}
)


def named_in(value: object) -> Iterator[str]:
    """All pictures that a value names: a text with one or several, a list, an object, objects in objects."""
    if isinstance(value, str):
        text = value.strip()
        if text[:1] in {"[", "{"} and text[-1:] in {"]", "}"}:
            try:
                yield from named_in(parse_json(text))
                return
            except ValueError:
                pass
        yield text
    elif isinstance(value, list | tuple):
        for item in value[: 4 * MOST]:
            yield from named_in(item)
    elif isinstance(value, dict):
        kind = str(value.get("type") or value.get("mediaType") or value.get("media_type") or "image").lower()
        if kind in {"video", "model", "external_video", "model_3d"}:
            return
        lower = {str(key).lower().rpartition(":")[2]: item for key, item in value.items()}
        for key in KEYS:
            if lower.get(key):
                yield from named_in(lower[key])
                return
        for item in value.values():
            if isinstance(item, list | dict) or (isinstance(item, str) and (_is_ended(item) or _SCHEME.match(item))):
                yield from named_in(item)


def split(text: str) -> list[str]:
    """The pictures that one text names: divided by bar or newline; by comma, semicolon or blank only between pictures.

    A comma inside a file's name or an address stays: what stands before a dividing one ends as pictures do, or what
    follows is an address. Where nothing has an ending, each comma divides.
    """
    found: list[str] = []
    for part in re.split(r"[|\n\r\t]+", text):
        pieces = re.split(r"([,;])", part)
        plain = not _SCHEME.search(part) and not any(map(_is_ended, pieces[::2]))
        current = [pieces[0]]
        for before, mark, piece in zip(pieces[::2], pieces[1::2], pieces[2::2], strict=False):
            is_whole = _is_ended(before) and ("?" not in before or _is_ended(piece))
            if plain or is_whole or not before.strip() or _SCHEME.match(piece.lstrip()):
                found.append("".join(current))
                current = [piece]
            else:
                current += [mark, piece]
        found.append("".join(current))
    words = (word for part in found for word in _BETWEEN.split(part.strip()))
    words = (name for word in words for name in _apart(word))
    names = (re.split(r" ! (?:alt|title|desc|caption)\b", word)[0].strip(" \t\"'") for word in words)
    return [name for name in names if name and name.lower() not in _NOTHING]


def _apart(text: str) -> list[str]:
    """Names divided by blanks only, where each of them ends as a picture does."""
    words = text.split()
    return words if len(words) > 1 and all(map(_is_ended, words)) else [text]


def _is_ended(text: str) -> bool:
    """Whether a name or address, without its query, ends as files of pictures do."""
    return re.split(r"[?#]", text, maxsplit=1)[0].rstrip().lower().endswith(_ENDINGS)


def address_of(text: str) -> str:
    """The http(s) address that a text spells, "" where it spells none."""
    text = text.replace("\\/", "/")
    found = re.match(r"(https?):/*", text, re.IGNORECASE)
    if found:
        rest = text[found.end() :]
        return f"{found[1].lower()}://{_escaped(rest)}" if rest else ""
    if text.startswith("//") and re.match(r"//[\w-]+\.[\w.-]+[/:?]", text):
        return f"https:{_escaped(text)}"
    if re.match(r"www\.[\w-]+\.", text, re.IGNORECASE):
        return f"https://{_escaped(text)}"
    return ""


def _has_host(address: str) -> bool:
    """Whether the host and port of an http(s) address can be those of a machine."""
    try:
        parts = urlsplit(address)
        return parts.port != 0 and re.fullmatch(r"[\w.-]+|[0-9a-f:.]+(?:%25\w+)?", parts.hostname or "") is not None
    except ValueError:  # brackets that do not close, a port that is no number
        return False


def _escaped(text: str) -> str:
    return text.strip().replace(" ", "%20").replace("&amp;", "&")


def is_there(path: Path) -> bool:
    """Whether the path is a file; any text may come here, also what no file can be called."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


@dataclass(frozen=True, slots=True)
class Pictures:
    """Where a feed's picture paths start from.

    A path that leaves the folder by `..` is refused. A path that starts with a slash is taken from the folder; where
    `absolute` is allowed it may also name a file anywhere. A path with folders that is no file here is an
    address where the product names its page.
    """

    folders: tuple[Path, ...]
    absolute: bool = False
    _seen: dict[Path, dict[str, str]] = field(default_factory=dict)
    _real: dict[Path, Path] = field(default_factory=dict)

    @classmethod
    def of(cls, source: Path, media: Path | None, *, absolute: bool = False, beside: tuple[str, ...] = ()) -> Pictures:
        """The media folder if given, else the feed's own folder and those named `beside` in it."""
        here = source.parent.absolute()
        own = [here / name for name in beside if (here / name).is_dir()]
        return cls((media.absolute(),) if media is not None else (*own, here), absolute)

    def find_all(
        self, named: Iterable[tuple[object, Where]], *, base: str = ""
    ) -> tuple[tuple[PictureSource, ...], list[Failure]]:
        """All pictures named, each once and in order, and those that are not there.

        Args:
            named: values of cells or keys, and their places.
            base: address of the product's page, from which relative addresses start.
        """
        wanted: dict[str, Where] = {}
        failures: list[Failure] = []
        for value, where in named:
            texts = list(named_in(value))
            if not texts and value:
                why, cure = "no address of a picture is found in it", 'give each as {"src": ADDRESS}'
                failures.append(Failure.of_picture(where, "pictures", why, cure))
            for text in texts:
                whole = text if len(text) <= LONGEST and self._local(text) else ""
                for name in [whole] if whole else split(text):
                    wanted.setdefault(name, where)
        items = [self.find(name, where, base=base) for name, where in list(wanted.items())[:MOST]]
        sources = {item.location: item for item in items if isinstance(item, PictureSource)}
        failures += [item for item in items if isinstance(item, Failure)]
        if len(wanted) > MOST:
            last = list(wanted.values())[MOST]
            why = f"{len(wanted)} pictures of one product; the first {MOST} are read"
            failures.append(Failure.of_picture(last, "pictures", why, "leave out those that show the same"))
        return tuple(sources.values()), failures

    def find(self, text: str, where: Where, *, base: str = "") -> PictureSource | Failure:
        """The picture that one name or address means, or why there is none."""
        shown = text if len(text) <= LONGEST else f"{text[:40]}..."
        if text[:5].lower() == "data:":
            return Failure.of_picture(
                where, f"{text[:30]}...", "a picture inside the feed", "write it as a file and name that"
            )
        if len(text) > LONGEST:
            return Failure.of_picture(where, shown, f"an address of more than {LONGEST} characters", "shorten it")
        if address := address_of(text):
            if not _has_host(address):
                return Failure.of_picture(
                    where, shown, "an address without a host that can be", "correct it in the source"
                )
            return PictureSource(address, where)
        path = self._local(text)
        if path is not None and self._leads_out(path):
            why = "a link that leads out of the media folder"
            return Failure.of_picture(where, shown, why, "copy the file there, or name its own folder with --media")
        if path is not None:
            return PictureSource(str(path), where)
        if _HOST.match(text):
            return PictureSource(f"https://{_escaped(text)}", where)
        if _OTHER_SCHEME.match(text):
            return Failure.of_picture(
                where, shown, "no http or https address", "give one that starts with https://, or a path"
            )
        if "/" in text and address_of(base):
            return PictureSource(urljoin(base, _escaped(text)), where)
        if _outside(text):
            return Failure.of_picture(where, shown, "the path leads out of the media folder", "give paths inside it")
        if self._is_folder(text):
            return Failure.of_picture(where, shown, "a folder and no picture", "name the files in it")
        why, cure = f"no such file in {self.folders[0]}", "copy it there, or name its folder with --media"
        return Failure.of_picture(where, shown, why, cure)

    def _local(self, text: str) -> Path | None:
        """The file that a text names: as written, unquoted, without its query, in other capitals or composition."""
        if not text or "\0" in text or _SCHEME.match(text):
            return None
        written = re.sub(r"^(?:file:/{2,3}(?=\w:|[^/])|file:(?=/))|^[A-Za-z]:(?=[\\/])", "", text)
        forms = dict.fromkeys([text, written, unquote(written)])
        if re.match(r"[A-Za-z]:[\\/]", text):  # a file of another machine, by its name
            forms[re.split(r"[\\/]", written)[-1]] = None
        forms |= dict.fromkeys([re.split(r"[?#]", form)[0] for form in forms])
        for form in forms:
            if "\0" in form or _outside(form):
                continue
            relative = os.path.normpath(form.lstrip("/\\").replace("\\", "/"))
            for folder in self.folders:
                if is_there(folder / relative):
                    return folder / relative
            if self.absolute and form.startswith("/") and is_there(Path(form)):
                return Path(form)
        for form in forms:
            if form and "\0" not in form and not _outside(form):
                relative = os.path.normpath(form.lstrip("/\\").replace("\\", "/"))
                for folder in self.folders:
                    if found := self._alike(folder, relative):
                        return found
        return None

    def _is_folder(self, text: str) -> bool:
        if not text.strip("./\\") or "\0" in text:
            return False
        places = [str(folder / text.lstrip("/\\")) for folder in self.folders]
        places += [text] * (self.absolute and text.startswith("/"))
        return any(map(os.path.isdir, places))

    def _leads_out(self, path: Path) -> bool:
        """Whether a file that lies in one of the folders by its path lies elsewhere in fact."""
        if not any(path.is_relative_to(folder) for folder in self.folders):
            return False  # named by its own absolute path
        real = path.resolve() if path.is_symlink() else self._resolved(path.parent) / path.name
        return not any(real.is_relative_to(self._resolved(folder)) for folder in self.folders)

    def _resolved(self, folder: Path) -> Path:
        if folder not in self._real:
            self._real[folder] = folder.resolve()
        return self._real[folder]

    def _alike(self, folder: Path, relative: str) -> Path | None:
        """A file whose path differs in capitals or in how its marks are composed only."""
        here = folder
        for part in relative.split("/"):
            name = self._names(here).get(_folded(part))
            if name is None:
                return None
            here = here / name
        return here if is_there(here) else None

    def _names(self, folder: Path) -> dict[str, str]:
        if folder not in self._seen:
            try:
                self._seen[folder] = {_folded(name): name for name in sorted(os.listdir(folder))}  # noqa: PTH208
            except (OSError, ValueError):
                self._seen[folder] = {}
        return self._seen[folder]


def _outside(text: str) -> bool:
    """Whether a path leads out of the folder that it starts from, or to the folder itself."""
    if not text.strip("/\\. "):
        return True
    return os.path.normpath(text.lstrip("/\\").replace("\\", "/")).startswith("..")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
