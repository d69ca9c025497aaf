// What a route takes, read from the OpenAPI document, and form controls for it: no default, bound or choice stands in the page.
import { call } from "./api.js";
import { h } from "./dom.js";

let api = null;

/** Name -> schema (type, enum, default, minimum, maximum, description) of the fields of a POST route. */
export async function optionsOf(path) {
  api ??= call("/openapi.json").catch((error) => { api = null; throw error; });
  return (await api).paths[path].post.requestBody.content["multipart/form-data"].schema.properties;
}

/** The allowed texts of an option, of one or of a list; none where any text is allowed. */
export const choicesOf = (option) => option.enum ?? option.oneOf?.[1].items?.enum ?? [];

/** A form control: a select, a checkbox, a number or a text; `label` names a choice. */
export function control(name, option, { label = (one) => one, ...more } = {}) {
  const shared = { id: `option-${name}`, name, title: option.description, ...more };
  if (option.enum)
    return h("select", shared, option.enum.map((one) => h("option", { value: one, selected: one === option.default }, label(one))));
  if (option.type === "boolean") return h("input", { type: "checkbox", checked: option.default, ...shared });
  if (option.type === "integer" || option.type === "number")
    return h("input", { type: "number", min: option.minimum, max: option.maximum, step: option.type === "integer" ? 1 : "any", value: option.default ?? "", ...shared });
  return h("input", { value: option.default ?? "", ...shared });
}
