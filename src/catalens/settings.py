"""The only reader of the environment. Every variable starts with `CATALENS_`."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path


def data_folder() -> Path:
    """Folder of the public photo sets that real-data tests and benchmarks read (`CATALENS_DATA`)."""
    return Path(os.environ.get("CATALENS_DATA", "../shared/data"))


def teacher_folder() -> Path:
    """Folder of the teacher networks that training recipes read (`CATALENS_TEACHERS`)."""
    return Path(os.environ.get("CATALENS_TEACHERS", "../shared/teachers"))


def models_folder() -> Path:
    """Cache of networks that `catalens models pull` fetches: `CATALENS_MODELS`, else in the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    return Path(os.environ.get("CATALENS_MODELS") or Path(home) / "catalens" / "models")


def models_mirror() -> str | None:
    """A folder or http(s) address that networks are pulled from, instead of their makers' addresses: a copy of such a
    cache (`CATALENS_MODELS_MIRROR`).
    """
    return os.environ.get("CATALENS_MODELS_MIRROR") or None


def threads() -> int:
    """Worker threads to use: `CATALENS_THREADS`, else the cores that this process may run on."""
    wanted = os.environ.get("CATALENS_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def share_between(workers: int, *, metrics: Path) -> None:
    """Share the cores among worker processes started later, and their Prometheus metrics in one folder."""
    os.environ["CATALENS_THREADS"] = str(max(1, threads() // workers))
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)


def device() -> str:
    """Where networks run if nothing else is said: `CATALENS_DEVICE`, else "auto" (`models.device`)."""
    return os.environ.get("CATALENS_DEVICE") or "auto"


def dtype() -> str:
    """In which precision, if nothing else is said: `CATALENS_DTYPE`, else "auto"."""
    return os.environ.get("CATALENS_DTYPE") or "auto"


def accepted_licence() -> str | None:
    """Name of a licence that limits commercial use and is accepted all the same (`CATALENS_ACCEPT_LICENCE`)."""
    return os.environ.get("CATALENS_ACCEPT_LICENCE") or None


def accept_licence(name: str) -> None:
    """Accept a licence by name for the rest of this process (`--accept-licence`)."""
    os.environ["CATALENS_ACCEPT_LICENCE"] = name


def allowed_licences() -> frozenset[str] | None:
    """Licences of networks that may be loaded (`CATALENS_ALLOW_LICENCES`, separated by commas); None where all may."""
    listed = os.environ.get("CATALENS_ALLOW_LICENCES", "")
    return licence_names(listed) if listed.strip() else None


def licence_names(listed: str) -> frozenset[str]:
    """SPDX names separated by commas."""
    return frozenset(name.strip() for name in listed.split(",") if name.strip())


def allow_licences(names: str) -> None:
    """Load only networks under these licences, separated by commas, for the rest of this process and its workers."""
    os.environ["CATALENS_ALLOW_LICENCES"] = names


def prefer_torch_for_keras() -> None:
    """Let Keras run on torch where nothing else was chosen (`KERAS_BACKEND`) and TensorFlow is not installed."""
    if "KERAS_BACKEND" not in os.environ and find_spec("tensorflow") is None:
        os.environ["KERAS_BACKEND"] = "torch"


def describer_key() -> str | None:
    """Key of the endpoint that describes products (`CATALENS_DESCRIBER_KEY`)."""
    return os.environ.get("CATALENS_DESCRIBER_KEY") or None


def font() -> str | None:
    """A font file for the letters in drawn pictures, asked before those of the system (`CATALENS_FONT`)."""
    return os.environ.get("CATALENS_FONT") or None


def debug() -> bool:
    """Let unexpected errors of the command line through with their trace (`CATALENS_DEBUG=1`)."""
    return os.environ.get("CATALENS_DEBUG", "") not in {"", "0"}


def completing() -> bool:
    """Whether the shell asks for completions of a command line, by the variable that Typer names so."""
    return "_CATALENS_COMPLETE" in os.environ
