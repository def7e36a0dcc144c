// @ts-check
// What a flame graph's page shows, as words in its address.
import {columnsOf} from "./flame_data.js";

/** @typedef {import("./flame_data.js").FlameData} FlameData */

/**
 * All that decides what is shown.
 * @typedef {object} State
 * @property {number} type
 * @property {"callees" | "callers"} tree
 * @property {"heavy" | "name"} order
 * @property {boolean} flip the root is below
 * @property {string} search
 * @property {number} zoom row
 */

/**
 * Where the state is kept.
 * @typedef {object} Store
 * @property {() => string} read
 * @property {(text: string, isStep: boolean) => void} write a step can be gone back from
 * @property {(changed: () => void) => void} listen
 */

/** The part of the address after "#". @returns {Store} */
export function addressStore() {
  return {
    read: () => location.hash.slice(1),
    write: (text, isStep) => {
      const address = text ? `#${text}` : location.pathname + location.search;
      history[isStep ? "pushState" : "replaceState"](null, "", address);
    },
    listen: (changed) => {
      addEventListener("popstate", changed);
      addEventListener("hashchange", changed);
    },
  };
}

/** What differs from what is shown first. @param {State} s @param {FlameData} data */
export function stateText(s, data) {
  const words = new URLSearchParams();
  if (s.type !== data.type)
    words.set("type", data.types[s.type].name);
  if (s.tree !== "callees")
    words.set("tree", s.tree);
  if (s.order !== "heavy")
    words.set("order", s.order);
  if (s.flip)
    words.set("flip", "1");
  if (s.search)
    words.set("search", s.search);
  if (s.zoom)
    words.set("zoom", String(s.zoom));
  return words.toString();
}

/** Whatever the text says: what the state names is there. @param {string} text @param {FlameData} data @returns {State} */
export function stateOf(text, data) {
  const words = new URLSearchParams(text), type = data.types.findIndex((t) => t.name === words.get("type"));
  const tree = words.get("tree") === "callers" ? "callers" : "callees", zoom = Number(words.get("zoom"));
  return {
    type: type < 0 ? data.type : type,
    tree,
    order: words.get("order") === "name" ? "name" : "heavy",
    flip: words.get("flip") === "1",
    search: words.get("search") ?? "",
    zoom: Number.isInteger(zoom) && zoom > 0 && zoom < columnsOf(data, tree).parent.length ? zoom : 0,
  };
}
