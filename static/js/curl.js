/** What a form asks for, as a source of the API and as a command line. */

import { UNSEEN } from "./names.js";

const UNSEEN_EACH = new RegExp(UNSEEN, "g");

/**
 * What a form holds, by the names of its fields. @typedef {Record<string, any>} Given
 */

/** The source that the API takes. @param {string} kind @param {Given} given */
export function source(kind, given) {
  const text = (/** @type {string} */ name) => (given[name] ?? "").trim();
  switch (kind) {
    case "http": {
      const auth = text("http_user") ? { auth: { username: text("http_user"), password: given.http_password } } : {};
      return { type: "http", url: text("http_url"), ...auth };
    }
    case "ftp": {
      const account = text("ftp_user") ? { username: text("ftp_user"), password: given.ftp_password } : {};
      return { type: "ftp", url: text("ftp_url"), ...account };
    }
    case "tcp": {
      const request = given.tcp_send ? { send: given.tcp_send } : {};
      return { type: "tcp", host: text("tcp_host"), port: Number(text("tcp_port")), ...request };
    }
    default:
      return { connection: text("connection"), ...(text("connection_path") ? { path: text("connection_path") } : {}) };
  }
}

/** The options that are filled in, each of the kind that the API takes. @param {Given} given */
export function options(given) {
  /** @type {Record<string, unknown>} */
  const found = {};
  const nulls = (given.null_values ?? "").split(",").map((/** @type {string} */ text) => text.trim()).filter(Boolean);
  if (nulls.length) found.null_values = nulls;
  for (const name of ["encoding", "sheet", "member", "business_date"]) if (given[name]?.trim()) found[name] = given[name].trim();
  if (given.delimiter) found.delimiter = given.delimiter.replaceAll("\\t", "\t");
  const header = (given.header_row ?? "").trim();
  if (header) found.header_row = /^\d+$/.test(header) ? Number(header) : header;
  if (given.control_totals?.trim()) found.control_totals = given.control_totals.trim();
  if (given.force) found.force = true;
  return found;
}

/**
 * A text as one word of a shell; signs that are not seen by their number (bash, "ANSI-C Quoting"), so that they are.
 * @param {string} text
 */
function quoted(text) {
  if (!UNSEEN.test(text)) return `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const told = (/** @type {string} */ sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `$'${text.replace(/[\\']/g, String.raw`\$&`).replace(UNSEEN_EACH, told)}'`;
}
const TOKEN = '-H "Authorization: Bearer $TOKEN"';

/**
 * The same upload by curl; a program sends large files to /uploads (tus) in pieces.
 * @param {string} root
 * @param {{dataset: string, filename: string, chosen: object}} of
 */
export function uploadCommand(root, { dataset, filename, chosen }) {
  const more = Object.keys(chosen).length ? ` \\\n  -F ${quoted(`options=${JSON.stringify(chosen)}`)}` : "";
  return `curl ${root}upload ${TOKEN} \\\n  -F ${quoted(`dataset=${dataset}`)}${more} \\\n  -F ${quoted(`file=@${filename}`)}`;
}

/**
 * The same fetch by curl, without the secret that was typed.
 * @param {string} root
 * @param {{dataset: string, spec: object, chosen: object}} of
 */
export function sourceCommand(root, { dataset, spec, chosen }) {
  const hidden = JSON.parse(JSON.stringify(spec));
  if (hidden.password) hidden.password = "<password>";
  if (hidden.auth) hidden.auth.password = "<password>";
  const body = { dataset, source: hidden, ...(Object.keys(chosen).length ? { options: chosen } : {}) };
  return `curl ${root}ingest ${TOKEN} -H 'Content-Type: application/json' \\\n  -d ${quoted(JSON.stringify(body))}`;
}
