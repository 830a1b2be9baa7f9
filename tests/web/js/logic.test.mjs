/** The modules' logic that needs no browser. */

import "./page.mjs";
import assert from "node:assert/strict";
import { test } from "node:test";

const js = (name) => import(new URL(`../../../static/js/${name}.js`, import.meta.url));
const { plain, size, suggestion, DATASET } = await js("names");
const { options, source, sourceCommand, uploadCommand } = await js("curl");
const { spec: connectionSpec } = await js("connections");
const { ago } = await js("times");
const { nextWait } = await js("poll");
const { base64, nextPiece, remembered, unfinished } = await js("tus");
const { nameOf, rangeOf } = await js("download");

for (const [file, known, name] of [
  ["GL Export 2026.csv.gz", [], "gl_export_2026"],
  ["GL Export 2026.csv.gz", ["gl_export"], "gl_export"],
  ["orders_2026-10-31.json", ["orders", "ord"], "orders"],
  ["orders_lines.json", ["orders"], "orders_lines"],
  ["2026 Überweisungen.xlsx", [], "uberweisungen"],
  ["Debitoren.XLS", ["debitoren"], "debitoren"],
  ["123.csv", [], ""],
  [`${"a".repeat(90)}.csv`, [], "a".repeat(63)],
]) {
  test(`${file} suggests ${name || "nothing"}`, () => {
    assert.equal(suggestion(file, known), name);
    assert.ok(name === "" || DATASET.test(name));
  });
}

test("sizes are written as the server writes them", () => {
  assert.deepEqual([0, 999, 1000, 52_428_800, 999_999, 5e14].map(size), ["0 B", "999 B", "1.0 KB", "52.4 MB", "1.0 MB", "500 TB"]);
});

test("moments are said as how long ago they were", () => {
  const now = new Date("2026-11-25T12:00:00Z");
  const said = (seconds) => ago(new Date(now - seconds * 1000), now);
  assert.deepEqual([1, 30, 60, 3599, 7200, 86400 * 3].map(said),
    ["just now", "30 seconds ago", "1 minute ago", "59 minutes ago", "2 hours ago", "3 days ago"]);
  assert.match(said(86400 * 90), /2026/);
});

test("polling backs off while nothing changes and comes back at once when something does", () => {
  let wait = 1000;
  const waits = Array.from({ length: 9 }, () => (wait = nextWait(wait, "same")));
  assert.ok(waits.every((next, at) => next >= (waits[at - 1] ?? 0)));
  assert.equal(waits.at(-1), 15000);
  assert.equal(nextWait(15000, "changed"), 1000);
  assert.equal(nextWait(40000, "same", { first: 5000, slowest: 60000 }), 60000);
});

test("pieces grow while they go quickly, never beyond what Lambda takes, and are few enough to be kept", () => {
  assert.equal(nextPiece(512 << 10, 100, 1e6), 1 << 20);
  assert.equal(nextPiece(4 << 20, 100, 1e9), 4 << 20);
  assert.equal(nextPiece(1 << 20, 9000, 1e6), 512 << 10);
  assert.equal(nextPiece(1 << 20, 2000, 1e6), 1 << 20);
  assert.ok(10 * 2 ** 30 / nextPiece(256 << 10, 60000, 10 * 2 ** 30) <= 5000);
});

test("Base64 is that of the bytes", () => {
  assert.equal(base64(new Uint8Array([0, 255, 128, 10])), Buffer.from([0, 255, 128, 10]).toString("base64"));
  assert.equal(base64(new Uint8Array()), "");
});

test("what is remembered of uploads is found again, and nonsense is none", () => {
  const store = { "other": "x", "databridge-upload:a.csv:3:7": '{"id": "1"}', getItem: (key) => store[key] ?? null };
  assert.deepEqual(remembered({ name: "a.csv", size: 3, lastModified: 7 }, store), { id: "1" });
  assert.equal(remembered({ name: "a.csv", size: 4, lastModified: 7 }, store), null);
  assert.deepEqual(unfinished(store), [{ key: "databridge-upload:a.csv:3:7", id: "1" }]);
  assert.equal(remembered({ name: "x" }, { getItem: () => "{" }), null);
});

test("ranges and names of downloads are read", () => {
  assert.deepEqual(rangeOf("bytes 0-4194303/9000000"), [0, 4194303, 9000000]);
  assert.equal(nameOf("attachment; filename=\"x\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%22.csv"), 'Größe ".csv');
  assert.equal(nameOf("attachment"), null);
});

test("a form becomes the source that the API takes", () => {
  assert.deepEqual(source("http", { http_url: " https://a/b.csv " }), { type: "http", url: "https://a/b.csv" });
  assert.deepEqual(source("http", { http_url: "https://a", http_user: "u", http_password: " p " }).auth, { username: "u", password: " p " });
  assert.deepEqual(source("ftp", { ftp_url: "sftp://a/b", ftp_user: "u", ftp_password: "p" }),
    { type: "ftp", url: "sftp://a/b", username: "u", password: "p" });
  assert.deepEqual(source("tcp", { tcp_host: "h", tcp_port: "99", tcp_send: "GET\n" }), { type: "tcp", host: "h", port: 99, send: "GET\n" });
  assert.deepEqual(source("connection", { connection: "sap", connection_path: "" }), { connection: "sap" });
});

test("only options that are filled in are sent, each of its kind", () => {
  assert.deepEqual(options({ null_values: "", encoding: " ", header_row: "", delimiter: "", force: false }), {});
  assert.deepEqual(options({ null_values: "NULL, n/a,", header_row: "0", delimiter: "\\t", sheet: "Data", force: true }),
    { null_values: ["NULL", "n/a"], header_row: 0, delimiter: "\t", sheet: "Data", force: true });
  assert.equal(options({ header_row: "first" }).header_row, "first");
});

test("the command line survives hostile names and shows no secret", () => {
  const command = uploadCommand("https://h/", { dataset: "a", filename: "it's $(rm) `x`.csv", chosen: { sheet: "O'Neil" } });
  assert.ok(command.includes(String.raw`'file=@it'\''s $(rm) ` + "`x`.csv'"));
  assert.ok(command.includes(String.raw`O'\''Neil`));
  const spec = source("ftp", { ftp_url: "ftp://h/x", ftp_user: "u", ftp_password: "hunter2" });
  const told = sourceCommand("https://h/", { dataset: "a", spec, chosen: {} });
  assert.ok(!told.includes("hunter2") && told.includes("<password>"));
  assert.equal(spec.password, "hunter2");
});

test("a connection's form becomes the source that the API takes", () => {
  const ftp = { kind: "ftp", host: " erp.example.com ", port: "2121", tls: "explicit", username: "u", password: " p ", path: "", rest: '{"pattern": "*.csv"}' };
  assert.deepEqual(connectionSpec(ftp), { type: "ftp", host: "erp.example.com", tls: "explicit", username: "u", port: 2121, password: " p ", pattern: "*.csv" });
  assert.deepEqual(connectionSpec({ kind: "sftp", host: "h", host_key: "SHA256:x", password: "" }), { type: "ftp", protocol: "sftp", host: "h", host_key: "SHA256:x" });
  assert.deepEqual(connectionSpec({ kind: "tcp", host: "h", port: "9", tcp_tls: "on" }), { type: "tcp", host: "h", port: 9, tls: true });
  assert.deepEqual(connectionSpec({ kind: "http", url: "https://h/", username: "", password: "" }), { type: "http", url: "https://h/" });
  assert.deepEqual(connectionSpec({ kind: "http", url: "https://h/", username: "u", password: "p" }).auth, { username: "u", password: "p" });
  assert.throws(() => connectionSpec({ kind: "tcp", rest: "[1]" }));
  assert.throws(() => connectionSpec({ kind: "tcp", rest: "{" }));
});

test("what cannot be seen is made visible, as the server does it", () => {
  assert.equal(plain("a\u202eb\x00\u200b"), "a⟨U+202E⟩b⟨U+0000⟩⟨U+200B⟩");
  assert.equal(plain("a\tb\u200e🧾"), "a\tb\u200e🧾");
});

test("a file's name with signs that are not seen stands in the command by their numbers", () => {
  const command = uploadCommand("https://here/", { dataset: "d", filename: "it's \u202efdp.csv", chosen: {} });
  assert.ok(command.endsWith(String.raw`-F $'file=@it\'s \u202efdp.csv'`), command);
});
