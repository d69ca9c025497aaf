"""Words as networks read them, and what captions claim of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalens.models.known_words import KnownWords
from catalens.models.text import BUCKETS, LONGEST_TEXT, text_batch, words_of
from recipes.facts import Facts, Truths, caption, kinds, known_words, truth
from recipes.vocabulary import KINDS, TABLES, UNSURE, with_parents

COAT: Facts = {"kind": kinds("coat"), "color": frozenset({"navy"})}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  ?! ", []),
        ("Red DRESS", ["red", "dress"]),
        ("T-shirt, 2-pack", ["t", "shirt", "2", "pack"]),
        ("红色 连衣裙", ["红色", "连衣裙"]),
        ("Nike鞋子", ["nike", "鞋子"]),
        ("ｆｕｌｌ", ["full"]),
        ("été", ["été"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_a_long_text_is_cut() -> None:
    assert sum(map(len, words_of("ab " * 10_000))) <= LONGEST_TEXT


def test_no_texts_and_a_text_without_a_word() -> None:
    assert [part.shape for part in text_batch([])] == [(0, 1), (0, 1)]
    _, weights = text_batch(["...", "dress"])
    assert not weights[0].any()


@given(st.lists(st.text(max_size=40), max_size=5))
def test_any_text_becomes_buckets_with_weights_that_sum_to_one(texts: list[str]) -> None:
    buckets, weights = text_batch(texts)
    assert buckets.shape == weights.shape
    assert ((buckets >= 0) & (buckets < BUCKETS)).all()
    wanted = [1.0 if words_of(text) else 0.0 for text in texts]
    np.testing.assert_allclose(weights.sum(axis=1), wanted, atol=1e-5)


def test_every_word_weighs_the_same_and_a_slip_keeps_most_n_grams() -> None:
    buckets, weights = text_batch(["sunglasses red", "sunglases"])
    red = text_batch(["red"])[0]
    assert weights[0][np.isin(buckets[0], red)].sum() == pytest.approx(0.5, abs=1e-5)
    right, wrong = set(text_batch(["sunglasses"])[0][0].tolist()), set(buckets[1][weights[1] > 0].tolist())
    assert len(right & wrong) > len(wrong) / 3


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("", False),
        ("dress", True),
        ("DRESSES", True),
        ("drss", True),
        ("dreess", True),
        ("qwxyz", False),
        ("ein Kleid", False),
        ("红色连衣裙", True),
        ("桌子", False),
        ("qwxyz dress", True),
    ],
)
def test_known_words_forgive_slips(text: str, known: bool) -> None:
    assert KnownWords(["dress", "t-shirt", "连衣裙"]).knows_any(text) is known
    assert not KnownWords([]).knows_any(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", []),
        ("a dress for me", []),
        ("dresses", []),
        ("drss", ['"drss" is not known, and read as "dress"']),
        ("qwxyz Dress qwxyz", ['"qwxyz" is not known']),
        ("платье", ['"платье" is not known']),
        ("stress", ['"stress" is not known, and read as "dress"']),
        ("undressings", ['"undressings" is not known (words like it: "dress")']),
        ("红色连衣裙", []),
        ("长裙", ['"长裙" is not known (words like it: "连衣裙")']),
        ("桌子", ['"桌子" is not known']),
    ],
)
def test_words_that_are_not_known_are_named_with_those_like_them(text: str, said: list[str]) -> None:
    assert [str(one) for one in KnownWords(["dress", "t-shirt", "连衣裙"]).doubtful(text)] == said
    assert all(not one.near for one in KnownWords([]).doubtful(text))


@pytest.mark.parametrize(
    ("claims", "facts", "expected"),
    [
        ({}, COAT, 1.0),
        ({"kind": "coat"}, COAT, 1.0),
        ({"kind": "outerwear"}, COAT, 1.0),
        ({"kind": "coat", "color": "navy"}, COAT, 1.0),
        ({"kind": "dress"}, COAT, 0.0),
        ({"kind": "coat", "color": "red"}, COAT, 0.0),
        ({"kind": "coat", "color": "blue"}, COAT, np.nan),  # navy is a blue to some
        ({"kind": "jacket"}, COAT, np.nan),  # easily confused
        ({"kind": "dress", "color": "blue"}, COAT, 0.0),
        ({"material": "wool"}, COAT, np.nan),
        ({"kind": "coat"}, {"kind": kinds("outerwear")}, np.nan),  # may be a coat
        ({"kind": "coat"}, {"kind": kinds("skirt")}, 0.0),
        ({"kind": "coat"}, {}, np.nan),
    ],
)
def test_what_is_true_of_a_picture(claims: dict[str, str], facts: Facts, expected: float) -> None:
    assert truth(claims, facts) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": kinds("shoes")},
        {"color": frozenset({"red"})},
        {"kind": frozenset({"kiwi", "fruit"})},
        {"kind": kinds("bravo apple juice")},
        {**COAT, "pattern": frozenset({"checked"}), "material": frozenset({"wool"}), "style": frozenset({"belted"})},
    ],
)
def test_captions_are_true_and_made_of_known_words(facts: Facts) -> None:
    rng = np.random.default_rng(0)
    known = KnownWords(known_words([facts]))
    said = [caption(facts, rng) for _ in range(200)]
    assert (Truths([facts]).of(said, np.zeros(1, np.int64)) == 1).all()
    assert all(one.text.strip() for one in said)
    assert np.mean([known.knows_any(one.text) for one in said]) > 0.97
    assert len({one.text for one in said}) > 5


def test_the_vocabulary_names_itself() -> None:
    for table in TABLES.values():
        for name, concept in table.items():
            assert concept.english[0] == name
            assert concept.chinese or "packages" in with_parents(name)  # brands are called as they are
    assert all(parent in KINDS for concept in KINDS.values() for parent in concept.parents)
    every = {name for table in TABLES.values() for name in table}
    assert every.issuperset(UNSURE)
    assert every.issuperset(set().union(*UNSURE.values()))
    assert with_parents("god morgon apple juice") >= {"apple juice", "juice", "food"}
    assert with_parents("jeans") == {"jeans", "trousers", "bottoms", "clothing"}
