// A listing photo against the rules of marketplaces; what can be repaired, before and after.
import { call, formOf } from "./api.js";
import { compare } from "./compare.js";
import { h, replace, say } from "./dom.js";
import { errorNotice } from "./errors.js";
import { choicesOf, control, optionsOf } from "./options.js";
import { dropZone } from "./photo.js";
import { t } from "./words.js";

export async function show(host) {
  const { rules, category: goods } = await optionsOf("/v1/check");
  let file = null;
  const boxes = choicesOf(rules).map((name) => h("input", { type: "checkbox", id: `rule-${name}`, value: name, checked: rules.default.includes(name), onchange: () => file && check() }));
  const category = control("category", goods, { id: "check-category", placeholder: t("check.category.hint"), onchange: () => file && check() });
  const answer = h("div");
  replace(host, h("h1", {}, t("check.title")),
    dropZone({ take: (taken) => { file = taken; check(); }, hint: "JPEG, PNG, WebP …" }),
    h("fieldset", {}, h("legend", {}, t("rules")), boxes.map((box) => h("span", { class: "tick" }, box, h("label", { for: box.id }, box.value)))),
    h("p", { class: "row" }, h("label", { for: category.id }, t("check.category")), category), answer);
  const paste = (event) => { const pasted = [...(event.clipboardData?.files ?? [])][0]; if (pasted) { file = pasted; check(); } };
  addEventListener("paste", paste);
  return () => removeEventListener("paste", paste);

  function form() {
    return formOf(file, { rules: boxes.filter((box) => box.checked).map((box) => box.value).join(","), ...(category.value && { category: category.value }) });
  }

  async function check() {
    replace(answer, h("p", { class: "quiet" }, t("looking")));
    try {
      const told = await call("/v1/check", { method: "POST", form: form() });
      const image = h("img", { src: URL.createObjectURL(file), alt: file.name ?? "", class: "checked" });
      const repaired = h("div");
      say(told.findings.length ? `${told.findings.length}` : t(told.passed ? "check.fine" : "check.unjudged"));
      replace(answer, h("div", { class: "check-answer" }, image, h("div", {}, said(told),
        told.findings.length > 0 && h("button", { type: "button", class: "primary", onclick: () => fix(repaired, image.src) }, t("check.fix")))), repaired);
    } catch (error) {
      replace(answer, errorNotice(error, check));
    }
  }

  async function fix(place, before) {
    replace(place, h("p", { class: "quiet" }, t("looking")));
    try {
      const fixed = await call("/v1/fix", { method: "POST", form: form() });
      replace(place, compare(before, fixed.image),
        h("div", { class: "row center" }, h("a", { class: "button primary", href: fixed.image, download: `fixed${fixed.ending}` }, t("download"))),
        fixed.findings.length > 0 && h("h2", {}, t("check.left")), said(fixed),
        fixed.refused.length > 0 && [h("h2", {}, t("check.refused")), h("ul", { class: "refused" }, fixed.refused.map((why) => h("li", {}, why)))]);
    } catch (error) {
      replace(place, errorNotice(error, () => fix(place, before)));
    }
  }

  /** What is broken, and what could not be judged: only without either is a photo fine. */
  function said({ findings, not_judged: unjudged }) {
    const asked = unjudged.filter((one) => one.level !== "advice");
    if (!findings.length && !asked.length) return h("p", { class: "notice good" }, t("check.fine"));
    return [findings.length > 0 && list(findings),
      asked.length > 0 && h("div", { class: "unjudged" }, h("h2", {}, t("check.unjudged")), h("p", { class: "quiet small" }, t("check.unjudged.hint")),
        h("ul", { class: "findings" }, asked.map((one) => h("li", {}, h("span", { class: `state ${one.level}` }, t(`level.${one.level}`)), h("b", {}, `${one.pack}: ${one.rule}`)))))];
  }

  function list(findings) {
    return h("ul", { class: "findings" }, findings.map((one) => {
      const [test, limit] = Object.entries(one).find(([name]) => !TOLD.has(name));
      return h("li", {}, h("span", { class: `state ${one.level}` }, t(`level.${one.level}`)), h("b", {}, `${one.pack}: ${one.rule}`),
        h("p", {}, one.cure),
        h("p", { class: "quiet small" }, `${t("measured")} ${shown(one.value)}, ${t("limit")} ${test.replaceAll("_", " ")} ${shown(limit)} `,
          one.source?.startsWith("https://") && h("a", { href: one.source, rel: "noopener noreferrer", target: "_blank" }, t("source"))));
    }));
  }
}

const TOLD = new Set(["pack", "rule", "level", "measure", "value", "since", "cure", "source"]);
const shown = (value) => (typeof value === "number" ? String(Math.round(1000 * value) / 1000) : Array.isArray(value) ? value.join(", ") : String(value));
