"""Large try-on networks by name: CatVTON and OOTDiffusion on Diffusers' networks, FASHN VTON by its own package."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalens.errors import ModelError, UsageError
from catalens.images.prepare import resize
from catalens.models.device import AUTO, RunsOn
from catalens.models.hub.catvton import CatVton
from catalens.models.hub.files import hub_errors
from catalens.models.hub.ootdiffusion import OotDiffusion
from catalens.models.hub.pipeline import called
from catalens.models.zoo import resolve
from catalens.taxonomy import garments, rules
from catalens.types import ImageArray


class Draws(Protocol):
    """What the networks have in common."""

    @property
    def runs_on(self) -> RunsOn:
        """The device and precision."""

    def __call__(
        self, person: ImageArray, garment: ImageArray, mask: NDArray[np.bool_], *, kind: str, seed: int
    ) -> ImageArray:
        """As of `TryOnNetwork`."""


class TryOnNetwork:
    """A large try-on network.

    Args:
        model: `catvton`, `ootdiffusion` or `fashn-vton`, or one of them with a folder of its files: `catvton:FOLDER`.
        device, dtype: as `models.device` says.

    Raises:
        UsageError: its licence forbids commercial use and was not accepted.
        ModelError: it runs code of its own repository.
        MissingExtraError, NotFoundError: what it needs is not here.
    """

    def __init__(self, model: str, *, accept_licence: str | None = None, device: str = AUTO, dtype: str = AUTO) -> None:
        found = resolve(model, task="tryon", forms=("known",), accept_licence=accept_licence)
        known = found.known
        if known is None or known.library == "own code":
            raise ModelError(
                f"{model} needs {' and '.join(known.needs) if known else 'code of its own'}: code that comes with "
                "weights is never run here",
                cure="run it from its own repository, or take catvton, ootdiffusion or fashn-vton",
            )
        self.name, self.license = known.name, known.license
        self._network: Draws = NETWORKS[known.key](found.place, device=device, dtype=dtype)

    @property
    def runs_on(self) -> RunsOn:
        """The device and precision."""
        return self._network.runs_on

    def __call__(
        self, person: ImageArray, garment: ImageArray, mask: NDArray[np.bool_], *, kind: str, seed: int = 0
    ) -> ImageArray:
        """Draw the garment on the person.

        Args:
            person, garment: HWC uint8.
            mask: HxW of the person's photo, where it may draw.
            kind: of the garment.

        Returns:
            HWC uint8 of the photo's size; outside the mask it means nothing.

        Raises:
            ModelError: it did not work, for want of memory or because its files do not belong together.
        """
        with called(self.name):
            return self._network(person, garment, mask, kind=kind, seed=seed)


class Loads(Protocol):
    """Loads one of them from its place."""

    def __call__(self, source: str, *, device: str, dtype: str) -> Draws: ...


class Fashn:
    """FASHN VTON v1.5 through its own package, `fashn_vton`, which chooses device and precision itself.

    Args:
        source: folder of its weights, as its script `download_weights.py` fills it.
    """

    def __init__(self, source: str, *, device: str = AUTO, dtype: str = AUTO) -> None:
        if (device, dtype) != (AUTO, AUTO):
            raise UsageError("fashn_vton chooses its device itself", cure="leave device and dtype out")
        self.runs_on = RunsOn("chosen by fashn_vton")
        try:
            from fashn_vton import TryOnPipeline
        except ImportError:
            raise ModelError(
                "the package fashn_vton is not installed",
                cure="install it from github.com/fashn-AI/fashn-vton-1.5, get its weights, and name fashn-vton:FOLDER",
            ) from None
        if not Path(source).is_dir():
            raise ModelError("its weights are read from a folder", cure="name it: fashn-vton:FOLDER")
        with hub_errors(source, cure="fill the folder by its own script, download_weights.py"):
            self._pipeline = TryOnPipeline(weights_dir=source)

    def __call__(
        self, person: ImageArray, garment: ImageArray, mask: NDArray[np.bool_], *, kind: str, seed: int
    ) -> ImageArray:
        del mask, seed  # it takes neither
        category = rules()["datasets"]["fashn"][garments()[kind].span]
        shown, cloth = Image.fromarray(person), Image.fromarray(garment)
        found = self._pipeline(person_image=shown, garment_image=cloth, category=category)
        drawn = np.asarray(found.images[0].convert("RGB"), np.uint8)
        return resize(drawn, (person.shape[0], person.shape[1]))


NETWORKS: dict[str, Loads] = {"catvton": CatVton, "ootdiffusion": OotDiffusion, "fashn-vton": Fashn}
