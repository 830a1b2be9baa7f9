/** Resumable uploads by tus 1.0: pieces with checksums, from where the server stands, through cuts and reloads. */

import { ApiError, call, send } from "./api.js";

const MOST_BYTES = 4 * 1024 * 1024;
const LEAST_BYTES = 256 * 1024;
const MOST_PIECES = 5000;
const QUICK_MS = 1000;
const SLOW_MS = 4000;
const LONGEST_WAIT_MS = 15000;
const VERSION = { "Tus-Resumable": "1.0.0" };
const PREFIX = "databridge-upload:";

/** The next piece's size: larger while pieces go quickly, smaller where one takes long. */
export function nextPiece(bytes, took, size) {
  const least = Math.max(LEAST_BYTES, Math.ceil(size / MOST_PIECES));
  const wanted = took < QUICK_MS ? bytes * 2 : took > SLOW_MS ? Math.floor(bytes / 2) : bytes;
  return Math.max(least, Math.min(wanted, MOST_BYTES));
}

const nameOf = (file) => `${PREFIX}${file.name}:${file.size}:${file.lastModified}`;

/** What this browser knows of an upload of a file, or null. */
export function remembered(file, store = localStorage) {
  try {
    return JSON.parse(store.getItem(nameOf(file)));
  } catch {
    return null;
  }
}

/** Every upload that was begun in this browser and not finished. */
export function unfinished(store = localStorage) {
  const keys = Object.keys(store).filter((key) => key.startsWith(PREFIX));
  return keys.map((key) => ({ key, ...JSON.parse(store.getItem(key)) }));
}

/**
 * Gives an interrupted upload up, here and on the server.
 * @param {{key: string, id: string}} entry
 */
export async function forget({ key, id }, store = localStorage) {
  store.removeItem(key);
  await send(`api/uploads/${id}`, { method: "DELETE", headers: VERSION }).catch(() => {});
}

export class Upload {
  /**
   * @param {File} file
   * @param {{dataset: string, options: object, hold?: boolean}} meta one that is held becomes a job only by `load`
   * @param {(state: {sent: number, words: string}) => void} told
   */
  constructor(file, meta, told) {
    this.file = file;
    this.meta = meta;
    this.told = told;
    this.paused = false;
    this.sent = 0;
    this.piece = LEAST_BYTES * 2;
    /** Of an upload that is held: its id once all its bytes are there. @type {string | null} */
    this.whole = null;
  }

  pause() {
    this.paused = true;
    this.abort?.abort();
  }

  /** Sends what is missing. Returns the job's id; null when it was paused meanwhile, or is held. Raises ApiError. */
  async run() {
    this.paused = false;
    let failures = 0;
    while (!this.paused) {
      this.abort = new AbortController();
      try {
        const job = await this.#go();
        if (job) localStorage.removeItem(nameOf(this.file));
        return job;
      } catch (error) {
        if (this.paused) break;
        if (!isPassing(error)) throw error;
        const wait = Math.min(1000 * 2 ** failures, LONGEST_WAIT_MS);
        failures = this.progressed ? 0 : failures + 1;
        this.progressed = false;
        this.#tell(`Interrupted; it goes on by itself in ${Math.ceil(wait / 1000)} s`);
        await pauseFor(wait, this.abort.signal);
      }
    }
    this.#tell("Paused");
    return null;
  }

  /** Makes the job of an upload that is held and whole, and returns its id; raises ApiError. */
  async load(dataset, options) {
    const job = await call(`uploads/${this.whole}/load`, { json: { dataset, options } });
    localStorage.removeItem(nameOf(this.file));
    return job.job_id;
  }

  async #go() {
    const known = await this.#known();
    const id = known?.id ?? (await this.#create());
    let at = known?.offset ?? 0;
    let job = known?.job ?? null;
    this.#tell("Sending", at);
    while (at < this.file.size) {
      const body = await this.file.slice(at, at + this.piece).arrayBuffer();
      const began = performance.now();
      const response = await this.#send("PATCH", `/${id}`, {
        "Upload-Offset": at,
        "Upload-Checksum": `sha256 ${base64(new Uint8Array(await crypto.subtle.digest("SHA-256", body)))}`,
        "Content-Type": "application/offset+octet-stream",
      }, body);
      at = Number(response.headers.get("Upload-Offset"));
      job = response.headers.get("Job-Id");
      this.progressed = true;
      this.piece = nextPiece(this.piece, performance.now() - began, this.file.size);
      this.#tell("Sending", at);
    }
    if (this.meta.hold) {
      this.whole = id;
      this.#tell("All of it is here", at);
      return null;
    }
    return job ?? (await this.#look(id)).job;
  }

  /** Where an upload stands that was begun before; null where a new one is needed. */
  async #known() {
    const before = remembered(this.file);
    if (!before) return null;
    const meant = before.dataset === this.meta.dataset && before.options === JSON.stringify(this.meta.options);
    const same = before.hold ? this.meta.hold : meant && !this.meta.hold; // of one that is held they are settled later
    if (!same) {
      await forget({ key: nameOf(this.file), id: before.id });
      return null;
    }
    try {
      return await this.#look(before.id);
    } catch (error) {
      if (![404, 410].includes(/** @type {ApiError} */ (error).status)) throw error;
      localStorage.removeItem(nameOf(this.file));
      return null;
    }
  }

  async #look(id) {
    const { headers } = await this.#send("HEAD", `/${id}`);
    return { id, offset: Number(headers.get("Upload-Offset")), job: headers.get("Job-Id") };
  }

  async #create() {
    const { dataset, options } = this.meta;
    const told = { dataset, filename: this.file.name, options: JSON.stringify(options), ...(this.meta.hold ? { hold: "true" } : {}) };
    const metadata = Object.entries(told).map(([name, text]) => `${name} ${base64(new TextEncoder().encode(text))}`);
    const response = await this.#send("POST", "", { "Upload-Length": this.file.size, "Upload-Metadata": metadata.join(",") });
    const id = response.headers.get("Location").split("/").pop();
    const kept = { id, name: this.file.name, size: this.file.size, dataset, options: told.options, hold: this.meta.hold };
    localStorage.setItem(nameOf(this.file), JSON.stringify(kept));
    return id;
  }

  #send(method, path, headers = {}, body = undefined) {
    const sent = { ...VERSION, ...headers };
    return send(`api/uploads${path}`, { method, headers: sent, body, signal: this.abort.signal });
  }

  #tell(words, sent = this.sent) {
    this.sent = sent;
    this.told({ sent, words });
  }
}

/** Errors that end by themselves: no connection, a server that is busy, a piece that was damaged or came twice. */
const isPassing = (error) =>
  error instanceof ApiError && (error.status === 0 || error.status >= 500 || [409, 429, 460].includes(error.status));

function pauseFor(ms, signal) {
  return /** @type {Promise<void>} */ (new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      window.removeEventListener("online", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    window.addEventListener("online", end);
    signal.addEventListener("abort", end);
  }));
}

/** Base64 of bytes, whatever they are. */
export function base64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
