"""`python -m benchmarks.all`: its rows name benchmarks that exist, and read their figures."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.all import ROWS, Row, interval, text_of
from tests.pages import ROOT

SCORE = {"value": 0.7703, "n": 296, "low": 0.723, "high": 0.8209}
PRINTED: dict[str, list[dict[str, Any]]] = {
    "encoder": [
        {
            "benchmark": "encoder",
            "near_duplicates": {},
            "catalens-encoder-s@1234": {
                "grocery photo -> shop picture R@1": SCORE,
                "clothing category 1-NN": SCORE,
                "fashion-products words -> picture P@10": SCORE,
            },
        }
    ],
    "few_labels": [
        {"set": "fashion-products", "labels": 20, "per_label": 20, "head": "lda", "accuracy": 0.7863},
        {"set": "clothing", "labels": 10, "per_label": 20, "head": "lda", "accuracy": 0.893},
    ],
    "detect": [{"catalens-detector-s": {"AP50": SCORE}}],
    "look": [{"things found": {"look": SCORE}}],
    "outfit": [{"links": [{"links": "related", "way": "outfits", **SCORE, "times": "x3.23"}]}],
    "kill": [{"kills": 100, "acknowledged_calls": 220, "lost": 0}],
    "power": [{"cuts": 40, "acknowledged_calls": 400, "lost": 0}],
    "serve": [{"catalens at 4x": {"p99 ms": 102.0}}],
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.task} {row.script}")
def test_each_row_reads_what_its_benchmark_prints(row: Row) -> None:
    assert (ROOT / "benchmarks" / f"{row.script}.py").is_file()
    assert text_of(row, []).startswith("not measured")
    assert text_of(row, [{"another": 1}]).startswith("not measured")
    said = text_of(row, PRINTED[row.script])
    assert not said.startswith("not measured")
    assert any(figure in said for figure in ("0.77 [0.72, 0.82], n = 296", "0.79", "0 lost", "102.0 ms"))


def test_an_interval_has_its_bounds_and_its_number_of_items() -> None:
    assert interval(SCORE) == "0.77 [0.72, 0.82], n = 296"
