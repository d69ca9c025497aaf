"""Check photos: one, or a folder, with duplicates in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from PIL import Image

from catalens import options, settings
from catalens.errors import CatalensError, NotFoundError, UsageError
from catalens.images.decode import decode_header, decode_pixels
from catalens.images.draw import distinct_names, encode_image
from catalens.images.folder import photos_in
from catalens.images.mark import read_mark
from catalens.images.read import ImageLike, read_bytes, read_rgba
from catalens.images.srgb import composite_on_white
from catalens.show import Shown
from catalens.tasks.listing import repair
from catalens.tasks.listing.duplicates import Duplicates, Fingerprint, fingerprint_of
from catalens.tasks.listing.measures import (
    ENDINGS,
    AlphaOf,
    ConfidenceOf,
    Measures,
    TextOf,
    border_alpha,
    measure,
    outline,
    outline_confidence,
)
from catalens.tasks.listing.rules import (
    LEVELS,
    Finding,
    Rule,
    Unjudged,
    bundled_packs,
    judge,
    not_judged,
    read_rules,
)
from catalens.tasks.reading import read_text as read_lines
from catalens.tasks.reading import text_reader
from catalens.types import Failure, ImageArray, Progress, Where


class Findings(tuple[Finding, ...], Shown):
    """The rules that a photo breaks, errors first.

    Attributes:
        not_judged: rules whose measure could not be determined, with the level of a breach: they are not passed.
    """

    not_judged: tuple[Unjudged, ...]

    def __new__(cls, found: Iterable[Finding] = (), not_judged: tuple[Unjudged, ...] = ()) -> Self:
        made = super().__new__(cls, found)
        made.not_judged = not_judged
        return made

    @property
    def passed(self) -> bool:
        """Whether every rule of level error was judged and holds."""
        return not any(one.level == "error" for one in (*self, *self.not_judged))

    def __repr__(self) -> str:
        return f"Findings({'; '.join(map(str, (*self, *self.not_judged))) or 'none'})"

    def to_dict(self) -> dict[str, object]:
        return {
            "passed": self.passed,
            "findings": [finding.to_dict() for finding in self],
            "not_judged": [one.to_dict() for one in self.not_judged],
        }


@dataclass(frozen=True)
class CheckedPhoto(Shown):
    """What was measured of a photo, which rules it breaks, which photo before it looks the same.

    Args:
        failure: why it could not be read; then nothing was measured.
        not_judged: rules whose measure could not be determined, with the level of a breach: they are not passed.
        repaired: the file that was written in its place; findings: of that one, then.
        refused: repairs that were not made, and why.
        look: what the picture is told again by; None where it could not be read.
    """

    path: Path
    measures: Measures | None
    findings: tuple[Finding, ...]
    not_judged: tuple[Unjudged, ...] = ()
    same_as: Path | None = None
    failure: Failure | None = None
    repaired: Path | None = None
    refused: tuple[str, ...] = ()
    fingerprint: Fingerprint | None = None

    @property
    def has_error(self) -> bool:
        """Whether it must not go online as it is."""
        return self.failure is not None or any(finding.level == "error" for finding in self.findings)

    @property
    def passed(self) -> bool:
        """Whether it could be read, and every rule of level error was judged and holds."""
        return not self.has_error and not any(one.level == "error" for one in self.not_judged)

    def of(self, category: str) -> CheckedPhoto:
        """The same, now that it is known what it shows."""
        if self.measures is None:
            return self
        rules, unknown = [one.rule for one in self.findings], [one.rule for one in self.not_judged]
        return replace(
            self,
            findings=_left(self.findings, self.measures, rules, category),
            not_judged=not_judged(self.measures, unknown, category=category),
        )

    def to_dict(self) -> dict[str, object]:
        return {
            "photo": str(self.path),
            "passed": self.passed,
            "measures": None if self.measures is None else self.measures.to_dict(),
            "findings": [finding.to_dict() for finding in self.findings],
            "not judged": [one.name for one in self.not_judged],
            "refused": list(self.refused),
            "same as": None if self.same_as is None else str(self.same_as),
            "failure": None if self.failure is None else self.failure.to_dict(),
            "repaired": None if self.repaired is None else str(self.repaired),
        }


def check(
    image: ImageLike,
    *,
    rules: Sequence[str] = options.Check.rules.default,
    category: str | None = options.Check.category.default,
    alpha_of: AlphaOf = border_alpha,
    people: bool = options.Check.people.default,
    read_text: bool = options.Check.read_text.default,
) -> Findings:
    """Check a photo against listing rules: the broken ones, errors first, and those that could not be judged.

    Args:
        image: path, bytes, open file, array or PIL picture. Of the first three the file itself is judged, too; an array
            or a PIL picture is judged as the PNG file that holds it.
        rules: packs by name (`bundled_packs`), or paths of your own.
        category: what it shows, as the shop or Google calls it: some rules are for clothes only.
        alpha_of: finds the product.
        people: look for them where a rule is but an advice, too; it takes a network.
        read_text: find overlaid text by reading it, and quote it; print on the product is no fault.

    Raises:
        NotFoundError, UsageError: no such photo or pack.
        MissingExtraError: `read_text` without the extra `ocr`.
        ImageError: it is no picture that can be read.
    """
    data, name = _file_of(image)
    known = _known(rules)
    measures, _ = _measured(data, name, known, alpha_of, people, _text_of(read_text))
    return Findings(judge(measures, known, category=category), not_judged(measures, known, category=category))


def _text_of(is_read: bool) -> TextOf | None:
    return partial(read_lines, reader=text_reader()) if is_read else None


def _file_of(image: ImageLike) -> tuple[bytes, str]:
    """The file's bytes and its name; "" where nobody knows one."""
    if isinstance(image, np.ndarray | Image.Image):
        pixels = read_rgba(image)
        return encode_image(pixels if pixels[..., 3].min() < 255 else pixels[..., :3], format="PNG"), ""
    return read_bytes(image), str(image) if isinstance(image, str | Path) else str(getattr(image, "name", ""))


@dataclass(frozen=True, slots=True)
class Fixed:
    """A photo that keeps what it can of the rules.

    Args:
        data, ending: the file's bytes, those of the photo where nothing was repaired; the ending of its name.
        findings: the rules that it still breaks, and those that could not be judged.
        refused: repairs that were not made, and why.
    """

    data: bytes
    ending: str
    findings: Findings
    refused: tuple[str, ...]


def fix(
    photo: bytes,
    *,
    rules: Sequence[str] = options.Check.rules.default,
    category: str | None = options.Check.category.default,
    alpha_of: AlphaOf | None = None,
    confidence_of: ConfidenceOf | None = None,
) -> tuple[bytes, str, tuple[Finding, ...]]:
    """Make a photo keep what it can of the rules.

    Args:
        photo: the file's bytes; rules, category: as for `check`.
        alpha_of, confidence_of: as for `check_folder`.

    Returns:
        The new file's bytes, the ending of its name, and the rules that it still breaks. What breaks none, or none
        that could be cured, stays as it is.

    Raises:
        As `check`.
    """
    fixed = fixed_photo(photo, rules=rules, category=category, eyes=_eyes(alpha_of, confidence_of))
    return fixed.data, fixed.ending, tuple(fixed.findings)


def fixed_photo(photo: bytes, *, rules: Sequence[str], category: str | None = None, eyes: _Eyes | None = None) -> Fixed:
    """As `fix`, and why repairs were not made."""
    known, eyes = _known(rules), eyes or _eyes(None, None)
    measures, image = _measured(photo, "", known, eyes.alpha_of, text_of=eyes.text_of)
    findings = judge(measures, known, category=category)
    made = _repaired(photo, image, measures, known, category, eyes)
    after = made.measures
    if made.data is None or after is None:
        unknown = not_judged(measures, known, category=category)
        return Fixed(photo, ENDINGS[measures.format][0], Findings(findings, unknown), made.refused)
    left = Findings(_left(findings, after, known, category), not_judged(after, known, category=category))
    return Fixed(made.data, made.ending, left, made.refused)


def check_folder(
    folder: Path,
    *,
    rules: Sequence[str] = options.Check.rules.default,
    fix: Path | None = None,
    category: str | None = options.Check.category.default,
    alpha_of: AlphaOf | None = None,
    confidence_of: ConfidenceOf | None = None,
    people: bool = options.Check.people.default,
    read_text: bool = options.Check.read_text.default,
    progress: Progress | None = None,
) -> Iterator[CheckedPhoto]:
    """Check a photo, or all photos in a folder, in the order of their names.

    Args:
        fix: folder for photos that are made to keep what they can of the rules; what cannot be cured is not
            written.
        category: as for `check`, of all of them.
        alpha_of: finds the product; None for what is unlike the border, and for the cut-out network to repair by.
        confidence_of: whether an outline that a repair follows is right; people, read_text: as for `check`.

    Raises:
        NotFoundError, UsageError: no photos, no such pack, or `fix` lies in the folder.
    """
    known = _known(rules)
    photos = photos_in(folder, but=fix) if folder.is_dir() else [folder]
    if not photos or not folder.exists():
        raise NotFoundError(f"no photos at {folder}", cure="name a photo or a folder with photos")
    home = folder if folder.is_dir() else folder.parent
    if fix is not None and fix.resolve() == home.resolve():
        raise UsageError(f"{fix} is where the photos are", cure="name another folder: originals are never overwritten")
    if fix is not None and fix.exists() and not fix.is_dir():
        raise UsageError(f"{fix} is no folder", cure="name one for the photos that are repaired")
    names = distinct_names(photos)
    duplicates = Duplicates()
    with ThreadPoolExecutor(settings.threads()) as pool:
        one = partial(
            _checked,
            rules=known,
            target=None if fix is None else lambda path: fix / path.relative_to(home).with_name(names[path]),
            category=category,
            eyes=_eyes(alpha_of, confidence_of)._replace(text_of=_text_of(read_text)),
            people=people,
        )
        for done, found in enumerate(pool.map(one, photos), start=1):
            duplicate = None if found.fingerprint is None else duplicates.add(found.path, found.fingerprint)
            if progress is not None:
                progress(done, len(photos), "checking")
            yield replace(found, same_as=duplicate)


def _known(packs: Sequence[str]) -> tuple[Rule, ...]:
    """The rules of some packs: by none of them every photo would be good."""
    if isinstance(packs, str) or not packs:
        raise UsageError(f"no packs of rules in {packs!r}", cure=f"list some of {', '.join(bundled_packs())}")
    return read_rules(packs)


def _checked(
    path: Path,
    *,
    rules: Sequence[Rule],
    target: Callable[[Path], Path] | None,
    category: str | None,
    eyes: _Eyes,
    people: bool,
) -> CheckedPhoto:
    """One photo; `target` says where it goes when it is repaired, without an ending."""
    try:
        photo = read_bytes(path)
        measures, image = _measured(photo, path.name, rules, eyes.alpha_of, people, eyes.text_of)
        findings, unknown = judge(measures, rules, category=category), not_judged(measures, rules, category=category)
        fingerprint = fingerprint_of(composite_on_white(image))
        as_it_is = CheckedPhoto(path, measures, findings, unknown, fingerprint=fingerprint)
        if target is None:
            return as_it_is
        made = _repaired(photo, image, measures, rules, category, eyes, people)
        after = made.measures
        if made.data is None or after is None:
            return replace(as_it_is, refused=made.refused)
        place = target(path)
        written = place.with_name(place.name + made.ending)
        repair.write(made.data, written)
        return replace(
            as_it_is,
            measures=after,
            findings=_left(findings, after, rules, category),
            not_judged=not_judged(after, rules, category=category),
            repaired=written,
            refused=made.refused,
        )
    except CatalensError as error:
        failure = Failure(Where(str(path)), path.name, error.what, error.cure)
        return CheckedPhoto(path, None, (), failure=failure)


class _Eyes(NamedTuple):
    """How photos are looked at (findings are the same whether they are repaired or not), and how repairs find the
    product.
    """

    alpha_of: AlphaOf
    outline_of: AlphaOf
    confidence_of: ConfidenceOf
    text_of: TextOf | None = None


def _eyes(alpha_of: AlphaOf | None, confidence_of: ConfidenceOf | None) -> _Eyes:
    if alpha_of is None:
        return _Eyes(border_alpha, outline, confidence_of or outline_confidence)
    return _Eyes(alpha_of, alpha_of, confidence_of or (lambda *_: 1.0))


def _repaired(
    photo: bytes,
    image: ImageArray,
    measures: Measures,
    rules: Sequence[Rule],
    category: str | None,
    eyes: _Eyes,
    people: bool = False,
) -> repair.Repaired:
    header, worn = decode_header(photo, name="the photo"), _about(rules, "cut_off")

    def measured(changed: ImageArray) -> Measures:
        size = changed.shape[0], changed.shape[1]
        return measure(
            composite_on_white(changed),
            replace(header, size=size),
            alpha_of=eyes.alpha_of,
            worn=worn,
            text_of=eyes.text_of,
        )

    look = repair.Look(
        measure=measured,
        measure_file=lambda data, ending: _measured(data, f"fixed{ending}", rules, eyes.alpha_of, people)[0],
        judge=lambda told: judge(told, rules, category=category),
        alpha_of=eyes.outline_of,
        confidence_of=eyes.confidence_of,
    )
    applied = [rule for rule in rules if rule.applies_to(category)]
    return repair.repair(image, measures, applied, look, photo=photo, mark=read_mark(photo))


def _left(
    before: Sequence[Finding], after: Measures, rules: Sequence[Rule], category: str | None
) -> tuple[Finding, ...]:
    """What a repaired photo breaks: what was broken and cannot be judged any more is broken still."""
    unknown = [one for one in before if getattr(after, one.rule.measure) is None]
    return tuple(sorted((*unknown, *judge(after, rules, category=category)), key=lambda one: LEVELS.index(one.level)))


def _about(rules: Sequence[Rule], measure: str) -> bool:
    """Whether rules must know of a measure; for an advice alone no network is run unasked."""
    return any(rule.measure == measure and rule.level != "advice" for rule in rules)


def _measured(
    data: bytes,
    name: str,
    rules: Sequence[Rule],
    alpha_of: AlphaOf,
    people: bool = False,
    text_of: TextOf | None = None,
) -> tuple[Measures, ImageArray]:
    """What is measured of a file, and its pixels, HxWx3 or HxWx4 uint8."""
    said = name or "the data given"
    header = decode_header(data, name=said)
    pixels = decode_pixels(data, name=said, target=None)
    people, worn = people or _about(rules, "person"), _about(rules, "cut_off")
    image = composite_on_white(pixels)
    measures = measure(image, header, name=name, alpha_of=alpha_of, people=people, worn=worn, text_of=text_of)
    return measures, pixels
