"""Text becomes the same words however it is spelled: folded, divided, joined."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalens.text.fold import fold
from catalens.text.languages import LANGUAGES, STOP_WORDS, is_stop_word_anywhere, stem, variants
from catalens.text.tokens import KEY, analyse, index_text, index_values, key_of, name_keys, spellings

WORD = st.text(st.sampled_from("abcdefgh"), min_size=2, max_size=6)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("", ""),
        ("Red DRESS", "red dress"),
        ("ｆｕｌｌ　ｗｉｄｔｈ １２", "full width 12"),
        ("ﬁne ½", "fine 1⁄2"),
        ("Crème Brûlée", "creme brulee"),
        ("cre\u0300me", "creme"),
        ("Fußmatte GROSS", "fussmatte gross"),
        ("Smørbrød Æble Œuvre", "smorbrod aeble oeuvre"),
        ("Żółta łopatka", "zolta lopatka"),
        ("KIRMIZI kırmızı İstanbul", "kirmizi kirmizi istanbul"),
        ("Đồng hồ", "dong ho"),
        ("so\u00adft ze\u200bro j\u200do\u2060in", "soft zero join"),
        ("Nike™ Levi's®", "nike  levi's "),
        ("Елка ёлка красный", "елка елка красный"),
        ("Ελλάδα ΣΟΦΌΣ", "ελλαδα σοφοσ"),
        ("مُحَمَّد أحمد", "محمد احمد"),
        ("שָׁלוֹם", "שלום"),
        ("ﾊﾞｯｸﾞ バッグ ハ\u3099ッグ", "バッグ バッグ バッグ"),
        ("가죽 \u1100\u1161\u110c\u116e\u11a8", "가죽 가죽"),
        ("हिन्दी ज़", "हिन्दी ज"),
        ("เสื้อ", "เสื้อ"),
        ("١٢٣ १२", "123 12"),
    ],
)
def test_folded(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "indexed"),
    [
        ("", ""),
        (" ?! - ' ", ""),
        ("Red DRESS, (new)", "red dress new"),
        ("T-shirt", "t shirt \n tshirt"),
        ("t‑shirt t–shirt", "t shirt t shirt \n tshirt"),
        ("col·lecció", "col leccio \n colleccio"),
        ("women's l'été", "women s l ete \n womens lete"),
        ("12cm 12 cm", "12cm 12 cm"),
        ("AB-1234/56 1234/56", "ab 1234 56 1234 56 \n ab123456"),
        ("black/white 2.5 kg, end.Begin", "black white 2 5 kg end begin"),
        ("H&M R&B U.S.A. a_b", "h m r b u s a a b \n hm rb usa ab"),
        ("红色连衣裙", "红色 色连 连衣 衣裙 裙"),
        ("红 Nike鞋子 T恤", "红 nike 鞋子 子 t 恤"),
        ("バッグ 가죽", "バッ ッグ グ 가죽 죽"),
        ("हिन्दी कपड़े", "हिन्दी कपडे"),
        ("a-b-c-d-e-f-g", "a b c d e f g"),
        ("x" * 99, "x" * 64),
    ],
)
def test_indexed(text: str, indexed: str) -> None:
    assert index_text(text) == indexed


def test_words_know_their_places() -> None:
    text = "Größe: T-Shirt ﬁne 连衣裙"
    places = [(token.text, text[token.start : token.end]) for token in analyse(text)]
    assert places == [
        ("grosse", "Größe"),  # folding changed its length: the whole of it
        ("tshirt", "T-Shirt"),
        ("fine", "ﬁne"),
        ("连衣", "连衣"),
        ("衣裙", "衣裙"),
        ("裙", "裙"),
    ]
    assert [(token.is_pair, token.is_tail) for token in analyse("红连")] == [(True, False), (True, True)]


@pytest.mark.parametrize(
    ("text", "found"),
    [("", ()), ("dress", ("dress",)), ("T-Shirt x", ("t shirt x", "tshirt x")), ("连衣裙", ("连衣 衣裙",))],
)
def test_spellings(text: str, found: tuple[str, ...]) -> None:
    assert spellings(text) == found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("AB-1234/56", "ab123456"),
        ("Blue  T-Shirt!", "blue tshirt"),
        ("Ｆｕｌｌ", "full"),
        ("连衣裙", "连 衣裙"),
        ("a" * 99, "A" * 99),
    ],
)
def test_a_name_has_one_key(one: str, other: str) -> None:
    assert key_of(one) == key_of(other) != key_of(f"{one} 2")
    assert key_of(one).startswith(KEY)
    assert len(key_of(one)) < 40


def test_keys_of_a_product() -> None:
    assert name_keys("", ["", "?"]) == KEY
    assert name_keys("Blue Hat", ["A-1", "a1"]) == "·bluehat ·a1 ·a1"
    assert index_values("Dress\nT-shirt") == "dress \n t shirt \n tshirt"


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_composed_and_decomposed_are_the_same(text: str) -> None:
    assert index_text(unicodedata.normalize("NFC", text)) == index_text(unicodedata.normalize("NFD", text))


@given(st.lists(WORD, min_size=1, max_size=5))
def test_case_does_not_matter(words: list[str]) -> None:
    text = " ".join(words)
    assert index_text(text.upper()) == index_text(text.title()) == index_text(text) == text


@given(st.lists(WORD, min_size=2, max_size=5))
def test_hyphens_do_not_matter_to_a_name(words: list[str]) -> None:
    assert key_of("-".join(words)) == key_of(" ".join(words)) == key_of("".join(words))
    (compound,) = analyse("-".join(words))
    assert (compound.text, " ".join(compound.parts)) == ("".join(words), " ".join(words))


@given(st.text())
def test_any_text_has_words_of_letters_and_digits(text: str) -> None:
    for token in analyse(text):
        assert len(token.text) > 0
        assert token.text == fold(token.text)
        assert not any(letter.isspace() or letter in f'{KEY}"*' for letter in token.text)


@pytest.mark.parametrize(
    "shape", ["a", "a-", "é", "连", "'", "-a", "a.", "\u0301", "\u200b", "a\u0301", "ﷺ", "1/", "กำ", " "]
)
def test_sixteen_times_the_text_costs_some_sixteen_times_the_work(shape: str) -> None:
    def cost(size: int, work: Callable[[str], object]) -> float:
        text = shape * (size // len(shape))
        started = time.process_time()
        work(text)
        return time.process_time() - started

    for work in (index_text, analyse, key_of):
        cost(2_000, work)
        small = min(cost(8_000, work) for _ in range(3))
        assert min(cost(128_000, work) for _ in range(2)) < 16 * 4 * small + 0.05


# Languages


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["dress", "dresses"]),
        ("en", ["accessory", "accessories"]),
        ("de", ["kleid", "kleider", "kleidern"]),
        ("de", ["rot", "rote", "roter", "rotes"]),
        ("es", ["zapato", "zapatos"]),
        ("fr", ["robe", "robes"]),
        ("it", ["scarpa", "scarpe"]),
        ("en", ["красная", "красное", "красные"]),
        ("zh", ["dress"]),
    ],
)
def test_words_of_one_stem(language: str, words: list[str]) -> None:
    assert len({stem(word, language) for word in words}) == 1


@pytest.mark.parametrize("word", ["ab1", "12cm", "连衣", "", "r2d2"])
def test_what_is_no_word_is_its_own_stem(word: str) -> None:
    assert {stem(word, language) for language in LANGUAGES} == {word}


@pytest.mark.parametrize(
    ("word", "language", "found"),
    [
        ("gray", "en", {"grey"}),
        ("jewellery", "en", {"jewelry"}),
        ("women", "en", {"woman", "womens"}),
        ("organiser", "en", {"organizer"}),
        ("knives", "en", {"knife"}),
        ("gruen", "de", {"grun"}),
        ("women", "de", set()),
        ("dress", "en", set()),
    ],
)
def test_variants(word: str, language: str, found: set[str]) -> None:
    assert set(variants(word, language)) == found
    assert all(word in variants(other, language) for other in found if language == "en")


def test_stop_words_are_folded_words() -> None:
    assert all(fold(word) == word for words in STOP_WORDS.values() for word in words)
    assert is_stop_word_anywhere("ohne") is False  # negation is understood elsewhere
    assert is_stop_word_anywhere("mit")
    assert set(STOP_WORDS) <= set(LANGUAGES)
