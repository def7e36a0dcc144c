// @ts-check
// The flame graph as a view, also of a difference.
import {FlamePage} from "./flame.js";
import {element} from "./flame_parts.js";
import {changed} from "./app_state.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").Shown} Shown */

const WORDS = ["tree", "order", "flip", "search", "zoom"];

/** A flame graph's own words, in the address of the page around it. @param {App} app */
function storeOf(app) {
  /** @type {() => void} */
  let moved = () => {};
  return {
    moved: () => moved(),
    read: () => WORDS.filter((name) => app.words.get(name)).map((name) => `${name}=${encodeURIComponent(app.words.get(name) ?? "")}`).join("&"),
    /** @param {string} text @param {boolean} isStep */
    write: (text, isStep) => {
      const words = new URLSearchParams(text), changes = Object.fromEntries(WORDS.map((name) => [name, words.get(name)]));
      const all = changed(app.words, changes).toString();
      history[isStep ? "pushState" : "replaceState"](null, "", `${location.pathname}${all && `?${all}`}`);
    },
    /** @param {() => void} act */
    listen: (act) => {
      moved = act;
    },
  };
}

/** @param {App} app @param {HTMLElement} parent @returns {Promise<Shown>} */
export async function showFlame(app, parent) {
  const tree = app.words.get("tree") === "callers" ? "callers" : "callees", data = await app.data("flamegraph");
  if (tree === "callers") { // the one tree that comes is the one that was asked for
    data.callers = data.callees;
    delete data.callees;
  }
  data.functions = {name: [], flat: [[]], cum: [[]]}; // those come when the graph is there
  const store = storeOf(app);
  const page = new FlamePage(parent, data, store, {
    input: app.input, result: app.result,
    setTree: (name) => app.go({tree: name === "callers" ? name : null, zoom: null}),
    select: (name) => app.select(name),
    menu: (name, x, y) => app.openMenu(name, x, y),
  });
  page.table.root.addEventListener("contextmenu", (e) => {
    const row = e.target instanceof Element ? e.target.closest("tr") : null, name = row?.dataset.name;
    if (name) {
      e.preventDefault();
      app.openMenu(data.names[Number(name)], e.clientX, e.clientY);
    }
  });
  requestAnimationFrame(() => app.data("functions").then((more) => page.addFunctions(more), (error) => error.name === "AbortError" || app.complain(error)));
  return {close: () => page.close(), searches: true, moved: () => store.moved()};
}

/** What became more and less, against a base or another moment. @param {App} app @param {HTMLElement} parent @returns {Promise<Shown>} */
export async function showDifference(app, parent) {
  const {base, loads} = app.about, others = loads.filter((load) => load.id !== app.about.load);
  if (base || app.words.get("base"))
    return showFlame(app, parent);
  if (others.length) {
    app.go({base: String(others[0].id)}, true);
    return {};
  }
  parent.append(element("div", {class: "empty"}, [
    element("p", {}, ["There is nothing to compare this profile with."]),
    element("p", {}, [app.about.live ? "Refresh, and see here what changed since the first load." :
      "Start with -diff_base=PROFILE to see what changed since that one."]),
  ]));
  return {};
}
