/** The files that are to be loaded: chosen, named, sent, each with its own progress. */

import { base, words } from "./api.js";
import { DATASET, datasets, plain, size, suggestion } from "./names.js";
import { Upload, forget, remembered, unfinished } from "./tus.js";

const AT_ONCE = 2;
const NAME_RULE = "The dataset's name must begin with a lower-case letter and have letters, digits and underscores.";

/**
 * @param {HTMLFormElement} form
 * @param {{onChange: () => void, onLook: (file: File) => void}} heard
 */
export function fileList(form, { onChange, onLook }) {
  const list = form.querySelector("[data-files]");
  const input = /** @type {HTMLInputElement} */ (form.elements.namedItem("file"));
  const drop = /** @type {HTMLElement} */ (form.querySelector("[data-drop]"));
  const known = datasets(form);
  let items = [];

  function add(files) {
    for (const file of files) {
      if (items.some((item) => item.file.name === file.name && item.file.size === file.size)) continue;
      const item = new Item(form.querySelector("template[data-file-item]"), file, known, arrived);
      item.on("[data-look-file]", () => onLook(file));
      item.on("[data-remove]", () => remove(item));
      item.field.addEventListener("input", onChange);
      items.push(item);
      list.append(item.element);
    }
    if (files.length && items.length) onLook(items.at(-files.length)?.file ?? items[0].file);
    settle();
  }

  /** A single file's job is what the person wants to see next. */
  function arrived(item) {
    if (items.length === 1) window.location.assign(`${base}jobs/${item.job}`);
  }

  function remove(item) {
    item.upload?.pause();
    items = items.filter((other) => other !== item);
    item.element.remove();
    input.focus();
    settle();
    if (items.length) onLook(items[0].file);
  }

  function settle() {
    drop.classList.toggle("compact", items.length > 0);
    interrupted();
    onChange();
  }

  function interrupted() {
    const box = /** @type {HTMLElement} */ (form.querySelector("[data-unfinished]"));
    const chosen = new Set(items.map(({ file }) => `${file.name}:${file.size}`));
    const left = unfinished().filter(({ name, size: bytes }) => !chosen.has(`${name}:${bytes}`));
    box.replaceChildren(...left.map((entry) => reminder(form, entry, interrupted)));
    box.hidden = !left.length;
  }

  function take() {
    add([...input.files]);
    input.value = "";
  }

  input.addEventListener("change", take);
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    add([...event.dataTransfer.files]);
  });
  window.addEventListener("beforeunload", (event) => {
    if (items.some((item) => item.isSending)) event.preventDefault();
  });
  interrupted();

  return {
    get items() {
      return items;
    },
    /** Takes what was chosen before this script was there. */
    takeEarly() {
      if (input.files.length) take();
    },
    /** Sends a file, so that all of it can be looked at, and returns the upload's id; null if that was stopped. */
    async hold(file) {
      const item = items.find((other) => other.file === file);
      item.check();
      await item.hold();
      return item.upload.whole;
    },
    /** The id of a file's upload that is held and can be looked at, or null. */
    held: (file) => items.find((other) => other.file === file)?.upload?.whole ?? null,
    /** Sends all files, some at once. */
    async send(options) {
      for (const item of items) item.check();
      for (const item of items) item.options = options; // one that is on its way to be looked at is then loaded too
      const waiting = items.filter((item) => !item.job && !item.isSending);
      const work = async () => {
        for (let item = waiting.shift(); item; item = waiting.shift()) await item.send();
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
    },
  };
}

/** One chosen file and its row. */
class Item {
  constructor(template, file, known, arrived) {
    this.file = file;
    this.arrived = arrived;
    this.job = null;
    /** What the person chose when they asked to load the file. @type {object | null} */
    this.options = null;
    this.isSending = false;
    this.element = template.content.firstElementChild.cloneNode(true);
    this.field = this.element.querySelector("[data-dataset]");
    this.element.querySelector("[data-name]").textContent = plain(file.name);
    this.element.querySelector("[data-size]").textContent = size(file.size);
    for (const [mark, does] of [["look-file", "Look at"], ["pause", "Pause"], ["remove", "Remove"]]) {
      this.element.querySelector(`[data-${mark}]`).setAttribute("aria-label", `${does} ${file.name}`);
    }
    const before = remembered(file);
    this.field.value = before?.dataset ?? suggestion(file.name, known);
    if (before) this.tell("An upload of this file was interrupted; it goes on where it stopped.");
    this.on("[data-pause]", () => (this.isSending ? this.upload.pause() : this.resume()));
  }

  on(selector, act) {
    this.element.querySelector(selector).addEventListener("click", act);
  }

  tell(said, isWrong = false) {
    const state = this.element.querySelector("[data-state]");
    state.textContent = said;
    state.classList.toggle("problem", isWrong);
    state.classList.toggle("muted", !isWrong);
  }

  get dataset() {
    return this.field.value.trim();
  }

  /** Raises an error that names the rule, with the field in focus, unless the dataset may have its name. */
  check() {
    const fits = DATASET.test(this.dataset);
    this.field.setAttribute("aria-invalid", String(!fits));
    if (fits) return;
    this.field.focus();
    throw new Error(NAME_RULE);
  }

  /** Sends the file and makes its job; one that was held for a look goes on from there. */
  async send() {
    if (!this.upload?.meta.hold) this.#begin(Boolean(remembered(this.file)?.hold));
    await this.resume();
  }

  /** Sends the file without making its job. */
  async hold() {
    if (!this.upload?.meta.hold) this.#begin(true);
    await this.resume();
  }

  #begin(hold) {
    this.upload = new Upload(this.file, { dataset: this.dataset, options: this.options ?? {}, hold }, (state) => this.#show(state));
  }

  async resume() {
    const bar = this.element.querySelector("progress");
    const pause = this.element.querySelector("[data-pause]");
    this.#sending(true, pause);
    bar.hidden = false;
    bar.setAttribute("aria-label", `Progress of ${this.file.name}`);
    try {
      this.job = this.upload.whole ? null : await this.upload.run();
      if (this.upload.whole && this.options) this.job = await this.upload.load(this.dataset, this.options);
    } catch (error) {
      this.tell(words(error), true);
    }
    this.#sending(false, pause);
    if (this.job) this.#done(bar, pause); // may leave the page, which asks nobody once nothing is being sent
  }

  #sending(isSending, pause) {
    this.isSending = isSending;
    pause.hidden = Boolean(this.job ?? this.upload.whole);
    pause.textContent = isSending ? "Pause" : "Go on";
    pause.setAttribute("aria-label", `${pause.textContent} ${this.file.name}`);
    this.field.readOnly = isSending || Boolean(this.job);
    this.element.querySelector("[data-remove]").hidden = isSending;
  }

  #show({ sent, words: stands }) {
    const share = this.file.size ? Math.floor((100 * sent) / this.file.size) : 100;
    this.element.querySelector("progress").value = share;
    this.tell(`${stands}: ${size(sent)} of ${size(this.file.size)}, ${share} %`);
  }

  #done(bar, pause) {
    bar.value = 100;
    pause.hidden = true;
    const link = document.createElement("a");
    link.href = `${base}jobs/${this.job}`;
    link.textContent = "see its job";
    this.tell("All of it is here; ");
    this.element.querySelector("[data-state]").append(link);
    this.arrived(this);
  }
}

function reminder(form, entry, gone) {
  const item = form.querySelector("template[data-unfinished-item]").content.firstElementChild.cloneNode(true);
  const told = `The upload of ${plain(entry.name)} (${size(entry.size)}) into ${entry.dataset} was interrupted. Choose the same file again and it goes on where it stopped.`;
  item.querySelector("[data-words]").textContent = told;
  item.querySelector("[data-forget]").addEventListener("click", async () => {
    await forget(entry);
    gone();
  });
  return item;
}
