// Search: a photo with boxes to click, words, filters, sliders; similar products with the parts of their scores.
import { call, formOf } from "./api.js";
import { calmly, h, number, replace, say } from "./dom.js";
import { errorNotice } from "./errors.js";
import { cut, dropZone, readPhoto } from "./photo.js";
import { card, empty, legend, PARTS, skeletons } from "./results.js";
import { keep, kept, session } from "./session.js";
import { language, t } from "./words.js";

const PAGE = 24;

export async function show(host) {
  const asked = Object.assign({ text: "", where: {}, span: {}, weights: {}, sort: "best", names: [], box: null, boxes: null, found: null }, kept(), session.search);
  session.search = asked;
  let running = null;
  const left = h("section", { class: "query", "aria-label": t("nav.search") });
  const results = h("section", { class: "results", "aria-busy": "false" });
  const photoPlace = h("div");
  const filterPlace = h("div");
  const words = h("input", { type: "search", id: "words", value: asked.text, placeholder: t("words.hint"), autocomplete: "off",
    oninput: () => { Object.assign(asked, { text: words.value, exact: false }); later(); } });
  left.append(photoPlace,
    h("form", { class: "words", onsubmit: (event) => { event.preventDefault(); search(); } },
      h("label", { for: "words" }, t("words")), h("div", { class: "row" }, words, h("button", { class: "primary" }, t("find")))),
    filterPlace);
  replace(host, left, results);

  const later = calmly(() => search());
  const paste = (event) => {
    const file = [...(event.clipboardData?.files ?? [])][0];
    if (file) take(file);
  };
  window.addEventListener("paste", paste);
  const facets = call("/v1/facets");
  drawPhoto();
  if (asked.found) draw(); else if (asked.text.trim() || where()) facets.finally(() => search()); else replace(results, empty(t("search.empty"), t("search.empty.hint")));
  facets.then(drawFilters).catch((error) => replace(filterPlace, errorNotice(error)));
  return () => { window.removeEventListener("paste", paste); running?.abort(); };

  async function take(file) {
    const photo = await readPhoto(file);
    if (!photo.url) {
      session.photo = null;
      drawPhoto();
      await search(photo.blob);
      return;
    }
    Object.assign(asked, { box: null, boxes: null });
    session.photo = photo;
    drawPhoto();
    await search();
    try {
      const found = await call("/v1/detect", { method: "POST", form: formOf(photo.blob) });
      if (session.photo !== photo) return;
      asked.boxes = found.detections.map((one) => ({ ...one, said: found.names?.[one.label]?.[language()] ?? (one.label === "product" ? t("box.product") : one.label) }));
      drawPhoto();
    } catch {
      asked.boxes = [];
      drawPhoto();
    }
  }

  function drawPhoto() {
    const photo = session.photo;
    if (!photo) {
      replace(photoPlace, dropZone({ take }));
      return;
    }
    const share = (value, whole) => `${(100 * value) / whole}%`;
    const boxes = (asked.boxes ?? []).map((one, index) => {
      const [left, top, right, bottom] = one.box;
      return h("button", { type: "button", class: "box", "aria-pressed": String(asked.box === index), "aria-label": `${one.said} ${one.score.toFixed(2)}`,
        style: { left: share(left, photo.width), top: share(top, photo.height), width: share(right - left, photo.width), height: share(bottom - top, photo.height) },
        onclick: () => { asked.box = asked.box === index ? null : index; drawPhoto(); search(); } }, h("span", {}, one.said));
    });
    const hint = asked.boxes === null ? t("looking") : boxes.length ? t("boxes", { n: boxes.length }) : t("boxes.none");
    replace(photoPlace,
      h("div", { class: "photo" }, h("img", { src: photo.url, alt: t("yours") }), boxes),
      h("p", { class: "quiet small" }, hint),
      h("div", { class: "row" },
        asked.box !== null && h("button", { type: "button", onclick: () => { asked.box = null; drawPhoto(); search(); } }, t("whole")),
        h("button", { type: "button", onclick: () => { session.photo = null; Object.assign(asked, { box: null, boxes: null, found: null }); drawPhoto(); search(); } }, t("other"))));
  }

  function drawFilters({ facets, weights }) {
    asked.names = facets.slice(0, 8).map((facet) => facet.name);
    const chosen = (name) => (asked.where[name] ??= []);
    const fields = facets.slice(0, 8).map((facet) => {
      const id = `facet-${facet.name}`;
      if (facet.span) {
        const bound = (which, place) => h("input", { type: "number", id: which ? null : id, placeholder: `${t(place)} ${number(facet.span[which], 2)}`, "aria-label": `${facet.name} ${t(place)}`,
          value: asked.span[facet.name]?.[which] ?? "", oninput: (event) => {
            const span = (asked.span[facet.name] ??= ["", ""]);
            span[which] = event.target.value;
            later();
          } });
        return h("div", { class: "field" }, h("label", { for: id }, facet.name), h("div", { class: "row" }, bound(0, "least"), bound(1, "most")));
      }
      const values = [...facet.values, ...chosen(facet.name).filter((value) => !facet.values.some((one) => one.value === value)).map((value) => ({ value, products: 0 }))];
      return h("fieldset", { class: "field", id }, h("legend", {}, facet.name), h("div", { class: "values" }, values.map((one) =>
        h("label", { class: "check" }, h("input", { type: "checkbox", value: one.value, checked: chosen(facet.name).includes(one.value),
          onchange: (event) => {
            const others = chosen(facet.name).filter((value) => value !== one.value);
            asked.where[facet.name] = event.target.checked ? [...others, one.value] : others;
            search();
          } }), h("span", {}, one.value), h("span", { class: "quiet count", "data-facet": facet.name, "data-value": one.value }, number(one.products))))));
    });
    const sliders = PARTS.filter((part) => part !== "liked" && weights[part] !== undefined).map((part) => {
      const value = asked.weights[part] ?? weights[part];
      const shown = h("output", {}, value.toFixed(2));
      return h("div", { class: "slider" }, h("label", { for: `w-${part}` }, h("i", { class: `dot part-${part}` }), t(`part.${part}`)),
        h("input", { type: "range", id: `w-${part}`, min: 0, max: 1, step: 0.05, value, oninput: (event) => {
          asked.weights[part] = Number(event.target.value);
          shown.textContent = asked.weights[part].toFixed(2);
          later();
        } }), shown);
    });
    replace(filterPlace,
      fields.length > 0 && h("details", { open: matchMedia("(min-width: 821px)").matches }, h("summary", {}, t("filters")), h("div", { class: "fields" }, fields)),
      h("details", { open: Object.keys(asked.weights).length > 0 }, h("summary", {}, t("weights")), sliders,
        h("button", { type: "button", onclick: () => { asked.weights = {}; drawFilters({ facets, weights }); search(); } }, t("reset"))));
  }

  function where() {
    const quoted = (text) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
    const terms = Object.entries(asked.where).filter(([, values]) => values.length)
      .map(([name, values]) => `${quoted(name)} in (${values.map(quoted).join(", ")})`);
    for (const [name, [least, most]] of Object.entries(asked.span)) {
      if (least !== "") terms.push(`${quoted(name)} >= ${Number(least)}`);
      if (most !== "") terms.push(`${quoted(name)} <= ${Number(most)}`);
    }
    return terms.join(" and ");
  }

  async function search(other = null, offset = 0) {
    later.cancel(); // what was just typed is asked now
    running?.abort();
    const mine = (running = new AbortController());
    const filter = where();
    keep(asked);
    if (!other && !session.photo && !asked.text.trim() && !filter) {
      asked.found = null;
      replace(results, empty(t("search.empty"), t("search.empty.hint")));
      return;
    }
    results.setAttribute("aria-busy", "true");
    if (!offset) replace(results, h("p", { class: "quiet" }, t("looking")), h("div", { class: "grid" }, skeletons(8)));
    try {
      const photo = session.photo;
      const image = other ?? (photo && asked.box !== null ? await cut(photo, asked.boxes[asked.box].box) : photo?.blob);
      const weights = Object.keys(asked.weights).length ? asked.weights : null;
      const form = formOf(image, { text: asked.text.trim(), where: filter, k: PAGE, offset, weights, sort: asked.sort, facets: asked.names.join(",") || null, spelling: asked.exact ? false : null });
      const found = await call("/v1/search", { method: "POST", form, signal: mine.signal });
      session.asked = image;
      asked.found = offset ? { ...found, matches: [...asked.found.matches, ...found.matches] } : found;
      asked.more = found.matches.length === PAGE;
      draw();
    } catch (error) {
      if (mine === running) { const shown = errorNotice(error, () => search(other, offset)); if (shown) replace(results, shown); }
    } finally {
      if (mine === running) results.setAttribute("aria-busy", "false");
    }
  }

  // Words that were corrected may be searched for as they were typed.
  function original(corrected) {
    return Object.keys(corrected).length > 0 && h("p", {}, h("button", { type: "button", class: "chip", onclick: () => { asked.exact = true; search(); } },
      t("as.typed", { words: Object.keys(corrected).join(", ") })));
  }

  // What was understood in the words: a click takes it out of them.
  function chips(understood) {
    return understood.length > 0 && h("div", { class: "row chips", role: "list", "aria-label": t("understood") }, understood.map((chip) =>
      h("span", { role: "listitem" }, h("button", { type: "button", class: "chip", title: t("chip.remove"), "aria-label": `${t("chip.remove")}: ${chip.text}`,
        onclick: () => { asked.text = words.value = chip.rest; search(); } }, chip.kind === "not" ? t("chip.not", { text: chip.text }) : chip.text, " ×"))));
  }

  function sorter() {
    return h("label", { class: "row small quiet" }, t("sort"), h("select", { id: "sort", onchange: (event) => { asked.sort = event.target.value; search(); } },
      ["best", "price", "-price", "title", "newest"].map((value) => h("option", { value, selected: asked.sort === value }, t(`sort.${value}`)))));
  }

  // Counts beside the values of a filter are those of what was found.
  function recount(facets) {
    for (const facet of facets) {
      const counts = new Map(facet.values.map((one) => [one.value, one.products]));
      for (const count of filterPlace.querySelectorAll("[data-facet]"))
        if (count.dataset.facet === facet.name) count.textContent = number(counts.get(count.dataset.value) ?? 0);
    }
  }

  function draw() {
    const { matches, notes, corrected, understood, total, facets, took_ms: ms } = asked.found;
    recount(facets);
    if (!matches.length) {
      say(t("found.none"));
      replace(results, chips(understood), empty(t("found.none"), notes.join("; ")));
      return;
    }
    const told = total > matches.length ? t("found.of", { n: number(matches.length), total: number(total), ms: number(ms, 1) }) : t("found", { n: number(matches.length), ms: number(ms, 1) });
    say(told);
    const hrefOf = (match) => `#/product/${encodeURIComponent(match.sku)}`;
    replace(results, h("div", { class: "row between" }, h("p", { class: "quiet" }, told), sorter(), legend(matches)),
      chips(understood),
      notes.length > 0 && h("p", { class: "quiet small" }, notes.join("; ")), original(corrected),
      h("div", { class: "grid" }, matches.map((match) => card(match, { href: hrefOf(match) }))),
      asked.more && h("div", { class: "row center" }, h("button", { type: "button", onclick: () => search(null, matches.length) }, t("more"))));
  }
}
