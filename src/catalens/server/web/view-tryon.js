// A garment on a person: two photos in, one picture out, with what it cannot show said beside it.
import { call, formOf } from "./api.js";
import { compare } from "./compare.js";
import { h, replace, say } from "./dom.js";
import { errorNotice } from "./errors.js";
import { control, optionsOf } from "./options.js";
import { dropZone, readPhoto } from "./photo.js";
import { t } from "./words.js";

export async function show(host) {
  const photos = {};
  const options = await optionsOf("/v1/tryon");
  const kind = control("kind", options.kind, { id: "kind", label: (name) => t(`kind.${name}`), onchange: () => ready() && wear() });
  const several = options.model.enum.length > 1;
  const model = control("model", options.model, { onchange: () => ready() && wear() });
  const skus = control("skus", options.skus, { id: "tryon-skus", placeholder: "SKU-1, SKU-2", onchange: () => ready() && wear() });
  const answer = h("div", { "aria-live": "polite" });
  replace(host, h("h1", {}, t("tryon.title")), h("p", { class: "quiet" }, t("tryon.hint")),
    h("div", { class: "pair" }, place("image", t("tryon.person")), place("garment", t("tryon.garment"))),
    h("p", { class: "row" }, h("label", { for: skus.id }, t("tryon.skus")), skus),
    h("p", { class: "row" }, h("label", { for: "kind" }, t("tryon.kind")), kind, several && h("label", { for: model.id }, t("model")), several && model), answer);
  return () => Object.values(photos).forEach((photo) => photo.url && URL.revokeObjectURL(photo.url));

  function ready() {
    return photos.image && (photos.garment || skus.value.trim());
  }

  function place(name, title) {
    const host = h("div", { class: name }, zone());
    return host;

    function zone() {
      return dropZone({ title, hint: t(`tryon.${name}.hint`), take: async (file) => {
        photos[name] = await readPhoto(file);
        replace(host, h("div", { class: "photo" }, photos[name].url && h("img", { src: photos[name].url, alt: title })),
          h("button", { type: "button", class: "plain", onclick: () => { delete photos[name]; replace(host, zone()); replace(answer); } }, t("other")));
        if (ready()) wear();
      } });
    }
  }

  async function wear() {
    replace(answer, h("p", { class: "quiet" }, t("looking")));
    try {
      const named = skus.value.trim();
      const form = formOf(photos.image.blob, { kind: kind.value, ...(several && { model: model.value }), ...(named && { skus: named }) });
      if (photos.garment) form.append("garment", photos.garment.blob, "garment.jpg");
      const worn = await call("/v1/tryon", { method: "POST", form });
      say(t("tryon.done"));
      replace(answer, compare(photos.image.url, worn.image, [worn.size[1], worn.size[0]]),
        h("p", { class: "notice" }, t("tryon.experimental"), worn.confidence !== null && ` ${t("tryon.confidence", { share: worn.confidence.toFixed(2) })}`),
        worn.notes.length > 0 && h("ul", { class: "notes" }, worn.notes.map((note) => h("li", {}, note))),
        h("p", { class: "row center" }, h("a", { class: "button primary", href: worn.image, download: "tryon.jpg" }, t("download"))),
        h("p", { class: "quiet small" }, t("made")));
    } catch (error) {
      replace(answer, errorNotice(error, wear));
    }
  }
}
