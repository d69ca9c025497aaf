"""The kinds of product: complete in five languages, each name of one kind, found in texts; and nowhere else in code."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import catalens
from catalens.errors import UsageError
from catalens.models.zoo import find_card
from catalens.taxonomy import classes, find, forms, garments, groups, kind, kinds, looks, named, people_of, rules
from catalens.taxonomy.taxonomy import _read

HOUSE = Path(catalens.__file__).parent
EXEMPT = ("taxonomy",)
"""Folders that name products."""
OTHER_MEANINGS = {
    **dict.fromkeys(("clothing", "clothes", "apparel", "garment", "fashion"), "anything worn; names of folders"),
    **dict.fromkeys(("grocery", "food", "vegetable", "vegetables", "home"), "folders and columns of data sets"),
    **dict.fromkeys(("orange", "lemon", "light"), "colors, materials and what a surface looks like"),
    **dict.fromkeys(("pencil", "crochet"), "a cut, a technique"),
    **dict.fromkeys(("top", "bottom"), "the upper and lower edge of a picture, and how many answers are given"),
    **dict.fromkeys(("table", "record", "folder", "string", "lock", "body"), "of data, files, types and requests"),
    **dict.fromkeys(("package", "tools"), "of software, and fields of CycloneDX"),
    **dict.fromkeys(("pull", "pool", "watch"), "fetch a network; time to get a connection; follow a folder"),
    "short": "a length of sleeves",
    "prune": "remove what vanished",
    "col": "an element of HTML",
    "weights": "of a network, and of the parts of a score",
    "torch": "the package",
    "phone": "photos as a telephone takes them",
    "paint": "a task of generating networks",
    "coffee machine": "what the demo searches for",
}
"""Words of code that happen to be names of kinds -> what they mean there."""


def test_each_kind_is_complete() -> None:
    assert len(kinds()) >= 250
    for one in kinds():
        assert all(one.names[language] for language in rules()["languages"]), one.name
        assert one.group in groups(), one.name
        assert one.place in ("", *rules()["places"]["of_body"]), one.name
        assert one.part in ("", *classes("parser")), one.name
        assert one.outfit in ("", *classes("outfit")), one.name
        assert one.audience in ("", *rules()["people"]), one.name
        assert 0.005 <= one.size <= 5, one.name
        assert bool(one.place) or not one.part, f"{one.name} is seen on a person and worn nowhere"
    assert {one.group for one in kinds()} == set(groups())


def test_no_name_belongs_to_two_kinds_unless_it_is_declared() -> None:
    owners: dict[str, set[str]] = {}
    for one in kinds():
        for names in one.names.values():
            for name in names:
                owners.setdefault(name.casefold(), set()).add(one.name)
    shared = {name: found for name, found in owners.items() if len(found) > 1}
    assert shared == {name: set(found) for name, found in rules()["ambiguous"].items()}


def test_the_file_is_plain_toml() -> None:
    text = (HOUSE / "taxonomy" / "kinds.toml").read_text("utf-8")
    plain = {
        name: {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in said.items()}
        for name, said in tomllib.loads(text).items()
    }
    assert dict(_read(text)) == plain


def test_kinds_by_name_and_group() -> None:
    assert kind("sofa bed").lineage == ("sofa bed", "sofa", "furniture")
    assert kind("sofa bed").group == "furniture"
    assert (kind("hoodie").part, kind("hoodie").outfit) == ("top", "outerwear")
    assert kind("bra").is_underwear
    assert not kind("dress").is_underwear
    assert kind("nappies").audience == "children"
    assert "mug" in {one.name for one in kinds(group="tableware")}
    with pytest.raises(UsageError, match="sofa"):
        kind("soffa")
    with pytest.raises(UsageError, match="furniture"):
        kinds(group="chairs")


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("ring", 0.01, 0.03), ("sofa", 1.5, 3), ("bed", 1.8, 2.2), ("mug", 0.08, 0.15), ("refrigerator", 1.4, 2.1),
        ("smartphone", 0.12, 0.18), ("dress", 0.8, 1.3), ("bicycle", 1.5, 1.9), ("apple", 0.06, 0.1),
    ],
)  # fmt: skip
def test_sizes_of_known_things(name: str, low: float, high: float) -> None:
    assert low <= kind(name).size <= high


@pytest.mark.parametrize(
    ("language", "text", "name"),
    [
        ("en", "", None), ("en", "the", None), ("en", "red", None),
        ("en", "Women's dresses", "dress"), ("en", "shirt dress", "dress"), ("en", "Tees", "t-shirt"),
        ("en", "kitchen knives", "kitchen knife"), ("en", "wine glasses", "wine glass"), ("en", "Glasses", "glasses"),
        ("en", "ankle boots", "ankle boots"), ("en", "sleeping bags", "sleeping bag"), ("en", "paper bag", "bag"),
        ("en", "potatoes", "potato"), ("en", "Tank", "tank top"), ("en", "top with belt", "top"),
        ("zh", "红色连衣裙", "dress"), ("zh", "女士高跟鞋", "heels"), ("zh", "小白鞋", "shoes"),
        ("zh", "布艺沙发床", "sofa bed"), ("zh", "T恤", "t-shirt"), ("zh", "保温杯", "thermos"),
        ("zh", "红色", None),
        ("de", "Rotes Kleid", "dress"), ("de", "Stühle", "chair"), ("de", "Mäntel", "coat"), ("de", "Hüte", "hat"),
        ("de", "Röcke", "skirt"), ("de", "Handtaschen", "handbag"), ("de", "Kochtöpfe", "pot"), ("de", "Tee", "tea"),
        ("de", "Bücher", "book"), ("de", "Lampen", "lamp"), ("de", "Slipper", "loafers"),
        ("es", "vestidos", "dress"), ("es", "vestido rojo", "dress"), ("es", "cojines", "pillow"),
        ("es", "bolsos de mano de piel", "handbag"), ("es", "Sillones", "armchair"), ("es", "mantel", "tablecloth"),
        ("es", "zapatos de tacón", "heels"), ("es", "lapices", "pen"),
        ("fr", "robe longue", "maxi dress"), ("fr", "sacs à main", "handbag"), ("fr", "bureaux", "desk"),
        ("fr", "boucles d'oreilles", "earrings"), ("fr", "thé", "tea"), ("fr", "canapés", "sofa"),
        ("fr", "tables basses", "coffee table"), ("fr", "manteau d'hiver", "coat"),
    ],
)  # fmt: skip
def test_what_a_text_names(language: str, text: str, name: str | None) -> None:
    found = named(text, language=language)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("a photo", []),
        ("Dress shirt with a leather belt", ["shirt", "belt"]),
        ("table lamp on a table", ["table lamp", "table"]),
        ("Sofas, couches", ["sofa", "sofa"]),
        ("红色连衣裙配高跟鞋", ["dress", "heels"]),
        ("Stühle und Gläser", ["chair", "glass"]),
        ("canape avec coussins", ["sofa", "pillow"]),
        ("short black dress", ["dress"]),
    ],
)
def test_all_that_a_text_names(text: str, names: list[str]) -> None:
    found = find(text)
    assert [one.kind.name for one in found] == names
    assert all(0 <= one.start < one.end <= len(text) for one in found)


def test_words_of_several_kinds() -> None:
    (found,) = find("Mantel")
    assert (found.kind.name, [one.name for one in found.others]) == ("coat", ["tablecloth"])
    assert find("mantel", language="es")[0].kind.name == "tablecloth"
    assert find("ein roter Mantel")[0].start == len("ein roter ")


def test_every_name_finds_its_kind() -> None:
    for one in kinds():
        for language, names in one.names.items():
            for name in names:
                said = {other.name for mention in find(name, language=language) for other in
                        (mention.kind, *mention.others)}  # fmt: skip
                assert one.name in said, (one.name, language, name)


def test_plurals() -> None:
    assert {"knives", "shelves"} <= {form for name in ("kitchen knife", "shelf") for form in forms(kind(name), "en")}
    assert "dresses" in forms(kind("dress"), "en")
    assert "sacs à main" in forms(kind("handbag"), "fr")
    assert "sofás cama" in forms(kind("sofa bed"), "es") or "sofás camas" in forms(kind("sofa bed"), "es")


@pytest.mark.parametrize(
    ("text", "people"),
    [("", set()), ("Women > Dresses", {"women"}), ("Men's", {"men"}), ("Damen", {"women"}), ("男士 鞋", {"men"}),
     ("kids and women", {"children", "women"}), ("mensa", set())],
)  # fmt: skip
def test_for_whom(text: str, people: set[str]) -> None:
    assert people_of(text) == people


@pytest.mark.parametrize(
    ("card", "name"),
    [("catalens-parser", "parser"), ("catalens-detector", "detector"), ("catalens-outfit", "outfit")],
)
def test_networks_tell_apart_what_their_cards_say(card: str, name: str) -> None:
    task = {"parser": "segment", "detector": "detect", "outfit": "outfit"}[name]
    cards = [find_card(path.name) for path in (HOUSE / "models" / "weights").iterdir() if path.name.startswith(card)]
    assert classes(name) in [one.classes for one in cards if one.task == task]


def test_lists_hold_kinds() -> None:
    for name in ("outfit", "room", "common", "generator", "taught", "main"):
        assert all(named(one) is not None for one in classes(name)), name
    assert all(named(word) is not None for words in rules()["prompts"].values() for word in words)
    assert set(rules()["prompts"]) == set(classes("outfit"))
    assert len(set(classes("taught"))) == len(classes("taught"))


def test_rules_of_try_on_hold_both_ways() -> None:
    every = garments()
    for one in every.values():
        assert one.name in one.takes_off, f"{one.name} leaves what it replaces"
        assert set(one.goes_over) <= set(one.takes_off)
        assert set(one.takes_off) | set(one.hangs_over) <= set(classes("parser"))
        assert not set(one.takes_off) & set(rules()["body"]["in_front"]), f"{one.name} takes off what stays in front"
        assert one.arms or one.legs
        for other in every.values():
            shares = (one.arms and other.arms) or (one.legs and other.legs)
            assert (other.name in one.takes_off) == (one.name in other.takes_off) == shares, (one.name, other.name)
    # By hand: what lies over the waistband of trousers and skirts is what is worn above.
    assert {name: set(one.under) for name, one in every.items()} == {
        "top": set(), "dress": set(), "outerwear": set(),
        "trousers": {"top", "outerwear"}, "skirt": {"top", "outerwear"},
    }  # fmt: skip


def test_no_product_noun_stands_in_code() -> None:
    """Texts of the code that are a kind's name, in any language, stand in the taxonomy, for it alone to be changed."""
    nouns = {name.casefold() for one in kinds() for names in one.names.values() for name in names}
    found = [
        f"{path.relative_to(HOUSE)}:{line}: {word!r}"
        for path in sorted(HOUSE.rglob("*.py"))
        if not path.relative_to(HOUSE).as_posix().startswith(EXEMPT)
        for line, word in texts_of(ast.parse(path.read_text("utf-8")))
        if word.casefold() in nouns and word.casefold() not in OTHER_MEANINGS
    ]
    assert not found, "kinds.toml and rules.toml are the only places for product nouns:\n" + "\n".join(found)


def texts_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Texts of a module but its docstrings."""
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.lineno, node.value


@pytest.mark.parametrize(
    ("code", "words"),
    [("", []), ('"""dress"""', []), ('kind = "dress"', ["dress"]), ('f({"a": ["sofa", "red"]})', ["a", "sofa", "red"])],
)
def test_texts_of_code(code: str, words: list[str]) -> None:
    assert sorted(word for _, word in texts_of(ast.parse(code))) == sorted(words)


def test_looks_are_named_in_every_language_and_agree_with_nouns() -> None:
    languages = set(rules()["languages"])
    every = looks()
    assert len({one.name for one in every}) == len(every)
    assert all(set(one.names) == languages and all(one.names.values()) for one in every)
    red = next(one for one in every if one.name == "red")
    assert {"rot", "rotes", "roten"} <= set(red.names["de"])  # by hand
    assert set(red.names["es"]) == {"rojo", "roja", "rojos", "rojas"}
    assert set(red.names["fr"]) == {"rouge", "rouges"}
