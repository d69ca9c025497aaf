"""PyTorch networks in TorchScript files (.pt).

An exported program (.pt2) is refused: torch.export.load evaluates texts of the file as Python (sizes by sympy,
operators by their names in torch), and unpickles members of it without limits.
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from catalens.errors import MissingExtraError, ModelError
from catalens.models.device import AUTO, RunsOn, place_torch
from catalens.models.runtimes.base import Run, chosen
from catalens.models.untrusted import regular_file
from catalens.types import FloatArray

_SCRIPT_WRITES = re.compile(rb"\b(?:save|from_file|print|_print|load_tensor)\b")
"""Operators of TorchScript that write or map files of any name, or print."""
_SCRIPT_MEMBERS = (".py", ".debug_pkl", "/data.pkl", "/constants.pkl", "/version", "/byteorder", "/serialization_id")
_SCRIPT_DATA = re.compile(r"[^/]+/(?:constants|data|traced_inputs|\.data|extra)(?:/[\w.\-]+|\.pkl)")
"""Members that an archive may have, as torch.jit.save writes them."""


def load_torch(
    path: Path, *, output: str | None, threads: int, device: str = AUTO, dtype: str = AUTO
) -> tuple[Run, RunsOn]:
    """Load an archive of code and weights; a pickle of Python objects and an exported program could run anything.

    Raises:
        MissingExtraError: torch is not installed.
        ModelError: it is no TorchScript, or one that writes files.
        UsageError: a device that is not there.
    """
    try:
        import torch
    except ImportError:
        raise MissingExtraError.of("torch", extra="train") from None
    archive = _checked(path)
    torch.set_num_threads(threads)
    # A program remembers the precision that it was exported in.
    runs_on = place_torch(torch, device, "float32" if dtype == AUTO else dtype)
    kind = getattr(torch, runs_on.dtype)
    try:
        network = torch.jit.load(archive, map_location="cpu")  # type: ignore[no-untyped-call]
    except Exception as error:
        raise _no_script(path, error) from None
    if runs_on.is_gpu or runs_on.dtype != "float32":
        network = network.to(runs_on.device, kind)

    def run(batch: FloatArray) -> Any:
        with torch.inference_mode():
            given = torch.from_numpy(batch).to(runs_on.device, kind)
            return chosen(network(given), output).float().cpu().numpy()

    return run, runs_on


def _checked(path: Path) -> io.BytesIO:
    """A TorchScript archive, written anew from what was checked, so that torch sees nothing else.

    Raises:
        ModelError: it is none, its code writes files or prints, or it holds compiled code.
    """
    regular_file(path)
    fresh = io.BytesIO()
    try:
        with path.open("rb") as file:
            if file.read(4) != b"PK\3\4":  # torch decides by the first bytes, zipfile by the last ones
                raise zipfile.BadZipFile("no archive")
        with zipfile.ZipFile(path) as archive, zipfile.ZipFile(fresh, "w") as checked:
            names = archive.namelist()
            parts = [PurePosixPath(name).parts[1:] for name in names]
            if ("constants.pkl",) not in parts or len(set(names)) < len(names):
                raise zipfile.BadZipFile("no TorchScript")
            for name in names:
                text = archive.read(name)
                found = _SCRIPT_WRITES.search(text) if name.endswith(".py") else None
                if found or (not name.endswith(_SCRIPT_MEMBERS) and not _SCRIPT_DATA.fullmatch(name)):
                    what = f"{found.group().decode()} in {name}" if found else name
                    raise ModelError(f"{path} holds {what!r}, which a network has no need of", cure="export it without")
                checked.writestr(name, text)
    except ModelError:
        raise
    except Exception as error:  # a damaged archive fails in many ways
        raise _no_script(path, error) from None
    fresh.seek(0)
    return fresh


def _no_script(path: Path, error: Exception) -> ModelError:
    return ModelError(
        f"{path} is no TorchScript ({type(error).__name__})",
        cure="write it with torch.jit.save, or export it to ONNX (onnx:FILE); a pickle is never loaded, and no .pt2",
    )
