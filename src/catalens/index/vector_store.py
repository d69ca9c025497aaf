"""What an index needs of the store of its vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from catalens.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Space:
    """A set of vectors that may be compared with each other: one per encoder, one per hand-made feature."""

    id: int
    name: str
    dim: int


class VectorStore(Protocol):
    """Vectors by id, in spaces. Ids are positive, ascend with time and are never used twice."""

    def data_version(self) -> int:
        """Return a number that changes with every commit, of any process; comparable within this object only."""

    def spaces(self) -> tuple[Space, ...]:
        """All spaces, oldest first."""

    def space(self, name: str) -> Space | None:
        """Find a space by its name; None where there is no vector in it yet."""

    def vectors_after(self, space_id: int, vector_id: int) -> tuple[IntArray, IntArray, FloatArray]:
        """Vectors of a space that came after `vector_id` (0: all of them).

        Returns:
            Vector ids (N,) ascending, picture ids (N,), data (N, dim) float32.

        Raises:
            CatalogDamagedError: a vector is not what was written.
        """

    def erased_after(self, space_id: int, seq: int) -> tuple[IntArray, int]:
        """Vectors of a space that were removed after `seq` (0: ever): their ids, and the `seq` to go on from."""

    def last_vector(self, space_id: int) -> int:
        """The greatest id that a vector of the space has, or had before it was erased; 0 where it never had one."""

    def raw_vectors(self, space_id: int, vector_ids: IntArray) -> Mapping[int, FloatArray]:
        """Vector id -> vector (dim,), as it is stored, damaged or not; ids that are not in the space lack."""
