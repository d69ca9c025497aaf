"""`catalens read`: the text on photos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalens import options
from catalens.cli.classify import all_photos
from catalens.cli.options import AsJson, option
from catalens.cli.output import say, write, write_json
from catalens.errors import CatalensError, ImageError, MissingExtraError
from catalens.tasks.reading import read_text


def read(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.", metavar="PHOTO|FOLDER...")],
    min_confidence: Annotated[float, option(options.ReadText.min_confidence)] = options.ReadText.min_confidence.default,
    as_json: AsJson = False,
) -> None:
    """Read the text on photos, English and Chinese: labels, packages, prints. Needs the extra ocr."""
    paths, failed, rows = all_photos(photos), 0, []
    for path in paths:
        try:
            found = read_text(path, min_confidence=min_confidence)
        except MissingExtraError:
            raise
        except CatalensError as error:
            if len(paths) == 1:
                raise
            failed += 1
            say(str(error))
            continue
        rows.append({"photo": str(path), **found.to_dict()})
        if not as_json:
            if not found:
                say(f"{path}: no text was read")
            for line in found:
                photo = f"{path}: " if len(paths) > 1 else ""
                write(f"{photo}{line.confidence:.2f}  {line.text}  {' '.join(f'{side:.0f}' for side in line.box)}")
    if as_json:
        write_json(rows[0] if len(paths) == 1 else rows)
    if failed:
        raise typer.Exit(ImageError.exit_code)
