"""Titles and descriptions of products, as a shop would write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from recipes.synthetic.kinds import KINDS
from recipes.synthetic.spec import Spec

_MATERIALS: Mapping[str, str] = MappingProxyType(
    {
        "knit": "knitted",
        "patent": "patent leather",
        "wood": "wooden",
        "jersey": "cotton jersey",
        "metal": "steel",
        "silk": "silk",
        "rib": "ribbed cotton",
    }
)
"""How a material is called before the noun, where it is not by its own name."""

_CLOTHS: Mapping[str, str] = MappingProxyType({"knit": "knitwear", "wood": "wood"})
"""How a material is called after "in", where it differs."""

_PAIRS: Mapping[str, str] = MappingProxyType(
    {
        "sneaker": "sneakers", "boot": "boots", "pump": "pumps", "loafer": "loafers", "sandal": "sandals",
        "running shoe": "running shoes", "derby": "derby shoes", "ballet flat": "ballet flats",
    }
)  # fmt: skip

_BEFORE: Mapping[str, str] = MappingProxyType(
    {
        "v-neck": "V-neck", "turtleneck": "turtleneck", "fitted": "fitted", "relaxed": "relaxed", "slim": "slim",
        "skinny": "skinny", "straight": "straight-leg", "wide-leg": "wide-leg", "mini": "mini",
        "knee-length": "knee-length", "midi": "midi", "maxi": "maxi", "sheath": "sheath", "flared": "flared",
        "sleeveless": "sleeveless", "pencil": "pencil", "A-line": "A-line", "pleated": "pleated", "full": "full",
        "double-breasted": "double-breasted", "bomber": "bomber", "trucker": "trucker", "blazer": "blazer",
        "bermuda": "bermuda", "high-top": "high-top", "low-top": "low-top", "lace-up": "lace-up",
        "chelsea": "chelsea", "knee-high": "knee-high", "fedora": "fedora", "bucket": "bucket", "aviator": "aviator",
        "cat-eye": "cat-eye", "round": "round", "square": "square", "tea cup": "tea", "deep": "deep",
        "shallow": "shallow", "two-tone": "two-tone", "slender": "slender", "ribbed": "ribbed", "grooved": "grooved",
        "lumbar": "lumbar", "shell": "shell", "buttoned": "tufted", "two-seater": "two-seater",
        "three-seater": "three-seater", "coffee table": "coffee", "dining table": "dining", "bar height": "bar",
        "chronograph": "chronograph", "straight cut": "straight", "calf-length": "calf-length", "ankle": "ankle",
        "crew": "crew", "cuffed": "cuffed", "full-cup": "full-cup", "plunge": "plunge", "triangle": "triangle",
        "sports": "sports", "bikini": "bikini", "high-waisted": "high-waisted", "trunk": "trunk",
        "Y-front": "Y-front", "bell sleeves": "bell-sleeve", "puff sleeves": "puff-sleeve",
        "bi-fold": "bi-fold", "long": "long", "passport": "passport",
        "zip-around": "zip-around", "slip-on": "slip-on", "cap toe": "cap-toe", "wingtip": "wingtip",
        "gold": "gold", "silver": "silver", "rose gold": "rose gold", "hoop": "hoop", "drop": "drop", "stud": "stud",
        "dangle": "dangle", "chandelier": "chandelier", "jhumka": "jhumka", "beaded": "beaded",
        "statement": "statement", "bangle": "bangle", "cuff": "cuff", "chain": "chain",
    }
)  # fmt: skip
"""Details that stand before the noun."""

_AFTER: Mapping[str, str] = MappingProxyType(
    {
        "crew neck": "a crew neck", "scoop neck": "a scoop neck", "boat neck": "a boat neck",
        "square neck": "a square neck", "button-down collar": "button-down collar",
        "spread collar": "a spread collar", "band collar": "a band collar", "chest pocket": "a chest pocket",
        "contrast trim": "contrast trim", "full zip": "a full zip", "kangaroo pocket": "a kangaroo pocket",
        "belted": "a belt", "pressed crease": "pressed creases", "drawstring": "a drawstring",
        "button front": "a button front", "side stripe": "a side stripe", "pointed toe": "a pointed toe",
        "round toe": "a round toe", "stiletto heel": "a stiletto heel", "block heel": "a block heel",
        "kitten heel": "a kitten heel", "ankle strap": "an ankle strap", "penny strap": "a penny strap",
        "horsebit": "a horsebit", "toe post": "a toe post", "flap": "a flap", "zip top": "a zip top",
        "chain strap": "a chain strap", "shoulder strap": "a shoulder strap", "wide brim": "a wide brim",
        "badge": "a badge", "contrast visor": "a contrast visor", "pompom": "a pompom", "label": "a label",
        "square buckle": "a square buckle", "round buckle": "a round buckle", "round case": "a round case",
        "square case": "a square case", "with saucer": "a saucer", "carry loop": "a carry loop",
        "drum shade": "a drum shade", "tapered shade": "a tapered shade", "bell shade": "a bell shade",
        "ceramic base": "a ceramic base", "tripod": "a tripod base", "slim stem": "a slim stem",
        "piped": "piped edges", "slatted back": "a slatted back", "ladder back": "a ladder back",
        "round top": "a round top", "with shelf": "a shelf", "square seat": "a square seat",
        "round seat": "a round seat", "zip": "a zip", "leather patch": "a leather patch",
        "base panel": "a contrast base", "round neck": "a round neck", "tie neck": "a tie neck",
        "contrast border": "a contrast border", "embroidered yoke": "an embroidered yoke",
        "smocked waist": "a smocked waist", "tie belt": "a tie belt", "contrast heel and toe": "contrast heel and toe",
        "striped cuff": "a striped cuff", "side panel": "a side panel", "elastic waist": "an elastic waist",
        "contrast waistband": "a contrast waistband",
        "button tab": "a button tab", "contrast band": "a contrast band",
        "metal badge": "a metal badge", "embossed logo": "an embossed logo",
        "curved stripe": "a curved stripe",
        "white sole": "a white sole", "two-tone sole": "a two-tone sole", "contrast sole": "a contrast sole",
        "monk strap": "a monk strap", "bow": "a bow", "metal trim": "a metal trim",
        "contrast toe cap": "a contrast toe cap", "instep strap": "an instep strap",
        "pendant": "a pendant",
    }
)  # fmt: skip
"""Details that follow "with", where they do not do so by their own name."""

_UNSAID = frozenset(
    {
        "single-breasted",
        "short",
        "button fly",
        "pair",
        "flat heel",
        "filled",
        "canvas style",
        "rectangular",
        "low",
        "mug",
        "bellied",
        "cylinder",
        "two straps",
        "single",
        "classic",
    }
)
"""Forms that a shop does not mention in a title."""

_OPENINGS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "home": (
            "A quiet piece for rooms that are lived in.",
            "Made to be used every day.",
            "Small batch, finished by hand.",
            "Looks at home in old rooms and in new ones.",
        ),
        "": (
            "Easy to wear and easy to combine.",
            "Made for every day, from the first coffee to the last train.",
            "A regular of our collection, cut anew this season.",
            "Soft from the first day on.",
            "Cut for movement.",
        ),
    }
)
_CARE: Mapping[str, str] = MappingProxyType(
    {
        "leather": "Wipe with a damp cloth", "suede": "Brush when dry", "patent": "Wipe with a soft cloth",
        "wool": "Wash by hand, dry flat", "knit": "Wash cool, dry flat", "silk": "Wash by hand",
        "satin": "Wash cool, inside out", "denim": "Wash inside out at 30 degrees", "ceramic": "Dishwasher safe",
        "stoneware": "Dishwasher safe", "glass": "Wash by hand", "wood": "Oil it once a year",
        "metal": "Rinse and dry",
    }
)  # fmt: skip
_SEASONS: Mapping[str, str] = MappingProxyType(
    {
        "linen": "summer", "straw": "summer", "wool": "winter", "knit": "winter", "fleece": "autumn",
        "velvet": "autumn", "sandal": "summer", "shorts": "summer", "coat": "winter", "scarf": "winter",
        "beanie": "winter", "boot": "autumn",
    }
)  # fmt: skip


def title_of(spec: Spec, rng: np.random.Generator) -> str:
    """A title such as "Navy striped cotton shirt with button-down collar"."""
    before = [_BEFORE[name] for name in spec.details if name in _BEFORE]
    after = [_AFTER.get(name, name) for name in spec.details if name not in _BEFORE and name not in _UNSAID]
    rng.shuffle(before)
    rng.shuffle(after)
    noun = noun_of(spec)
    color, pattern = spec.color, "" if spec.pattern == "plain" else spec.pattern
    material = _MATERIALS.get(spec.material, spec.material)
    lead = before[: int(rng.integers(1, 3))]
    form = int(rng.integers(4))
    if form == 0:
        words, after = [*lead, noun, "in", color, pattern, _CLOTHS.get(spec.material, material)], []
    else:
        words = [color, pattern, material, *lead, noun]
    if after and rng.random() < 0.75:
        words += ["with", " and ".join(after[: int(rng.integers(1, 3))])]
    text = " ".join(word for word in words if word)
    return text[:1].upper() + text[1:]


def noun_of(spec: Spec) -> str:
    """What the product is called: shoes come in pairs."""
    return _PAIRS.get(spec.kind, spec.kind)


def description_of(spec: Spec, department: str, rng: np.random.Generator) -> str:
    """Two to four sentences."""
    kind = KINDS[spec.kind]
    material = _MATERIALS.get(spec.material, spec.material)
    said = [name for name in spec.details if name not in _UNSAID]
    pattern = {
        "plain": "plain",
        "striped": "with stripes",
        "checked": "with checks",
        "dotted": "with dots",
        "floral": "with flowers",
    }[spec.pattern]
    opening = str(rng.choice(_OPENINGS["home" if department == "home" else ""]))
    article = "An" if material[0] in "aeiou" else "A"
    facts = [f"{article} {material} {spec.kind} in {spec.color}, {pattern}."]
    if said:
        facts.append(f"{_listed(said).capitalize()}.")
    closing = [f"{_CARE[spec.material]}."] if spec.material in _CARE and rng.random() < 0.6 else []
    whom = {
        "women": "For women.",
        "men": "For men.",
        "unisex": "For everybody.",
        "home": f"From our {kind.category.lower()} shelf.",
    }[department]
    sentences = [opening, *facts] if rng.random() < 0.5 else [*facts, opening]
    return " ".join([*sentences, *closing, whom])


def season_of(spec: Spec) -> str:
    """summer, autumn, winter or all year."""
    return _SEASONS.get(spec.kind, _SEASONS.get(spec.material, "all year"))


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
