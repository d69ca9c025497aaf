// Networks that ship: their licences, and what was measured of them.
import { call } from "./api.js";
import { h, number, replace } from "./dom.js";
import { t } from "./words.js";

export async function show(host) {
  const { data } = await call("/v1/models");
  replace(host, h("h1", {}, t("models.title")), h("div", { class: "cards" }, data.map((model) =>
    h("section", { class: "panel" }, h("h2", {}, model.id),
      h("p", { class: "row" }, h("span", { class: "state done" }, model.license), h("span", { class: "quiet" }, `${t("task")}: ${model.task}`), h("span", { class: "quiet" }, `${t("size")}: ${number(model.parameters)}`)),
      model.scores.length > 0 && h("table", {}, h("caption", { class: "quiet small" }, t("scores")), h("tbody", {}, model.scores.slice(0, 12).map((score) =>
        h("tr", {}, h("th", { scope: "row" }, score.name), h("td", {}, score.value.toFixed(3)), h("td", { class: "quiet small" }, `n = ${number(score.n)}`)))))))));
  return null;
}
