// Products as cards, and what their scores are made of.
import { h, number } from "./dom.js";
import { t } from "./words.js";

export const PARTS = ["deep", "color", "texture", "shape", "text", "words", "meaning", "liked"];

export function card(product, { href = `#/product/${encodeURIComponent(product.sku)}`, note } = {}) {
  const picture = product.image ?? product.pictures?.[0]?.image;
  const price = product.attributes?.price;
  return h("a", { class: "card", href },
    h("div", { class: "picture" }, picture
      ? h("img", { src: picture, alt: "", loading: "lazy", decoding: "async" })
      : h("span", { class: "quiet" }, t("no.picture"))),
    h("div", { class: "body" },
      h("span", { class: "title" }, product.title || product.sku),
      h("span", { class: "row between" },
        h("span", { class: "quiet small" }, chip(product.attributes)),
        price !== undefined && h("span", { class: "price" }, isNaN(price) ? String(price) : number(price, 2))),
      product.parts && scoreBar(product),
      note));
}

function chip(attributes = {}) {
  const shown = ["category", "color", "brand"].map((name) => attributes[name]).filter(Boolean);
  return [shown].flat(2).slice(0, 2).join(" · ");
}

export function scoreBar(match) {
  const made = PARTS.filter((part) => match.parts[part] > 0.0005);
  const said = made.map((part) => `${t(`part.${part}`)} ${match.parts[part].toFixed(3)}`).join(", ");
  return h("span", { class: "score", title: said },
    h("span", { class: "track", role: "img", "aria-label": `${match.score.toFixed(3)}: ${said}` },
      made.map((part) => h("span", { class: `part-${part}`, style: { width: `${Math.max(0, match.parts[part]) * 100}%` } }))),
    h("span", { class: "value" }, match.score.toFixed(2)));
}

export function legend(matches) {
  const used = PARTS.filter((part) => matches.some((match) => match.parts[part] > 0.0005));
  return h("p", { class: "legend" }, used.map((part) => h("span", {}, h("i", { class: `dot part-${part}` }), t(`part.${part}`))));
}

export const skeletons = (count) => Array.from({ length: count }, () => h("div", { class: "card ghost", "aria-hidden": "true" }, h("div", { class: "picture" }), h("div", { class: "body" }, h("span", { class: "line" }), h("span", { class: "line short" }))));

export const empty = (title, hint) => h("div", { class: "empty" }, h("p", { class: "empty-title" }, title), hint && h("p", { class: "quiet" }, hint));
