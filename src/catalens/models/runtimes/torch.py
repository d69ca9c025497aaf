"""PyTorch networks in files: TorchScript (.pt), or an exported program (.pt2)."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from catalens.errors import MissingExtraError, ModelError
from catalens.models.device import AUTO, RunsOn, place_torch
from catalens.models.runtimes.base import Run, chosen
from catalens.types import FloatArray


def load_torch(
    path: Path, *, output: str | None, threads: int, device: str = AUTO, dtype: str = AUTO
) -> tuple[Run, RunsOn]:
    """Load an archive of code and weights; a pickle of Python objects, which could run anything, is refused.

    Raises:
        MissingExtraError: torch is not installed.
        ModelError: it is neither.
        UsageError: a device that is not there.
    """
    try:
        import torch
    except ImportError:
        raise MissingExtraError.of("torch", extra="train") from None
    torch.set_num_threads(threads)
    # A program remembers the precision that it was exported in.
    runs_on = place_torch(torch, device, "float32" if dtype == AUTO else dtype)
    kind = getattr(torch, runs_on.dtype)
    try:
        if not zipfile.is_zipfile(path):  # asked first, for torch.export logs its stack trace
            raise zipfile.BadZipFile
        is_program = path.suffix == ".pt2"
        network = torch.export.load(path).module() if is_program else torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    except Exception as error:  # a plain pickle fails here, in one of many ways
        raise ModelError(
            f"{path} is neither TorchScript nor an exported program ({type(error).__name__})",
            cure="write it with torch.jit.save or torch.export.save; a pickle is never loaded",
        ) from None

    if runs_on.is_gpu or runs_on.dtype != "float32":
        network = network.to(runs_on.device, kind)

    def run(batch: FloatArray) -> Any:
        with torch.inference_mode():
            given = torch.from_numpy(batch).to(runs_on.device, kind)
            return chosen(network(given), output).float().cpu().numpy()

    return run, runs_on
