// Pictures of products that there are not: kind, color, pattern, a seed.
import { call } from "./api.js";
import { h, replace, say } from "./dom.js";
import { errorNotice } from "./errors.js";
import { control, optionsOf } from "./options.js";
import { t } from "./words.js";

const SHOWN = ["kind", "color", "pattern", "n", "seed"];

export async function show(host) {
  const options = await optionsOf("/v1/generate");
  const shown = options.model.enum.length > 1 ? [...SHOWN, "model"] : SHOWN;
  const fields = shown.map((name) => control(name, options[name], { required: name === "kind" }));
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
      replace(answer, h("div", { class: "grid" }, pictures.map(({ image }, at) => h("a", { class: "card", href: image, download: `${json.kind}-${at + 1}.png` }, h("div", { class: "picture" }, h("img", { src: image, alt: `${json.kind} ${at + 1}` }))))),
        h("p", { class: "quiet small" }, t("made")));
    } catch (error) {
      replace(answer, errorNotice(error, make));
    }
  }
}
