"""Learning curves as a picture."""

from __future__ import annotations

from pathlib import Path

from catalens.errors import MissingExtraError
from catalens.json_text import parse_json


def draw_curves(log: Path, out: Path) -> None:
    """Draw the losses of a JSON-lines log (`step`, `seconds`, losses by name) over minutes; nothing if it is empty."""
    rows = [parse_json(line) for line in log.read_text("utf-8").splitlines()]
    if not rows:
        return
    try:
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot as plt
    except ImportError:
        raise MissingExtraError.of("matplotlib", extra="train") from None
    names = [name for name in rows[0] if name not in {"step", "seconds"}]
    figure, axes = plt.subplots(1, len(names), figsize=(4 * len(names), 3), layout="constrained", squeeze=False)
    for axis, name in zip(axes[0], names, strict=True):
        axis.plot([row["seconds"] / 60 for row in rows], [row[name] for row in rows], marker=".")
        axis.set(title=name, xlabel="minutes", ylim=(0, None))
        axis.grid(alpha=0.3)
    figure.savefig(out, dpi=120)
    plt.close(figure)
