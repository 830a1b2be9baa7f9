/** The look at a file before it is loaded: the latest one asked for is shown, whichever answers first. */

import { send, show } from "./api.js";
import { plain } from "./names.js";

export function looking(form) {
  const section = form.querySelector("[data-look]");
  const result = section.querySelector("[data-look-result]");
  const state = section.querySelector("[data-look-state]");
  const most = Number(form.getAttribute("data-head")); // form.dataset is the field of that name
  let latest = null;

  async function ask(words, path, request) {
    latest?.abort();
    const mine = (latest = new AbortController());
    section.hidden = false;
    section.setAttribute("aria-busy", "true");
    state.classList.add("busy");
    state.textContent = words;
    try {
      const response = await send(path, { ...request, method: "POST", signal: mine.signal });
      const html = await response.text();
      if (mine !== latest) return;
      result.innerHTML = html;
      state.textContent = "";
    } catch (error) {
      if (mine.signal.aborted) return;
      result.replaceChildren();
      show(state, error);
    }
    state.classList.remove("busy");
    section.removeAttribute("aria-busy");
  }

  return {
    file(file, options) {
      const whole = file.size <= most;
      const asked = new URLSearchParams({ filename: file.name, whole: String(whole), options: JSON.stringify(options) });
      const headers = { "Content-Type": "application/octet-stream" };
      const words = whole ? `Looking at ${plain(file.name)} …` : `Looking at the beginning of ${plain(file.name)} …`;
      return ask(words, `api/parts/look?${asked}`, { headers, body: file.slice(0, most) });
    },
    /** Looks at the whole of a file that was sent and is held. */
    upload(file, id, options) {
      const headers = { "Content-Type": "application/json" };
      return ask(`Looking at all of ${plain(file.name)} …`, `api/parts/look?upload=${id}`, { headers, body: JSON.stringify({ options }) });
    },
    source(source, options) {
      const headers = { "Content-Type": "application/json" };
      return ask("Asking the source …", "api/parts/look", { headers, body: JSON.stringify({ source, options }) });
    },
    clear() {
      latest?.abort();
      section.hidden = true;
      result.replaceChildren();
    },
  };
}
