"""`catalens photo explain`: why a photo has its label, or why a product matches it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from catalens import options
from catalens.cli.options import AsJson, EncoderName, existing, option
from catalens.cli.output import refuse_overwrite, say, warn_missing_glyphs, write, write_json
from catalens.errors import NotFoundError, UsageError

LOOKED_THROUGH = 1000
"""Matches in which a product is looked for, to say what its score is made of."""


def explain(
    photo: Annotated[Path, typer.Argument(help="Photo to read.", metavar="PHOTO")],
    sku: Annotated[str | None, typer.Argument(help="With --catalog: product whose match is explained.")] = None,
    model: Annotated[Path | None, typer.Option("--model", "-m", help="Explain a label of this classifier.")] = None,
    catalog: Annotated[Path | None, typer.Option("--catalog", "-c", help="Explain a match in this catalog.")] = None,
    label: Annotated[str | None, option(options.Explain.label)] = options.Explain.label.default,
    method: Annotated[str, option(options.Explain.method)] = options.Explain.method.default,
    seed: Annotated[int, option(options.Explain.seed)] = options.Explain.seed.default,
    encoder: EncoderName = None,
    save: Annotated[Path | None, typer.Option(help="Picture to write (.jpg, .png, .webp).")] = None,
    as_json: AsJson = False,
) -> None:
    """Explain a label or a match: the regions of the photo that count, and similar training photos."""
    refuse_overwrite(save, photo)
    if (model is None) == (catalog is None):
        raise UsageError("expected either --model or --catalog", cure="name a classifier, or a catalog and a sku")
    if model is not None and sku is not None:
        raise UsageError(f"--model explains a label, and {sku} is a product", cure="leave it out, or use --catalog")
    if model is not None and encoder is not None:
        raise UsageError("--encoder beside --model", cure="a model has its own encoder: leave --encoder out")
    if catalog is not None and label is not None:
        raise UsageError("--catalog explains a match, and --label is a classifier's", cure="leave --label out")
    if model is not None:
        _label(photo, model, label, method, seed, save, as_json)
    elif catalog is not None:
        if sku is None:
            raise UsageError("--catalog needs the sku of a product", cure="write it after the photo")
        _match(photo, catalog, sku, encoder, save, as_json)


def _label(
    photo: Path, model: Path, label: str | None, method: str, seed: int, save: Path | None, as_json: bool
) -> None:
    from catalens.images.draw import save_image
    from catalens.tasks.classifier_folder import load_classifier
    from catalens.trust.drawing import draw_class_explanation
    from catalens.trust.explain import explain_class

    found = explain_class(photo, load_classifier(model), label=label, method=cast(options.Method, method), seed=seed)
    if save is not None:
        save_image(save, draw_class_explanation(found))
        say(f"written: {save}")
        warn_missing_glyphs({found.label: "(1)"})
    if as_json:
        write_json(found.to_dict())
        return
    faith = found.faithfulness
    write(f"{found.label} {found.probability:.3f}, explained by {found.method}")
    if found.beside:
        write(found.beside)
    write(f"insertion (hottest regions first): {faith.insertion:.3f} (random order: {faith.random_insertion:.3f})")
    write(f"deletion (hottest regions first): {faith.deletion:.3f} (random order: {faith.random_deletion:.3f})")
    for one in found.neighbors:
        write(f"  {one.similarity:.3f}  {one.path}")


def _match(photo: Path, folder: Path, sku: str, encoder: str | None, save: Path | None, as_json: bool) -> None:
    from catalens.images.draw import save_image
    from catalens.trust.drawing import draw_match_explanation
    from catalens.trust.explain import explain_match

    with existing(folder, encoder=encoder) as shop:
        product = shop.get(sku)
        matches = shop.search(photo, k=min(LOOKED_THROUGH, max(1, len(shop))))
        match = next((one for one in matches if one.sku == product.sku), None)
        pictures = [*product.pictures, *(picture for variant in product.variants for picture in variant.pictures)]
        local = next((Path(picture.location) for picture in pictures if not picture.is_remote), None)
        shown = match.picture if match is not None and match.picture is not None else local
        if shown is None:
            raise NotFoundError(f"{sku} has no picture on the disk", cure="add its pictures to the catalog")
        found = explain_match(photo, shown, encoder=shop.encoder(), parts=None if match is None else match.parts)
    if match is None:
        say(f"note: {sku} is not among the {LOOKED_THROUGH} nearest; only its vector is explained")
    if save is not None:
        title = product.title or product.sku
        save_image(save, draw_match_explanation(found, title=title if match is None else f"{title}  {match.score:.3f}"))
        say(f"written: {save}")
    if as_json:
        write_json({"sku": product.sku, "score": None if match is None else match.score, **found.to_dict()})
        return
    write(f"{product.sku}: cosine {found.cosine:.3f}" + ("" if match is None else f", score {match.score:.3f}"))
    for name, value in sorted(found.parts.items(), key=lambda one: -one[1]):
        write(f"  {name}: {value:.3f}")
    for pair in found.pairs:
        ends = " matches ".join("-".join(f"{value:.0f}" for value in box) for box in (pair.query_box, pair.product_box))
        write(f"  region {ends}: {pair.share:.4f}")
