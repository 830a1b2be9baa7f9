/** Says so when the server is out of reach, and takes it back when it answers again. */

const box = document.getElementById("offline");
/** @type {Date | null} */
let since = null;

export function outOfReach() {
  if (since || !box) return;
  since = new Date();
  const at = since.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  box.textContent = `The server is out of reach since ${at}. What you see may be out of date; it goes on by itself.`;
  box.hidden = false;
}

export function reached() {
  if (!since || !box) return;
  since = null;
  box.hidden = true;
}

window.addEventListener("offline", outOfReach);
