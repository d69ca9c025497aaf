"""The table of commands: which there are, in which group, and which function of which module runs each.

A module is imported when its command is called: `catalens --help` imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

EVERY_DAY, GROUPED = "Every day", "More, in groups: catalens GROUP --help"


@dataclass(frozen=True)
class Verb:
    """One command.

    Args:
        place: "module:function" in this package.
        help: one line for the overview; the function's docstring is the text of the command's own help.
    """

    name: str
    place: str
    help: str

    def load(self) -> Callable[..., Any]:
        """Import the function."""
        module, _, function = self.place.partition(":")
        found: Callable[..., Any] = getattr(import_module(f"catalens.cli.{module}"), function)
        return found


@dataclass(frozen=True)
class Group:
    """Commands under one word."""

    name: str
    help: str
    verbs: tuple[Verb, ...]


VERBS = (
    Verb("add", "catalog:add", "Add a shop export, a spreadsheet or a folder of photos to a catalog."),
    Verb("search", "search:search", "Search the catalog by photo, by words, or by both."),
    Verb("look", "regions:look", "Find each product on a photo in the catalog."),
    Verb("outfit", "outfits:outfit", "Complete an outfit around a product or a photo."),
    Verb("tryon", "tryon:tryon", "Put a garment on a photo of a person (experimental)."),
    Verb("cutout", "cutout:cutout", "Cut the product out of its background."),
    Verb("recolor", "recolor:recolor", "Show a product in other colors."),
    Verb("check", "check:check", "Check photos against the rules of marketplaces."),
    Verb("describe", "describe:describe", "Describe products: attributes, alt text and title in five languages."),
    Verb("read", "read:read", "Read the text on photos: labels, packages, prints."),
    Verb("serve", "serve:serve", "Start the web page and the HTTP service."),
    Verb("demo", "demo:demo", "Search a sample shop and write a report."),
)
GROUPS = (
    Group(
        "catalog",
        "See, back up, repair or upgrade a catalog.",
        (
            Verb("info", "catalog:info", "Show counts, encoders and size on disk."),
            Verb("show", "catalog:show", "Show one product with its variants and pictures."),
            Verb("remove", "catalog:remove", "Remove products; their photo files stay."),
            Verb("erase", "keep:erase", "Erase products and every copy of them, with a receipt."),
            Verb("import", "imports:bring", "Import from Marqo, Qdrant or Typesense."),
            Verb("export", "export:export", "Write all products: JSON lines, CSV or a feed for agents."),
            Verb("tag", "classify:tag", "Write what a classifier predicts into the products."),
            Verb("backup", "keep:backup", "Copy a catalog while it is in use."),
            Verb("restore", "keep:restore", "Put a catalog back from a backup."),
            Verb("upgrade", "upgrade:upgrade", "Bring a catalog of an older version or another encoder up to date."),
            Verb("doctor", "catalog:doctor", "Check a catalog for damage and missing photos; repair it."),
            Verb("audit", "keep:audit", "Print who wrote what and when."),
            Verb("words", "words:words", "Show or replace the shop's synonyms and its rules for what stands first."),
            Verb("suggest", "words:suggest", "Complete the beginning of a query."),
            Verb("searches", "words:searches", "Searches of the service that found nothing, counted."),
        ),
    ),
    Group(
        "photo",
        "Enhance, detect, classify, anonymise or stage photos.",
        (
            Verb("enhance", "images:enhance", "Denoise, balance the white, raise the contrast, sharpen."),
            Verb("classify", "classify:classify", "Classify photos: own classifier, own labels or common categories."),
            Verb("detect", "regions:detect", "Detect the products on a photo: boxes, labels, scores."),
            Verb("segment", "regions:segment", "Segment a photo of a person: garments, hair, skin ..."),
            Verb("blur-faces", "regions:blur_faces", "Anonymise faces irreversibly."),
            Verb("scene", "scene:scene", "Put a product into a scene with light and shadow (experimental)."),
            Verb("generate", "generate:generate", "Generate pictures of products that do not exist (experimental)."),
            Verb("explain", "explain:explain", "Explain a label or a match: which regions count."),
        ),
    ),
    Group(
        "style",
        "Furnish a room; score how well things go together.",
        (
            Verb("room", "outfits:room", "Find products that fit a room and that it lacks."),
            Verb("score", "outfits:score", "Score how well items go together."),
        ),
    ),
    Group(
        "train",
        "Train on your own photos.",
        (
            Verb("classifier", "train:classifier", "Train a classifier on labelled photos."),
            Verb("search", "learn:search", "Find the best settings of a classifier."),
            Verb("detector", "train_regions:detector", "Train a detector on photos with boxes."),
            Verb("segmenter", "train_regions:segmenter", "Train a parser on photos with label maps."),
            Verb("outfit", "outfit_data:train", "Train an outfit network on outfits."),
            Verb("generator", "generate:train", "Train a generator on photos by category."),
            Verb("augment", "augment:augment", "Show what an augmentation policy does to a photo."),
        ),
    ),
    Group(
        "label",
        "Which photos to label, and how many.",
        (
            Verb("next", "label:next_photos", "Choose the photos whose labels would help most."),
            Verb("curve", "label:curve", "Predict how many photos an accuracy takes."),
        ),
    ),
    Group(
        "evaluate",
        "Measure, with confidence intervals, and show the mistakes.",
        (
            Verb("classifier", "evaluate:classifier", "Measure a classifier, or a kind of head by cross-validation."),
            Verb("search", "evaluate:search", "Measure how well photos or words find what they should."),
            Verb("detector", "evaluate:detector", "Measure a detector: average precision."),
            Verb("segmenter", "evaluate:segmenter", "Measure a parser: IoU of each class."),
            Verb("outfit", "outfit_data:evaluate", "Measure an outfit network."),
            Verb("tryon", "evaluate:tryon", "Measure try-on on pairs of a dataset."),
            Verb("generator", "generate:evaluate", "Measure a generator: FID, KID, precision, recall."),
            Verb("compare", "evaluate:compare", "Compare two runs item by item, with a paired test."),
        ),
    ),
    Group(
        "models",
        "Networks: which there are, which to take, their licences.",
        (
            Verb("list", "models:list_models", "List networks: what they take and give, size, licence."),
            Verb("show", "models:show", "Show one network: training data, cost, measured scores."),
            Verb("advise", "models:advise", "Recommend an encoder, a head and an index."),
            Verb("pull", "pull:pull_models", "Fetch networks by name: checked, into a cache."),
            Verb("licences", "licences:licences", "List licence and origin of weights and packages."),
        ),
    ),
    Group(
        "jobs",
        "Feeds that the service imports.",
        (
            Verb("list", "jobs:list_jobs", "List jobs: state, counts, why one failed or was set aside."),
            Verb("show", "jobs:show", "Show one job with its failed items."),
            Verb("retry", "jobs:retry", "Continue a failed or set-aside job."),
        ),
    ),
    Group(
        "keys",
        "Who may call the service.",
        (
            Verb("create", "serve:create", "Create a key; it is shown only once."),
            Verb("list", "serve:list_keys", "List the keys, without their secrets."),
            Verb("rotate", "serve:rotate", "Give a key a new secret."),
            Verb("revoke", "serve:revoke", "Revoke a key immediately."),
            Verb("open", "serve:open_service", "Forget all keys: let every program on this machine in."),
        ),
    ),
)
