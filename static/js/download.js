/** Files through the app, in ranges that an answer may have, put together by the browser. */

import { base, send, words } from "./api.js";
import { plain } from "./names.js";

const RANGE_BYTES = 4 * 1024 * 1024;

/** The first and last byte and the whole size that a Content-Range names, such as "bytes 0-9/100". */
export const rangeOf = (header) => header.match(/^bytes (\d+)-(\d+)\/(\d+)$/).slice(1).map(Number);

export async function download(href, told) {
  const path = new URL(href).pathname.slice(base.length);
  told.hidden = false;
  told.textContent = "Downloading …";
  try {
    const parts = [];
    let name = "file";
    for (let at = 0, size = 1; at < size; ) {
      const response = await send(path, { headers: { Range: `bytes=${at}-${at + RANGE_BYTES - 1}` } });
      name = nameOf(response.headers.get("Content-Disposition") ?? "") ?? name;
      parts.push(await response.blob());
      if (response.status !== 206) break;
      const [, last, whole] = rangeOf(response.headers.get("Content-Range"));
      [at, size] = [last + 1, whole];
      told.textContent = `Downloading ${plain(name)}: ${Math.floor((100 * at) / size)} %`;
    }
    save(new Blob(parts, { type: "application/octet-stream" }), name);
    told.textContent = `${plain(name)} is downloaded.`;
  } catch (error) {
    told.textContent = words(error);
  }
}

/** The name in a Content-Disposition, from its form for all languages. */
export function nameOf(header) {
  const coded = header.match(/filename\*=UTF-8''([^;]+)/)?.[1];
  return coded ? decodeURIComponent(coded) : null;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
