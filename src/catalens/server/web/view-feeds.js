// Feeds: a file goes up, a job takes it in; how far it is, and each row that could not be taken in.
import { call, upload } from "./api.js";
import { h, number, replace, say } from "./dom.js";
import { errorNotice } from "./errors.js";
import { control, optionsOf } from "./options.js";
import { dropZone } from "./photo.js";
import { t } from "./words.js";

const COUNTS = ["taken", "added", "updated", "unchanged", "pictures"];

export async function show(host) {
  let timer = 0;
  const now = h("div", { "aria-live": "polite" }), past = h("div");
  const options = await optionsOf("/v1/feeds");
  const blur = control("blur_faces", options.blur_faces, { id: "blur" });
  const zone = dropZone({ take: send, accept: ".csv,.tsv,.txt,.xml,.json,.jsonl,.zip", camera: false, title: t("feeds.drop"), hint: t("feeds.hint") });
  zone.querySelector("button").textContent = t("feeds.choose");
  replace(host, h("h1", {}, t("feeds.title")), zone, h("p", { class: "row" }, blur, h("label", { for: "blur" }, t("feeds.blur"))), now, past);
  await list();
  return () => clearTimeout(timer);

  async function send(file) {
    const form = new FormData();
    form.append("feed", file, file.name);
    form.append("blur_faces", String(blur.checked));
    const sent = h("progress", { max: 1, value: 0, "aria-label": t("feeds.sending") });
    replace(now, h("div", { class: "panel" }, h("p", {}, `${t("feeds.sending")} ${file.name}`), sent));
    try {
      follow((await upload("/v1/feeds", form, (share) => { sent.value = share; })).id);
    } catch (error) {
      replace(now, errorNotice(error, () => send(file)));
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
