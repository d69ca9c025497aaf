// A shopper's photo: read by the browser, upright, at most SIDE pixels long, without what the camera wrote into it.
import { h } from "./dom.js";
import { t } from "./words.js";

const SIDE = 1280;

/** File or Blob -> {blob, url, width, height}; a file that the browser cannot read is passed on for the service to say why. */
export async function readPhoto(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return { blob: file, url: null, width: 0, height: 0 };
  }
  const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = drawn(bitmap, [0, 0, bitmap.width, bitmap.height], scale);
  const blob = await toBlob(canvas);
  return { blob, url: URL.createObjectURL(blob), width: canvas.width, height: canvas.height, canvas };
}

/** The part of a photo within a box (xyxy in its pixels), with a little around it. */
export function cut(photo, box, margin = 0.06) {
  const around = margin * Math.max(box[2] - box[0], box[3] - box[1]);
  const left = Math.max(0, box[0] - around), top = Math.max(0, box[1] - around);
  const right = Math.min(photo.width, box[2] + around), bottom = Math.min(photo.height, box[3] + around);
  return toBlob(drawn(photo.canvas, [left, top, right - left, bottom - top], 1));
}

function drawn(source, [left, top, width, height], scale) {
  const canvas = h("canvas", { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(source, left, top, width, height, 0, 0, canvas.width, canvas.height);
  return canvas;
}

const toBlob = (canvas) => new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));

/** A place to drop, paste, choose or photograph a file. */
export function dropZone({ take, accept = "image/*", camera = true, title, hint }) {
  const choose = h("input", { type: "file", accept, class: "hidden", id: `f${Math.random().toString(36).slice(2)}`,
    onchange: () => choose.files[0] && take(choose.files[0]) });
  const shoot = h("input", { type: "file", accept, capture: "environment", class: "hidden",
    onchange: () => shoot.files[0] && take(shoot.files[0]) });
  const zone = h("div", { class: "drop",
    ondragover: (event) => { event.preventDefault(); zone.classList.add("over"); },
    ondragleave: () => zone.classList.remove("over"),
    ondrop: (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
    } },
    h("p", { class: "drop-title" }, title ?? t("drop")),
    h("p", { class: "quiet" }, hint ?? t("drop.hint")),
    h("div", { class: "row center" },
      h("button", { class: "primary", type: "button", onclick: () => choose.click() }, t("choose")),
      camera && h("button", { type: "button", onclick: () => shoot.click() }, t("camera"))),
    choose, shoot);
  return zone;
}
