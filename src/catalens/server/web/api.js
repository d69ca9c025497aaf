// Calls of the service. A failure is always a Problem with what happened and what to do.

export class Problem extends Error {
  constructor(status, kind, detail) {
    super(detail);
    this.status = status;
    this.kind = kind;
  }
}

const KEY = "catalens-key";
export const hasKey = () => Boolean(sessionStorage.getItem(KEY));
export const setKey = (key) => (key ? sessionStorage.setItem(KEY, key) : sessionStorage.removeItem(KEY));

export async function call(path, { method = "GET", json, form, signal, headers = {} } = {}) {
  const key = sessionStorage.getItem(KEY);
  const sent = { ...headers };
  if (key) sent.Authorization = `Bearer ${key}`;
  if (json !== undefined) sent["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, headers: sent, body: form ?? (json === undefined ? undefined : JSON.stringify(json)), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "offline", "");
  }
  if (response.status === 204) return null;
  const kind = response.headers.get("content-type") ?? "";
  if (!response.ok) {
    const told = kind.includes("json") ? await response.json() : {};
    throw new Problem(response.status, String(told.type ?? "").split(":").pop(), told.detail ?? response.statusText);
  }
  return kind.includes("json") ? response.json() : response.blob();
}

/** Sends a form and tells how much of it is on its way (0 to 1); answers and fails as `call` does. */
export function upload(path, form, told) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    const key = sessionStorage.getItem(KEY);
    request.open("POST", path);
    if (key) request.setRequestHeader("Authorization", `Bearer ${key}`);
    request.upload.onprogress = (event) => event.lengthComputable && told(event.loaded / event.total);
    request.onerror = () => failed(new Problem(0, "offline", ""));
    request.onload = () => {
      let said = {};
      try { said = JSON.parse(request.responseText); } catch { /* told by its status */ }
      if (request.status < 300) done(said);
      else failed(new Problem(request.status, String(said.type ?? "").split(":").pop(), said.detail ?? request.statusText));
    };
    request.send(form);
  });
}

/** A form with a picture and other fields; fields without a value are left out. */
export function formOf(image, fields = {}) {
  const form = new FormData();
  if (image) form.append("image", image, image.name ?? "photo.jpg");
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === null || value === "") continue;
    form.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  return form;
}
