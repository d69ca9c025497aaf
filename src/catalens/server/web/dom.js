// Elements without a framework. Texts always go in as text, never as markup.

/** h("a", {href: "#", class: "x", onclick: f}, "text", node, null) -> element */
export function h(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, one] of Object.entries(value)) node.style.setProperty(key, one);
    else if (name in node && !["list", "form", "href", "role"].includes(name) && !name.startsWith("aria"))
      node[name === "class" ? "className" : name] = value;
    else node.setAttribute(name === "class" ? "class" : name, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function replace(node, ...children) {
  node.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Calls the last time only, when nothing more has come for so many milliseconds. */
export function calmly(work, wait = 220) {
  let timer = 0;
  const later = (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), wait);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}

export function say(text) {
  document.getElementById("status").textContent = text;
}

export const number = (value, digits = 0) =>
  Number(value).toLocaleString(document.documentElement.lang, { maximumFractionDigits: digits });
