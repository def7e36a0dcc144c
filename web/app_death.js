// @ts-check
// How a program ended, as "sonde oom" tells it: the verdict, the account, the heap, memory over time, what to do next.
import {chartOf, spanText} from "./app_chart.js";
import {showFlame} from "./app_flame.js";
import {element} from "./flame_parts.js";
import {percentText, valueText} from "./flame_data.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").Shown} Shown */
/** @typedef {import("./app_chart.js").TimeLine} TimeLine */

/**
 * What docs/oom-json.md says, as far as it is shown.
 * @typedef {object} Oom
 * @property {string} program
 * @property {number} pid
 * @property {number} uptime_seconds
 * @property {number} wait_status
 * @property {string} cgroup
 * @property {number} limit_bytes
 * @property {number} peak_bytes
 * @property {number} charge_bytes
 * @property {number} oom_kills
 * @property {string} end
 * @property {string} sentence
 * @property {string[]} facts
 * @property {string[]} next
 * @property {number} growth_bytes_per_second
 * @property {{line: string, bytes: number}[]} account
 * @property {{seconds: number, account_grown: Record<string, number>}[]} windows
 * @property {number} heap_bytes
 * @property {{before_end_seconds: number, live_heap_bytes: number, charge_bytes: number}[]} timeline
 * @property {import("./app_chart.js").Event[]} events
 */

/** @typedef {{lines: Record<string, {name: string, meaning: string}>, start_ns: number, live: boolean, oom: Oom}} Death */
/** A line of the account. @typedef {{line: string, name: string, meaning: string, bytes: number}} Part */

const SHOWN_NAME = 0.12; // of the bar: a narrower part has no room for its name

/** @param {number} bytes */
const bytesText = (bytes) => valueText(bytes, "bytes", "auto");

/** @param {Oom} o */
function verdictOf(o) {
  const after = spanText(o.uptime_seconds * 1e9), who = `${o.program} (process ${o.pid})`;
  /** @type {Record<string, string>} */
  const sentences = {
    "oom": `${who} was killed after ${after}: out of memory`,
    "machine_oom": `${who} was killed after ${after}: the machine was out of memory`,
    "likely_oom": `${who} ended after ${after}, most likely out of memory: nobody saw it`,
    "signal": `${who} was killed by signal ${o.wait_status & 127} after ${after}`,
    "exited": `${who} ended by itself after ${after}`,
    "alive": `${who} is alive, ${after} after its start`,
    "unseen": `${who} ended after ${after}; nobody saw how`,
  };
  return sentences[o.end] ?? `${who}: ${o.end}`;
}

/** The lines of the account, and what the limit left: they add up to the limit, or without one to the charge. @param {Death} d @returns {Part[]} */
export function accountOf(d) {
  const {oom} = d, left = oom.limit_bytes - oom.charge_bytes;
  const parts = oom.account.map(({line, bytes}) => ({line, bytes, ...(d.lines[line] ?? {name: line, meaning: ""})}));
  return oom.limit_bytes && left > 0 ? [...parts, {line: "left", name: "left", meaning: "up to the limit", bytes: left}] : parts;
}

/** @param {Part[]} parts */
function barOf(parts) {
  const shown = parts.filter((part) => part.bytes > 0), all = shown.reduce((sum, part) => sum + part.bytes, 0);
  const boxes = shown.map((part) => {
    const box = element("div", {class: `part ${part.line}`, title: `${part.name}: ${bytesText(part.bytes)}`});
    box.style.flexGrow = String(part.bytes / all);
    if (part.bytes / all > SHOWN_NAME)
      box.append(element("span", {}, [part.name]));
    return box;
  });
  return element("div", {class: "account-bar", role: "img", "aria-label": parts.map((part) => `${part.name}: ${bytesText(part.bytes)}`).join("; ")}, boxes);
}

/** What grew in the last minutes, as far as that is known; a short life has one such span. @param {Oom} o */
function windowsOf(o) {
  const known = o.windows.filter((window, i) => Object.keys(window.account_grown).length && window.seconds !== o.windows[i - 1]?.seconds);
  return known.map(({seconds, account_grown}) => ({name: seconds < o.uptime_seconds ? `Last ${spanText(seconds * 1e9)}` : "Since its start", grown: account_grown}));
}

/** @param {Death} d */
function accountParts(d) {
  const parts = accountOf(d), sum = parts.reduce((all, part) => all + part.bytes, 0), windows = windowsOf(d.oom);
  const heads = ["Part", "Bytes", "Share", ...windows.map(({name}) => name)];
  const rows = parts.map((part) => element("tr", {"data-line": part.line}, [
    element("td", {}, [element("span", {class: `swatch ${part.line}`}), part.name, element("span", {class: "hint"}, [` ${part.meaning}`])]),
    element("td", {class: "amount", "data-value": String(part.bytes)}, [bytesText(part.bytes)]),
    element("td", {class: "percent"}, [percentText(part.bytes, sum)]),
    ...windows.map(({grown}) => element("td", {class: "amount"}, [grown[part.line] ? `${grown[part.line] > 0 ? "+" : ""}${bytesText(grown[part.line])}` : ""])),
  ]));
  const total = element("tr", {class: "self"}, [
    element("td", {}, [parts.at(-1)?.line === "left" ? "the limit" : "charged in all"]), element("td", {class: "amount", "data-value": String(sum)}, [bytesText(sum)]),
    element("td"), ...windows.map(() => element("td")),
  ]);
  const head = element("thead", {}, [element("tr", {}, heads.map((text, i) => element("th", {scope: "col", class: i ? "amount" : "name"}, [text])))]);
  return [barOf(parts), element("div", {class: "scrolls", tabindex: "0", role: "region", "aria-label": "The account"}, [element("table", {class: "account"}, [head, element("tbody", {}, [...rows, total])])])];
}

/** @param {Oom} o */
function numbersOf(o) {
  /** @type {[string, string | number | false][]} */
  const all = [["limit", o.limit_bytes && bytesText(o.limit_bytes)], ["charged", bytesText(o.charge_bytes)], ["peak", o.peak_bytes && bytesText(o.peak_bytes)],
    ["live heap", bytesText(o.heap_bytes)], ["grew by", o.growth_bytes_per_second > 0 && `${bytesText(o.growth_bytes_per_second)}/s`],
    ["OOM kills", o.oom_kills], ["control group", o.cgroup]];
  return element("dl", {class: "numbers"}, all.filter(([, value]) => value).map(([name, value]) =>
    element("div", {}, [element("dt", {}, [name]), element("dd", {}, [String(value)])])));
}

/** @param {Death} d @returns {TimeLine} */
function lineOf({oom, start_ns, live}) {
  const ticks = oom.timeline.map((moment) => ({
    ns: (oom.uptime_seconds - moment.before_end_seconds) * 1e9, heap: moment.live_heap_bytes, allocated: 0, resident: 0, cgroup: moment.charge_bytes, limit: oom.limit_bytes,
  }));
  return {start_ns, death_ns: live ? 0 : start_ns + oom.uptime_seconds * 1e9, live, ticks};
}

/** @param {App} app @param {HTMLElement} parent @returns {Promise<Shown>} */
export async function showDeath(app, parent) {
  const d = /** @type {Death} */ (await app.ask("/api/death")), {oom} = d, graph = element("div", {class: "graph-part"});
  const list = (/** @type {string[]} */ texts) => texts.map((text) => element("li", {}, [text]));
  parent.append(
    element("h2", {class: "verdict"}, [verdictOf(oom)]),
    element("div", {class: "cause"}, [element("p", {}, [oom.sentence]), element("ul", {}, list(oom.facts))]), numbersOf(oom),
    element("h3", {}, [d.live ? "What the group is charged for" : "What the group was charged for"]), ...accountParts(d),
    element("h3", {}, [d.live ? "The heap" : "The heap at the end"]), graph,
    element("h3", {}, ["Memory over time"]), chartOf(app, lineOf(d), d).root,
    ...oom.next.length ? [element("h3", {}, ["Next"]), element("pre", {class: "next", tabindex: "0"}, [oom.next.join("\n")])] : []);
  return showFlame(app, graph);
}
