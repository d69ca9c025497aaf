"""Photos that look the same are found among many, just as by comparing each with each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from catalens.tasks.listing.duplicates import (
    COLOR_DISTANCE,
    HASH_DISTANCE,
    PARTS,
    Duplicates,
    Fingerprint,
    fingerprint_of,
)

HASHES = (0, 0x0F0F_3355_00FF_81A5, 2**64 - 1)


@st.composite
def looks(draw: st.DrawFn) -> Fingerprint:
    """Few hashes with up to six bits turned, few greys: many are about as near as still counts."""
    turned = draw(st.sets(st.integers(0, 63), max_size=HASH_DISTANCE + 2))
    return Fingerprint(
        draw(st.sampled_from(HASHES)) ^ sum(1 << bit for bit in turned), bytes([draw(st.integers(0, 25))]) * 8
    )


@given(st.lists(looks(), max_size=30))
def test_the_first_that_looks_the_same_is_found(given: list[Fingerprint]) -> None:
    duplicates = Duplicates()
    for place, fingerprint in enumerate(given):
        before = (
            other
            for other, one in enumerate(given[:place])
            if bin(one.hash ^ fingerprint.hash).count("1") <= HASH_DISTANCE
            and abs(one.small[0] - fingerprint.small[0]) <= COLOR_DISTANCE
        )
        first = next(before, None)
        assert duplicates.add(Path(str(place)), fingerprint) == (None if first is None else Path(str(first)))


def test_parts_share_all_bits_out() -> None:
    assert sum(PARTS) == 2**64 - 1
    assert len(PARTS) == HASH_DISTANCE + 1


def test_a_look_is_of_shape_and_color() -> None:
    rng = np.random.default_rng(0)
    photo = np.kron(rng.integers(0, 200, (8, 9, 3)), np.ones((20, 20, 1))).astype(np.uint8)
    assert fingerprint_of(photo).is_same(fingerprint_of(photo))
    assert fingerprint_of(photo).is_same(fingerprint_of(photo + 3))
    assert not fingerprint_of(photo).is_same(fingerprint_of(photo[::-1]))
    assert not fingerprint_of(photo).is_same(fingerprint_of(photo + 40))  # the same shape, another color
    assert len(fingerprint_of(photo).small) == 16 * 16 * 3
