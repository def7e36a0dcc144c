// @ts-check
// What the pages show is in their address: the view is the path, all else are parameters, named as pprof names them.

/**
 * A view, as the pages know it.
 * @typedef {object} ViewName
 * @property {string} path
 * @property {string} title
 * @property {string} [api] what is asked for, where that is not the path
 * @property {string} key chooses it
 * @property {boolean} [ofRecord] only a record has it
 */

/** @type {ViewName[]} */
export const VIEWS = [
  {path: "flamegraph", title: "Flame graph", key: "1"},
  {path: "top", title: "Top", key: "2"},
  {path: "graph", title: "Graph", key: "3"},
  {path: "peek", title: "Peek", key: "4"},
  {path: "source", title: "Source", key: "5"},
  {path: "disasm", title: "Disassemble", key: "6"},
  {path: "traces", title: "Traces", key: "7"},
  {path: "difference", title: "Difference", api: "flamegraph", key: "8"},
  {path: "timeline", title: "Time line", key: "9", ofRecord: true},
  {path: "death", title: "How it ended", key: "0", ofRecord: true},
];

/** Parameters that the server need not know of. */
const OWN = ["search", "order", "flip", "zoom", "column"];

/** Those that name functions of the view before: they mean nothing in another. */
const FLEETING = ["zoom", "column"];

/** @param {string} path as of a location */
export function viewOf(path) {
  return VIEWS.find((view) => path === `/${view.path}`) ?? VIEWS[0];
}

/** What of the parameters the server is to hear, in one order. @param {URLSearchParams} all */
export function asked(all) {
  const words = new URLSearchParams(all);
  for (const name of OWN)
    words.delete(name);
  words.sort();
  return words.toString();
}

/** Parameters with some of them changed; null and "" take one away. @param {URLSearchParams} from @param {Record<string, string | null>} changes */
export function changed(from, changes) {
  const words = new URLSearchParams(from);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "")
      words.delete(name);
    else
      words.set(name, value);
  }
  return words;
}

/** The address of a view. @param {string} path @param {URLSearchParams} words */
export function addressOf(path, words) {
  const text = words.toString();
  return `/${path}${text && `?${text}`}`;
}

/** The same of another view than the one at hand. @param {string} path @param {URLSearchParams} from */
export function addressFrom(path, from) {
  const words = new URLSearchParams(from);
  for (const name of FLEETING)
    words.delete(name);
  if (path !== "difference")
    words.delete("base");
  return addressOf(path, words);
}

/** Two expressions one of which must match. @param {string | null} before @param {string} more */
export function either(before, more) {
  return before ? `${before}|${more}` : more;
}
