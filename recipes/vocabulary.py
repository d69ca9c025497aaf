"""What the text tower is taught to say: concepts, how they are called in English and Chinese, what is a kind of what.

The phrasings are common words of shops, written down from general knowledge, not taken from any catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType


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


def _list(text: str, separator: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(separator) if part.strip())


KINDS = _table(
    """
    clothing | clothes; apparel; garment; fashion | 服装; 衣服; 服饰
    top < clothing | tops; upper wear; shirt or top | 上衣; 上装
    t-shirt < top | t-shirts; tshirt; tshirts; tee; t shirt; short-sleeved shirt | T恤; 短袖; t恤衫; 体恤
    polo shirt < top, t-shirt | polo; polo t-shirt; polo shirts | Polo衫; 翻领T恤; polo衫
    shirt < top | shirts; button-up shirt; dress shirt; casual shirt; button-down | 衬衫; 衬衣
    blouse < top, shirt | blouses; women's shirt; tops | 女式衬衫; 罩衫
    camisole < top | sleeveless top; tank top; strappy top; vest top; women's top; tops | 吊带; 背心; 吊带衫
    long-sleeved top < top | longsleeve; long sleeve shirt; long-sleeve tee; long sleeve top | 长袖; 长袖上衣; 长袖T恤
    kurta < top | kurtas; kurti; kurtis; indian tunic; ethnic tunic | 印度长衫; 长款上衣
    sweater < top, knitwear | sweaters; pullover; jumper; knit sweater; knitted top | 毛衣; 针织衫; 套头衫
    cardigan < top, knitwear | cardigans; knit cardigan | 开衫; 针织开衫
    knitwear < clothing | knits; knitted clothing | 针织
    hoodie < top | hoodies; hooded sweatshirt; hooded sweater | 连帽衫; 卫衣; 帽衫
    sweatshirt < top | sweatshirts; sweater shirt | 卫衣; 运动衫
    vest < top | vests; waistcoat; gilet | 马甲; 背心
    dress < clothing | dresses; gown; frock; women's dress | 连衣裙; 裙子; 长裙; 礼服
    romper < clothing | jumpsuit; playsuit; overall | 连体裤; 连身衣
    outerwear < clothing | outwear; coats and jackets; jacket or coat | 外套; 外衣
    coat < outerwear | coats; overcoat; winter coat; trench coat; long coat | 大衣; 外套; 风衣
    jacket < outerwear | jackets; short jacket | 夹克; 外套; 短外套
    blazer < outerwear, jacket | blazers; suit jacket; sport coat | 西装外套; 西服; 西装
    cape < outerwear | poncho; cloak | 斗篷; 披风
    suit < clothing | suits; two-piece suit | 套装; 西装
    bottoms < clothing | bottom wear; lower wear; legwear | 下装
    trousers < bottoms | pants; trouser; slacks; chinos; pant | 裤子; 长裤; 休闲裤
    jeans < bottoms, trousers | jean; denim pants; denim trousers; blue jeans | 牛仔裤
    leggings < bottoms, trousers | tights; legging | 打底裤; 紧身裤
    shorts < bottoms | short pants; bermuda shorts; short trousers | 短裤
    skirt < bottoms | skirts; women's skirt | 半身裙; 裙子; 短裙
    track pants < bottoms, trousers | track pant; trackpants; joggers; sweatpants; jogging pants | 运动裤; 卫裤
    innerwear < clothing | underwear; lingerie; intimates | 内衣
    bra < innerwear | bras; brassiere; sports bra | 文胸; 胸罩
    briefs < innerwear | underpants; panties; trunks; boxer shorts | 内裤
    undershirt < innerwear, top | undershirts; innerwear vest; innerwear vests; singlet | 打底背心; 内衣背心
    stockings < clothing | tights; hosiery; nylons | 丝袜; 长袜
    socks < clothing | sock; ankle socks | 袜子
    tie < accessories | ties; necktie; neck tie | 领带
    gloves < accessories | glove; mittens | 手套
    shoes < | shoe; footwear; pair of shoes | 鞋; 鞋子; 鞋履
    sneakers < shoes | sneaker; casual shoes; canvas shoes; plimsolls | 休闲鞋; 板鞋; 球鞋
    running shoes < shoes | running shoe; sports shoes; sport shoes; trainers; athletic shoes | 跑鞋; 运动鞋
    boots < shoes | boot; ankle boots; ankle boot; booties | 靴子; 短靴; 长靴; 马丁靴
    heels < shoes | high heels; pumps; heeled shoes; stilettos; court shoes | 高跟鞋; 单鞋
    wedges < shoes, heels | wedge heels; wedge shoes | 坡跟鞋
    loafers < shoes | loafer; slip-on shoes; moccasins; leather shoes | 乐福鞋; 皮鞋
    formal shoes < shoes | formal shoe; dress shoes; derby shoes; oxford shoes; brogues | 正装鞋; 德比鞋; 牛津鞋
    flats < shoes | flat shoes; ballet flats; ballerinas | 平底鞋; 芭蕾鞋
    sandals < shoes | sandal; open shoes; summer shoes | 凉鞋
    flip flops < shoes, sandals | flip-flops; slippers; thongs; slides | 人字拖; 拖鞋
    bag < | bags | 包; 包包; 箱包
    handbag < bag | handbags; purse; shoulder bag; women's bag; clutch | 手提包; 手袋; 女包; 单肩包; 挎包
    tote bag < bag, handbag | tote; tote bags; shopper; shopping bag | 托特包; 购物袋; 帆布包
    backpack < bag | backpacks; rucksack; school bag; daypack | 双肩包; 背包; 书包
    suitcase < bag | suitcases; luggage; trolley; trolley case; travel case | 行李箱; 旅行箱; 拉杆箱
    wallet < bag, accessories | wallets; billfold; card holder | 钱包; 皮夹; 卡包
    accessories < | accessory; fashion accessory | 配饰; 饰品; 配件
    hat < accessories | hats; headwear; sun hat; fedora | 帽子; 礼帽
    cap < accessories, hat | caps; baseball cap; peaked cap | 棒球帽; 鸭舌帽; 帽子
    beanie < accessories, hat | beanies; knit hat; knitted hat; winter hat | 毛线帽; 针织帽
    scarf < accessories | scarves; shawl; stole; muffler | 围巾; 丝巾; 披肩
    belt < accessories | belts; leather belt; waist belt | 腰带; 皮带
    watch < accessories | watches; wristwatch; wrist watch; timepiece | 手表; 腕表
    glasses < accessories | eyeglasses; eyewear; spectacles | 眼镜
    sunglasses < accessories, glasses | sun glasses; shades | 太阳镜; 墨镜
    jewelry < accessories | jewellery; costume jewelry | 首饰; 珠宝
    necklace < accessories, jewelry | necklaces; pendant; chain | 项链; 吊坠
    bracelet < accessories, jewelry | bracelets; bangle | 手链; 手镯
    ring < accessories, jewelry | rings; finger ring | 戒指
    earrings < accessories, jewelry | earring; ear studs | 耳环; 耳钉
    homeware < | home; housewares; home goods; home decor; decoration | 家居; 家居用品; 装饰
    kitchenware < homeware | kitchen; tableware; crockery | 厨具; 餐具
    cup < kitchenware, homeware | mug; cups; mugs; coffee mug; tea cup | 杯子; 马克杯; 茶杯
    bowl < kitchenware, homeware | bowls; salad bowl | 碗; 大碗
    bottle < kitchenware, homeware | bottles; water bottle; flask | 瓶子; 水瓶; 水杯
    vase < homeware | vases; flower vase | 花瓶
    lamp < homeware | lamps; table lamp; floor lamp; light | 灯; 台灯; 落地灯
    pillow < homeware | cushion; pillows; cushions; throw pillow | 抱枕; 靠垫; 枕头
    furniture < | home furniture; furnishings | 家具
    chair < furniture | chairs; dining chair; seat | 椅子; 餐椅
    stool < furniture | stools; bar stool | 凳子; 吧凳
    armchair < furniture | armchairs; easy chair; lounge chair | 扶手椅; 单人沙发
    sofa < furniture | sofas; couch; settee; loveseat | 沙发
    table < furniture | tables; dining table; coffee table; desk | 桌子; 餐桌; 茶几
    beauty < | beauty product; cosmetics; grooming | 美妆; 化妆品
    electronics < | electronic device; gadget | 电子产品; 数码
    food < | groceries; grocery | 食品; 食物
    fruit < food | fruits; fresh fruit | 水果
    vegetable < food | vegetables; fresh vegetables; veg | 蔬菜
    packages < food | packaged food; carton; package | 包装食品
    apple < fruit | apples | 苹果
    golden delicious < apple | golden delicious apples; yellow apple | 金冠苹果; 黄苹果
    granny smith < apple | granny smith apples; green apple | 青苹果
    pink lady < apple | pink lady apples | 粉红佳人苹果
    red delicious < apple | red delicious apples | 蛇果
    royal gala < apple | royal gala apples; gala apples | 嘎啦苹果
    avocado < fruit | avocados | 牛油果; 鳄梨
    banana < fruit | bananas | 香蕉
    kiwi < fruit | kiwis; kiwi fruit; kiwifruit | 猕猴桃; 奇异果
    lemon < fruit | lemons | 柠檬; 黄柠檬
    lime < fruit | limes | 青柠; 青柠檬
    mango < fruit | mangos; mangoes | 芒果
    melon < fruit | melons | 瓜; 甜瓜
    cantaloupe < melon | cantaloupes; cantaloupe melon | 哈密瓜; 网纹瓜
    galia melon < melon | galia melons | 伽利亚甜瓜
    honeydew melon < melon | honeydew melons; honeydew | 蜜瓜; 白兰瓜
    watermelon < melon | watermelons | 西瓜
    nectarine < fruit | nectarines | 油桃
    orange < fruit | oranges | 橙子; 甜橙
    papaya < fruit | papayas | 木瓜
    passion fruit < fruit | passion fruits; passionfruit | 百香果
    peach < fruit | peaches | 桃子; 水蜜桃
    pear < fruit | pears | 梨; 梨子
    anjou < pear | anjou pears | 安茹梨
    conference < pear | conference pears | 康佛伦斯梨
    kaiser < pear | kaiser pears | 凯撒梨
    pineapple < fruit | pineapples | 菠萝; 凤梨
    plum < fruit | plums | 李子; 布林
    pomegranate < fruit | pomegranates | 石榴
    red grapefruit < fruit | red grapefruits; grapefruit; grapefruits | 西柚; 葡萄柚; 红西柚
    satsumas < fruit | satsuma; mandarin; tangerine; clementine | 蜜橘; 橘子; 柑橘
    juice < packages | juices; fruit juice; juice carton | 果汁
    apple juice < juice | | 苹果汁
    orange juice < juice | | 橙汁
    grapefruit juice < juice | | 西柚汁
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
    milk < packages | milks; milk carton; cow milk | 牛奶; 鲜奶
    medium fat milk < milk | low fat milk; semi-skimmed milk | 低脂牛奶
    standard milk < milk | whole milk; full fat milk | 全脂牛奶
    arla ecological medium fat milk < medium fat milk | arla organic milk |
    arla lactose medium fat milk < medium fat milk | arla lactose free milk; lactose free milk | 无乳糖牛奶
    arla medium fat milk < medium fat milk | |
    arla standard milk < standard milk | |
    garant ecological medium fat milk < medium fat milk | garant organic milk |
    garant ecological standard milk < standard milk | garant organic whole milk |
    oatghurt < packages | oat yoghurt; oat yogurt | 燕麦酸奶
    oatly natural oatghurt < oatghurt | oatly oatghurt |
    oat milk < packages | oat drink | 燕麦奶
    oatly oat milk < oat milk | oatly |
    sour cream < packages | | 酸奶油
    arla ecological sour cream < sour cream | arla organic sour cream |
    arla sour cream < sour cream | |
    sour milk < packages | soured milk; filmjolk | 发酵乳
    arla sour milk < sour milk | |
    soyghurt < packages | soy yoghurt; soy yogurt | 大豆酸奶
    alpro blueberry soyghurt < soyghurt | alpro blueberry; blueberry soy yogurt | 蓝莓大豆酸奶
    alpro vanilla soyghurt < soyghurt | alpro vanilla | 香草大豆酸奶
    soy milk < packages | soy drink; soya milk | 豆奶; 豆浆
    alpro fresh soy milk < soy milk | alpro fresh |
    alpro shelf soy milk < soy milk | alpro soy milk |
    yoghurt < packages | yogurt; yoghurts; yogurts | 酸奶
    arla mild vanilla yoghurt < yoghurt | arla vanilla yogurt |
    arla natural mild low fat yoghurt < yoghurt | arla low fat yogurt | 低脂酸奶
    arla natural yoghurt < yoghurt | arla natural yogurt; plain yogurt | 原味酸奶
    valio vanilla yoghurt < yoghurt | valio vanilla yogurt |
    yoggi strawberry yoghurt < yoghurt | yoggi strawberry; strawberry yogurt | 草莓酸奶
    yoggi vanilla yoghurt < yoghurt | yoggi vanilla |
    asparagus < vegetable | green asparagus | 芦笋
    aubergine < vegetable | aubergines; eggplant; eggplants | 茄子
    cabbage < vegetable | cabbages; white cabbage | 卷心菜; 圆白菜; 包菜
    carrots < vegetable | carrot | 胡萝卜
    cucumber < vegetable | cucumbers | 黄瓜
    garlic < vegetable | garlic bulb | 大蒜; 蒜
    ginger < vegetable | ginger root | 生姜; 姜
    leek < vegetable | leeks | 韭葱; 大葱
    mushroom < vegetable | mushrooms | 蘑菇; 香菇
    brown cap mushroom < mushroom | brown mushrooms; chestnut mushrooms | 褐菇; 棕色蘑菇
    onion < vegetable | onions | 洋葱
    yellow onion < onion | yellow onions | 黄洋葱
    pepper < vegetable | peppers; bell pepper; bell peppers; sweet pepper; paprika | 甜椒; 彩椒
    green bell pepper < pepper | green pepper; green peppers | 青椒
    orange bell pepper < pepper | orange pepper; orange peppers | 橙甜椒
    red bell pepper < pepper | red pepper; red peppers | 红甜椒; 红椒
    yellow bell pepper < pepper | yellow pepper; yellow peppers | 黄甜椒; 黄椒
    potato < vegetable | potatoes | 土豆; 马铃薯
    floury potato < potato | floury potatoes | 粉土豆
    solid potato < potato | solid potatoes; waxy potatoes | 脆土豆
    sweet potato < vegetable | sweet potatoes | 红薯; 地瓜
    red beet < vegetable | red beets; beetroot; beet | 甜菜根; 红菜头
    tomato < vegetable | tomatoes | 西红柿; 番茄
    beef tomato < tomato | beef tomatoes; beefsteak tomato | 牛番茄
    regular tomato < tomato | round tomatoes | 普通番茄
    vine tomato < tomato | vine tomatoes; tomatoes on the vine | 串番茄
    zucchini < vegetable | zucchinis; courgette; courgettes | 西葫芦
    """
)

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
        "long-sleeved top": frozenset({"sweater", "t-shirt", "hoodie", "sweatshirt", "shirt", "blouse", "cardigan"}),
        "t-shirt": frozenset({"camisole", "polo shirt"}),
        "shirt": frozenset({"blouse"}),
        "top": frozenset({"long-sleeved top"}),
        "sweater": frozenset({"sweatshirt", "hoodie", "long-sleeved top"}),
        "hoodie": frozenset({"sweatshirt", "sweater", "long-sleeved top"}),
        "sweatshirt": frozenset({"sweater", "hoodie"}),
        "camisole": frozenset({"t-shirt", "vest", "blouse", "undershirt"}),
        "jacket": frozenset({"coat", "cardigan"}),
        "coat": frozenset({"jacket", "blazer", "cape"}),
        "sneakers": frozenset({"running shoes"}),
        "running shoes": frozenset({"sneakers"}),
        "loafers": frozenset({"formal shoes"}),
        "formal shoes": frozenset({"loafers"}),
        "undershirt": frozenset({"camisole"}),
        "handbag": frozenset({"tote bag", "wallet"}),
        "tote bag": frozenset({"handbag"}),
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
