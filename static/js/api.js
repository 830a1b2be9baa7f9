/** Calls of the API by the page's session. Errors carry `problem`, the API's own words. */

/** The page carries the CSRF token; its cookie is for the browser alone. */
const csrfToken = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

export class ApiError extends Error {
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

export async function call(path, { method = "GET", json, form } = {}) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (json !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(`/app/api/${path}`, {
      method,
      headers,
      body: json === undefined ? form : JSON.stringify(json),
      credentials: "same-origin",
    });
  } catch {
    throw new ApiError({ detail: "The server is out of reach.", hint: "Check your connection and try again." });
  }
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  if (response.status === 401) {
    throw new ApiError({ detail: "Your session has ended.", hint: "Sign in again in another tab, then repeat this." });
  }
  throw new ApiError({ detail: body.detail ?? `The server answered ${response.status}.`, hint: body.hint ?? "" });
}

/** Shows a problem in a box, as text only. */
export function show(box, error) {
  const { detail, hint } = error.problem ?? { detail: error.message, hint: "" };
  box.textContent = `${detail} ${hint}`.trim();
  box.classList.remove("hidden");
}
