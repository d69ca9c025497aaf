"""What the text tower is taught to say: concepts, how they are called in English and Chinese, what is a kind of what.

Names of kinds are those of the taxonomy; the others are common words of shops, not taken from any catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from catalens.taxonomy import classes, forms, kind, named, rules


@dataclass(frozen=True, slots=True)
class Concept:
    """A thing that words can name: its phrasings, most usual first, and the wider concepts that it belongs to."""

    english: tuple[str, ...]
    chinese: tuple[str, ...]
    parents: tuple[str, ...] = ()


def _table(text: str) -> Mapping[str, Concept]:
    """`name < parents | english; english | chinese; chinese`, a line each. The name itself is the first phrasing."""
    found: dict[str, Concept] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        head, english, chinese = (part.strip() for part in line.split("|"))
        name, _, parents = (part.strip() for part in head.partition("<"))
        found[name] = Concept((name, *_list(english, ";")), _list(chinese, ";"), _list(parents, ","))
    return MappingProxyType(found)


def _taught(name: str) -> Concept:
    """A kind of the taxonomy with its plurals, and the nearest wider ones that are taught, too."""
    one, known = kind(name), classes("taught")
    wider = [other for other in one.lineage[1:] if other in known]
    nearest = [other for other in wider if not any(other in kind(between).lineage[1:] for between in wider)]
    return Concept(tuple(dict.fromkeys((*forms(one, "en"), *one.last))), one.names["zh"], tuple(nearest))


def _list(text: str, separator: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(separator) if part.strip())


BRANDS = _table(
    """
    golden delicious < apple | golden delicious apples; yellow apple | 金冠苹果; 黄苹果
    granny smith < apple | granny smith apples; green apple | 青苹果
    pink lady < apple | pink lady apples | 粉红佳人苹果
    red delicious < apple | red delicious apples | 蛇果
    royal gala < apple | royal gala apples; gala apples | 嘎啦苹果
    galia melon < melon | galia melons | 伽利亚甜瓜
    honeydew melon < melon | honeydew melons; honeydew | 蜜瓜; 白兰瓜
    anjou < pear | anjou pears | 安茹梨
    conference < pear | conference pears | 康佛伦斯梨
    kaiser < pear | kaiser pears | 凯撒梨
    bravo apple juice < apple juice | bravo apple |
    bravo orange juice < orange juice | bravo orange |
    god morgon apple juice < apple juice | god morgon apple |
    god morgon orange juice < orange juice | god morgon orange |
    god morgon orange red grapefruit juice < orange juice, grapefruit juice | god morgon orange red grapefruit |
    god morgon red grapefruit juice < grapefruit juice | god morgon red grapefruit |
    tropicana apple juice < apple juice | tropicana apple |
    tropicana golden grapefruit < grapefruit juice | tropicana grapefruit |
    tropicana juice smooth < orange juice | tropicana smooth; tropicana orange juice |
    tropicana mandarin morning < juice | tropicana mandarin | 橘子汁
    medium fat milk < milk | low fat milk; semi-skimmed milk | 低脂牛奶
    standard milk < milk | whole milk; full fat milk | 全脂牛奶
    arla ecological medium fat milk < medium fat milk | arla organic milk |
    arla lactose medium fat milk < medium fat milk | arla lactose free milk; lactose free milk | 无乳糖牛奶
    arla medium fat milk < medium fat milk | |
    arla standard milk < standard milk | |
    garant ecological medium fat milk < medium fat milk | garant organic milk |
    garant ecological standard milk < standard milk | garant organic whole milk |
    oatly natural oatghurt < oatghurt | oatly oatghurt |
    oatly oat milk < oat milk | oatly |
    arla ecological sour cream < sour cream | arla organic sour cream |
    arla sour cream < sour cream | |
    arla sour milk < sour milk | |
    alpro blueberry soyghurt < soyghurt | alpro blueberry; blueberry soy yogurt | 蓝莓大豆酸奶
    alpro vanilla soyghurt < soyghurt | alpro vanilla | 香草大豆酸奶
    alpro fresh soy milk < soy milk | alpro fresh |
    alpro shelf soy milk < soy milk | alpro soy milk |
    arla mild vanilla yoghurt < yoghurt | arla vanilla yogurt |
    arla natural mild low fat yoghurt < yoghurt | arla low fat yogurt | 低脂酸奶
    arla natural yoghurt < yoghurt | arla natural yogurt; plain yogurt | 原味酸奶
    valio vanilla yoghurt < yoghurt | valio vanilla yogurt |
    yoggi strawberry yoghurt < yoghurt | yoggi strawberry; strawberry yogurt | 草莓酸奶
    yoggi vanilla yoghurt < yoghurt | yoggi vanilla |
    brown cap mushroom < mushroom | brown mushrooms; chestnut mushrooms | 褐菇; 棕色蘑菇
    yellow onion < onion | yellow onions | 黄洋葱
    green bell pepper < pepper | green pepper; green peppers | 青椒
    orange bell pepper < pepper | orange pepper; orange peppers | 橙甜椒
    red bell pepper < pepper | red pepper; red peppers | 红甜椒; 红椒
    yellow bell pepper < pepper | yellow pepper; yellow peppers | 黄甜椒; 黄椒
    floury potato < potato | floury potatoes | 粉土豆
    solid potato < potato | solid potatoes; waxy potatoes | 脆土豆
    beef tomato < tomato | beef tomatoes; beefsteak tomato | 牛番茄
    regular tomato < tomato | round tomatoes | 普通番茄
    vine tomato < tomato | vine tomatoes; tomatoes on the vine | 串番茄
    """
)
"""Brands and sorts that the photos show, none of them a kind of its own."""
KINDS: Mapping[str, Concept] = MappingProxyType({name: _taught(name) for name in classes("taught")} | dict(BRANDS))

COLORS = _table(
    """
    red | bright red; scarlet; crimson | 红色; 红; 大红
    orange | | 橙色; 橘色; 橙
    yellow | mustard; golden yellow; gold | 黄色; 黄
    green | dark green; olive | 绿色; 绿; 墨绿
    blue | bright blue; royal blue | 蓝色; 蓝
    purple | violet; lilac | 紫色; 紫
    pink | rose; light pink | 粉色; 粉红色; 粉
    brown | dark brown; chocolate; tan | 棕色; 褐色; 咖啡色
    black | jet black | 黑色; 黑
    white | off-white; ivory | 白色; 白
    grey | gray; charcoal; light grey; silver | 灰色; 灰; 银色
    navy | navy blue; dark blue | 藏青色; 深蓝色; 海军蓝
    beige | cream; sand; camel; khaki | 米色; 米白色; 卡其色
    turquoise | teal; aqua | 青色; 蓝绿色; 湖蓝
    burgundy | maroon; wine red; dark red | 酒红色; 暗红色; 酒红
    """
)

PATTERNS = _table(
    """
    plain | solid; solid color; uni | 纯色; 素色
    striped | stripes; stripy; stripe pattern | 条纹
    checked | plaid; checks; checkered; tartan; check pattern | 格子; 格纹
    dotted | polka dot; dots; polka dots; spotted | 波点; 圆点
    floral | flowers; flower print; floral print; flowery | 印花; 碎花; 花卉
    """
)

MATERIALS = _table(
    """
    cotton | cotton fabric | 棉; 纯棉; 棉质
    jersey | cotton jersey | 针织棉
    linen | linen fabric | 亚麻; 麻
    silk | silky | 丝绸; 真丝
    satin | satin fabric | 缎面; 绸缎
    denim | jeans fabric | 牛仔
    wool | woolen; woollen | 羊毛; 毛呢
    knit | knitted; knit fabric | 针织
    fleece | fleecy | 抓绒; 绒
    velvet | velvety | 天鹅绒; 丝绒
    polyester | | 涤纶; 聚酯纤维
    nylon | | 尼龙
    canvas | | 帆布
    leather | real leather | 皮革; 真皮; 皮
    suede | | 麂皮; 绒面
    patent | patent leather; shiny leather | 漆皮
    straw | raffia; woven straw | 草编; 稻草
    rubber | | 橡胶
    plastic | | 塑料
    metal | steel; metallic | 金属; 不锈钢
    wood | wooden | 木; 木质; 实木
    ceramic | porcelain | 陶瓷; 瓷
    stoneware | | 粗陶; 陶
    glass | | 玻璃
    """
)

TABLES: Mapping[str, Mapping[str, Concept]] = MappingProxyType(
    {"kind": KINDS, "color": COLORS, "pattern": PATTERNS, "material": MATERIALS}
)

UNSURE: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        **{name: frozenset(others) for name, others in rules()["confused"].items()},
        "navy": frozenset({"blue", "black"}),
        "blue": frozenset({"turquoise"}),
        "black": frozenset({"navy"}),
        "burgundy": frozenset({"red", "brown", "purple"}),
        "red": frozenset({"burgundy", "orange", "pink"}),
        "turquoise": frozenset({"blue", "green"}),
        "beige": frozenset({"white", "brown", "grey"}),
        "brown": frozenset({"beige", "burgundy"}),
        "grey": frozenset({"white", "black"}),
        "pink": frozenset({"purple", "red"}),
        "white": frozenset({"beige"}),
        "jersey": frozenset({"cotton", "knit"}),
        "cotton": frozenset({"jersey", "linen", "polyester", "canvas"}),
        "linen": frozenset({"cotton", "canvas"}),
        "canvas": frozenset({"cotton", "linen", "nylon"}),
        "polyester": frozenset({"cotton", "nylon", "satin"}),
        "nylon": frozenset({"polyester", "canvas"}),
        "silk": frozenset({"satin"}),
        "satin": frozenset({"silk", "polyester"}),
        "wool": frozenset({"knit", "fleece"}),
        "knit": frozenset({"wool"}),
        "leather": frozenset({"patent", "suede"}),
        "suede": frozenset({"leather"}),
        "patent": frozenset({"leather", "plastic"}),
        "ceramic": frozenset({"stoneware"}),
        "stoneware": frozenset({"ceramic"}),
    }
)
"""What a picture of the first may also be called: no evidence against a caption, and none for it. It need not hold the
other way round: white in the shade is named grey, and navy is a blue, but what is named white is not grey.
"""


@cache
def with_parents(name: str) -> frozenset[str]:
    """A kind and all the wider ones that it belongs to."""
    concept = KINDS.get(name)
    wider = concept.parents if concept is not None else ()
    return frozenset({name}).union(*map(with_parents, wider)) if wider else frozenset({name})


def concept_of(word: str) -> str:
    """The concept by which a data set's word is taught; the word itself where there is none."""
    one = named(word) if word not in KINDS else None
    return next((name for name in one.lineage if name in KINDS), word) if one else word
