"""Items of an XML feed one by one: each is found in the text and parsed by itself, so that a slip costs that item only.

Nested elements stay nested. DTDs are refused where they declare anything, so that no entity is ever expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from catalens.errors import FeedError
from catalens.feeds.text import encoding_of
from catalens.feeds.tolerant import has_wrong_signs, mended_xml
from catalens.types import Failure, Where

DEPTH = 16
"""Elements inside one another; a feed has four or five."""
ITEM_CAP = 4 * 1024 * 1024
"""Characters of one item."""
_CHUNK = 64 * 1024
_SAMPLE, _FEW = 1024 * 1024, 4
"""Bytes in which fewer than so many that are not ASCII say nothing of an encoding."""
_NAMES = ("item", "entry", "product", "offer", "shopitem", "produkt", "artikel", "record")
_HTML = re.compile(
    r"<(/?(?:p|br|b|i|u|strong|em|span|div|ul|ol|li|font|a|h[1-6]|table|tbody|tr|td|th|img|hr|sub|sup|small)(?:\s[^<>]*)?/?)>",
    re.IGNORECASE,
)
_ID = re.compile(r"<(?:\w+:)?(?:id|sku)>\s*(?:<!\[CDATA\[)?([^<\]]{1,80})", re.IGNORECASE)

Tree = dict[str, object]


def items(source: Path, name: str, encoding: str | None = None) -> Iterator[tuple[int, str, Tree | Failure]]:
    """(Line, name of the element, its tree or why it is broken) of each item.

    Raises:
        FeedError: no item, a DTD with declarations, or nothing but nesting.
    """
    count = 0
    for line, tag, text, is_whole in _Scanner(source, _encoding(source, encoding)):
        count += 1
        if not is_whole:
            why = f"an item that is never closed, or of more than {ITEM_CAP // 2**20} million characters"
            yield line, tag, Failure(Where(name, line), _called(text), why, "fix it there, or export it again")
            continue
        tree = _tree(text, name, line)
        yield line, tag, tree
        if has_wrong_signs(text) and not isinstance(tree, Failure):
            why = "a byte or sign that XML does not have; it is shown as \ufffd"
            yield line, tag, Failure(Where(name, line), _called(text), why, "export it again in UTF-8")
    if not count:
        raise FeedError(f"{source} has no item or entry", cure="give a Google Merchant feed, RSS 2.0 or Atom")


def _encoding(source: Path, given: str | None) -> str:
    """As given, UTF-8 where it is, else as the head declares."""
    found = encoding_of(source, given)
    if given is not None or found.startswith(("utf-16", "utf-32")) or found == "utf-8-sig":
        return found
    with source.open("rb") as file:
        head = file.read(_SAMPLE)
    declared = re.search(rb"<\?xml[^>]{0,200}encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']", head)
    is_utf8 = declared is None or declared[1].lower() in {b"utf-8", b"utf8"}
    if found == "utf-8" or (is_utf8 and sum(byte > 127 for byte in head) < _FEW):
        return "utf-8"  # what is wrong is shown as such, and its item named
    if declared is None:
        return found
    try:
        name = declared[1].decode("ascii")
        "".encode(name)
        return found if name.lower().replace("_", "-") in {"utf-8", "utf8"} else name
    except (LookupError, ValueError):
        return found


class _Scanner:
    """Finds the items of one element's name in a stream of text."""

    def __init__(self, source: Path, encoding: str) -> None:
        self._source, self._encoding = source, encoding
        self._text, self._line = "", 1
        self._names = re.compile(
            rf"<(!--|!\[CDATA\[|/?(?:[\w.-]{{1,40}}:)?({'|'.join(_NAMES)})(?=[\s/>]))", re.IGNORECASE
        )
        self._spent = self._consumed = 0
        self._missing: set[str] = set()

    def __iter__(self) -> Iterator[tuple[int, str, str, bool]]:
        """(Line, name, text, whether it is whole) of each item; of one that is not, its beginning."""
        with self._source.open(encoding=self._encoding, errors="replace", newline="") as file:
            self._file = file
            self._head()
            here = 0
            while (found := self._next(here)) is not None:
                start, after, tag, is_close = found
                if is_close:
                    here = after
                    continue
                end, second = self._end(start, after)
                self._drop(start)
                after, end, second = after - start, end - start, second - start
                line = self._line
                if end < 0 or end > ITEM_CAP:
                    yield line, tag, self._text[: min(2000, second if second > 0 else 2000)], False
                    here = second if second > 0 else max(after, min(end, len(self._text)))
                    self._spent += len(self._text) - here if end < 0 else 0
                else:
                    yield line, tag, self._text[:end], True
                    here = end
                self._drop(here)
                here = 0

    def _more(self) -> bool:
        part = self._file.read(_CHUNK)
        self._text += part
        return bool(part)

    def _drop(self, count: int) -> None:
        """Forget what was read."""
        self._line += self._text.count("\n", 0, count)
        self._consumed += count
        self._text = self._text[count:]

    def _head(self) -> None:
        """The DTD stands before the first element."""
        self._more()
        start = self._text.find("<!DOCTYPE")
        if "<!ENTITY" in self._text or (start >= 0 and "[" in self._text[start:].partition(">")[0]):
            raise FeedError(f"{self._source} declares entities", cure="export it without a DTD")
        self._deep(self._text)

    def _deep(self, text: str) -> None:
        depth = 0
        for found in re.finditer(r"<(/?)[A-Za-z][^<>]*?(/?)>", text[:_CHUNK]):
            depth += -1 if found[1] else 0 if found[2] else 1
            if depth > 4 * DEPTH:
                raise FeedError(f"{self._source} nests elements more than {DEPTH} deep", cure="export a product feed")
            if self._names.match(found[0]):
                return

    def _next(self, here: int) -> tuple[int, int, str, bool] | None:
        """(Start, end of the opening tag, name, whether it closes) of the next tag of an item."""
        while True:
            found = self._names.search(self._text, here)
            if found is None:
                if len(self._text) - here > 200:  # all but what may be the beginning of a tag
                    self._drop(len(self._text) - 100)
                    here = 0
                if not self._more():
                    return None
                continue
            if found[1] in {"!--", "![CDATA["}:
                here = self._past(found.end(), "-->" if found[1] == "!--" else "]]>")
                continue
            after = self._past(found.end(), ">")
            if found[1][0] != "/":
                name = re.escape(found[2])
                self._names = re.compile(rf"<(!--|!\[CDATA\[|/?(?:[\w.-]{{1,40}}:)?({name})(?=[\s/>]))", re.IGNORECASE)
            return found.start(), after, found[2].lower(), found[1][0] == "/"

    def _past(self, here: int, mark: str) -> int:
        """Where a mark that comes next ends; where it does not come, it is not looked for again."""
        start = here
        if mark in self._missing:
            return here
        while (found := self._text.find(mark, start)) < 0:
            start = max(here, len(self._text) - len(mark))
            if len(self._text) - here > ITEM_CAP or not self._more():
                self._missing.add(mark)  # looked for once, so that a feed of them costs no more than its length
                return here
        return found + len(mark)

    def _end(self, start: int, after: int) -> tuple[int, int]:
        """(Where an item ends, -1 where it does not; where one begins inside it, -1 where none does)."""
        if self._text[after - 2 : after] == "/>":
            return after, -1
        depth, here, second = 1, after, -1
        while True:
            found = self._names.search(self._text, here)
            if found is None:
                here = max(here, len(self._text) - 100)
                if len(self._text) - start > ITEM_CAP or not self._more():
                    return -1, second
                continue
            if found[1] in {"!--", "![CDATA["}:
                here = self._past(found.end(), "-->" if found[1] == "!--" else "]]>")
                continue
            here = self._past(found.end(), ">")
            if found[1][0] == "/":
                depth -= 1
                if depth == 0:
                    return here, second
            elif self._text[here - 2 : here] != "/>":
                second = found.start() if second < 0 else second
                if self._spent > ITEM_CAP // 4 + 2 * self._consumed:
                    return -1, second
                depth += 1


def _tree(text: str, name: str, line: int) -> Tree | Failure:
    """The tree of one item; where it is broken it is tried once more with its HTML as text."""
    text = mended_xml(text)
    try:
        return _parsed(text)
    except _TooDeepError:
        why = f"elements more than {DEPTH} deep in one another"
        return Failure(Where(name, line), _called(text), why, "export a product feed")
    except expat.ExpatError:
        pass
    try:
        return _parsed(_HTML.sub(r"&lt;\1&gt;", text))
    except (expat.ExpatError, _TooDeepError) as error:
        place = Where(name, line + getattr(error, "lineno", 1) - 1)
        why = f"the XML of this item is broken: {error}"
        return Failure(place, _called(text), why, "fix it there, or export it again")


def _called(text: str) -> str:
    found = _ID.search(text)
    return found[1].strip() if found else "item"


class _TooDeepError(Exception):
    """More than `DEPTH` elements in one another."""


class _Element:
    """An element while it is read: its children by name, its attributes and its text."""

    __slots__ = ("attributes", "children", "name", "prefix", "text")

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.prefix, _, self.name = tag.lower().rpartition(":")
        self.attributes = attributes
        self.children: Tree = {}
        self.text: list[str] = []

    def value(self) -> object:
        """Its text, or the tree of its children, or its address where it has only that."""
        text = "".join(self.text).strip()
        if self.children:
            return self.children
        if text and "name" in self.attributes:
            return {"name": self.attributes["name"], "value": text}
        if text or not self.attributes:
            return text
        address = next((self.attributes[key] for key in ("url", "href", "src") if key in self.attributes), None)
        return dict(self.attributes) if address is None else address

    def add(self, child: _Element) -> None:
        """Take in a child: several of one name are a list; those of Google's namespace come first."""
        value = child.value()
        if child.name == "link" and child.attributes.get("rel", "alternate") not in {"alternate", ""}:
            return
        if value in ("", {}):
            return
        if child.name not in self.children:
            self.children[child.name] = value
            return
        before = self.children[child.name]
        several = before if isinstance(before, list) else [before]
        self.children[child.name] = (
            [value, *several]
            if child.prefix == "g" and len(several) == 1 and child.name in _PLAIN
            else [*several, value]
        )


_PLAIN = frozenset({"id", "title", "description", "link"})


def _parsed(text: str) -> Tree:
    stack: list[_Element] = []
    root: list[Tree] = []
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(stack) >= DEPTH:
            raise _TooDeepError
        stack.append(_Element(tag, attributes))

    def end(_tag: str) -> None:
        element = stack.pop()
        if stack:
            stack[-1].add(element)
        else:
            named = {key.lower(): value for key, value in element.attributes.items() if not key.startswith("xml")}
            root.append({**named, **element.children})

    def data(text: str) -> None:
        stack[-1].text.append(text)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, data
    parser.Parse(text, True)
    return root[0]
