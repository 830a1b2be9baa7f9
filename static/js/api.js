/** Calls of the API by the page's session. Errors carry `problem`, the API's own words. */

import { askToSignIn, csrfToken } from "./session.js";
import { outOfReach, reached } from "./offline.js";

/** Where the pages live; a stage may put them below a prefix. */
export const base = document.querySelector('meta[name="base"]')?.content ?? "/app/";

export class ApiError extends Error {
  /**
   * @param {{detail: string, hint?: string, code?: string, job_id?: string}} problem
   * @param {number} status 0 where no answer came
   */
  constructor(problem, status = 0) {
    super(problem.detail);
    this.problem = problem;
    this.status = status;
  }
}

/**
 * Sends a request below the pages' address. A session that has ended asks the person to sign in and then sends it
 * again; `quiet` requests, which no person asked for, wait for that too. Raises ApiError.
 * @returns {Promise<Response>} an answer that is no error
 */
export async function send(path, { method = "GET", headers = {}, body, signal, cache } = {}) {
  for (;;) {
    const sent = { "X-CSRFToken": csrfToken(), ...headers };
    if (method === "GET" || method === "HEAD") delete sent["X-CSRFToken"];
    let response;
    try {
      response = await fetch(base + path, { method, headers: sent, body, signal, cache, credentials: "same-origin" });
    } catch (error) {
      if (signal?.aborted) throw error;
      outOfReach();
      throw new ApiError({ detail: "The server is out of reach.", hint: "Check your connection and try again." });
    }
    reached();
    if (response.ok) return response;
    if (response.status === 401) {
      await askToSignIn();
      continue;
    }
    const told = await response.json().catch(() => ({}));
    throw new ApiError({ ...told, detail: told.detail ?? `The server answered ${response.status}.` }, response.status);
  }
}

/** Calls the API and returns its JSON. */
export async function call(path, { json, form, method, ...more } = {}) {
  const headers = { Accept: "application/json" };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const body = json === undefined ? form : JSON.stringify(json);
  const response = await send(`api/${path}`, { method: method ?? (body ? "POST" : "GET"), headers, body, ...more });
  return response.status === 204 ? null : response.json();
}

/** Shows a problem in a box, as text only. */
export function show(box, error) {
  const { detail, hint } = error.problem ?? { detail: error.message, hint: "" };
  box.textContent = `${detail} ${hint ?? ""}`.trim();
  box.hidden = false;
}
