"""Rules of a shop for what stands first: pin, boost and bury, one rule a line.

    summer dress | pin   | A-1, A-7
    shoes        | boost | brand = "acme"
    *            | bury  | tag = "last season"

A line has the words of a query (or * for every query by words), what to do, and products: skus apart by commas, or, for
boost and bury, a filter. A rule holds where the query's words are these, in any order and case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from catalens.errors import FilterError, UsageError
from catalens.search.filters import read_filter
from catalens.search.lexicon import tokens_of
from catalens.storage.filter_terms import Filter

Action: TypeAlias = Literal["pin", "boost", "bury"]
ACTIONS: tuple[Action, ...] = get_args(Action)
EVERY = "*"
MOST_RULES, MOST_SKUS = 2_000, 200
PINNED, BOOSTED, BURIED = 2.0, 0.25, -2.0
"""What a rule adds to a score, which is at most 1; the second pinned product gets a thousandth less than the first."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A line. `filter` is None where it names skus."""

    query: str
    action: Action
    target: str
    skus: tuple[str, ...] = ()
    filter: Filter | None = None

    def to_dict(self) -> dict[str, object]:
        return {"query": self.query, "action": self.action, "target": self.target}

    def __str__(self) -> str:
        return f"{self.query} | {self.action} | {self.target}"


def read_rules(text: str) -> tuple[Rule, ...]:
    """The rules of a file, in its order.

    Raises:
        UsageError: a line that is no rule; says which, with the cure.
    """
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = [part.strip() for part in line.split("|", 2)]
        if len(parts) != 3:
            raise UsageError(f"line {number} of the rules: {line.strip()[:60]!r}", cure="write: QUERY | pin | SKU, SKU")
        try:
            found.append(rule_of(*parts))
        except (UsageError, FilterError) as error:
            raise UsageError(f"line {number} of the rules: {error.what}", cure=error.cure) from None
    if len(found) > MOST_RULES:
        raise UsageError(f"expected at most {MOST_RULES} rules, got {len(found)}", cure="leave some out")
    return tuple(found)


def rule_of(query: str, action: str, target: str) -> Rule:
    """One rule.

    Raises:
        UsageError: no words, no such action, or no products; FilterError: the filter cannot be understood.
    """
    query, target = " ".join(query.split()), " ".join(target.split())
    if query != EVERY and not normal_words(query):
        raise UsageError(f"the query {query[:60]!r} has no words", cure="write words, or * for every query")
    known = next((one for one in ACTIONS if one == action.lower()), None)
    if known is None:
        raise UsageError(f"no action {action[:30]!r}", cure=f"take one of {', '.join(ACTIONS)}")
    if known != "pin" and _is_filter(target):
        return Rule(query, known, target, filter=read_filter(target))
    skus = tuple(dict.fromkeys(sku.strip() for sku in target.split(",") if sku.strip()))
    if not 1 <= len(skus) <= MOST_SKUS:
        raise UsageError(f"expected 1 to {MOST_SKUS} skus, got {len(skus)}", cure="write skus apart by commas")
    return Rule(query, known, target, skus)


def _is_filter(target: str) -> bool:
    return any(sign in target for sign in ('"', "=", "<", ">", "~", " exists")) or target.startswith(("has ", "not "))


def normal_words(text: str) -> frozenset[str]:
    """Words of a query by which a rule is found."""
    return frozenset(token.folded for token in tokens_of(text, most=400) if token.is_word or token.is_number)


def applying(rules: Sequence[Rule], text: str) -> tuple[Rule, ...]:
    """Those of the rules that hold for a query's words; none for a query without words."""
    words = normal_words(text)
    return tuple(rule for rule in rules if words and (rule.query == EVERY or normal_words(rule.query) == words))


def added_by(
    rules: Sequence[Rule], products: Mapping[str, int], passing: Mapping[Rule, frozenset[int]]
) -> dict[int, float]:
    """Product id -> what rules add to its score.

    Args:
        products: sku -> product id of the rules' skus that are there.
        passing: ids of the products that a rule's filter lets pass.
    """
    found: dict[int, float] = {}
    place = 0
    for rule in rules:
        if rule.action == "pin":
            for sku in rule.skus:
                if sku in products and found.get(products[sku], 0.0) < 1:
                    found[products[sku]] = PINNED - place / 1000
                    place += 1
            continue
        step = BOOSTED if rule.action == "boost" else BURIED
        named = passing[rule] if rule.filter is not None else {products[sku] for sku in rule.skus if sku in products}
        for product in named:
            if found.get(product, 0.0) < 1:  # a pinned one stays where it is
                found[product] = found.get(product, 0.0) + step
    return found
