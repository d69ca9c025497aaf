"""How many pictures a second does a network run, and in how much memory, on which runtime, beside torch?

    python benchmarks/runtimes.py [--network bundled|resnet-50] [--rounds 7]

`bundled` is the network that ships, rebuilt in torch from its weights; `resnet-50` is the one of Transformers, with
random weights, run by Transformers in torch. Each is run by torch (float32), ONNX Runtime (float32, int8) and OpenVINO
(float32, bfloat16, int8), at batches of 1 and 16, on one and on all cores; in turn, round by round, so that a busy
moment hits all alike. Medians; ratios are against torch at the same batch and cores. Memory is the most that a process
of its own held (resident, with Python and what it imports) while it ran batches of 16 on one core. Needs Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from catalens.models.card import Card, read_card
from catalens.models.runtimes.onnx import OnnxNetwork
from catalens.models.runtimes.openvino import OpenVinoNetwork
from catalens.models.zoo import DEFAULT_ENCODER, find_card
from catalens.types import FloatArray

if TYPE_CHECKING:
    import torch

Run = Callable[[FloatArray], object]
AT_LEAST_S = 0.25
NETWORKS = ("bundled", "resnet-50")
WAYS = (
    "torch float32", "ONNX Runtime float32", "ONNX Runtime int8", "OpenVINO float32", "OpenVINO bfloat16",
    "OpenVINO int8",
)  # fmt: skip


def in_torch(name: str) -> torch.nn.Module:
    """The network as torch runs it, giving vectors (N, D). Imports are here, for torch alone takes memory."""
    import torch

    if name == "bundled":
        from catalens.learning.networks.pretrained import network_of

        return network_of(find_card(DEFAULT_ENCODER)).eval()
    from transformers import ResNetConfig, ResNetModel

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = ResNetModel(ResNetConfig())

        def forward(self, x: torch.Tensor) -> Any:
            return self.network(pixel_values=x, return_dict=False)[1].flatten(1)

    return Pooled().eval()


def exported(name: str, folder: Path) -> tuple[Card, Card | None]:
    """Cards of the float32 and of the int8 file; None where there is no int8 one."""
    card = find_card(DEFAULT_ENCODER)
    if name == "bundled":
        from catalens.learning.networks.export import export_encoder

        out = export_encoder(in_torch(name), folder, training={}, name=name)  # type: ignore[arg-type]
        return read_card(out.parent), card
    import torch

    example, axes = torch.zeros(2, 3, 224, 224), {0: "n"}
    torch.onnx.export(
        in_torch(name), (example,), folder / "net.onnx", dynamo=False,
        input_names=["x"], output_names=["vectors"], dynamic_axes={"x": axes, "vectors": axes},
    )  # fmt: skip
    prepared = replace(card.preprocess, size=(224, 224))
    return replace(card, weights=folder / "net.onnx", dim=2048, preprocess=prepared, text=None), None


def loaded(way: str, name: str, exact: Card, small: Card | None, threads: int) -> Run | None:
    """A way to run the network; None where there is no such file."""
    if way == "torch float32":
        import torch

        network = in_torch(name)

        def run(batch: FloatArray) -> object:
            torch.set_num_threads(threads)
            with torch.inference_mode():
                return network(torch.from_numpy(batch))

        return run
    card = small if way.endswith("int8") else exact
    if card is None:
        return None
    if way.startswith("ONNX"):
        return OnnxNetwork(card, threads=threads)
    return OpenVinoNetwork(card, threads=threads, arithmetic="bfloat16" if way.endswith("bfloat16") else "float32")


def pictures(card: Card, count: int) -> FloatArray:
    return np.random.default_rng(0).normal(size=(count, 3, *card.preprocess.size)).astype(np.float32)


def rate(run: Run, batch: FloatArray) -> float:
    """Pictures a second, over a quarter of a second or more."""
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < AT_LEAST_S:
        run(batch)
        count += len(batch)
    return count / (time.perf_counter() - started)


def memory_mb(way: str, name: str, exact: Card) -> float:
    """The most that a child process held while it ran."""
    words = [sys.executable, __file__, "--network", name, "--child", way, "--weights", str(exact.weights)]
    return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()[-1])


def child(way: str, name: str, weights: Path) -> None:
    card = find_card(DEFAULT_ENCODER)
    if name == "bundled":
        exact, small = replace(card, weights=weights), card
    else:
        exact = replace(card, weights=weights, dim=2048, preprocess=replace(card.preprocess, size=(224, 224)))
        small = None
    run = loaded(way, name, exact, small, 1)
    batch = pictures(exact, 16)
    for _ in range(3):
        if run is not None:
            run(batch)
    # getrusage's figure would be the parent's, which a child keeps.
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    print(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--network", choices=NETWORKS, default="bundled")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--child", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--weights", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        child(given.child, given.network, given.weights)
        return
    result: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        exact, small = exported(given.network, Path(folder))
        for threads in sorted({1, os.cpu_count() or 1}):
            found = {way: loaded(way, given.network, exact, small, threads) for way in WAYS}
            ways = {way: run for way, run in found.items() if run is not None}
            for size in (1, 16):
                batch = pictures(exact, size)
                rates: dict[str, list[float]] = {way: [] for way in ways}
                for _ in range(given.rounds):
                    for way, run in ways.items():
                        rates[way].append(rate(run, batch))
                base = statistics.median(rates["torch float32"])
                print(f"{threads} threads, batch {size}")
                for way, seen in rates.items():
                    median = statistics.median(seen)
                    result[f"{way}, {threads} threads, batch {size}"] = round(median / base, 2)
                    print(f"  {way:<24} {median:8.0f} pictures/s   {median / base:5.2f} x torch", flush=True)
        memory = {way: round(memory_mb(way, given.network, exact)) for way in ways}
    print("memory, MB: " + ", ".join(f"{way} {size}" for way, size in memory.items()))
    print(
        json.dumps({"benchmark": "runtimes", "network": given.network, "ratio_to_torch": result, "memory_mb": memory})
    )


if __name__ == "__main__":
    main()
