"""What a filter lets pass: which of a few products are among it, and its vectors known again by an index."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalens.index.rows import RowFinder, SelectionCache
from catalens.search.filter_cache import Filtered


@pytest.mark.parametrize(
    ("passing", "asked", "expected"),
    [
        ([], [], set()),
        ([], [1, 2], set()),
        ([3, 7, 9], [], set()),
        ([3, 7, 9], [9, 3, 3, 4, 100, 0], {3, 9}),
    ],
    ids=["nothing", "none passes", "none asked", "some"],
)
def test_those_that_pass(passing: list[int], asked: list[int], expected: set[int]) -> None:
    assert Filtered(np.array(passing, np.int64)).among(asked) == expected


@given(st.sets(st.integers(0, 50)), st.lists(st.integers(0, 60)))
def test_those_that_pass_are_an_intersection(passing: set[int], asked: list[int]) -> None:
    assert Filtered(np.array(sorted(passing), np.int64)).among(asked) == passing & set(asked)


def test_a_selection_is_made_once() -> None:
    cache = SelectionCache(RowFinder(np.arange(10)))
    ids = np.array([1, 4])
    ids.flags.writeable = False
    first = cache.get(ids)
    assert cache.get(ids) is first
    assert cache.get(np.array([1, 4])) is first
    assert cache.get(np.array([1, 6])).rows.tolist() == [1, 6]


def test_ids_that_were_written_into_are_asked_anew() -> None:
    cache = SelectionCache(RowFinder(np.arange(10)))
    ids = np.array([1, 4])
    first = cache.get(ids)
    ids[1] = 5
    assert cache.get(ids).rows.tolist() == [1, 5]
    assert first.rows.tolist() == [1, 4]


def test_a_read_only_view_may_still_change() -> None:
    cache = SelectionCache(RowFinder(np.arange(10)))
    ids = np.array([1, 4])
    view = ids.view()
    view.flags.writeable = False
    assert cache.get(view).rows.tolist() == [1, 4]
    ids[1] = 5
    assert cache.get(view).rows.tolist() == [1, 5]
