"""What the columns of a shop's table hold: by their names in eight languages, exact ones before likely ones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

# ruff: noqa: E501 (a field and its names in one line)
FIELDS: dict[str, tuple[str, ...]] = {
    "sku": ("sku", "product_id", "id", "item_id", "article", "article_number", "article_no", "code", "handle", "asin", "uid", "item_sku",
            "seller_sku", "product_sku", "variant_sku", "product_code", "item_number", "item_no", "item_code", "stock_code", "part_number",
            "product_number", "product_no", "style_number", "style_no", "identifier", "retailer_id", "variant_id", "slug", "url_key",
            "artikelnummer", "artikelnr", "artikel_nr", "art_nr", "artnr", "artikel_id", "artikelcode", "bestellnummer", "bestellnr", "produktnummer",
            "produkt_id", "produktnr", "référence", "reference", "réf", "ref", "code_article", "code_produit", "référence_produit", "id_produit", "réf_produit",
            "referencia", "código", "codigo", "código_de_producto", "código_producto", "id_producto", "código_de_artículo", "código_artículo", "código_do_produto",
            "codice", "codice_articolo", "codice_prodotto", "riferimento", "id_prodotto", "cod_articolo", "productnummer", "productcode", "bestelnummer",
            "货号", "商品编号", "商品编码", "产品编号", "产品编码", "编号", "编码", "商品id", "款号", "商家编码", "商品货号", "貨號", "商品編號", "產品編號", "編號",
            "商品番号", "商品コード", "品番", "商品管理番号", "型番", "管理番号", "商品管理番号_商品url"),
    "title": ("title", "name", "product_name", "product_title", "productdisplayname", "display_name", "item_name", "product", "item_title", "listing_title", "article_name",
              "titel", "bezeichnung", "artikelbezeichnung", "produktname", "artikelname", "produktbezeichnung", "produkttitel", "artikeltitel", "benennung",
              "titre", "nom", "désignation", "designation", "nom_du_produit", "nom_produit", "libellé", "intitulé", "título", "titulo", "nombre", "nombre_del_producto",
              "nombre_producto", "denominación", "nome", "nome_do_produto", "nome_prodotto", "titolo", "denominazione", "naam", "productnaam", "artikelnaam", "producttitel",
              "标题", "名称", "商品名称", "产品名称", "品名", "商品标题", "宝贝标题", "宝贝名称", "商品名", "標題", "名稱", "商品名稱", "產品名稱", "タイトル", "名前", "製品名", "商品タイトル"),
    "description": ("description", "body", "text", "details", "long_description", "product_description", "body_html", "short_description", "beschreibung", "produktbeschreibung",
                    "artikelbeschreibung", "langtext", "langbeschreibung", "kurzbeschreibung", "descriptif", "description_longue", "description_courte", "descripción", "descripcion",
                    "descripción_larga", "descrição", "descrizione", "descrizione_lunga", "omschrijving", "beschrijving", "productomschrijving", "描述", "商品描述", "产品描述", "详情",
                    "商品详情", "宝贝描述", "商品說明", "商品描述文", "説明", "商品説明", "商品説明文", "説明文", "詳細"),
    "image": ("image", "picture", "photo", "image_path", "image_file", "img", "filename", "file", "path", "image_link", "main_image", "base_image", "image_url", "image_src",
              "picture_url", "photo_url", "images", "pictures", "photos", "main_image_url", "image_filename", "picture_file", "featured_image", "thumbnail_url", "img_url", "image_urls",
              "bild", "bilder", "foto", "fotos", "produktbild", "artikelbild", "bild_url", "bildpfad", "hauptbild", "bildname", "bilddatei", "abbildung", "bildlink", "produktbilder",
              "visuel", "visuels", "url_image", "image_principale", "lien_image", "imagen", "imágenes", "imagenes", "imagen_principal", "url_imagen", "imagem", "imagens", "immagine", "immagini",
              "url_immagine", "immagine_principale", "afbeelding", "afbeeldingen", "afbeelding_url", "plaatje", "图片", "主图", "商品图片", "图片链接", "图片地址", "图像", "宝贝图片", "产品图片",
              "商品主图", "圖片", "主圖", "商品圖片", "画像", "商品画像", "画像url", "写真", "メイン画像", "商品画像パス", "画像パス", "商品画像url"),
    "additional_images": ("additional_images", "additional_image_link", "additional_image_links", "other_images", "more_images", "gallery", "image_gallery", "media_gallery",
                          "additional_image_urls", "product_images", "weitere_bilder", "zusatzbilder", "bildergalerie", "images_supplémentaires", "autres_images", "imágenes_adicionales",
                          "galería", "immagini_aggiuntive", "extra_afbeeldingen", "附图", "副图", "更多图片", "其他图片", "サブ画像", "追加画像", "その他画像"),
    "category": ("category", "product_category", "product_type", "categories", "articletype", "type", "class", "label", "kategorie", "kategorien", "warengruppe", "produktkategorie", "produktgruppe",
                 "produkttyp", "catégorie", "catégories", "categorie", "rayon", "type_de_produit", "categoría", "categorías", "tipo_de_producto", "categoria", "categorias", "tipo_prodotto", "rubriek",
                 "类目", "分类", "类别", "商品分类", "品类", "商品类目", "類別", "分類", "商品分類", "カテゴリ", "カテゴリー", "商品カテゴリ", "ジャンル"),
    "price": ("price", "preis", "verkaufspreis", "vk_preis", "vk", "bruttopreis", "endpreis", "prix", "prix_ttc", "prix_de_vente", "prix_vente", "precio", "pvp", "precio_de_venta", "preço", "preco",
              "prezzo", "prezzo_di_vendita", "prijs", "verkoopprijs", "价格", "售价", "单价", "一口价", "销售价", "價格", "售價", "価格", "販売価格", "値段", "税込価格", "通常価格"),
    "currency": ("currency", "currency_code", "price_currency", "währung", "waehrung", "devise", "monnaie", "moneda", "moeda", "valuta", "币种", "货币", "幣別", "通貨"),
}  # fmt: skip
"""Names of columns that each field goes by, the likeliest first. A name belongs to the first field that has it."""

ALIASES: dict[str, tuple[str, ...]] = {
    "color": ("colour", "colors", "colours", "color_name", "farbe", "farben", "couleur", "colore", "kleur", "cor", "颜色", "颜色分类", "顏色", "カラー", "色"),
    "size": ("sizes", "size_name", "größe", "groesse", "grösse", "taille", "talla", "taglia", "maat", "tamanho", "尺码", "尺寸", "尺碼", "サイズ"),
    "brand": ("brand_name", "vendor", "manufacturer", "marke", "hersteller", "marque", "fabricant", "marca", "merk", "fabrikant", "品牌", "ブランド", "メーカー"),
    "material": ("materials", "materialien", "matière", "matériau", "materiale", "materiaal", "材质", "材料", "素材"),
    "gender": ("geschlecht", "genre", "género", "genere", "geslacht", "性别", "性別"),
    "category": ("product_type",),
}  # fmt: skip
"""Attributes that are also given under the name that filters ask for; the shop's own name stays beside it."""

_COMMA_LANGUAGES = frozenset(
    [
        "preis", "verkaufspreis", "bruttopreis", "vk_preis", "endpreis", "prix", "prix_ttc", "prix_de_vente", "precio",
        "pvp", "preço", "preco", "prezzo", "prijs", "verkoopprijs",
    ]
)  # fmt: skip
_OWN = {name: (field, rank) for field, names in reversed(FIELDS.items()) for rank, name in enumerate(names)}
_JOINED = {name.replace("_", ""): own for name, own in _OWN.items() if "_" in name}
_ALIAS = {name: canonical for canonical, names in ALIASES.items() for name in names}
_PICTURE_WORDS = frozenset(
    [
        "image", "images", "img", "imgs", "picture",
        "pictures", "pic", "pics", "photo", "photos", "foto", "fotos", "bild", "bilder", "imagen", "imagenes",
        "imágenes", "immagine", "immagini", "afbeelding", "afbeeldingen", "visuel", "visuels", "图片", "画像", "圖片",
        "produktbild", "artikelbild", "图", "imagem",
    ]
)  # fmt: skip
_NO_PICTURE = frozenset(
    [
        "alt", "caption", "title", "position", "width", "height", "count", "label", "text", "id", "ids", "type", "date",
        "order", "hash", "sort", "description", "thumbnail", "thumb", "swatch", "icon", "logo", "small", "roles", "tag",
        "tags", "has", "is", "number", "alttext", "sku", "created", "updated", "author",
    ]
)  # fmt: skip
_FILLING = frozenset(
    [
        "product", "item", "main", "url", "urls", "link", "links", "src", "path", "file", "filename", "variant", "uri",
        "http", "other", "address",
    ]
)  # fmt: skip
_NUMBER = re.compile(r"\d+")
_SIGNS = re.compile(r"\W+")
_CACHED = 100
"""Characters of a name whose key is remembered."""


def key_of(column: str) -> str:
    """A column's name for comparison: composed, lower case, what is no letter or digit as one underscore."""
    return _short_key(column) if len(column) <= _CACHED else _key(column)


def _key(column: str) -> str:
    return _SIGNS.sub("_", unicodedata.normalize("NFKC", column[:400]).strip().lower()).strip("_")


_short_key = lru_cache(4096)(_key)


def field_of(column: str) -> str | None:
    """The field that a column's exact name means."""
    own = _own(column)
    return own[0] if own is not None else None


def _own(column: str) -> tuple[str, int] | None:
    """(Field, rank) of a column's name, also where its words are joined (`productName`, `ImageURL`)."""
    key = key_of(column)
    return _OWN.get(key) or _JOINED.get(key)


def alias_of(name: str) -> str | None:
    """The name that filters ask for, of an attribute that has a shop's own."""
    return _ALIAS.get(name)


def is_known(column: str) -> bool:
    """Whether a cell is a column's name that tables of products have."""
    key = key_of(column)
    return (
        _own(column) is not None
        or key in _ALIAS
        or key in ALIASES
        or key in _ATTRIBUTES
        or picture_rank(column) is not None
    )


_ATTRIBUTES = frozenset(
    [
        "gtin", "ean", "mpn", "upc", "isbn", "barcode", "link", "availability", "condition", "vendor", "tags", "weight",
        "quantity", "stock", "url", "season", "subcategory", "item_group_id", "age_group", "pattern", "style", "status",
        "published", "parent", "parent_sku", "option1_name", "option1_value", "images", "gewicht", "bestand", "lagerbestand",
    ]
)  # fmt: skip


def picture_rank(column: str) -> tuple[str, int] | None:
    """(Stem, number) of a column that is named as pictures are: `Product Image 2`, `image[0].url`; else None."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column[:_CACHED])
    return _rank_of(key_of(apart)[:_CACHED])


def _apart(word: str) -> tuple[str, ...]:
    """`imageurl` as its two words."""
    for size in range(3, len(word) - 2):
        pair = word[:size], word[size:]
        if any(one in _PICTURE_WORDS and other in _FILLING for one, other in (pair, pair[::-1])):
            return pair
    return (word,)


@lru_cache(4096)
def _rank_of(key: str) -> tuple[str, int] | None:
    numbers = [int(text[:6]) for text in _NUMBER.findall(key)]
    words = [part for word in _NUMBER.sub("_", key).split("_") if word for part in _apart(word)]
    if not words or any(word in _NO_PICTURE for word in words) or not any(word in _PICTURE_WORDS for word in words):
        return None
    stem = next(word for word in words if word in _PICTURE_WORDS)
    if len(set(words) - _FILLING - _PICTURE_WORDS) > 1:
        return None
    return stem.rstrip("s"), numbers[-1] if numbers else -1


def mentioned(header: Iterable[str]) -> frozenset[str]:
    """What a table with these columns can say of a product: its fields, and names of attributes."""
    names: set[str] = set()
    for column in header:
        key, field = key_of(column), field_of(column)
        if field in {"image", "additional_images"} or picture_rank(column) is not None or key.endswith("assets"):
            names.add("pictures")
            continue
        names |= {
            name for name in (field, alias_of(key), key if field not in {"title", "description"} else None) if name
        }
        if "price" in key or field == "price":
            names |= {"price", "currency"}
        if re.search(r"option|variant|variation|parent|group_id", key):
            names.add("variants")
    return frozenset(names - {"sku", ""})


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column is what: field -> position in the header, and the positions of all columns of pictures in order."""

    header: tuple[str, ...]
    fields: Mapping[str, int] = field(default_factory=dict)
    pictures: tuple[int, ...] = ()

    @property
    def hint(self) -> str:
        """The decimal mark of the language that the header is in, "" where it does not say."""
        return "," if any(key_of(column) in _COMMA_LANGUAGES for column in self.header) else ""

    def told(self) -> str:
        """In words, for the user."""
        parts = [f"{name} from {self.header[position]}" for name, position in self.fields.items()]
        if self.pictures:
            parts.append("image from " + " and ".join(self.header[position] for position in self.pictures))
        return ", ".join(parts)


def candidates(header: Sequence[str], field: str) -> list[int]:
    """Positions of the columns that may be a field, the likeliest name first."""
    found = [(rank, position) for position, column in enumerate(header) if (rank := _rank(column, field)) is not None]
    return [position for _, position in sorted(found)]


def _rank(column: str, field: str) -> int | None:
    own = _own(column)
    return own[1] if own is not None and own[0] == field else None


def picture_columns(header: Sequence[str], *, looks_right: Iterable[int]) -> tuple[int, ...]:
    """Positions of the columns of pictures: the main one, its numbered and repeated ones, further ones.

    Args:
        looks_right: positions whose values look like pictures, asked of columns that are not called so exactly.
    """
    right = set(looks_right)
    exact = candidates(header, "image")
    more = candidates(header, "additional_images")
    numbered = [(rank, at) for at, column in enumerate(header) if (rank := picture_rank(column)) is not None]
    chosen = exact[:1]
    stem = picture_rank(header[chosen[0]]) if chosen else None
    for (name, number), at in sorted(numbered, key=lambda one: (one[0][1], one[1])):
        if at in chosen or at in more:
            continue
        is_same = stem is not None and name == stem[0]
        is_twin = bool(chosen) and number == -1 and is_same and key_of(header[at]) != key_of(header[chosen[0]])
        is_list = key_of(header[at]).endswith("s") and is_same
        if (is_twin and not is_list) or (at not in right and not (is_same and (number >= 0 or at in exact))):
            continue
        chosen.append(at)
        stem = stem or (name, number)
    if chosen and stem is not None and stem[1] > 0 and len(chosen) > 1:
        chosen.sort(key=lambda at: ((picture_rank(header[at]) or ("", 0))[1], at))
    return tuple(dict.fromkeys([*chosen, *more]))
