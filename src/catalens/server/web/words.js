// What the page says, in English and Chinese. t("found", {n: 3}) puts values in.
const EN = {
  "nav.search": "Search", "nav.catalog": "Catalog", "nav.feeds": "Feeds", "nav.check": "Listing photos", "nav.tryon": "Try on", "nav.generate": "Generate", "nav.review": "Review tags",
  "nav.models": "Models", "nav.system": "System", skip: "Skip to the content", language: "中文", theme: "Light or dark", key: "Key",
  drop: "Drop a photo", "drop.hint": "or paste one, or search by words", choose: "Choose a photo", camera: "Take a photo",
  words: "Words", "words.hint": "red floral dress, 红色 连衣裙 …", find: "Search", filters: "Filters", weights: "What counts", reset: "Reset",
  other: "Another photo", whole: "Whole photo", boxes: "Click a box to search for that product only ({n})", "boxes.none": "No single product found",
  looking: "Looking …", "as.typed": "Search for {words} instead", found: "{n} products in {ms} ms", "found.none": "No product found. Remove a filter, or use other words.",
  "search.empty": "Similar products appear here", "search.empty.hint": "Search by a photo, by words, or by both. Each score shows its parts.",
  more: "More", parts: "Parts of the score", "part.deep": "appearance (network)", "part.color": "color", "part.texture": "texture", "part.shape": "shape",
  "part.text": "words in its text", "part.words": "words in its picture", "part.meaning": "meaning of its text", "part.liked": "liked", any: "any", "no.picture": "no picture",
  "found.of": "{n} of {total} products in {ms} ms", understood: "Understood in the words", "chip.remove": "Remove", "chip.not": "not {text}",
  sort: "Sort by", "sort.best": "best first", "sort.price": "price, low first", "sort.-price": "price, high first", "sort.title": "title", "sort.newest": "newest",
  "catalog.empty": "No products yet", "catalog.empty.hint": "Send a feed under “Feeds”, or run: catalens add", products: "{n} products",
  back: "Back", similar: "Similar products", variants: "Variants", attributes: "Attributes", why: "Why this match?",
  "why.hint": "Similar regions have the same color. Brighter regions contribute more to the similarity.", yours: "Your photo", theirs: "The product",
  "feeds.title": "Import products", "feeds.hint": "CSV, TSV, XML (Google), JSON Lines, Shopify and Magento exports, or a ZIP archive of a feed and its photos",
  "feeds.drop": "Drop a feed or a ZIP archive", "feeds.choose": "Choose a file", "feeds.jobs": "Earlier imports", "feeds.blur": "Hide faces",
  "feeds.sending": "Sending", taken: "rows done", added: "new", updated: "changed", unchanged: "unchanged", pictures: "pictures", failed: "failed", state: "state",
  "state.waiting": "waiting", "state.running": "running", "state.done": "done", "state.failed": "failed", "state.set aside": "set aside", "feeds.retry": "Try again", place: "Where", what: "What", reason: "Why", cure: "What to do",
  "check.title": "May this photo go online?", rules: "Rules of", "check.fine": "No problems found.", "check.fix": "Repair what is possible", measured: "measured", limit: "limit", source: "source",
  "feeds.looking": "Looking at", "feeds.columns": "Columns as understood; choose another field where it is wrong", "feeds.column": "Column",
  "feeds.field": "Read as", "feeds.example": "Example", "feeds.attribute": "attribute", "feeds.understood": "The first {n} products as understood",
  "feeds.import": "Import", "feeds.name": "Choose below what each column is, sku or title at least.", "field.sku": "sku", "field.title": "title",
  "field.description": "description", "field.image": "picture", "field.additional_images": "more pictures", "field.category": "category", "field.price": "price",
  "field.currency": "currency",
  before: "before", after: "after", download: "Download", "check.left": "Still to do", "check.unjudged": "Not judged, so not passed", "check.unjudged.hint": "These could not be measured on this photo. Look yourself.", "check.refused": "Not repaired", "check.category": "Category", "check.category.hint": "e.g. Dresses", "level.error": "error", "level.warning": "warning", "level.advice": "advice",
  "review.changed": "Somebody else has changed this tag to {now}. Try again to replace it with yours.",
  "review.title": "Predicted tags, the least certain first", "review.none": "No predicted tags. Make some: catalens catalog tag --catalog shop/ --model my-classes/ --field category",
  accept: "Right", change: "Change", skip1: "Skip", probability: "probability", "models.title": "Networks and licences", name: "Name", task: "Task", license: "Licence",
  size: "Parameters", scores: "Measured", "system.title": "Service status", version: "Version", vectors: "Vectors", encoders: "Encoders", bytes: "On disk", queued: "waiting",
  refused: "refused", served: "served", up: "Up for", unread: "unreadable pictures", "key.title": "This service requires a key", "key.hint": "catalens keys create --scope search,read,analyse,write",
  save: "Save", cancel: "Cancel", offline: "The service does not respond. Is it running?", again: "Try again", api: "API", widget: "Add search to your shop", least: "min", most: "max",
  "tryon.title": "Try on (experimental)", "tryon.hint": "A photo of a person and one of a garment. Neither is stored. Most results are wrong: look before you use one.", "tryon.person": "The person", "tryon.garment": "The garment",
  "tryon.image.hint": "standing, from the front, in good light", "tryon.garment.hint": "alone, laid flat or on a hanger", "tryon.kind": "Kind", "tryon.done": "Done", "tryon.skus": "or products (SKU)", "tryon.experimental": "Experimental: look at it before you use it.", "tryon.confidence": "Confidence {share}.", made: "Generated by a network; the file carries a mark that says so.",
  "box.product": "product", "kind.auto": "as on the photo", "kind.top": "top", "kind.dress": "dress", "kind.trousers": "trousers", "kind.skirt": "skirt", "kind.outerwear": "jacket or coat",
  "generate.title": "Generated pictures (experimental)", "generate.hint": "Products that do not exist, for drafts and tests only. The same seed gives the same pictures.", "generate.kind": "Kind", "generate.color": "Color", "generate.pattern": "Pattern", "generate.n": "How many", "generate.seed": "Seed", "generate.model": "Network", model: "Network", "generate.go": "Generate",
};
const ZH = {
  "nav.search": "搜索", "nav.catalog": "商品库", "nav.feeds": "导入", "nav.check": "主图检查", "nav.tryon": "试穿", "nav.generate": "生成", "nav.review": "标签审核", "nav.models": "模型", "nav.system": "系统",
  skip: "跳到正文", language: "English", theme: "浅色或深色", key: "密钥", drop: "把照片拖到这里", "drop.hint": "也可以粘贴，或用文字搜索", choose: "选择照片", camera: "拍照",
  words: "文字", "words.hint": "红色 连衣裙，red floral dress …", find: "搜索", filters: "筛选", weights: "看重什么", reset: "恢复默认", other: "换一张照片", whole: "整张照片",
  boxes: "照片上有 {n} 件：点一下单独搜索", "boxes.none": "没有单独的物品", looking: "正在查找 …", "as.typed": "改为搜索 {words}", found: "{n} 件商品，{ms} 毫秒", "found.of": "{total} 件中的 {n} 件，{ms} 毫秒", understood: "从文字中理解的条件", "chip.remove": "去掉", "chip.not": "不要 {text}",
  sort: "排序", "sort.best": "最相关", "sort.price": "价格从低到高", "sort.-price": "价格从高到低", "sort.title": "名称", "sort.newest": "最新",
  "found.none": "没有符合的商品。去掉一个筛选条件，或换几个词。",
  "search.empty": "相似商品会显示在这里", "search.empty.hint": "用照片、文字或两者一起搜索。每个分数都会说明来源。", more: "更多", parts: "分数的组成",
  "part.deep": "整体外观", "part.color": "颜色", "part.texture": "纹理", "part.shape": "形状", "part.text": "文字描述", "part.words": "文字看图", "part.meaning": "文字含义", "part.liked": "喜欢",
  any: "不限", "no.picture": "没有图片", "catalog.empty": "还没有商品", "catalog.empty.hint": "在“导入”里上传商品文件，或运行：catalens add", products: "{n} 件商品", back: "返回",
  similar: "相似商品", variants: "款式", attributes: "属性", why: "为什么相似？", "why.hint": "颜色相同的区域彼此相似；越亮，对相似度的贡献越大。", yours: "您的照片", theirs: "商品",
  "feeds.looking": "正在查看", "feeds.columns": "识别出的列；不对时请选择别的字段", "feeds.column": "列", "feeds.field": "作为", "feeds.example": "示例", "feeds.attribute": "属性",
  "feeds.understood": "识别出的前 {n} 件商品", "feeds.import": "导入", "feeds.name": "请在下面选择各列的含义，至少货号或标题。", "field.sku": "货号", "field.title": "标题", "field.description": "描述", "field.image": "图片", "field.additional_images": "更多图片", "field.category": "类目", "field.price": "价格", "field.currency": "货币",
  "feeds.title": "导入商品", "feeds.hint": "CSV、TSV、XML（Google）、JSON Lines、Shopify 与 Magento 导出文件，或包含图片的 ZIP", "feeds.drop": "把商品文件或 ZIP 拖到这里",
  "feeds.choose": "选择文件", "feeds.jobs": "以前的导入", "feeds.blur": "遮住人脸", "feeds.sending": "正在上传", taken: "已处理行数", added: "新增", updated: "更新", unchanged: "未变", pictures: "图片", failed: "失败", state: "状态",
  "state.waiting": "等待中", "state.running": "进行中", "state.done": "完成", "state.failed": "失败", "state.set aside": "已搁置", "feeds.retry": "重试", place: "位置", what: "内容", reason: "原因", cure: "怎么办",
  "check.title": "这张照片可以上架吗？", rules: "平台规则", "check.fine": "没有问题。", "check.fix": "自动修复", measured: "实测", limit: "限值", source: "出处", before: "之前", after: "之后",
  download: "下载", "check.left": "仍需处理", "check.unjudged": "无法判断，不算通过", "check.unjudged.hint": "这张照片上测不出这些项目，请自行查看。", "check.refused": "未修复", "check.category": "类别", "check.category.hint": "例如 连衣裙", "level.error": "错误", "level.warning": "警告", "level.advice": "建议", "review.title": "预测的标签，最没把握的在前", "review.changed": "这个标签刚被别人改为：{now}。再试一次会用您的值替换。",
  "review.none": "没有预测的标签。可运行：catalens catalog tag --catalog shop/ --model my-classes/ --field category", accept: "正确", change: "修改", skip1: "跳过", probability: "把握",
  "models.title": "网络与许可", name: "名称", task: "任务", license: "许可", size: "参数量", scores: "实测成绩", "system.title": "服务状态", version: "版本", vectors: "向量", encoders: "编码器",
  bytes: "占用磁盘", queued: "排队", refused: "拒绝", served: "完成", up: "已运行", unread: "无法读取的图片", "key.title": "此服务需要密钥", "key.hint": "catalens keys create --scope search,read,analyse,write",
  save: "保存", cancel: "取消", offline: "服务没有响应。它在运行吗？", again: "再试一次", api: "接口", widget: "把搜索放进您的商店", least: "最小", most: "最大",
  "tryon.title": "试穿（实验性）", "tryon.hint": "一张人像照片和一张服装照片。两张都不会被保存。多数结果是错的，使用前请检查。", "tryon.person": "人像", "tryon.garment": "服装",
  "tryon.image.hint": "正面站立，光线充足", "tryon.garment.hint": "单独的服装，平铺或挂拍", "tryon.kind": "类别", "tryon.done": "完成", "tryon.skus": "或商品（SKU）", "tryon.experimental": "实验性功能：使用前请检查。", "tryon.confidence": "置信度 {share}。", made: "由神经网络生成：文件里带有可供机器读取的标记。",
  "box.product": "商品", "kind.auto": "自动识别", "kind.top": "上衣", "kind.dress": "连衣裙", "kind.trousers": "裤子", "kind.skirt": "半身裙", "kind.outerwear": "外套",
  "generate.title": "生成图片（实验性）", "generate.hint": "并不存在的商品，只用于草图和测试。相同的种子得到相同的图片。", "generate.kind": "类别", "generate.color": "颜色", "generate.pattern": "图案", "generate.n": "数量", "generate.seed": "种子", "generate.model": "模型", model: "模型", "generate.go": "生成",
};
const LANGUAGE = "catalens-language";

export const language = () => localStorage.getItem(LANGUAGE) ?? (navigator.language?.startsWith("zh") ? "zh" : "en");
export function setLanguage(name) {
  localStorage.setItem(LANGUAGE, name);
}
export function t(name, values = {}) {
  const said = (language() === "zh" ? ZH : EN)[name] ?? EN[name] ?? name;
  return said.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}
