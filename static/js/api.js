/** Calls of the API by the page's session. Errors carry `problem`, the API's own words. */

import { askToSignIn, csrfToken, meta } from "./session.js";
import { outOfReach, reached } from "./offline.js";

/** Where the pages live; a stage may put them below a prefix. */
export const base = meta("base")?.content ?? "/app/";

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
 * again. Raises ApiError.
 * @param {string} path
 * @param {RequestInit} request
 * @returns {Promise<Response>} an answer that is no error
 */
export async function send(path, { method = "GET", headers = {}, ...more } = {}) {
  for (;;) {
    /** @type {Record<string, string>} */
    const token = method === "GET" || method === "HEAD" ? {} : { "X-CSRFToken": csrfToken() };
    let response;
    try {
      response = await fetch(base + path, { ...more, method, headers: { ...token, .../** @type {Record<string, string>} */ (headers) }, credentials: "same-origin" });
    } catch (error) {
      if (more.signal?.aborted) throw error;
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

/**
 * Calls the API and returns its JSON, or null where it answers nothing. Raises ApiError.
 * @param {string} path below the API's address
 * @param {RequestInit & {json?: object}} request
 */
export async function call(path, { json, method, ...more } = {}) {
  /** @type {Record<string, string>} */
  const kind = json === undefined ? {} : { "Content-Type": "application/json" };
  const headers = { Accept: "application/json", ...kind };
  const body = json === undefined ? undefined : JSON.stringify(json);
  const response = await send(`api/${path}`, { method: method ?? (body ? "POST" : "GET"), headers, body, ...more });
  return response.status === 204 ? null : response.json();
}

/** What a problem says, and its cure. @param {any} error */
export function words(error) {
  const { detail, hint } = error.problem ?? { detail: error.message, hint: "" };
  return `${detail} ${hint ?? ""}`.trim();
}

/** Shows a problem in a box, as text only. @param {HTMLElement} box @param {unknown} error */
export function show(box, error) {
  box.textContent = words(error);
  box.hidden = false;
}
