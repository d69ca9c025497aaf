// Two pictures of one size, one over the other, with a slider between them.
import { h } from "./dom.js";
import { t } from "./words.js";

/** Addresses of the pictures; `size` is [width, height] where they are not square. */
export function compare(before, after, size = [1, 1]) {
  const slider = h("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": `${t("before")} / ${t("after")}`,
    oninput: () => pair.style.setProperty("--cut", `${slider.value}%`) });
  const pair = h("div", { class: "compare", style: { "--cut": "50%", "aspect-ratio": `${size[0]} / ${size[1]}` } },
    h("img", { src: before, alt: t("before") }), h("div", { class: "over" }, h("img", { src: after, alt: t("after") })));
  return [h("div", { class: "row compare-bar" }, h("span", { class: "quiet small" }, t("before")), slider, h("span", { class: "quiet small" }, t("after"))), pair];
}
