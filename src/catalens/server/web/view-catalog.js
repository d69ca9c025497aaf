// All products: pages come as one scrolls, and only the rows in sight are in the document.
import { call } from "./api.js";
import { h, number, replace } from "./dom.js";
import { errorNotice } from "./errors.js";
import { card, empty } from "./results.js";
import { t } from "./words.js";

const PAGE = 200, ROW = 320, LEAST = 210, GAP = 16;

export async function show(host) {
  const info = await call("/v1/info");
  const total = info.catalog.products;
  if (!total) {
    replace(host, empty(t("catalog.empty"), t("catalog.empty.hint")));
    return null;
  }
  const known = [];
  let after = null, ended = false, loading = false;
  const window_ = h("div", { class: "rows" });
  const problems = h("div");
  replace(host, h("h1", {}, t("products", { n: number(total) })), problems, window_);
  const columns = () => Math.max(1, Math.floor((window_.clientWidth + GAP) / (LEAST + GAP)));

  async function load(until) {
    if (loading || ended || known.length >= until) return;
    loading = true;
    try {
      while (!ended && known.length < until) {
        const page = await call(`/v1/products?limit=${PAGE}${after === null ? "" : `&after=${encodeURIComponent(after)}`}`);
        known.push(...page.products);
        after = page.next;
        ended = after === null;
        draw();
      }
    } catch (error) {
      replace(problems, errorNotice(error, () => { replace(problems); load(until); }));
    } finally {
      loading = false;
    }
  }

  function draw() {
    const across = columns();
    const rows = Math.ceil((ended ? known.length : Math.max(total, known.length)) / across);
    window_.style.setProperty("height", `${rows * ROW}px`);
    const top = Math.max(0, -window_.getBoundingClientRect().top);
    const first = Math.max(0, Math.floor(top / ROW) - 2), last = Math.min(rows, Math.ceil((top + innerHeight) / ROW) + 2);
    load(Math.min(total, last * across));
    const width = (window_.clientWidth - GAP * (across - 1)) / across;
    const shown = [];
    for (let place = first * across; place < Math.min(known.length, last * across); place += 1) {
      const one = card(known[place]);
      one.style.setProperty("transform", `translate(${(place % across) * (width + GAP)}px, ${Math.floor(place / across) * ROW}px)`);
      one.style.setProperty("width", `${width}px`);
      one.style.setProperty("height", `${ROW - GAP}px`);
      shown.push(one);
    }
    const focused = document.activeElement?.getAttribute?.("href");
    replace(window_, shown);
    if (focused) window_.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  let asked = false;
  const again = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; draw(); });
  };
  addEventListener("scroll", again, { passive: true });
  addEventListener("resize", again);
  draw();
  return () => { removeEventListener("scroll", again); removeEventListener("resize", again); };
}
