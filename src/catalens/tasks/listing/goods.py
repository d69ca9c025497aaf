"""Of which goods a category is: some marketplaces ask more of photos of clothes than of others."""

from __future__ import annotations

import re

APPAREL = frozenset({"166", "apparel & accessories", "服饰与配饰"})
"""Google's category of what is worn, by its number and its names (taxonomy of 2019-07-10)."""
OTHERS = frozenset(
    {
        "animals & pet supplies", "arts & entertainment", "baby & toddler", "business & industrial", "cameras & optics",
        "electronics", "food, beverages & tobacco", "furniture", "hardware", "health & beauty", "home & garden",
        "luggage & bags", "mature", "media", "office supplies", "religious & ceremonial", "software", "sporting goods",
        "toys & games", "vehicles & parts", "动物/宠物用品", "艺术与娱乐", "婴幼儿用品", "商业/工业", "相机与光学器件",
        "电子产品", "饮食/烟酒", "家具", "五金/硬件", "保健/美容/卫生/护理", "家居与园艺", "箱包", "成人", "媒体",
        "办公用品", "宗教/仪式", "软件", "体育用品", "玩具/游戏", "交通工具/汽车/飞机/船舶",
    }
)  # fmt: skip
"""Google's other first levels."""
WORN = frozenset(
    {
        "apparel", "beanie", "belts", "blazer", "blouse", "boots", "bra", "camisole", "caps", "cardigan", "clothes",
        "clothing", "coat", "dress", "earring", "footwear", "garment", "glove", "handbag", "hat", "headwear", "heels",
        "hoodie", "jacket", "jean", "jewellery", "jewelry", "jumper", "jumpsuit", "knitwear", "legging", "lingerie",
        "loafer", "longsleeve", "menswear", "necklace", "outerwear", "pant", "parka", "polo", "pullover", "sandal",
        "scarf", "scarves", "shirt", "shoe", "shorts", "skirt", "sleepwear", "sneaker", "sock", "suits", "sunglasses",
        "sweater", "sweatshirt", "swimwear", "t-shirt", "tee", "tops", "trouser", "tshirt", "underwear", "womenswear",
    }
)  # fmt: skip
"""Words by which shops call such categories; those with an s may be something else without it, beside other words."""
WORN_SIGNS = frozenset("衣裤裙鞋靴帽衫袜")


def is_apparel(category: str) -> bool | None:
    """Whether a category is of what is worn: Google's own, or one of a shop's that says so; None where it does not.

    Args:
        category: as a catalog has it, a path with ">" or a name. A number but 166 says nothing without the taxonomy.
    """
    first = category.partition(">")[0].strip().casefold()
    if first in APPAREL:
        return True
    if first in OTHERS:
        return False
    words = set(re.findall(r"[a-z]+(?:-[a-z]+)?", category.casefold()))
    alone = {f"{word}s" for word in words if word == category.strip().casefold()}
    plain = words | alone | {word.removesuffix("s") for word in words} | {word.removesuffix("es") for word in words}
    return True if plain & WORN or WORN_SIGNS & set(category) else None
