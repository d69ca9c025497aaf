// The API from its own OpenAPI document.
import { h, replace } from "./dom.js";

const api = await (await fetch("/openapi.json")).json();
const at = (node) => (node?.$ref ? node.$ref.split("/").slice(1).reduce((found, name) => found[name], api) : node);
const typeOf = (node) => {
  const found = at(node) ?? {};
  const several = found.anyOf ?? found.oneOf;
  if (several) return several.map(typeOf).join(" | ");
  if (found.type === "array") return `[${typeOf(found.items)}]`;
  return found.enum ? found.enum.join(" | ") : found.const ?? found.format ?? found.type ?? "any";
};
const limits = (node) => {
  const found = at(node) ?? {};
  const bounds = [["≥", found.minimum], [">", found.exclusiveMinimum], ["≤", found.maximum]].filter(([, bound]) => bound !== undefined).map((one) => one.join(" "));
  return [...bounds, ...(found.default === undefined ? [] : [`= ${JSON.stringify(found.default)}`])].join(", ");
};
const byTag = Object.entries(api.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, call]) => ({ path, method, call })));
const tags = [...new Set(byTag.map((one) => one.call.tags?.[0] ?? "other"))];

function route({ path, method, call }) {
  const body = Object.entries(call.requestBody?.content ?? {});
  const rows = [
    ...(call.parameters ?? []).map((one) => [one.name, one.in, one.schema, one.required]),
    ...body.flatMap(([kind, { schema }]) => {
      const found = at(schema) ?? {};
      return Object.entries(found.properties ?? {}).map(([name, one]) => [name, kind, one, found.required?.includes(name)]);
    }),
  ];
  return h("details", { class: "panel" },
    h("summary", {}, h("span", { class: `state ${method}` }, method.toUpperCase()), " ", h("code", {}, path), " ", h("span", { class: "quiet" }, (call.description ?? "").split("\n")[0])),
    h("p", {}, call.description ?? ""),
    rows.length > 0 && h("table", {}, h("tbody", {}, rows.map(([name, where, node, required]) => h("tr", {}, h("th", { scope: "row" }, name, required ? " *" : ""), [where, typeOf(node), limits(node), at(node)?.description].map((text) => h("td", {}, text ?? "")))))),
    h("p", { class: "quiet small" }, Object.entries(call.responses).map(([status, answer]) => `${status} ${answer.description}`).join(" · ")));
}

replace(document.getElementById("main"), h("h1", {}, `${api.info.title} ${api.info.version}`), h("p", { class: "quiet" }, api.info.description), h("p", {}, h("a", { href: "/openapi.json" }, "/openapi.json")),
  tags.map((tag) => [h("h2", {}, tag), byTag.filter((one) => (one.call.tags?.[0] ?? "other") === tag).map(route)]));
