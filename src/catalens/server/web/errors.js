// Errors of calls as notices, and the dialog for the API key.
import { Problem, setKey } from "./api.js";
import { h, say } from "./dom.js";
import { t } from "./words.js";

export const KEY_CHANGED = "catalens-key-changed";

/** A notice of what went wrong, with a button that tries again; null for a call that the user cancelled. */
export function errorNotice(error, again) {
  if (error.name === "AbortError") return null;
  if (error instanceof Problem && error.status === 401) askForKey();
  const text = error instanceof Problem && error.kind === "offline" ? t("offline") : error.message;
  say(text);
  return h("div", { class: "notice bad", role: "alert" }, h("p", {}, text), again && h("button", { type: "button", onclick: again }, t("again")));
}

/** Asks for an API key in a dialog; a saved key is announced by the event KEY_CHANGED. */
export function askForKey() {
  if (document.querySelector("dialog")) return;
  const input = h("input", { type: "password", autocomplete: "off", id: "key", required: true });
  const dialog = h("dialog", {},
    h("form", { method: "dialog", onsubmit: () => { setKey(input.value.trim()); window.dispatchEvent(new Event(KEY_CHANGED)); } },
      h("h2", {}, t("key.title")), h("p", { class: "quiet" }, t("key.hint")),
      h("label", { for: "key", class: "hidden" }, t("key")), input,
      h("div", { class: "row" }, h("button", { class: "primary" }, t("save")),
        h("button", { type: "button", onclick: () => dialog.close() }, t("cancel")))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
