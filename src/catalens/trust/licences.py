"""Licence and origin of all that is in use: bundled weights, networks of others, installed packages."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal, TypeAlias

from packaging.requirements import InvalidRequirement, Requirement

from catalens.errors import ModelError, NotFoundError
from catalens.models.card import Card
from catalens.models.file_card import read_file_licence
from catalens.models.known import KnownNetwork, find_known
from catalens.models.licence import UNKNOWN, is_allowed, is_expression
from catalens.models.zoo import bundled_cards, find, find_card
from catalens.trust.datasets import Dataset, learned_from

Kind: TypeAlias = Literal["package", "weights", "network"]

PACKAGE = "catalens"
BASE = "base"
"""In place of an extra: what every installation needs."""
_SPDX: Mapping[str, str] = {
    "apache 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "bsd": "BSD-3-Clause",
    "gnu affero general public license v3": "AGPL-3.0-only",
    "gnu general public license v2 (gplv2)": "GPL-2.0-only",
    "gnu general public license v3 (gplv3)": "GPL-3.0-only",
    "gnu lesser general public license v3 (lgplv3)": "LGPL-3.0-only",
    "isc license (iscl)": "ISC",
    "isc license": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
}
"""SPDX names of what packages wrote before metadata 2.4; "BSD" alone is taken for the one of 3 clauses."""
_RECIPROCAL = {
    # By their titles: the text of the GPL names both others in its closing words.
    "AGPL": re.compile(r"GNU AFFERO GENERAL PUBLIC LICENSE|\bAGPL"),
    "LGPL": re.compile(r"GNU (LESSER|LIBRARY) GENERAL PUBLIC LICENSE|\bLGPL"),
    "GPL": re.compile(r"GNU General Public License", re.IGNORECASE),
    "non-commercial": re.compile(r"\bCC[ -]BY[ -]NC|Attribution-?Non-?Commercial", re.IGNORECASE),
}
_LICENCE_FILE = re.compile(r"licen[cs]e|copying|notice|third.?party", re.IGNORECASE)
_LONGEST_FILE = 2_000_000
"""Characters of a licence file that are read; the longest of a package in use here has 300,000."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing in use.

    Args:
        licence: SPDX expression, or "unknown".
        origin: where it is from; trained_on: what weights learned from, as their card says it.
        wanted_by: extras of this package that need a package; "base" for all installations.
        mentions: reciprocal or non-commercial licences that a package's licence files name, mostly for compiled
            libraries inside its wheel; `licence` is what the package says of itself.
        depends_on: names of packages, or of networks without which this one does not work.
        files: sha256 of the weights by file name; hub: their place on the hub, where they have one.
    """

    kind: Kind
    name: str
    version: str
    licence: str
    origin: str
    trained_on: str = ""
    datasets: tuple[Dataset, ...] = ()
    wanted_by: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    hub: str = ""
    card: Card | None = None

    @property
    def purl(self) -> str:
        """Package address of a Python package or of weights on the hub; "" where it has none."""
        if self.kind == "package":
            return f"pkg:pypi/{canonical(self.name)}@{self.version}"
        return f"pkg:huggingface/{self.hub}" if self.hub else ""

    def to_dict(self) -> dict[str, object]:
        """All that is known, for JSON."""
        return {
            "kind": self.kind,
            "name": self.name,
            "version": self.version,
            "licence": self.licence,
            "origin": self.origin,
            "trained_on": self.trained_on,
            "datasets": [
                {"name": one.name, "licence": one.licence, "source": one.source, "use": one.use}
                for one in self.datasets
            ],
            "wanted_by": list(self.wanted_by),
            "mentions": list(self.mentions),
            "depends_on": list(self.depends_on),
            "sha256": dict(self.files),
            "purl": self.purl,
        }


def inventory(models: Sequence[str] = ()) -> tuple[Part, ...]:
    """The bundled weights, networks of others by the names that `model=` takes, and the installed packages.

    Raises:
        NotFoundError: no network has one of the names.
        ModelError: a card that cannot be used.
    """
    bundled = [_of_card(find_card(name), "bundled") for name in bundled_cards()]
    others = {part.name: part for name in models for part in networks(name)}
    known = {part.name for part in bundled}
    return (*bundled, *(part for part in others.values() if part.name not in known), *packages())


def findings(parts: Iterable[Part], allowed: Collection[str]) -> tuple[Part, ...]:
    """What a list of SPDX names does not allow; data sets and teachers of weights count as their weights do."""
    return tuple(
        part
        for part in parts
        if not all(is_allowed(one, allowed) for one in (part.licence, *(data.licence for data in part.datasets)))
    )


def networks(name: str) -> tuple[Part, ...]:
    """What is known of a network, and of others that it needs.

    Raises:
        NotFoundError: no network, folder or file has that name.
        ModelError: a card that cannot be used.
    """
    found = find(name)
    if found.known is not None:
        return (_of_known(found.known), *(_needed(one) for one in found.known.needs))
    if found.card is not None:
        return (_of_card(found.card, "bundled" if name in bundled_cards() else found.place),)
    if found.form == "card":
        return (Part("network", name, "", UNKNOWN, "a classifier's head; its encoder is a network by itself"),)
    path = Path(found.place)
    if found.form == "application" or (found.form == "hf" and not path.is_dir()):
        return (Part("network", name, "", UNKNOWN, name, hub=found.place if found.form == "hf" else ""),)
    if not path.exists():
        raise NotFoundError(f"no file {found.place!r}", cure="check the path")
    files = {path.name: _sha256(path)} if path.is_file() else {}
    said = read_file_licence(path.with_suffix(".toml"))
    return (Part("network", name, "", said.license or UNKNOWN, said.origin or found.place, files=files),)


def packages() -> tuple[Part, ...]:
    """Installed packages that this one needs, with those that these need, by name; itself first."""
    try:
        own = distribution(PACKAGE)
    except PackageNotFoundError:
        raise NotFoundError(f"{PACKAGE} is not installed as a package", cure="run: pip install .") from None
    wanted: dict[str, set[str]] = {}
    for extra in (BASE, *(own.metadata.get_all("Provides-Extra") or ())):
        _walk(own, () if extra == BASE else (extra,), extra, wanted)
    found = {name: installed for name in wanted if (installed := _installed(name)) is not None}
    return (
        _of_package(own, (BASE,)),
        *(_of_package(one, tuple(sorted(wanted[name]))) for name, one in sorted(found.items())),
    )


def canonical(name: str) -> str:
    """A package's name as registries compare it: lower case, with single hyphens."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence_of(package: Distribution) -> str:
    """SPDX expression of what a package's metadata says, or "unknown".

    The expression of metadata 2.4 counts first, then a short text in the licence field, then the classifiers; of
    several classifiers each must be allowed, for they do not say whether one may choose.
    """
    stated = _said(package, "License-Expression")
    if is_expression(stated):
        return stated
    short = _said(package, "License")
    short = short.rpartition("::")[2].strip()
    named = _SPDX.get(short.casefold(), short)
    if is_expression(named) and named.casefold() not in {"license", "licence", "other", "unknown", "proprietary"}:
        return named
    classifiers = [one for one in package.metadata.get_all("Classifier") or () if one.startswith("License ::")]
    last = [one.rpartition("::")[2].strip() for one in classifiers]
    spdx = [_SPDX.get(one.casefold(), "") for one in last if one != "OSI Approved"]
    return " AND ".join(sorted(set(spdx))) if spdx and all(spdx) else UNKNOWN


def _said(package: Distribution, field: str) -> str:
    """A field of a package's metadata; "" where it has none."""
    return str((package.metadata.get_all(field) or [""])[0]).strip()


def _walk(package: Distribution, extras: Sequence[str], root: str, wanted: dict[str, set[str]]) -> None:
    """Note all that a package needs, under the extra that it is needed for."""
    for name, more in _requirements(package, extras, without_base=root != BASE and package.name == PACKAGE):
        seen = wanted.setdefault(name, set())
        key = root if not more else f"{root}[{','.join(more)}]"
        if key in seen:
            continue
        seen.add(key)
        installed = _installed(name)
        if installed is not None:
            _walk(installed, more, root, wanted)


def _requirements(
    package: Distribution, extras: Sequence[str], *, without_base: bool = False
) -> list[tuple[str, tuple[str, ...]]]:
    """Names, with extras, of what a package needs on this machine for some of its own extras."""
    found = []
    for text in package.requires or ():
        try:
            one = Requirement(text)
        except InvalidRequirement:
            continue  # of another package's metadata; it cannot be resolved by an installer either
        plain = one.marker is None or one.marker.evaluate({"extra": ""})
        if (plain and not without_base) or (
            not plain and one.marker is not None and any(one.marker.evaluate({"extra": extra}) for extra in extras)
        ):
            found.append((canonical(one.name), tuple(sorted(one.extras))))
    return found


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _of_package(package: Distribution, wanted_by: tuple[str, ...]) -> Part:
    names = {name for name, _ in _requirements(package, ())}
    return Part(
        kind="package",
        name=package.name,
        version=package.version,
        licence=licence_of(package),
        origin=_address(package),
        wanted_by=tuple(sorted({one.partition("[")[0] for one in wanted_by})),
        mentions=_mentions(package),
        depends_on=tuple(sorted(name for name in names if _installed(name) is not None)),
    )


def _address(package: Distribution) -> str:
    """Web address of its project: the home page, else the source, else the first that it names."""
    urls = [one.partition(",") for one in package.metadata.get_all("Project-URL") or ()]
    named = {label.strip().casefold(): address.strip() for label, _, address in urls}
    preferred = (named.get(label) for label in ("homepage", "home", "source", "source code", "repository", "github"))
    return _said(package, "Home-page") or next(filter(None, preferred), next(iter(named.values()), "PyPI"))


def _mentions(package: Distribution) -> tuple[str, ...]:
    """Reciprocal and non-commercial licences that its licence files name."""
    files = [one for one in package.files or () if ".dist-info/" in str(one) and _LICENCE_FILE.search(one.name)]
    found: set[str] = set()
    for file in files:
        try:
            text = Path(str(package.locate_file(file))).read_text("utf-8", errors="replace")[:_LONGEST_FILE]
        except OSError:
            continue  # listed and not installed
        found |= {name for name, pattern in _RECIPROCAL.items() if pattern.search(text)}
    return tuple(sorted(found))


def _of_card(card: Card, origin: str) -> Part:
    files = {card.weights.name: card.sha256}
    if card.text is not None:
        files[card.text.weights.name] = card.text.sha256
    said = [card.training.get("data", ""), f"began with {card.training['start']}" if "start" in card.training else ""]
    return Part(
        kind="weights",
        name=card.name,
        version=card.sha256[:12],
        licence=card.license,
        origin=origin,
        trained_on="; ".join(filter(None, said)),
        datasets=learned_from(card),
        files=files,
        card=card,
    )


def _of_known(known: KnownNetwork) -> Part:
    origin, learned = known.where, known.remarks or f"see {known.source}"
    return Part("network", known.key, "", known.license, origin, learned, depends_on=known.needs, hub=known.hub)


def _needed(place: str) -> Part:
    known = find_known(place)
    if known is not None:
        return _of_known(known)
    on_hub = re.fullmatch(r"[\w.-]+/[\w.-]+", place) is not None
    return Part("network", place, "", UNKNOWN, f"hf:{place}" if on_hub else "?", hub=place if on_hub else "")


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}", cure="check the path") from None
