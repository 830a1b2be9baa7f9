/** What happens when the session ends under a page: the person signs in elsewhere, the page stays as it is. */

/** A fact that the page tells its scripts. @param {string} name */
export const meta = (name) => /** @type {HTMLMetaElement} */ (document.querySelector(`meta[name="${name}"]`));
/** @type {Promise<void> | null} */
let waiting = null;

/** The page carries the CSRF token; its cookie is for the browser alone. */
export const csrfToken = () => meta("csrf-token")?.content ?? "";

/** Asks for a sign-in, once however many requests need it. Resolves when there is a session again. */
export function askToSignIn() {
  waiting ??= asked().finally(() => (waiting = null));
  return waiting;
}

function asked() {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("session"));
  const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (dialog.querySelector(`[data-${name}]`));
  const wrong = part("wrong");
  return /** @type {Promise<void>} */ (new Promise((resolve) => {
    const look = async (/** @type {Event | undefined} */ event) => {
      const answer = await again().catch(() => "away");
      if (answer === "other") return window.location.reload();
      if (answer === "here") return finish();
      if (event?.type !== "click") return;
      wrong.textContent = answer === "away" ? "The server is out of reach." : "There is no session yet.";
      wrong.hidden = false;
    };
    const open = () => window.open(dialog.dataset.signIn, "databridge-sign-in", "popup,width=520,height=720");
    const stay = (/** @type {Event} */ event) => event.preventDefault();
    const finish = () => {
      window.removeEventListener("focus", look);
      window.removeEventListener("message", look);
      dialog.removeEventListener("cancel", stay);
      dialog.close();
      resolve();
    };
    wrong.hidden = true;
    part("open").onclick = open;
    part("check").onclick = look;
    dialog.addEventListener("cancel", stay);
    window.addEventListener("focus", look);
    window.addEventListener("message", (event) => event.origin === window.location.origin && look(event));
    if (!dialog.open) dialog.showModal();
  }));
}

/** Asks for the new session's token: "here" with one, "other" if it is somebody else's, "none" without a session. */
async function again() {
  const response = await fetch(`${meta("base").content}session`, { cache: "no-store" });
  if (!response.ok) return "none";
  const { csrf_token: token, person } = await response.json();
  if (person !== meta("person").content) return "other";
  meta("csrf-token").content = token;
  return "here";
}
