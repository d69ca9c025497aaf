"""The training loop: by the clock, so that a run ends annealed; with checkpoints, an average, a log, curves."""

from __future__ import annotations

import itertools
import json
import math
import queue
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from catalens.errors import NotFoundError
from catalens.learning.networks.curves import draw_curves
from catalens.learning.networks.encoder import Average, inherit
from catalens.progress import progress_bar

CHECKPOINT = "checkpoint.pt"
WARM_UP = 0.04
"""Share of the time in which the learning rate rises."""
SAVE_EVERY_S = 60.0
AHEAD = 4
"""Batches that are made before they are asked for."""
DECAY, LONGEST_STEP = 0.05, 2.0
"""Weight decay; the norm that a gradient is cut to."""

B = TypeVar("B")


class Part(Protocol):
    """State that a checkpoint saves and restores, as of torch's modules and optimisers."""

    def state_dict(self) -> Any: ...

    def load_state_dict(self, state_dict: Any) -> Any: ...


class Learner(ABC, Generic[B]):
    """What `train` teaches: networks, their optimisers, and how far they are; all of it is in a checkpoint."""

    step = 0
    seconds = 0.0

    @abstractmethod
    def learn(self, batch: B, *, rate: float) -> dict[str, float]:
        """One step; returns the losses."""

    @abstractmethod
    def parts(self) -> Mapping[str, Part]:
        """What learns, by its name in a checkpoint."""

    def save(self, path: Path) -> None:
        """Write a checkpoint beside the old one, then put it in its place."""
        state = {name: part.state_dict() for name, part in self.parts().items()}
        torch.save({**state, "step": self.step, "seconds": self.seconds}, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint.

        Raises:
            NotFoundError: there is none.
        """
        state = read_checkpoint(path)
        for name, part in self.parts().items():
            part.load_state_dict(state[name])
        self.step, self.seconds = state["step"], state["seconds"]


class Run(Learner[B]):
    """A network in training, and its optimiser.

    Args:
        network: on the device that it is trained on; an average of its weights over time is what ships.
        losses: of a batch, by name.
        heads: what is trained beside the network and thrown away.
        weights: of the losses; 1 where they are not named.
    """

    def __init__(
        self,
        network: nn.Module,
        losses: Callable[[B], dict[str, Tensor]],
        *,
        heads: nn.Module | None = None,
        weights: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self.network, self.heads = network, nn.Module() if heads is None else heads
        self._losses, self._weights = losses, weights
        self.average = Average(network)
        self._learned = [*self.network.parameters(), *self.heads.parameters()]
        self.optimizer = torch.optim.AdamW(self._learned, weight_decay=DECAY, fused=True)

    @property
    def device(self) -> torch.device:
        """Where it learns."""
        return self._learned[0].device

    def parts(self) -> Mapping[str, Part]:
        """What learns, by its name in a checkpoint."""
        average = self.average.network
        return {"network": self.network, "heads": self.heads, "average": average, "optimizer": self.optimizer}

    def inherit(self, path: Path) -> None:
        """Begin with what an earlier run learned, also where its networks were smaller.

        Raises:
            NotFoundError: there is no such checkpoint.
        """
        state = read_checkpoint(path)
        self.take(state["average"])
        inherit(self.heads, state["heads"])

    def take(self, state: Mapping[str, Tensor]) -> None:
        """Begin with these weights of the network, as `network.inherit` takes them."""
        inherit(self.network, state)
        inherit(self.average.network, state)

    def learn(self, batch: B, *, rate: float) -> dict[str, float]:
        """One step; returns the losses."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        losses = self._losses(batch)
        self.optimizer.zero_grad()
        each = torch.stack(list(losses.values()))
        (each @ each.new_tensor([self._weights.get(name, 1.0) for name in losses])).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._learned, LONGEST_STEP)
        self.optimizer.step()
        self.step += 1
        self.average.update(self.network, step=self.step)
        return dict(zip(losses, each.tolist(), strict=True))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What `Learner.save` wrote.

    Raises:
        NotFoundError: there is no such file.
    """
    if not path.is_file():
        raise NotFoundError(f"no checkpoint at {path}", cure="name the folder of a run, or start again")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def rate_at(share: float, *, peak: float) -> float:
    """Learning rate after this share (0..1) of the time: a short warm-up, then half a cosine down to nothing."""
    falling = 0.5 * (1 + math.cos(math.pi * max(0.0, (share - WARM_UP) / (1 - WARM_UP))))
    return peak * min(1.0, share / WARM_UP) * falling + 1e-6


def half_precision(device: torch.device) -> AbstractContextManager[Any]:
    """Compute in bfloat16 where that is quicker: on a GPU. Processors without matrix units for it lose a third."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def sampled_batches(draw: Callable[[np.random.Generator], B], *, seed: int) -> Iterator[B]:
    """Batches for ever, made in a thread of its own."""
    rng = np.random.default_rng(seed)
    return prefetched(draw(rng) for _ in itertools.count())


def prefetched(batches: Iterator[B]) -> Iterator[B]:
    """Prefetch batches in a thread; exceptions of the thread are raised here."""
    ready: queue.Queue[tuple[B] | Exception | None] = queue.Queue(AHEAD)

    def work() -> None:
        try:
            for batch in batches:
                ready.put((batch,))
            ready.put(None)
        except Exception as error:  # raised again where it is waited for
            ready.put(error)

    threading.Thread(target=work, daemon=True).start()
    while (found := ready.get()) is not None:
        if isinstance(found, Exception):
            raise found
        yield found[0]


def train(
    run: Learner[B],
    batches: Iterator[B],
    *,
    out: Path,
    minutes: float,
    rate: float,
    at: Callable[[float], None] = lambda _: None,
) -> None:
    """Train until the minutes are over, those of earlier runs counted in; checkpoints and curves go to `out`.

    Args:
        rate: highest learning rate.
        at: told before each step which share of the time is over, 0 to 1.
    """
    out.mkdir(parents=True, exist_ok=True)
    smooth: dict[str, float] = {}
    started, saved = time.perf_counter() - run.seconds, run.seconds

    def keep() -> None:
        run.save(out / CHECKPOINT)
        log.write(json.dumps({"step": run.step, "seconds": round(run.seconds), **smooth}) + "\n")
        log.flush()

    with progress_bar() as bar, (out / "log.jsonl").open("a", encoding="utf-8") as log:
        task = bar.add_task("training", total=minutes * 60)
        while (seconds := time.perf_counter() - started) < minutes * 60:
            share = seconds / (minutes * 60)
            at(share)
            losses = run.learn(next(batches), rate=rate_at(share, peak=rate))
            smooth = {name: 0.98 * smooth.get(name, loss) + 0.02 * loss for name, loss in losses.items()}
            bar.update(task, completed=seconds, description=" ".join(f"{n} {v:.3f}" for n, v in smooth.items()))
            if seconds - saved > SAVE_EVERY_S:
                run.seconds = saved = seconds
                keep()
        if smooth:
            run.seconds = time.perf_counter() - started
            keep()
    draw_curves(out / "log.jsonl", out / "curves.png")
