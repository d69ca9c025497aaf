"""Prices as the world writes them: 1.299,00 €, 1'299.50, Rs. 1,23,456/-, 12€50, ¥1,299, 19.90 - 24.90.

What "1.299" means is not in the cell: three digits after the only point are thousands where the other prices of the
feed have decimal commas, or where the currency has two decimals; a `Convention` carries that from the feed to the cell.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

LONGEST = 200
"""Characters of a cell that may hold a price; no shop needs more, and a longer text is a text."""
MOST_DIGITS = 15
"""Digits of an amount; beyond them a float is no longer exact."""
_RUN = re.compile(r"\d+(?:[.,' ]\d+)*")
_SYMBOLS = frozenset("$€£¥₹₩₽₺₫₴₦฿₱₪₡₲₵₸₮元円圆원")
_WORDS = frozenset(
    [
        "rs", "r$", "rm", "rp", "kr", "zł", "kč", "ft", "lei", "лв", "руб", "р", "грн", "тг", "dh", "dhs", "sfr", "fr",
        "rmb", "s/", "bs", "din", "den", "дин", "رس", "د.إ", "ر.س", "kn", "₺", "tl", "nt$", "hk$", "us$", "a$", "c$",
        "au$", "ca$", "nz$", "s$", "mx$", "euro", "euros", "dollar", "dollars", "pound", "pounds", "yuan", "yen",
        "人民币", "人民幣",
    ]
)  # fmt: skip
_THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_LOWER_CODES = frozenset(
    {"EUR", "USD", "GBP", "CHF", "JPY", "CNY", "INR", "PLN", "SEK", "DKK", "NOK", "AUD", "CAD", "CZK"}
)
_NO_DECIMALS = frozenset({"JPY", "KRW", "VND", "CLP", "ISK", "¥", "₩", "₫", "円", "원"})
_RANGE = re.compile(r"\W*(?:-|–|—|~|〜|/|to|bis|à|a|hasta|until|up to|至|から|\.\.+)\W*", re.IGNORECASE)
_SPACES = str.maketrans(
    {"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2007": " ", "’": "'", "‘": "'", "´": "'", "`": "'", "−": "-"}
    | {"٬": ",", "٫": ".", "،": ",", "ʼ": "'", "˙": "'"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Convention:
    """How a feed writes decimals: "." or ",", "" where its prices do not say; and whether it names a currency."""

    decimal: str = ""
    currency: str = ""

    @classmethod
    def of(cls, texts: Iterable[str], *, currency: str = "", hint: str = "") -> Convention:
        """By the prices of a feed that can be read in one way only; by the hint (of its language) where none can."""
        votes = {".": 0, ",": 0}
        for text in texts:
            for number in _RUN.findall(_plain(text)):
                if mark := _certain(number):
                    votes[mark] += 1
        if votes["."] > 4 * votes[","]:
            return cls(".", currency)
        if votes[","] > 4 * votes["."]:
            return cls(",", currency)
        return cls("" if votes["."] else hint, currency)


UNKNOWN = Convention()


def price_of(text: str, convention: Convention = UNKNOWN) -> tuple[float, str] | None:
    """Amount and currency ("" where none is written) of a price, the lower of a range; None where it is no price."""
    plain = _plain(text)
    if not plain:
        return None
    runs = [match.span() for match in _RUN.finditer(plain)]
    if not runs or len(runs) > 2:
        return None
    (start, end), *more = _divided(plain, runs)
    before, number, after = plain[:start], plain[start:end], plain[end:]
    if more:
        if len(more) > 1:
            return None
        first, last = more[0]
        between, second, after = plain[end:first], plain[first:last], plain[last:]
        if between.strip() in _SYMBOLS and between == between.strip() and len(second) == 2 and number.isdecimal():
            number, after = f"{number}.{second}", between + after  # 12€50
        elif _RANGE.fullmatch(_without_currency(between)):
            after = f"{between} {after}"
        else:
            return None
    currency = _currency(before) or _currency(after)
    negative = before.rstrip("$€£¥ ").endswith("-") and not re.search(r"[^\W\d_]", before)
    if re.fullmatch(r"[^\w]*[.,]", before) and number.isdecimal():  # .99
        number = f"0.{number}"
    if re.match(r"\s*[.,]\s*[-–—]", after):  # 1.299,- has no decimals
        convention = Convention("," if "." in number else ".", convention.currency)
    amount = _amount(number, convention, currency)
    return None if amount is None else (-amount if negative else amount, currency)


def is_price(name: str) -> bool:
    """Whether an attribute of this name holds a price."""
    return name == "price" or name.endswith("_price") or name.startswith("price_")


def _plain(text: str) -> str:
    """ASCII digits and signs; "" for what is too long to be a price."""
    text = text.strip()
    if len(text) > LONGEST:
        return ""
    text = unicodedata.normalize("NFKC", text.translate(_SPACES)).translate(_SPACES)
    if not text.isascii():
        text = "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in text)
    return re.sub(r"\s+", " ", text)


def _divided(plain: str, runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans of numbers: a blank joins only groups of three digits."""
    found: list[tuple[int, int]] = []
    for start, end in runs:
        pieces = plain[start:end].split(" ")
        here = start
        for number, piece in enumerate(pieces):
            whole = re.split(r"[.,']", piece)[0]
            joins = number and len(whole) == 3 and len(pieces[0]) <= 3 and pieces[0].isdecimal()
            if joins and found:
                found[-1] = (found[-1][0], here + len(piece))
            else:
                found.append((here, here + len(piece)))
            here += len(piece) + 1
    return found


def _without_currency(text: str) -> str:
    text = "".join(sign for sign in text if sign not in _SYMBOLS)
    words = [word for word in text.split() if not (word.lower().strip(".") in _WORDS or re.fullmatch("[A-Z]{3}", word))]
    return " ".join(words) or text


def _currency(text: str) -> str:
    """The currency in what stands beside a number: as written; "" where there is only filling."""
    for word in text.replace("/", " ").split():
        bare = word.strip("()[]-,:;*~+'\"–—")
        if re.fullmatch("[A-Z]{3}", bare) or bare.lower().strip(".") in _WORDS or bare.lower() in _WORDS:
            return bare
        if any(sign in _SYMBOLS for sign in bare):
            bare = bare.strip(".")
            return bare if len(bare) <= 4 else next(sign for sign in bare if sign in _SYMBOLS)
        if bare.upper() in _LOWER_CODES:
            return bare
    return ""


def _certain(number: str) -> str:
    """The decimal mark of a number that can be read in one way only."""
    last = max(number.rfind("."), number.rfind(","))
    if last < 0:
        return ""
    mark, digits = number[last], len(number) - last - 1
    other = "," if mark == "." else "."
    if number.count(mark) > 1:
        return ""
    if other in number or (digits != 3 and digits <= 4) or number[:last] == "0" or "'" in number[:last]:
        return mark
    return ""


def _amount(number: str, convention: Convention, currency: str) -> float | None:
    digits = number.replace(" ", "").replace("'", "")
    if sum(map(str.isdecimal, digits)) > MOST_DIGITS:
        return None
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return float(digits)
    mark = digits[last]
    decimal = digits.count(mark) == 1 and (_certain(number) == mark or _is_decimal(digits, last, convention, currency))
    head, tail = (digits[:last], digits[last + 1 :]) if decimal else (digits, "")
    groups = re.split(r"[.,]", head)
    marks = set(re.findall(r"[.,]", head))
    if len(marks) > 1 or (len(groups) > 1 and not _is_grouped(groups)):
        return None
    return float(f"{''.join(groups)}.{tail or 0}")


def _is_grouped(groups: list[str]) -> bool:
    """1,299,000 and the Indian 1,23,456."""
    middle = {len(group) for group in groups[1:-1]}
    return len(groups[-1]) == 3 and 1 <= len(groups[0]) <= 3 and (middle <= {3} or middle <= {2})


def _is_decimal(digits: str, last: int, convention: Convention, currency: str) -> bool:
    """Whether the only mark of a number, before three digits or many, is the decimal one."""
    mark, tail = digits[last], len(digits) - last - 1
    if tail != 3 or last > 3:
        return True
    code = (currency or convention.currency).upper()
    if code in _NO_DECIMALS:
        return False
    if convention.decimal:
        return mark == convention.decimal
    if code in _THREE_DECIMALS:
        return True
    return mark == "." and not code
