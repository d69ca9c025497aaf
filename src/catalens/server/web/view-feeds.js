// Feeds: a file goes up and is shown as understood, columns may be named; then a job takes it in, and says how far it is.
import { call, upload } from "./api.js";
import { h, number, replace, say } from "./dom.js";
import { errorNotice } from "./errors.js";
import { control, optionsOf } from "./options.js";
import { dropZone } from "./photo.js";
import { t } from "./words.js";

const FIELDS = ["sku", "title", "description", "image", "additional_images", "category", "price", "currency"];
const COUNTS = ["taken", "added", "updated", "unchanged", "pictures"];

export async function show(host) {
  let timer = 0;
  const now = h("div", { "aria-live": "polite" }), past = h("div");
  const options = await optionsOf("/v1/feeds");
  const blur = control("blur_faces", options.blur_faces, { id: "blur" });
  const zone = dropZone({ take: (file) => look(file, {}), accept: ".csv,.tsv,.txt,.xml,.json,.jsonl,.zip", camera: false, title: t("feeds.drop"), hint: t("feeds.hint") });
  zone.querySelector("button").textContent = t("feeds.choose");
  replace(host, h("h1", {}, t("feeds.title")), zone, h("p", { class: "row" }, blur, h("label", { for: "blur" }, t("feeds.blur"))), now, past);
  await list();
  return () => clearTimeout(timer);

  function formWith(file, mapping) {
    const form = new FormData();
    form.append("feed", file, file.name);
    form.append("blur_faces", String(blur.checked));
    if (Object.keys(mapping).length) form.append("mapping", JSON.stringify(mapping));
    return form;
  }

  async function look(file, mapping) {
    clearTimeout(timer);
    replace(now, h("div", { class: "panel" }, h("p", {}, `${t("feeds.looking")} ${file.name}`), h("progress", { "aria-label": t("feeds.looking") })));
    try {
      const found = await upload("/v1/feeds/preview", formWith(file, mapping), () => {});
      replace(now, previewCard(file, mapping, found));
      say(`${file.name}: ${found.problem ? found.problem.what : t("feeds.understood", { n: found.products.length })}`);
    } catch (error) {
      replace(now, errorNotice(error, () => look(file, mapping)));
    }
  }

  function previewCard(file, mapping, found) {
    const given = (column) => Object.keys(mapping).find((field) => mapping[field] === column);
    const choose = (row) => h("select", { "aria-label": row.column, onchange: (event) => {
      const kept = Object.fromEntries(Object.entries(mapping).filter(([field, column]) => column !== row.column && field !== event.target.value));
      look(file, event.target.value ? { ...kept, [event.target.value]: row.column } : kept);
    } }, h("option", { value: "" }, t("feeds.attribute")),
      FIELDS.map((field) => h("option", { value: field, selected: (given(row.column) ?? row.field) === field }, t(`field.${field}`))));
    return h("div", { class: "panel" },
      h("div", { class: "row between" }, h("h2", {}, file.name), h("span", { class: "quiet small" }, found.name)),
      found.problem && h("div", { class: "notice bad", role: "alert" }, `${found.problem.what}. ${found.columns.length ? t("feeds.name") : found.problem.cure}`),
      found.columns.length > 0 && h("div", { class: "scroll" }, h("table", {}, h("caption", { class: "quiet small" }, t("feeds.columns")),
        h("thead", {}, h("tr", {}, ["feeds.column", "feeds.field", "feeds.example"].map((name) => h("th", { scope: "col" }, t(name))))),
        h("tbody", {}, found.columns.map((row) => h("tr", {}, h("td", {}, row.column), h("td", {}, choose(row)), h("td", {}, row.example)))))),
      found.products.length > 0 && h("div", { class: "scroll" }, h("table", {}, h("caption", { class: "quiet small" }, t("feeds.understood", { n: found.products.length })),
        h("thead", {}, h("tr", {}, ["field.sku", "field.title", "field.price", "pictures", "variants"].map((name) => h("th", { scope: "col" }, t(name))))),
        h("tbody", {}, found.products.map((one) => h("tr", {}, [one.sku, one.title, one.attributes.price ?? "", number(one.pictures.length), number(one.variants.length)].map((text) => h("td", {}, String(text)))))))),
      found.notes.map((note) => h("p", { class: "quiet small" }, note)),
      found.failed.map((row) => h("p", { class: "small bad" }, `${row.where}: ${row.what}: ${row.why}`)),
      !found.problem && h("p", {}, h("button", { type: "button", class: "primary", onclick: () => send(file, mapping) }, t("feeds.import"))));
  }

  async function send(file, mapping) {
    const sent = h("progress", { max: 1, value: 0, "aria-label": t("feeds.sending") });
    replace(now, h("div", { class: "panel" }, h("p", {}, `${t("feeds.sending")} ${file.name}`), sent));
    try {
      follow((await upload("/v1/feeds", formWith(file, mapping), (share) => { sent.value = share; })).id);
    } catch (error) {
      replace(now, errorNotice(error, () => send(file, mapping)));
    }
  }

  async function follow(id) {
    clearTimeout(timer);
    try {
      const job = await call(`/v1/jobs/${id}`);
      replace(now, jobCard(job));
      if (job.state === "waiting" || job.state === "running") timer = setTimeout(() => follow(id), 700);
      else { say(`${job.source}: ${t(`state.${job.state}`)}`); list(); }
    } catch (error) {
      replace(now, errorNotice(error, () => follow(id)));
    }
  }

  async function retry(id) {
    try {
      await call(`/v1/jobs/${id}/retry`, { method: "POST" });
      follow(id);
    } catch (error) {
      replace(now, errorNotice(error, () => retry(id)));
    }
  }

  function jobCard(job) {
    const working = job.state === "waiting" || job.state === "running", stopped = job.state === "failed" || job.state === "set aside";
    return h("div", { class: "panel" },
      h("div", { class: "row between" }, h("h2", {}, job.source), h("span", { class: `state ${job.state === "set aside" ? "failed" : job.state}` }, t(`state.${job.state}`))),
      working && h("progress", { "aria-label": t("state.running") }),
      h("dl", { class: "counts" }, COUNTS.map((name) => h("div", {}, h("dt", {}, t(name)), h("dd", {}, number(job[name])))),
        h("div", { class: job.failed_count ? "bad" : null }, h("dt", {}, t("failed")), h("dd", {}, number(job.failed_count)))),
      job.problem && h("div", { class: "notice bad", role: "alert" }, job.problem),
      stopped && h("p", {}, h("button", { type: "button", onclick: () => retry(job.id) }, t("feeds.retry"))),
      job.notes.map((note) => h("p", { class: "quiet small" }, note)),
      job.failed?.length > 0 && h("div", { class: "scroll" }, h("table", {},
        h("thead", {}, h("tr", {}, ["place", "what", "reason", "cure"].map((name) => h("th", { scope: "col" }, t(name))))),
        h("tbody", {}, job.failed.map((row) => h("tr", {}, [row.where, row.what, row.why, row.cure].map((text) => h("td", {}, text))))))));
  }

  async function list() {
    try {
      const { jobs } = await call("/v1/jobs");
      replace(past, jobs.length > 0 && [h("h2", {}, t("feeds.jobs")), h("ul", { class: "plainlist" }, jobs.map((job) =>
        h("li", {}, h("button", { type: "button", class: "plain", onclick: () => follow(job.id) }, job.source),
          h("span", { class: `state ${job.state === "set aside" ? "failed" : job.state}` }, t(`state.${job.state}`)),
          h("span", { class: "quiet small" }, `${number(job.added + job.updated)} + ${number(job.unchanged)}, ${t("failed")} ${number(job.failed_count)}`))))]);
    } catch (error) {
      replace(past, errorNotice(error, list));
    }
  }
}
