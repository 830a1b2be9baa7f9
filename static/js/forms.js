/** Forms that the browser sends by itself: a session that has ended asks for a sign-in first, so that nothing typed is lost. */

import { send } from "./api.js";
import { csrfToken } from "./session.js";

const YOUNG_MS = 10000;

/**
 * Looks for the session before a form of a signed-in page is sent. A form with `data-leaves`, or of a page that has only
 * just come with a session, is sent as it is.
 */
export function guardForms() {
  const since = Date.now();
  let isSure = false;
  document.addEventListener("submit", async (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (isSure || event.defaultPrevented || form.method !== "post" || "leaves" in form.dataset) return;
    if (Date.now() - since < YOUNG_MS) return;
    event.preventDefault();
    const { submitter } = event;
    await send("session").catch(() => {}); // out of reach: the browser says so itself
    const token = /** @type {HTMLInputElement | null} */ (form.querySelector("input[name=csrfmiddlewaretoken]"));
    if (token && csrfToken()) token.value = csrfToken();
    isSure = true;
    form.requestSubmit(submitter);
    isSure = false;
  });
}
