"""Meta's catalogue (Facebook, Instagram): Google's columns and some of its own, with a row of remarks above them."""

from __future__ import annotations

from pathlib import Path

from catalens.feeds.base import Options, Reading, Sample
from catalens.feeds.google import field_name, is_merchant, read_table

_OWN = frozenset(
    [
        "fb_product_category", "quantity_to_sell_on_facebook", "image_0_url", "rich_text_description",
        "commerce_tax_category", "video_0_url", "product_tags_0", "status", "inventory", "visibility", "origin_country",
    ]
)  # fmt: skip


class MetaFeed:
    """Items as Google has them; pictures also in `image[0].url` and so on."""

    name = "meta"

    def recognises(self, sample: Sample) -> bool:
        return is_merchant(sample) and bool({field_name(column) for column in sample.header} & _OWN)

    def read(self, source: Path, options: Options) -> Reading:
        return read_table(source, options, self.name)
