// @ts-check
// What is in the menus of the pages.
import {FILTERS} from "./app_controls.js";
import {VIEWS, addressFrom, addressOf, asked, changed, either} from "./app_state.js";
import {copy} from "./flame.js";
import {exactly} from "./flame_data.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app_menu.js").Item} Item */

/** @param {number} ns since 1970 */
function clock(ns) {
  return new Date(ns / 1e6).toLocaleTimeString();
}

/** @param {App} app @returns {Item[]} */
export function viewItems(app) {
  return VIEWS.filter((view) => !view.ofRecord || app.known?.record).map((view) => {
    const href = addressFrom(view.path, app.words);
    return {text: view.title, href, hint: view.key, isCurrent: view === app.view, act: () => app.goTo(href)};
  });
}

/** @param {App} app @returns {Item[]} */
export function sampleItems(app) {
  return app.about.types.map((type, i) => {
    const change = {si: i === app.about.type ? null : type.name, zoom: null};
    return {text: type.name, hint: type.unit, href: app.hrefOf(change), isCurrent: i === app.type, act: () => app.go(change)};
  });
}

/** @param {App} app @param {string} expression @param {string} what of it @returns {Item[]} */
function filterItems(app, expression, what) {
  const words = app.words;
  /** @type {[string, string, string, string][]} */
  const filters = [["Focus", "f", expression, "Only stacks with "], ["Ignore", "i", either(words.get("i"), expression), "No stacks with "],
    ["Hide", "h", either(words.get("h"), expression), "Leave out the frames of "], ["Show", "s", expression, "Leave out all frames but "],
    ["Show from", "sf", expression, "Stacks begin at "]];
  return filters.map(([text, name, value, hint]) => {
    const change = {[name]: value, zoom: null};
    return {text, hint: hint + what, href: app.hrefOf(change), act: () => app.go(change)};
  });
}

/** @param {App} app @returns {Item[]} */
export function refineItems(app) {
  const {target} = app, reset = Object.fromEntries([...Object.keys(FILTERS), "zoom"].map((name) => [name, null]));
  const what = app.selection.length > 1 ? `${app.selection.length} functions` : app.selection[0] ?? target;
  const items = target ? filterItems(app, target, what) : [{text: "Select or search for something first", act: () => app.input.focus()}];
  return [...items, {text: "Reset", hint: "Take all filters away", href: app.hrefOf(reset), act: () => app.go(reset)}];
}

/** @param {App} app @returns {Item[]} */
export function configItems(app) {
  const configs = app.about.configs.map(({name, query}) => {
    const href = `${location.pathname}${query && `?${query}`}`;
    const isCurrent = asked(new URLSearchParams(query)) === asked(changed(app.words, {si: null, load: null, base: null, tree: null}));
    return {text: name, href, isCurrent, act: () => app.goTo(href), also: {text: `Delete ${name}`, act: () => app.deleteConfig(name)}};
  });
  return [{text: "Save as …", act: () => app.saveConfig()}, {text: "Default", href: location.pathname, act: () => app.goTo(location.pathname)}, ...configs];
}

/** @param {App} app @returns {Item[]} */
export function momentItems(app) {
  const {loads} = app.about, first = loads[0], words = changed(app.words, {zoom: null});
  const named = loads.map((load) => {
    const change = {load: String(load.id), base: null, zoom: null};
    const text = load.kind === "cpu" ? "CPU" : load === first ? "First load" : "Load";
    return {text, hint: clock(load.time_ns), href: app.hrefOf(change), isCurrent: load.id === app.about.load, act: () => app.go(change)};
  });
  const difference = addressOf("difference", changed(words, {base: String(first?.id ?? 1)}));
  return [{text: "Newest", href: app.hrefOf({load: null, base: null}), act: () => app.go({load: null, base: null, zoom: null})}, ...named,
    {text: "Difference against the first load", href: difference, act: () => app.goTo(difference)}];
}

/** What can be done with a function. @param {App} app @param {string} name @returns {Item[]} */
export function nameItems(app, name) {
  const expression = exactly(name), look = VIEWS.filter((view) => ["peek", "source", "disasm"].includes(view.path)).map((view) => {
    const href = addressFrom(view.path, changed(app.words, {f: expression}));
    return {text: view.title, href, act: () => app.goTo(href)};
  });
  return [...look, ...filterItems(app, expression, name).map(({hint, ...item}) => item), {text: "Copy name", act: () => void copy(name)}];
}
