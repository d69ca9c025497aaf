// Pictures of products that there are not: kind, color, pattern, a seed.
import { call } from "./api.js";
import { h, replace, say } from "./dom.js";
import { errorNotice } from "./errors.js";
import { t } from "./words.js";

export async function show(host) {
  const text = (name, value, more = {}) => h("input", { id: `g-${name}`, name, value, required: name === "kind", ...more });
  const fields = [
    text("kind", "dress"), text("color", ""), text("pattern", ""),
    text("n", 8, { type: "number", min: 1, max: 16 }), text("seed", "", { type: "number", min: 0 }),
  ];
  const answer = h("div", { "aria-live": "polite" });
  replace(host, h("h1", {}, t("generate.title")), h("p", { class: "quiet" }, t("generate.hint")),
    h("form", { class: "row", onsubmit: (event) => { event.preventDefault(); make(); } },
      fields.map((field) => h("span", { class: "field" }, h("label", { for: field.id }, t(`generate.${field.name}`)), field)),
      h("button", { class: "primary" }, t("generate.go"))), answer);

  async function make() {
    const json = Object.fromEntries(fields.filter((field) => field.value !== "").map((field) => [field.name, field.type === "number" ? Number(field.value) : field.value]));
    replace(answer, h("p", { class: "quiet" }, t("looking")));
    try {
      const { pictures } = await call("/v1/generate", { method: "POST", json });
      say(`${pictures.length}`);
      replace(answer, h("div", { class: "grid" }, pictures.map((url, at) => h("a", { class: "card", href: url, download: `${json.kind}-${at + 1}.png` }, h("div", { class: "picture" }, h("img", { src: url, alt: `${json.kind} ${at + 1}` }))))),
        h("p", { class: "quiet small" }, t("made")));
    } catch (error) {
      replace(answer, errorNotice(error, make));
    }
  }
}
