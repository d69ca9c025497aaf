// A product: pictures, variants, attributes; what is similar; why it matched the photo that was searched with.
import { call, formOf } from "./api.js";
import { h, replace } from "./dom.js";
import { errorNotice } from "./errors.js";
import { card, PARTS, scoreBar, skeletons } from "./results.js";
import { session } from "./session.js";
import { t } from "./words.js";

const HUES = ["#2e5cdc", "#e0527e", "#e08a1e", "#2a9d6f", "#8a63d2"];

export async function show(host, sku) {
  const product = await call(`/v1/products/${encodeURIComponent(sku)}`);
  const large = h("img", { src: product.pictures[0]?.large ?? "", alt: product.title, class: "large" });
  const similar = h("div", { class: "grid" }, skeletons(4));
  const why = h("div");
  const match = session.search.found?.matches.find((one) => one.sku === product.sku);
  const attributes = Object.entries(product.attributes).filter(([name]) => !/_predicted_by$|_probability$/.test(name));
  replace(host,
    h("button", { type: "button", class: "plain back", onclick: () => history.back() }, `← ${t("back")}`),
    h("div", { class: "product-head" },
      h("div", { class: "gallery" }, product.pictures.length ? large : h("div", { class: "picture" }, t("no.picture")),
        product.pictures.length > 1 && h("div", { class: "thumbs" }, product.pictures.map((one, index) =>
          h("button", { type: "button", "aria-label": `${index + 1} / ${product.pictures.length}`, onclick: () => { large.src = one.large; } },
            h("img", { src: one.image, alt: "", loading: "lazy" }))))),
      h("div", { class: "facts" },
        h("h1", {}, product.title || product.sku), h("p", { class: "quiet" }, product.sku),
        product.description && h("p", { class: "description" }, product.description),
        match && h("div", { class: "panel" }, h("h2", {}, t("parts")), scoreBar(match),
          h("ul", { class: "parts" }, PARTS.filter((part) => match.parts[part] > 0.0005).map((part) =>
            h("li", {}, h("i", { class: `dot part-${part}` }), t(`part.${part}`), h("b", {}, match.parts[part].toFixed(3))))),
          session.asked && match.picture_hash && h("button", { type: "button", class: "primary", onclick: explain }, t("why"))),
        why,
        attributes.length > 0 && h("div", {}, h("h2", {}, t("attributes")), table(attributes)),
        product.variants.length > 0 && h("div", {}, h("h2", {}, t("variants")), table(product.variants.map((one) =>
          [one.sku, Object.entries(one.attributes).map(([name, value]) => `${name}: ${value}`).join(", ") || one.title]))))),
    h("h2", {}, t("similar")), similar);
  similarOnes();

  async function similarOnes() {
    try {
      const { matches } = await call("/v1/search", { method: "POST", json: { like: [product.sku], k: 8 } });
      replace(similar, matches.map((one) => card(one)));
    } catch (error) {
      replace(similar, product.pictures.length ? errorNotice(error, similarOnes) : null);
    }
  }

  async function explain() {
    replace(why, h("p", { class: "quiet" }, t("looking")));
    try {
      const told = await call("/v1/explain", { method: "POST", form: formOf(session.asked, { picture_hash: match.picture_hash }) });
      const url = URL.createObjectURL(session.asked);
      replace(why, h("p", { class: "quiet small" }, t("why.hint")),
        h("div", { class: "pair" },
          marked(url, t("yours"), told.heat_query, told.query_size, told.pairs.map((pair) => pair.query_box)),
          marked(told.image, t("theirs"), told.heat_product, told.product_size, told.pairs.map((pair) => pair.product_box))));
    } catch (error) {
      replace(why, errorNotice(error, explain));
    }
  }
}

function table(rows) {
  return h("table", {}, h("tbody", {}, rows.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, Array.isArray(value) ? value.join(", ") : String(value))))));
}

/** A picture with a heat map over it and the boxes of the strongest pairs. */
function marked(url, alt, heat, [height, width], boxes) {
  const map = h("canvas", { width: heat[0].length, height: heat.length, class: "heat" });
  const pen = map.getContext("2d");
  const pixels = pen.createImageData(map.width, map.height);
  const most = Math.max(1e-6, ...heat.flat());
  heat.flat().forEach((value, place) => pixels.data.set([20, 20, 26, Math.round(190 * (1 - value / most))], 4 * place));
  pen.putImageData(pixels, 0, 0);
  const share = (value, whole) => `${(100 * value) / whole}%`;
  return h("figure", {}, h("div", { class: "photo" }, h("img", { src: url, alt }), map, boxes.map(([left, top, right, bottom], index) =>
    h("span", { class: "pairbox", style: { left: share(left, width), top: share(top, height), width: share(right - left, width), height: share(bottom - top, height), "--hue": HUES[index % HUES.length] } }))),
    h("figcaption", { class: "quiet small" }, alt));
}
