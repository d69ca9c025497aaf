// <catalens-search endpoint="https://..." key="..." link="/products/{sku}" lang="en|zh" limit="12" tryon></catalens-search>
// Search by photo, camera or words inside a shop's own page; with `tryon`, a shopper sees a match on their own photo, which
// stays in the page's memory (the key then needs the scope "analyse"). Its look follows the page by CSS custom properties:
// --catalens-accent, --catalens-paper, --catalens-ink, --catalens-line, --catalens-radius, --catalens-font, --catalens-columns.
// Events: "catalens-results" and "catalens-select", with the matches or the match in `detail`; both may be prevented.

const WORDS = {
  en: { words: "Search by words or photo", photo: "Search by photo", go: "Search", looking: "Looking …", none: "Nothing like it here.", wrong: "That did not work. Try again in a moment.", clear: "Without the photo", found: "{n} products", wear: "Try it on", mine: "Another photo of me", worn: "On your photo. Made by a network: only roughly what it will look like.", close: "Close" },
  zh: { words: "用文字或照片搜索", photo: "拍照搜索", go: "搜索", looking: "正在查找 …", none: "没有类似的商品。", wrong: "没有成功，请稍后再试。", clear: "移除照片", found: "{n} 件商品", wear: "试穿", mine: "换一张我的照片", worn: "在您照片上的效果。由神经网络生成，仅供参考。", close: "关闭" },
};
const STYLE = `
:host{display:block;font:15px/1.45 var(--catalens-font,system-ui,sans-serif);color:var(--catalens-ink,#1c1c1e);--r:var(--catalens-radius,12px);--a:var(--catalens-accent,#2e5cdc);--l:var(--catalens-line,#e2e2dd)}
:host([hidden]){display:none}*{box-sizing:border-box}
form{display:flex;gap:8px;align-items:center;border:1px solid var(--l);border-radius:var(--r);padding:6px;background:var(--catalens-paper,#fff)}
form:focus-within{border-color:var(--a)}form.over{outline:2px dashed var(--a);outline-offset:3px}
input[type=search]{flex:1;min-width:0;border:0;outline:0;font:inherit;background:none;color:inherit;padding:8px}
button{font:inherit;border:0;border-radius:calc(var(--r) - 4px);padding:9px 13px;cursor:pointer;background:none;color:inherit}
button.go{background:var(--a);color:#fff}button:focus-visible,a:focus-visible{outline:2px solid var(--a);outline-offset:2px}
svg{display:block}.asked{display:flex;gap:10px;align-items:center;margin:12px 0}.asked img{width:64px;height:64px;object-fit:cover;border-radius:var(--r)}
p{margin:12px 2px;opacity:.75}ul{list-style:none;margin:14px 0 0;padding:0;display:grid;gap:14px;grid-template-columns:var(--catalens-columns,repeat(auto-fill,minmax(150px,1fr)))}
a{display:block;color:inherit;text-decoration:none;border:1px solid var(--l);border-radius:var(--r);overflow:hidden;background:var(--catalens-paper,#fff)}
li{display:flex;flex-direction:column;gap:6px}li a{flex:1}button.wear{border:1px solid var(--l)}dialog{border:0;border-radius:var(--r);padding:16px;max-width:min(92vw,520px);background:var(--catalens-paper,#fff);color:inherit}dialog::backdrop{background:#0008}dialog img{display:block;max-width:100%;max-height:70vh;margin:0 auto;border-radius:var(--r)}
a img{display:block;width:100%;aspect-ratio:1;object-fit:contain;background:#fff}a span{display:block;padding:9px 11px;overflow-wrap:anywhere}a b{display:block;padding:0 11px 10px}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}`;
const SIDE = 1024;

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.filter(Boolean));
  return node;
}

class CatalensSearch extends HTMLElement {
  #photo = null;
  #running = null;
  #person = null;

  connectedCallback() {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const said = this.#said;
    this.words = make("input", { type: "search", placeholder: said.words, ariaLabel: said.words, autocomplete: "off" });
    const file = make("input", { type: "file", accept: "image/*", className: "hidden", tabIndex: -1, ariaLabel: said.photo, onchange: () => file.files[0] && this.searchPhoto(file.files[0]) });
    const camera = make("button", { type: "button", title: said.photo, ariaLabel: said.photo, onclick: () => file.click() });
    camera.append(icon());
    const form = make("form", { onsubmit: (event) => { event.preventDefault(); this.search(); } }, this.words, camera, file, make("button", { className: "go", textContent: said.go }));
    form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("over"); });
    form.addEventListener("dragleave", () => form.classList.remove("over"));
    form.addEventListener("drop", (event) => { event.preventDefault(); form.classList.remove("over"); if (event.dataTransfer.files[0]) this.searchPhoto(event.dataTransfer.files[0]); });
    form.addEventListener("paste", (event) => { if (event.clipboardData.files[0]) this.searchPhoto(event.clipboardData.files[0]); });
    form.setAttribute("role", "search");
    this.asked = make("div");
    this.status = make("p", { role: "status" });
    this.list = make("ul");
    root.append(form, this.asked, this.status, this.list);
  }

  get #said() {
    return WORDS[(this.getAttribute("lang") ?? document.documentElement.lang ?? "en").startsWith("zh") ? "zh" : "en"];
  }

  /** Search with a photo (File or Blob), and with the words beside it. */
  async searchPhoto(file) {
    this.#photo = await smaller(file);
    const url = URL.createObjectURL(this.#photo);
    const clear = make("button", { type: "button", textContent: this.#said.clear, onclick: () => { this.#photo = null; this.asked.replaceChildren(); if (this.words.value.trim()) this.search(); else { this.list.replaceChildren(); this.status.textContent = ""; } } });
    this.asked.replaceChildren(make("div", { className: "asked" }, make("img", { src: url, alt: "" }), clear));
    await this.search();
  }

  /** Search with what is given. */
  async search() {
    const text = this.words.value.trim();
    if (!text && !this.#photo) return;
    this.#running?.abort();
    this.#running = new AbortController();
    this.status.textContent = this.#said.looking;
    const endpoint = (this.getAttribute("endpoint") ?? "").replace(/\/$/, "");
    const form = new FormData();
    if (this.#photo) form.append("image", this.#photo, "photo.jpg");
    if (text) form.append("text", text);
    form.append("k", this.getAttribute("limit") ?? "12");
    if (this.getAttribute("where")) form.append("where", this.getAttribute("where"));
    const key = this.getAttribute("key");
    try {
      const response = await fetch(`${endpoint}/v1/search`, { method: "POST", body: form, headers: key ? { Authorization: `Bearer ${key}` } : {}, signal: this.#running.signal });
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.detail);
      if (this.dispatchEvent(new CustomEvent("catalens-results", { detail: answer, bubbles: true, composed: true, cancelable: true }))) this.#draw(answer.matches, endpoint);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.list.replaceChildren();
      this.status.textContent = this.#said.wrong;
    }
  }

  #draw(matches, endpoint) {
    this.status.textContent = matches.length ? this.#said.found.replace("{n}", matches.length) : this.#said.none;
    const link = this.getAttribute("link") ?? "#{sku}";
    this.list.replaceChildren(...matches.map((match) => {
      const price = match.attributes?.price;
      const href = match.attributes?.url && this.hasAttribute("own-links") ? String(match.attributes.url) : link.replaceAll("{sku}", encodeURIComponent(match.sku));
      const anchor = make("a", { href: safeLink(href) },
        match.image ? make("img", { src: endpoint + match.image, alt: "", loading: "lazy" }) : null,
        make("span", { textContent: match.title || match.sku }), price === undefined ? null : make("b", { textContent: String(price) }));
      anchor.addEventListener("click", (event) => {
        if (!this.dispatchEvent(new CustomEvent("catalens-select", { detail: match, bubbles: true, composed: true, cancelable: true }))) event.preventDefault();
      });
      const wear = this.#wearable(match) ? make("button", { type: "button", className: "wear", textContent: this.#said.wear, onclick: () => this.tryOn(match) }) : null;
      return make("li", {}, anchor, wear);
    }));
  }

  /** Whether a match may be tried on: `tryon` alone lets all, `tryon="dress,shirt"` those with such a word in title or category. */
  #wearable(match) {
    if (!this.hasAttribute("tryon") || !match.image) return false;
    const words = this.getAttribute("tryon").toLowerCase().split(",").map((word) => word.trim()).filter(Boolean);
    const said = `${match.title} ${match.attributes?.category ?? ""}`.toLowerCase();
    return !words.length || words.some((word) => said.includes(word));
  }

  /** Show a match on the shopper's photo; asks for one where none was given yet. */
  async tryOn(match) {
    const endpoint = (this.getAttribute("endpoint") ?? "").replace(/\/$/, ""), key = this.getAttribute("key"), said = this.#said;
    this.#person ??= await this.#ask();
    if (!this.#person) return;
    const told = make("p", { role: "status", textContent: said.looking }), picture = make("div");
    const other = make("button", { type: "button", textContent: said.mine, onclick: () => { this.#person = null; dialog.close(); this.tryOn(match); } });
    const dialog = make("dialog", { onclose: () => dialog.remove() }, picture, told, other, make("button", { type: "button", textContent: said.close, onclick: () => dialog.close() }));
    this.shadowRoot.append(dialog);
    dialog.showModal();
    try {
      const form = new FormData();
      form.append("image", this.#person, "photo.jpg");
      form.append("garment", await (await fetch(endpoint + match.image)).blob(), "garment.jpg");
      const response = await fetch(`${endpoint}/v1/tryon`, { method: "POST", body: form, headers: key ? { Authorization: `Bearer ${key}` } : {} });
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.detail);
      picture.replaceChildren(make("img", { src: answer.image, alt: match.title || match.sku }));
      told.textContent = [said.worn, ...answer.notes].join(" ");
      this.dispatchEvent(new CustomEvent("catalens-tryon", { detail: { match, answer }, bubbles: true, composed: true }));
    } catch (error) {
      told.textContent = error instanceof TypeError ? said.wrong : error.message || said.wrong;
    }
  }

  #ask() {
    return new Promise((done) => {
      const file = make("input", { type: "file", accept: "image/*", className: "hidden", oncancel: () => { file.remove(); done(null); }, onchange: async () => { file.remove(); done(file.files[0] ? await smaller(file.files[0]) : null); } });
      this.shadowRoot.append(file);
      file.click();
    });
  }
}

/** An address that is relative or leads to a web page, as the browser reads it; "#" in place of scripts and all else. */
function safeLink(address) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return address; // without a scheme: relative to the shop's page
  }
  return url.protocol === "https:" || url.protocol === "http:" ? address : "#";
}

/** At most SIDE pixels long, upright, without what the camera wrote into it; as it is where the browser cannot read it. */
async function smaller(file) {
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = make("canvas", { width: Math.max(1, Math.round(bitmap.width * scale)), height: Math.max(1, Math.round(bitmap.height * scale)) });
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
  } catch {
    return file;
  }
}

function icon() {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  for (const [name, value] of Object.entries({ width: 22, height: 22, viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": 1.8, "aria-hidden": "true" })) svg.setAttribute(name, value);
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", "M4 8h3l1.6-2.4h6.8L17 8h3v11H4zM12 10a3.3 3.3 0 1 0 0 6.6 3.3 3.3 0 0 0 0-6.6z");
  svg.append(path);
  return svg;
}

if (!customElements.get("catalens-search")) customElements.define("catalens-search", CatalensSearch);
