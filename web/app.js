// @ts-check
// The pages: shows the view that the address names, and changes the address as menus, keys and pointers ask.
import {ContextMenu, Menu} from "./app_menu.js";
import {Controls, filterChips} from "./app_controls.js";
import {configItems, momentItems, nameItems, refineItems, sampleItems, viewItems} from "./app_items.js";
import {VIEWS, addressFrom, addressOf, asked, changed, viewOf} from "./app_state.js";
import {showDeath} from "./app_death.js";
import {showDifference, showFlame} from "./app_flame.js";
import {showGraph} from "./app_graph.js";
import {showDisassembly, showSource} from "./app_listing.js";
import {showPeek} from "./app_peek.js";
import {showTimeLine} from "./app_chart.js";
import {showTop} from "./app_top.js";
import {showTraces} from "./app_traces.js";
import {exactly, expressionOf, percentText} from "./flame_data.js";
import {element} from "./flame_parts.js";

/** @typedef {{id: number, kind: string, time_ns: number}} Load */

/**
 * What is known before any view, from /api/about.
 * @typedef {object} About
 * @property {string} title
 * @property {string} header
 * @property {{name: string, unit: string}[]} types
 * @property {number} type
 * @property {number} load
 * @property {boolean} base
 * @property {string[]} keys
 * @property {string} doc_url
 * @property {Load[]} loads
 * @property {string[]} sources
 * @property {boolean} live
 * @property {boolean} records
 * @property {boolean} record
 * @property {{name: string, query: string}[]} configs
 * @property {string} [config_error]
 */

/**
 * A view that is shown.
 * @typedef {object} Shown
 * @property {() => void} [close]
 * @property {(isMatch: ((name: string) => boolean) | null) => void} [mark] shows what is searched for
 * @property {boolean} [searches] it does that itself
 * @property {() => void} [moved] the address changed in what the server does not hear
 */

/** @typedef {(app: App, parent: HTMLElement) => Promise<Shown>} Show */

/** @type {Record<string, Show>} */
const SHOW = {
  flamegraph: showFlame, top: showTop, graph: showGraph, peek: showPeek, source: showSource, disasm: showDisassembly, traces: showTraces,
  difference: showDifference, timeline: showTimeLine, death: showDeath,
};

const SEARCH_DELAY_MS = 150, RECORD_SECONDS = 10, SLOW_MS = 300;

const KEYS = [
  ["1 to 9, 0", "The views"],
  ["/", "Search; Enter goes to what it found in the flame graph, and focuses on it elsewhere"],
  ["m, right click", "What can be done with a function: focus, ignore, its source ..."],
  ["Arrows, Enter", "Walk through boxes, rows and menus; zoom, open"],
  ["Esc", "Zoom out, close"],
  ["Click", "In the flame graph: zoom to a box. In the graph: select it; twice: focus on it"],
  ["+ - 0", "The graph's size"],
  ["f, r, c", "The flame graph: upside down, callers, copy the name"],
  ["?", "This help"],
];

/** @param {Response} response */
async function failure(response) {
  const text = (await response.text()).trim();
  return new Error(text || `${response.status} ${response.statusText}`);
}

/** @param {unknown} error */
function sentenceOf(error) {
  return error instanceof TypeError ? "The server does not answer: is it still running?" : error instanceof Error ? error.message : String(error);
}

export class App {
  constructor() {
    /** @type {About | null} */
    this.known = null;
    /** @type {string[]} names of functions */
    this.selection = [];
    /** @type {Shown} */
    this.shown = {};
    this.shownAddress = "";
    this.request = new AbortController();
    /** @type {{path: string, answer: Promise<any>} | null} what was asked last, ahead of the view */
    this.ahead = null;
    this.typing = 0; // timer
    this.input = element("input", {type: "search", placeholder: "Search (regexp)", "aria-label": "Search", spellcheck: "false", autocomplete: "off"});
    this.result = element("span", {class: "result", role: "status"});
    this.alert = element("div", {class: "alert", role: "alert", hidden: ""});
    this.notes = element("div", {class: "notes-of-view", role: "status"});
    this.wait = element("div", {class: "wait", role: "status", hidden: ""}, ["Counting ..."]);
    this.main = element("main", {class: "view", tabindex: "-1"});
    this.chips = element("ul", {class: "chips", "aria-label": "Filters"});
    this.controls = new Controls((changes) => this.go(changes));
    this.context = new ContextMenu();
    this.docs = element("a", {target: "_blank", rel: "noopener noreferrer", hidden: ""}, ["What the profile says of itself"]);
    this.help = this.makeHelp();
    this.title = element("summary");
    this.header = element("pre");
    this.menus = this.makeMenus();
    document.body.append(this.makeHeader(), this.alert, this.notes, this.wait, this.main, this.context.root, this.help);
    this.listen();
  }

  /** What is known of the profile; views ask only once that is there. @returns {About} */
  get about() {
    if (!this.known)
      throw new Error("nothing is known of the profile yet");
    return this.known;
  }

  get words() {
    return new URLSearchParams(location.search);
  }

  get view() {
    return viewOf(location.pathname);
  }

  // Parts.

  makeHelp() {
    const keys = KEYS.map(([key, text]) => element("tr", {}, [element("th", {scope: "row"}, [key]), element("td", {}, [text])]));
    return element("dialog", {"aria-label": "Help"}, [
      element("p", {}, [`A function's flat value is its own, its cum value that of all that it called as well. What is shown is in the page's address:
        a link to it shows the same again.`]),
      element("table", {}, [element("tbody", {}, keys)]), element("p", {}, [this.docs]),
      element("form", {method: "dialog"}, [element("button", {}, ["Close"])]),
    ]);
  }

  makeMenus() {
    return {
      view: new Menu("View", () => viewItems(this)),
      sample: new Menu("Sample", () => sampleItems(this)),
      refine: new Menu("Refine", () => refineItems(this)),
      config: new Menu("Config", () => configItems(this)),
      moments: new Menu("Moments", () => momentItems(this)),
    };
  }

  makeHeader() {
    const m = this.menus;
    this.refreshButton = this.button("Refresh", "Load the profile once more", () => this.refresh());
    this.recordButton = this.button("Record CPU", `Record ${RECORD_SECONDS} seconds of CPU`, () => this.record());
    this.download = element("a", {class: "button", download: ""}, ["Download"]);
    const helpButton = this.button("?", "Help (?)", () => this.help.showModal());
    return element("header", {}, [
      element("details", {class: "title"}, [this.title, this.header]),
      element("nav", {class: "menus", "aria-label": "Menus"}, [m.view.root, m.sample.root, m.refine.root, m.config.root, this.download, m.moments.root,
        this.refreshButton, this.recordButton]),
      element("div", {class: "search", role: "search"}, [this.input, this.result, helpButton]),
      element("div", {class: "second"}, [this.controls.root, this.chips]),
    ]);
  }

  /** @param {string} text @param {string} title @param {() => void} act */
  button(text, title, act) {
    const node = element("button", {type: "button", title}, [text]);
    node.addEventListener("click", act);
    return node;
  }

  /** The sample type that is shown. */
  get type() {
    const asked = this.words.get("si") ?? "", {types, type} = this.about, named = types.findIndex((t) => t.name === asked || t.name === `inuse_${asked}`);
    return named >= 0 ? named : /^\d+$/.test(asked) && Number(asked) < types.length ? Number(asked) : type;
  }

  /** What the menus are about: what is selected, or else what is searched for. */
  get target() {
    return this.selection.length ? this.selection.map(exactly).join("|") : this.words.get("search") ?? "";
  }

  /** @param {string} name @param {number} x @param {number} y in the window */
  openMenu(name, x, y) {
    this.select(name);
    this.context.open(nameItems(this, name), x, y);
  }

  /**
   * A function's name that opens what can be done with it: by a click, a right click, and the keys of a button.
   * @param {string} name @param {string} [text]
   */
  nameButton(name, text = name) {
    const node = element("button", {type: "button", class: "name-button", "data-name": name, "aria-haspopup": "menu"}, [text]);
    const open = () => {
      const box = node.getBoundingClientRect();
      this.openMenu(name, box.left, box.bottom);
    };
    node.addEventListener("click", open);
    node.addEventListener("contextmenu", (e) => {
      e.preventDefault();
      this.openMenu(name, e.clientX || node.getBoundingClientRect().left, e.clientY || node.getBoundingClientRect().bottom);
    });
    return node;
  }

  /** @param {string} name a function, or none */
  select(name) {
    this.selection = name ? [name] : [];
  }

  // Where to go.

  /** @param {Record<string, string | null>} changes */
  hrefOf(changes) {
    return addressOf(this.view.path, changed(this.words, changes));
  }

  /** @param {string} address @param {boolean} [replaces] "back" does not come here */
  goTo(address, replaces = false) {
    history[replaces ? "replaceState" : "pushState"](null, "", address);
    this.arrive();
  }

  /** @param {Record<string, string | null>} changes @param {boolean} [replaces] */
  go(changes, replaces = false) {
    this.goTo(this.hrefOf(changes), replaces);
  }

  // What is asked.

  /** @param {string} path @param {RequestInit} [options] */
  async ask(path, options = {}) {
    const response = await fetch(path, {signal: this.request.signal, ...options});
    if (!response.ok)
      throw await failure(response);
    return response.json();
  }

  /** A view's data; its warnings are shown. @param {string} api */
  async data(api) {
    const words = asked(this.words);
    const path = `/api/${api}?${words}`, {ahead} = this;
    const {warnings, data} = await (ahead?.path === path ? ahead.answer : this.ask(path));
    this.notes.replaceChildren(...warnings.map((/** @type {string} */ text) => element("p", {}, [text])));
    return data;
  }

  /** Asks for a view's data before what it will ask is known for sure: that saves the time of one answer. */
  askAhead() {
    const {view} = this, path = `/api/${view.api ?? view.path}?${asked(this.words)}`;
    this.ahead = null;
    if (view.ofRecord || view.path === "difference")
      return;
    const answer = this.ask(path);
    answer.catch(() => {}); // whoever waits for it hears that
    this.ahead = {path, answer};
  }

  async learn() {
    this.known = /** @type {About} */ (await this.ask(`/api/about?${asked(this.words)}`));
    if (this.known.config_error)
      this.complain(new Error(this.known.config_error));
  }

  /** Asks for a change, and shows what came of it. @param {string} path @param {string} [waiting] */
  async change(path, waiting = "") {
    try {
      this.complain(null);
      this.wait.textContent = waiting;
      this.wait.hidden = !waiting;
      return await this.ask(path, {method: "POST", signal: null});
    } catch (error) {
      this.complain(error);
      return null;
    } finally {
      this.wait.hidden = true;
    }
  }

  async refresh() {
    if (!await this.change("/api/refresh", "Loading ..."))
      return;
    history.replaceState(null, "", this.hrefOf({load: null, zoom: null}));
    await this.arrive(true);
  }

  async record() {
    const got = await this.change(`/api/record?seconds=${RECORD_SECONDS}`, `Recording ${RECORD_SECONDS} seconds of CPU ...`);
    if (got)
      this.goTo(addressOf("flamegraph", new URLSearchParams({load: String(got.load)})));
  }

  async saveConfig() {
    const name = prompt("Name of these settings:");
    if (name && await this.change(`/saveconfig?${asked(changed(this.words, {config: name}))}`))
      await this.arrive(true);
  }

  /** @param {string} name */
  async deleteConfig(name) {
    if (confirm(`Delete the settings ${name}?`) && await this.change(`/deleteconfig?${new URLSearchParams({config: name})}`))
      await this.arrive(true);
  }

  /** @param {unknown} error null: there is nothing to complain of */
  complain(error) {
    this.alert.hidden = error === null;
    this.alert.textContent = error === null ? "" : sentenceOf(error);
  }

  // What is shown.

  /** Shows what the address says, as far as it differs from what is there. @param {boolean} [again] all of it */
  async arrive(again = false) {
    const address = `${this.view.path}?${asked(this.words)}`;
    if (address === this.shownAddress && !again && this.known && this.alert.hidden) {
      this.shown.moved?.();
      this.showSearch();
      return;
    }
    this.request.abort();
    const request = this.request = new AbortController();
    this.shownAddress = address;
    this.complain(null);
    this.notes.replaceChildren();
    const slow = setTimeout(() => this.wait.hidden = false, SLOW_MS);
    this.wait.textContent = "Counting ...";
    try {
      await this.show(request);
    } catch (error) {
      if (!request.signal.aborted)
        this.complain(error);
    } finally {
      clearTimeout(slow);
      if (this.request === request)
        this.wait.hidden = true;
    }
  }

  /** @param {AbortController} request */
  async show(request) {
    this.askAhead();
    await this.learn();
    this.showHeader();
    const place = element("section", {class: `view-${this.view.path}`, "aria-label": this.view.title});
    const before = this.shown;
    this.shown = {};
    before.close?.();
    this.selection = [];
    this.main.replaceChildren(place);
    const shown = await SHOW[this.view.path](this, place);
    if (request.signal.aborted) {
      shown.close?.();
      return;
    }
    this.shown = shown;
    document.documentElement.dataset.shown = this.shownAddress;
    performance.mark("shown");
    this.showSearch();
  }

  showHeader() {
    const {about, words, menus} = this, name = about.title || "Profile", type = about.types[this.type]?.name ?? "";
    document.title = `${name}: ${type}, ${this.view.title}`;
    this.title.replaceChildren(element("h1", {}, [name]));
    this.header.textContent = about.header.trim();
    this.docs.hidden = !/^https?:\/\//.test(about.doc_url);
    this.docs.href = this.docs.hidden ? "" : about.doc_url;
    menus.view.button.replaceChildren(element("span", {class: "unneeded"}, ["View: "]), this.view.title);
    menus.sample.button.replaceChildren(element("span", {class: "unneeded"}, ["Sample: "]), type);
    menus.sample.root.hidden = about.types.length < 2;
    menus.moments.root.hidden = about.loads.length < 2;
    /** @type {HTMLElement} */ (this.refreshButton).hidden = !about.live;
    /** @type {HTMLElement} */ (this.recordButton).hidden = !about.records;
    /** @type {HTMLAnchorElement} */ (this.download).href = `/download?${asked(changed(words, {tree: null}))}`;
    this.controls.show(words, about);
    this.chips.replaceChildren(...filterChips(words, (changes) => this.go({...changes, zoom: null})));
    this.chips.hidden = this.chips.children.length === 0;
  }

  // The search box, of all views but those that search themselves.

  showSearch() {
    const text = this.words.get("search") ?? "";
    if (document.activeElement !== this.input)
      this.input.value = text;
    if (!this.shown.searches)
      void this.search(text);
  }

  /** @param {string} text */
  async search(text) {
    const {regex, isLiteral} = text ? expressionOf(text) : {regex: null, isLiteral: false};
    this.input.classList.toggle("literal", isLiteral);
    this.shown.mark?.(regex ? (name) => regex.test(name) : null);
    this.result.textContent = "";
    if (!regex || this.view.ofRecord)
      return;
    try {
      const {data} = await this.ask(`/api/search?${asked(changed(this.words, {q: (regex.ignoreCase ? "(?i)" : "") + regex.source}))}`);
      if (this.words.get("search") === text)
        this.result.textContent = data.functions ? `${data.functions} function${data.functions > 1 ? "s" : ""}, ${percentText(data.value, data.total)}` : "nothing found";
    } catch (error) {
      if (!this.request.signal.aborted)
        this.result.textContent = sentenceOf(error);
    }
  }

  typed() {
    clearTimeout(this.typing);
    if (!this.shown.searches && this.input.value !== (this.words.get("search") ?? ""))
      this.go({search: this.input.value}, true);
  }

  /** @param {KeyboardEvent} e */
  searchKey(e) {
    if (this.shown.searches)
      return;
    if (e.key === "Enter") {
      this.typed();
      if (this.input.value)
        this.go({f: this.input.value, search: null});
    } else if (e.key === "Escape") {
      e.preventDefault();
      this.input.value = "";
      this.typed();
      this.main.focus();
    }
  }

  /** @param {KeyboardEvent} e */
  key(e) {
    const isTyping = e.target instanceof Element && e.target.matches("input, select, textarea, [role='menu'] *, dialog *");
    if (e.ctrlKey || e.metaKey || e.altKey || isTyping)
      return;
    const view = VIEWS.find(({key, ofRecord}) => key === e.key && (!ofRecord || this.known?.record));
    if (view)
      this.goTo(addressFrom(view.path, this.words));
    else if (e.key === "/")
      this.input.select();
    else if (e.key === "?")
      this.help.showModal();
    else if (e.key === "m" && e.target instanceof HTMLElement && e.target.dataset.name)
      e.target.click();
    else
      return;
    e.preventDefault();
  }

  listen() {
    addEventListener("popstate", () => void this.arrive());
    addEventListener("keydown", (e) => this.key(e));
    this.input.addEventListener("keydown", (e) => this.searchKey(e));
    this.input.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.typed(), SEARCH_DELAY_MS);
    });
  }
}

void new App().arrive();
