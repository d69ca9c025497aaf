const KEPT = "catalens-search";

/** What a reload of the page brings back: words, filters and order, not the photo. */
export function keep({ text, where, span, sort }) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ text, where, span, sort }));
  } catch { /* storage is full or forbidden: a reload begins anew */ }
}

export function kept() {
  try {
    const { text, where, span, sort } = JSON.parse(sessionStorage.getItem(KEPT));
    const lists = (one, most) => Object.fromEntries(Object.entries(one).filter(([, values]) => Array.isArray(values) && values.length <= most));
    return { text: String(text), where: lists(where, 200), span: lists(span, 2), sort: String(sort) };
  } catch {
    return {};
  }
}

/** What views share: the photo and the last search stay while the user looks around. */
export const session = { photo: null, search: {} };
