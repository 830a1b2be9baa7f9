/** The window in which somebody has signed in again: tells the page that waits, and closes. */

window.opener?.postMessage("signed in", window.location.origin);
window.close();

export {};
