"""Rules for listing photos, in dated packs: the measurement, its limit, the source, and the fix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, cast, get_args

from catalens.errors import ModelError, NotFoundError, UsageError
from catalens.models.untrusted import read_toml
from catalens.options import PACKS, rule_packs
from catalens.tasks.listing.goods import goods_names, is_of
from catalens.tasks.listing.measures import TYPES, Measures

TESTS = ("at_least", "at_most", "is", "one_of")
FIELDS = ("name", "measure", "level", "from", "goods", "except", "cure", "source")
"""Of a rule in a pack, beside its test."""

Level: TypeAlias = Literal["error", "warning", "advice"]
LEVELS: tuple[Level, ...] = get_args(Level)
Value: TypeAlias = str | float | bool


@dataclass(frozen=True, slots=True)
class Rule:
    """One limit on one measure.

    Args:
        pack: that it comes from; source: address where it is written.
        measure: a field of `Measures`.
        test: how the measure is held against `limit`.
        since: day from which it holds; before, a breach is a warning.
        goods: to which it applies, none for all; but: to which it does not. Where the goods of a photo are not known, a
            breach is an advice.
    """

    pack: str
    name: str
    measure: str
    test: Literal["at_least", "at_most", "is", "one_of"]
    limit: Value | tuple[str, ...]
    level: Level
    cure: str
    source: str
    since: date | None = None
    goods: tuple[str, ...] = ()
    but: tuple[str, ...] = ()

    @property
    def said_goods(self) -> str | None:
        """To which goods it applies, in words; None for all."""
        but = f"other than {', '.join(self.but)}" if self.but else ""
        return " ".join(filter(None, [", ".join(self.goods), but])) or None

    def applies_to(self, category: str | None) -> bool | None:
        """Whether it is asked of a photo of a category; None where that is not known."""
        if not self.goods and not self.but:
            return True
        if category is None:
            return None
        said = [is_of(category, self.goods)] if self.goods else []
        excluded = is_of(category, self.but) if self.but else False
        said.append(None if excluded is None else not excluded)
        return False if False in said else None if None in said else True

    def broken_by(self, value: Value | None) -> bool:
        """Whether a measured value is beyond the limit; what was not measured is not."""
        if value is None:
            return False
        if self.test == "at_least":
            return float(value) < float(cast(float, self.limit))
        if self.test == "at_most":
            return float(value) > float(cast(float, self.limit))
        if self.test == "is":
            return value != self.limit
        return value not in cast(tuple[str, ...], self.limit)


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a photo breaks: the measured value, the limit, where it is written, and the cure.

    `text` quotes what was read, of a rule about overlaid text.
    """

    rule: Rule
    value: Value
    level: Level
    text: str = ""

    def __str__(self) -> str:
        limit = ", ".join(self.rule.limit) if isinstance(self.rule.limit, tuple) else _said(self.rule.limit)
        words = {"at_least": "at least ", "at_most": "at most ", "is": "", "one_of": "one of "}[self.rule.test]
        since = f" from {self.rule.since}" if self.rule.since is not None else ""
        goods = f" for {self.rule.said_goods}" if self.rule.said_goods is not None else ""
        quoted = f' ("{self.text}")' if self.text else ""
        return (
            f"{self.level}: {self.rule.pack} {self.rule.name}: {self.rule.measure} is {_said(self.value)}{quoted}, "
            f"expected {words}{limit}{goods}{since}; {self.rule.cure}"
        )

    def to_dict(self) -> dict[str, object]:
        limit = list(self.rule.limit) if isinstance(self.rule.limit, tuple) else self.rule.limit
        return {
            "pack": self.rule.pack,
            "rule": self.rule.name,
            "level": self.level,
            "measure": self.rule.measure,
            "value": self.value,
            self.rule.test: limit,
            "since": None if self.rule.since is None else str(self.rule.since),
            "goods": self.rule.said_goods,
            "cure": self.rule.cure,
            "source": self.rule.source,
            **({"text": self.text} if self.text else {}),
        }


class Unjudged(NamedTuple):
    """A rule whose measure could not be determined of a photo, and the level of a breach: it is not passed."""

    rule: Rule
    level: Level

    @property
    def name(self) -> str:
        return f"{self.rule.pack} {self.rule.name}"

    def __str__(self) -> str:
        return f"not judged: {self.name}: {self.rule.measure} could not be determined on this photo"

    def to_dict(self) -> dict[str, object]:
        return {
            "pack": self.rule.pack,
            "rule": self.rule.name,
            "level": self.level,
            "measure": self.rule.measure,
            "source": self.rule.source,
        }


def _said(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def bundled_packs() -> tuple[str, ...]:
    """Names of the packs that ship with the package."""
    return rule_packs()


def read_rules(names: Sequence[str]) -> tuple[Rule, ...]:
    """The rules of some packs: bundled ones by name, your own by the path of a TOML file.

    Raises:
        NotFoundError: there is no such pack.
        UsageError: a pack cannot be understood.
    """
    found: list[Rule] = []
    for name in dict.fromkeys(names):
        path = PACKS / f"{name}.toml" if name in bundled_packs() else Path(name)
        if not path.is_file():
            raise NotFoundError(
                f"no rules called {name!r}", cure=f"take some of {', '.join(bundled_packs())}, or the path of a .toml"
            )
        try:
            table = read_toml(path)
            rows = [_rule(row, path.stem, str(table.get("source", ""))) for row in table["rules"]]
            if not rows:
                raise ValueError("the list is empty")
        except (ModelError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path} holds no rules: {error}", cure="write them as docs/check.md shows") from None
        found += rows
    return tuple(found)


def _rule(row: dict[str, Any], pack: str, source: str) -> Rule:
    tests = [test for test in TESTS if test in row]
    measure, level = str(row["measure"]), row.get("level", "error")
    if len(tests) != 1 or measure not in TYPES or level not in get_args(Level):
        raise ValueError(
            f"rule {row.get('name')!r}: expected one of {', '.join(TESTS)}; a level of "
            f"{', '.join(get_args(Level))}; and a measure of {', '.join(TYPES)}"
        )
    limit, unknown = row[tests[0]], sorted(set(row) - {*TESTS, *FIELDS})
    if unknown:
        raise ValueError(f"rule {row.get('name')!r} has {unknown[0]!r}; fields are {', '.join((*TESTS, *FIELDS))}")
    if not _fits(limit, tests[0], measure):
        raise ValueError(f"rule {row.get('name')!r}: {tests[0]} = {limit!r} is no limit on {measure}")
    if type(row.get("from", date.min)) is not date:
        raise ValueError(f"rule {row.get('name')!r}: from = {row['from']!r} is no day such as 2027-01-31")
    goods, but = (_goods(row, field) for field in ("goods", "except"))
    return Rule(
        pack=pack,
        name=str(row.get("name", measure)),
        measure=measure,
        test=cast(Any, tests[0]),
        limit=tuple(limit) if isinstance(limit, list) else limit,
        level=cast(Level, level),
        cure=str(row.get("cure", "")),
        source=str(row.get("source", source)),
        since=row.get("from"),
        goods=goods,
        but=but,
    )


def _goods(row: dict[str, Any], field: str) -> tuple[str, ...]:
    """Names of goods in a rule's field: one, or a list."""
    said = row.get(field, [])
    names = [said] if isinstance(said, str) else said
    if not isinstance(names, list) or not all(name in goods_names() for name in names):
        raise ValueError(f"rule {row.get('name')!r}: {field} = {said!r}; goods are {', '.join(goods_names())}")
    return tuple(names)


def _fits(limit: object, test: str, measure: str) -> bool:
    """Whether a limit is of the kind that a test and a measure take."""
    if test == "one_of":
        return TYPES[measure] == (str,) and isinstance(limit, list) and all(isinstance(one, str) for one in limit)
    if test in ("at_least", "at_most") and float not in TYPES[measure]:
        return False
    return type(limit) in TYPES[measure]


def judge(
    measures: Measures, rules: Sequence[Rule], *, category: str | None = None, today: date | None = None
) -> tuple[Finding, ...]:
    """What a photo breaks, errors first.

    Args:
        category: what it shows, as the shop calls it; it says which rules apply (`Rule.applies_to`).
    """
    found = []
    for rule, level in _asked(rules, category, today=today):
        value = cast(Value | None, getattr(measures, rule.measure))
        if rule.broken_by(value):
            text = measures.overlaid_words if rule.measure == "overlaid_text" else ""
            found.append(Finding(rule, cast(Value, value), level, text))
    return tuple(sorted(found, key=lambda one: LEVELS.index(one.level)))


def not_judged(
    measures: Measures, rules: Sequence[Rule], *, category: str | None = None, today: date | None = None
) -> tuple[Unjudged, ...]:
    """Rules whose measure is not known, with the level of a breach: a photo that is not judged is not passed."""
    applied = _asked(rules, category, today=today)
    return tuple(Unjudged(rule, level) for rule, level in applied if getattr(measures, rule.measure) is None)


def _asked(rules: Sequence[Rule], category: str | None, *, today: date | None = None) -> Iterator[tuple[Rule, Level]]:
    """The rules that apply to a photo of a category, and the level of a breach of each."""
    today = today or date.today()
    for rule in rules:
        is_asked = rule.applies_to(category)
        if is_asked is not False:
            early = rule.level == "error" and rule.since is not None and today < rule.since
            level: Level = "warning" if early else rule.level
            yield rule, level if is_asked else "advice"
