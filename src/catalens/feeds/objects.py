"""Products as nested objects (JSON, XML as a tree) to drafts: the shapes that shops' interfaces and exports have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from catalens.feeds.cells import attribute_name
from catalens.feeds.columns import field_of, key_of, picture_rank
from catalens.feeds.draft import Draft
from catalens.feeds.prices import is_price

Record = Mapping[str, object]

WHOLE = {"sku", "title", "description", "attributes", "pictures", "variants"}
"""Keys of an object that is all there is of a product: what `Product.to_dict` writes."""

_FIRST = {
    "sku": ("sku", "id", "product_id"),
    "title": ("title", "name", "product_name"),
    "description": ("description", "text", "body_html", "summary", "short_description"),
}
"""Keys of fields in the order in which they count; those of `columns.FIELDS` come after."""
_PICTURES = (
    "pictures",
    "images",
    "image",
    "picture",
    "photo",
    "image_link",
    "additional_images",
    "additional_image_link",
)
_MEDIA = frozenset(
    [
        "media", "assets", "featured_asset", "featuredasset", "featured_image", "gallery", "media_gallery", "enclosure",
        "imgurl", "imgurl_alternative", "content", "thumbnail_url", "variant_image", "image_alternative",
        "media_gallery_entries",
    ]
)  # fmt: skip
_VARIANTS = ("variants", "variations", "variant", "skus", "children", "product_variants", "hasvariant", "items")
_TEXTS = (
    "plain",
    "html",
    "rendered",
    "value",
    "@value",
    "#text",
    "markdown",
    "en",
    "en_us",
    "default",
    "name",
    "title",
    "label",
)
_NAMES = (
    "name",
    "title",
    "label",
    "key",
    "code",
    "attribute",
    "option",
    "group",
    "attribute_code",
    "slug",
    "propertyid",
    "param_name",
)
_VALUES = ("value", "values", "option", "options", "text", "#text", "val")
_BESIDE = frozenset(
    [
        "id", "slug", "handle", "code", "@type", "@id", "type", "url", "href", "__typename", "taxonomy", "path",
        "admin_graphql_api_id", "databaseid", "created_at", "updated_at", "deleted_at", "metadata", "rank", "position",
    ]
)  # fmt: skip
_SPENT = frozenset(
    {"attributes", "variant_options", "selected_options", "selectedoptions", "params", "param", "product_attributes"}
)


def draft_of(record: Record, line: int | None, *, mapping: Mapping[str, str] | None = None) -> Draft:
    """One product of an object; variants inside it come along.

    Args:
        mapping: field -> key, where the guess is wrong.
    """
    keys = {key_of(str(key)): str(key) for key in reversed(list(record))}
    used: set[str] = set()
    draft = Draft(line)
    given = {field: key for field, key in (mapping or {}).items() if key in record}
    for field in ("sku", "title", "description"):
        key, text = _field(record, keys, field, given.get(field))
        setattr(draft, field, text)
        used |= {key} if key else set()
    group = keys.get("item_group_id", keys.get("group_id", ""))
    draft.group = text_of(record.get(group))
    used.add(group)
    draft.page = next(
        (text for name in ("link", "url", "permalink") if (text := text_of(record.get(keys.get(name, ""))))), ""
    )
    for key in _picture_keys(record, keys, given):
        draft.pictures.append((key, record[key], None))
        used.add(key)
    for name in _VARIANTS:
        inside = _listed(record.get(keys.get(name, "")), name)
        if inside:
            used.add(keys[name])
            option_names = _option_names(record.get(keys.get("options", "")))
            draft.variants += [_variant(item, line, option_names) for item in inside]
    if draft.variants and "options" in keys:
        used.add(keys["options"])
    own = record.get(keys.get("attributes", ""))
    if isinstance(own, Mapping) and "edges" not in own:
        draft.own = dict(own)
        used.add(keys["attributes"])
    draft.mentions = None if set(record) == WHOLE else _mentioned(record, draft)
    renamed = {key: field for field, key in given.items() if key not in used}
    for key, value in record.items():
        if key not in used:
            draft.cells += _cells(renamed.get(key, str(key)), value)
    return draft


def _mentioned(record: Record, draft: Draft) -> frozenset[str]:
    keys = {key_of(str(key)) for key in record}
    said = {field for field in ("title", "description") if keys & {*_FIRST[field]}}
    said |= {"pictures"} if draft.pictures else set()
    return frozenset({*said, *map(attribute_name, keys), *map(str, draft.own)})


def text_of(value: object) -> str:
    """The text of a value: itself, that of an object by its usual keys, the first of a list; "" where there is none."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, str | int | float):
        return str(value).strip()
    if isinstance(value, list):
        return next((text for item in value if (text := text_of(item))), "")
    if isinstance(value, Mapping):
        lower = {str(key).lower(): item for key, item in value.items()}
        return next((text for key in _TEXTS if (text := text_of(lower.get(key)))), "")
    return ""


def unwrapped(value: object) -> list[object]:
    """The products of a document: its list, or that under `products`, `items`, `data` ..., also as edges and nodes."""
    for _ in range(6):
        if isinstance(value, list):
            return [_node(item) for item in value]
        if not isinstance(value, Mapping):
            break
        lists = {
            str(key).lower(): item
            for key, item in value.items()
            if isinstance(item, list) and item and all(isinstance(one, Mapping) for one in item)
        }
        if any(field_of(str(key)) in {"sku", "title"} for key in value) and "products" not in lists:
            break
        wraps = [
            name
            for name in ("products", "product", "items", "data", "results", "edges", "@graph", "entries")
            if name in lists
        ]
        if wraps:
            return [_node(item) for item in lists[wraps[0]]]
        inner = [
            item
            for key, item in value.items()
            if str(key).lower() in {"data", "products", "catalog", "result", "search"}
        ]
        if not (inner and isinstance(inner[0], Mapping)):
            break
        value = inner[0]
    return [value]


def _node(item: object) -> object:
    """What an edge, or an entry of JSON:API, holds."""
    if isinstance(item, Mapping):
        if isinstance(item.get("node"), Mapping):
            return item["node"]
        if isinstance(item.get("attributes"), Mapping) and "type" in item and "id" in item:
            return {"id": item["id"], **item["attributes"]}
    return item


def _field(record: Record, keys: Mapping[str, str], field: str, given: str | None) -> tuple[str | None, str]:
    if given is not None:
        return given, text_of(record[given])
    others = [name for name in keys if field_of(name) == field and name not in _FIRST[field]]
    for name in (*_FIRST[field], *others):
        key = keys.get(name)
        if key is not None and (text := text_of(record[key])):
            return key, text
    return None, ""


def _picture_keys(record: Record, keys: Mapping[str, str], given: Mapping[str, str]) -> list[str]:
    """Keys that hold pictures: those of the names above first, then any that are called so or numbered."""
    if "image" in given:
        return [given["image"], *([given["additional_images"]] if "additional_images" in given else [])]
    found = [keys[name] for name in _PICTURES if name in keys]
    for key in record:
        name = key_of(str(key))
        is_named = name in _MEDIA or picture_rank(str(key)) is not None or field_of(name) == "additional_images"
        if is_named and key not in found and not isinstance(record[key], bool | int | float):
            found.append(str(key))
    return found


def _listed(value: object, name: str) -> list[Mapping[str, object]]:
    """The objects of a list, of edges, or of an element that has them inside it."""
    if isinstance(value, Mapping):
        inner = next((item for item in value.values() if isinstance(item, list)), None)
        alone = list(value.values())
        if inner is None and len(alone) == 1 and isinstance(alone[0], Mapping):
            inner = [alone[0]]
        if inner is None and name == "variant":
            inner = [value]
        value = inner
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        return []
    nodes = [_node(item) for item in value]
    return [node for node in nodes if isinstance(node, Mapping)]


def _option_names(value: object) -> list[str]:
    """Names of a product's options in order, as Shopify's objects have them beside `option1` of each variant."""
    return [text_of(item) for item in value] if isinstance(value, list) else []


def _variant(item: Record, line: int | None, option_names: list[str]) -> Draft:
    draft = draft_of(item, line)
    draft.variants, draft.group = [], ""
    cells = []
    for name, value in draft.cells:
        number = name.removeprefix("option")
        if name.startswith("option") and number.isdecimal() and 0 < int(number) <= len(option_names):
            cells.append((option_names[int(number) - 1] or name, value))
        else:
            cells.append((name, value))
    draft.cells = [cell for cell in cells if cell[1] not in (None, "", "Default Title")]
    return draft


def _cells(key: str, value: object) -> Iterator[tuple[str, object]]:
    """Attributes of one key: pairs of names and values one by one, objects by their names."""
    name = key_of(key)
    if value is None or value == "" or value == []:
        return
    if name == "prices" and isinstance(value, list) and value and isinstance(value[0], Mapping):
        yield "price", dict(value[0])
        return
    if is_price(name) and isinstance(value, Mapping):
        yield key, dict(value)
        return
    pairs = list(_pairs(value)) if name in _SPENT or name in {"options", "metafields"} else []
    if pairs:
        yield from pairs
    elif isinstance(value, Mapping):
        yield key, _label(value) or dict(value)
    elif isinstance(value, list) and all(isinstance(item, Mapping) for item in value):
        labels = [_label(item) for item in value]
        yield key, labels if all(labels) else value
    else:
        yield key, value


def _label(value: Mapping[str, object]) -> str:
    """The name of an object that has a name and nothing else to say, such as a brand or category."""
    names = {str(key).lower(): item for key, item in value.items() if str(key).lower() not in _BESIDE}
    return text_of(names) if set(names) <= {"name", "title", "label", "value", "@value"} else ""


def _pairs(value: object) -> Iterable[tuple[str, object]]:
    """(Name, value) of lists such as [{"name": "Color", "value": "Red"}], in the spellings of shops."""
    if isinstance(value, Mapping):
        if not all(isinstance(item, str | int | float) for item in value.values()):
            value = next((item for item in value.values() if isinstance(item, list)), [])
        elif not ({"name", "value"} <= set(value) or {"param_name", "val"} <= set(value)):
            return [(str(name), item) for name, item in value.items()]
        else:
            value = [value]
    if not isinstance(value, list):
        return []
    found: list[tuple[str, object]] = []
    for item in value:
        if not isinstance(item, Mapping):
            return []
        node = _node(item)
        lower = {str(key).lower(): inner for key, inner in node.items()} if isinstance(node, Mapping) else {}
        if isinstance(lower.get("group"), Mapping):  # Vendure: the option is the value, its group the name
            name = text_of(lower["group"])
            inner: object = text_of(lower)
        else:
            names = (text_of(lower[key]) for key in _NAMES if key in lower and not isinstance(lower[key], list))
            name = next((text for text in names if text), "")
            inner = next((lower[key] for key in _VALUES if lower.get(key) not in (None, "", [])), None)
        if not name or inner is None:
            continue
        if isinstance(inner, list):
            texts = [text for one in inner if (text := text_of(one))]
            found.append((name, texts[0] if len(texts) == 1 else texts))
        else:
            found.append((name, inner if isinstance(inner, int | float) else text_of(inner)))
    return found
