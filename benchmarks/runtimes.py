"""How many pictures a second does the bundled encoder's network run, on which runtime, beside torch?

    python benchmarks/runtimes.py [--rounds 7]

The same network, rebuilt in torch from the weights that ship, is run by torch (float32), ONNX Runtime (float32, int8)
and OpenVINO (float32, int8), at batches of 1 and 16, on one and on all cores; in turn, round by round, so that a busy
moment hits all alike. Medians; ratios are against torch at the same batch and cores.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from catalens.models.card import Card, read_card
from catalens.models.onnx import OnnxNetwork
from catalens.models.openvino import OpenVinoNetwork
from catalens.models.zoo import DEFAULT_ENCODER, find_card
from catalens.training.export import export_encoder
from catalens.training.network import EncoderNetwork
from catalens.training.pretrained import network_of
from catalens.types import FloatArray

Run = Callable[[FloatArray], object]
AT_LEAST_S = 0.25


def in_torch(network: EncoderNetwork, threads: int) -> Run:
    def run(batch: FloatArray) -> object:
        torch.set_num_threads(threads)
        with torch.inference_mode():
            return network(torch.from_numpy(batch))

    return run


def runtimes(card: Card, exact: Card, network: EncoderNetwork, threads: int) -> dict[str, Run]:
    return {
        "torch float32": in_torch(network, threads),
        "ONNX Runtime float32": OnnxNetwork(exact, threads=threads),
        "ONNX Runtime int8": OnnxNetwork(card, threads=threads),
        "OpenVINO float32": OpenVinoNetwork(exact, threads=threads),
        "OpenVINO int8": OpenVinoNetwork(card, threads=threads),
    }


def rate(run: Run, batch: FloatArray) -> float:
    """Pictures a second, over a quarter of a second or more."""
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < AT_LEAST_S:
        run(batch)
        count += len(batch)
    return count / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    card = find_card(DEFAULT_ENCODER)
    network = network_of(card).eval()
    rng = np.random.default_rng(0)
    result: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        exact = read_card(
            export_encoder(network, None, Path(folder), photos=[], training={}, precision="float32").parent
        )
        for threads in sorted({1, os.cpu_count() or 1}):
            ways = runtimes(card, exact, network, threads)
            for size in (1, 16):
                batch = rng.normal(size=(size, 3, *card.preprocess.size)).astype(np.float32)
                rates: dict[str, list[float]] = {name: [] for name in ways}
                for _ in range(given.rounds):
                    for name, run in ways.items():
                        rates[name].append(rate(run, batch))
                base = statistics.median(rates["torch float32"])
                print(f"{threads} threads, batch {size}")
                for name, found in rates.items():
                    median = statistics.median(found)
                    result[f"{name}, {threads} threads, batch {size}"] = round(median / base, 2)
                    print(f"  {name:<24} {median:8.0f} pictures/s   {median / base:5.2f} x torch")
    print(json.dumps({"benchmark": "runtimes", "ratio_to_torch": result}))


if __name__ == "__main__":
    main()
