// What the catalog holds, and how busy the service is; told anew every two seconds.
import { call } from "./api.js";
import { h, number, replace } from "./dom.js";
import { errorNotice } from "./errors.js";
import { t } from "./words.js";

export async function show(host) {
  let timer = 0, gone = false;
  const place = h("div");
  replace(host, h("h1", {}, t("system.title")), place,
    h("p", {}, h("a", { href: "/docs" }, `${t("api")} (/docs)`), " · ", h("a", { href: "/metrics" }, "/metrics")),
    h("h2", {}, t("widget")),
    h("pre", {}, `<script type="module" src="${location.origin}/widget.js"></script>\n<catalens-search endpoint="${location.origin}" key="…" link="/products/{sku}"></catalens-search>`));
  await tell();
  return () => { gone = true; clearTimeout(timer); };

  async function tell() {
    try {
      const info = await call("/v1/info");
      const { catalog, gates } = info;
      const facts = [[t("version"), info.version], [t("up"), `${number(info.up_s)} s`], [t("products", { n: number(catalog.products) }), `${t("variants")} ${number(catalog.variants)}`],
        [t("pictures"), number(catalog.pictures)], [t("unread"), number(catalog.unread)], [t("encoders"), catalog.encoders.join(", ")],
        [t("vectors"), Object.entries(catalog.spaces).map(([name, count]) => `${name.split(":")[0]} ${number(count)}`).join(", ")], [t("bytes"), `${number(catalog.size_bytes / 2 ** 20, 1)} MB`]];
      replace(place, h("table", {}, h("tbody", {}, facts.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value))))),
        h("table", {}, h("thead", {}, h("tr", {}, ["", t("queued"), t("served"), t("refused")].map((name) => h("th", { scope: "col" }, name)))),
          h("tbody", {}, Object.entries(gates).map(([name, gate]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, number(gate.queued)), h("td", {}, number(gate.served)), h("td", {}, number(gate.refused)))))));
    } catch (error) {
      replace(place, errorNotice(error, tell));
    }
    if (!gone) timer = setTimeout(tell, 2000);
  }
}
