// Tags that a classifier gave, the least sure first: right, or changed by hand; either way they count as a person's then.
import { call, Problem } from "./api.js";
import { h, replace, say } from "./dom.js";
import { errorNotice } from "./errors.js";
import { optionsOf } from "./options.js";
import { card, empty } from "./results.js";
import { t } from "./words.js";

const BY = "_predicted_by", SURE = "_probability";

export async function show(host) {
  const { facets } = await call("/v1/facets");
  const { k } = await optionsOf("/v1/search");
  const fields = facets.map((facet) => facet.name).filter((name) => name.endsWith(BY)).map((name) => name.slice(0, -BY.length));
  if (!fields.length) {
    replace(host, h("h1", {}, t("review.title")), empty(t("review.none")));
    return null;
  }
  const place = h("div");
  const choose = h("select", { "aria-label": t("attributes"), onchange: () => list(choose.value) }, fields.map((name) => h("option", {}, name)));
  replace(host, h("h1", {}, t("review.title")), choose, place);
  await list(fields[0]);
  return null;

  async function list(field) {
    replace(place, h("p", { class: "quiet" }, t("looking")));
    try {
      const { matches } = await call("/v1/search", { method: "POST", json: { where: `"${field}${SURE}" >= 0`, k: k.maximum } });
      const open = matches.filter((match) => `${field}${BY}` in match.attributes).sort((a, b) => a.attributes[field + SURE] - b.attributes[field + SURE]);
      const known = facets.find((facet) => facet.name === field)?.values.map((one) => one.value) ?? [];
      replace(place, h("datalist", { id: "known" }, known.map((value) => h("option", { value }))),
        open.length ? h("div", { class: "grid" }, open.map((match) => row(match, field))) : empty(t("review.none")));
    } catch (error) {
      replace(place, errorNotice(error, () => list(field)));
    }
  }

  function row(match, field) {
    const input = h("input", { value: match.attributes[field] ?? "", "aria-label": field, list: "known" });
    const told = h("span", { class: "quiet small" }, `${Math.round(100 * match.attributes[field + SURE])} % ${t("probability")}`);
    const box = h("div", { class: "review-one" }, card({ ...match, parts: null }),
      h("form", { onsubmit: (event) => { event.preventDefault(); keep(); } }, told, input,
        h("div", { class: "row" }, h("button", { class: "primary" }, t("accept")), h("button", { type: "button", onclick: () => box.remove() }, t("skip1")))));
    return box;

    async function keep() {
      try {
        const path = `/v1/products/${encodeURIComponent(match.sku)}`;
        const { attributes, version } = await call(path);
        if (String(attributes[field]) !== String(match.attributes[field])) {
          match.attributes[field] = attributes[field];
          throw new Problem(412, "changed-meanwhile", t("review.changed", { now: attributes[field] ?? "" }));
        }
        const change = { [field]: input.value.trim(), [field + BY]: null, [field + SURE]: null };
        await call(path, { method: "PATCH", json: { attributes: change }, headers: { "If-Match": `"${version}"` } });
        say(`${match.sku}: ${field} = ${input.value}`);
        box.remove();
      } catch (error) {
        box.append(errorNotice(error, keep));
      }
    }
  }
}
