// The shell: navigation by the address's hash, language, light and dark, the key; one view at a time.
import { call, hasKey } from "./api.js";
import { h, replace } from "./dom.js";
import { askForKey, errorNotice, KEY_CHANGED } from "./errors.js";
import { language, setLanguage, t } from "./words.js";

const VIEWS = {
  search: () => import("./view-search.js"),
  catalog: () => import("./view-catalog.js"),
  product: () => import("./view-product.js"),
  feeds: () => import("./view-feeds.js"),
  check: () => import("./view-check.js"),
  tryon: () => import("./view-tryon.js"),
  generate: () => import("./view-generate.js"),
  review: () => import("./view-review.js"),
  models: () => import("./view-models.js"),
  system: () => import("./view-system.js"),
};
const SHOWN = ["search", "catalog", "feeds", "check", "tryon", "generate", "review", "models", "system"];
const THEME = "catalens-theme";
const main = document.getElementById("main");
let leave = () => {};
let turn = 0;

function theme(name) {
  if (name) localStorage.setItem(THEME, name);
  const chosen = localStorage.getItem(THEME);
  if (chosen) document.documentElement.dataset.theme = chosen;
  return chosen ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

function shell() {
  document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
  document.querySelector(".skip").textContent = t("skip");
  const here = location.hash.slice(2).split("/")[0] || "search";
  replace(document.getElementById("nav"), SHOWN.map((name) =>
    h("a", { href: `#/${name}`, "aria-current": name === here ? "page" : null }, t(`nav.${name}`))));
  document.querySelector("nav [aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  replace(document.getElementById("tools"),
    h("button", { type: "button", class: "plain", onclick: () => { setLanguage(language() === "zh" ? "en" : "zh"); shell(); show(); } }, t("language")),
    h("button", { type: "button", class: "plain", title: t("theme"), "aria-label": t("theme"), onclick: () => theme(theme() === "dark" ? "light" : "dark") }, "◐"),
    hasKey() && h("button", { type: "button", class: "plain", onclick: askForKey }, t("key")));
}

async function show() {
  const [name, ...rest] = location.hash.slice(2).split("/");
  const view = VIEWS[name] ? name : "search";
  const mine = ++turn;
  leave();
  leave = () => {};
  shell();
  try {
    const module = await VIEWS[view]();
    if (mine !== turn) return; // the user has gone on already
    const host = h("div", { class: `view ${view}` });
    replace(main, host);
    const left = (await module.show(host, rest.map(decodeURIComponent).join("/"))) ?? (() => {});
    if (mine === turn) leave = left;
    else left();
  } catch (error) {
    if (mine === turn) replace(main, errorNotice(error, show));
  }
}

window.addEventListener(KEY_CHANGED, show);
window.addEventListener("hashchange", async () => {
  await show();
  main.focus({ preventScroll: true });
});
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
theme();
show();
call("/v1/info").catch((error) => error.status === 401 && askForKey());
