"""Photos that look the same are found among many, just as by comparing each with each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from catalens.tasks.listing.twins import ALIKE, PARTS, SAME, Look, Twins, look_of

HASHES = (0, 0x0F0F_3355_00FF_81A5, 2**64 - 1)


@st.composite
def looks(draw: st.DrawFn) -> Look:
    """Few hashes with up to six bits turned, few greys: many are about as near as still counts."""
    turned = draw(st.sets(st.integers(0, 63), max_size=SAME + 2))
    return Look(draw(st.sampled_from(HASHES)) ^ sum(1 << bit for bit in turned), bytes([draw(st.integers(0, 25))]) * 8)


@given(st.lists(looks(), max_size=30))
def test_the_first_that_looks_the_same_is_found(given: list[Look]) -> None:
    twins = Twins()
    for place, look in enumerate(given):
        before = (
            other
            for other, one in enumerate(given[:place])
            if bin(one.hash ^ look.hash).count("1") <= SAME and abs(one.small[0] - look.small[0]) <= ALIKE
        )
        first = next(before, None)
        assert twins.add(Path(str(place)), look) == (None if first is None else Path(str(first)))


def test_parts_share_all_bits_out() -> None:
    assert sum(PARTS) == 2**64 - 1
    assert len(PARTS) == SAME + 1


def test_a_look_is_of_shape_and_color() -> None:
    rng = np.random.default_rng(0)
    photo = np.kron(rng.integers(0, 200, (8, 9, 3)), np.ones((20, 20, 1))).astype(np.uint8)
    assert look_of(photo).is_same(look_of(photo))
    assert look_of(photo).is_same(look_of(photo + 3))
    assert not look_of(photo).is_same(look_of(photo[::-1]))
    assert not look_of(photo).is_same(look_of(photo + 40))  # the same shape, another color
    assert len(look_of(photo).small) == 16 * 16 * 3
