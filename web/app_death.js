// @ts-check
// How a program ended, from the record that it left: the verdict, where the memory was, the heap and memory over time.
import {chartOf, spanText} from "./app_chart.js";
import {showFlame} from "./app_flame.js";
import {element} from "./flame_parts.js";
import {percentText, valueText} from "./flame_data.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").Shown} Shown */
/** @typedef {import("./app_chart.js").TimeLine} TimeLine */
/** A part of the memory. @typedef {{name: string, bytes: number, kind: string}} Part */

/**
 * @typedef {TimeLine & {program: string, pid: number, cause: string, signal: number, cgroup: string, limit: number, peak: number,
 *   oom_kills: number, heap: number, samples: number, rate: number}} Death
 */

/** @param {number} bytes */
const bytesText = (bytes) => valueText(bytes, "bytes", "auto");

/** @param {Death} d */
function verdictOf(d) {
  const end = d.death_ns ? ` ${spanText(d.death_ns - d.start_ns)} after its start` : "";
  /** @type {Record<string, string>} */
  const sentences = {
    "alive": `${d.program} is alive.`,
    "exited": `${d.program} ended by itself${end}.`,
    "out of memory": `${d.program} was killed${end}: its memory control group was full, and the kernel's OOM killer acted.`,
    "killed": `${d.program} was killed by signal ${d.signal}${end}, not by the OOM killer of its control group.`,
    "unknown": `${d.program} ended; nobody saw how.`,
  };
  return sentences[d.cause] ?? `${d.program}: ${d.cause}`;
}

/** The parts add up to the limit, or where there is none to what there was. @param {Death} d @returns {Part[]} */
export function accountOf(d) {
  const last = d.ticks.at(-1), limit = d.limit || last?.limit || 0;
  const resident = Math.max(last?.resident ?? 0, d.heap), all = Math.max(last?.cgroup ?? 0, resident), whole = Math.max(limit, all);
  const parts = [
    {name: "Live heap", bytes: d.heap, kind: "heap"},
    {name: "Resident beyond it: the allocator's own, stacks, files, what is not sampled", bytes: resident - d.heap, kind: "resident"},
    {name: "Beyond the process in its control group: files' pages, other processes, the kernel", bytes: all - resident, kind: "cgroup"},
    {name: "Left at the last look", bytes: whole - all, kind: "left"},
  ];
  return parts.filter((part) => part.bytes > 0);
}

/** @param {Death} d */
function accountParts(d) {
  const parts = accountOf(d), sum = parts.reduce((all, part) => all + part.bytes, 0);
  const bar = element("div", {class: "account-bar", role: "img", "aria-label": parts.map((part) => `${part.name}: ${bytesText(part.bytes)}`).join("; ")},
    parts.map((part) => {
      const box = element("div", {class: `part ${part.kind}`, title: `${part.name}: ${bytesText(part.bytes)}`});
      box.style.flexGrow = String(part.bytes);
      return box;
    }));
  const rows = parts.map((part) => element("tr", {}, [
    element("td", {}, [element("span", {class: `swatch ${part.kind}`})]), element("td", {class: "amount", "data-value": String(part.bytes)}, [bytesText(part.bytes)]),
    element("td", {class: "percent"}, [percentText(part.bytes, sum)]), element("td", {}, [part.name]),
  ]));
  const total = element("tr", {class: "self"}, [
    element("td"), element("td", {class: "amount", "data-value": String(sum)}, [bytesText(sum)]), element("td"), element("td", {}, [d.limit ? "The limit" : "In all"]),
  ]);
  const head = element("thead", {class: "unseen-head"}, [element("tr", {}, ["Colour", "Bytes", "Share", "Part"].map((text) => element("th", {scope: "col"}, [text])))]);
  return [bar, element("table", {class: "account"}, [head, element("tbody", {}, [...rows, total])])];
}

/** @param {Death} d */
function facts(d) {
  return [
    d.cgroup && `Control group ${d.cgroup}`, d.limit && `limit ${bytesText(d.limit)}`, d.peak && `peak ${bytesText(d.peak)}`,
    d.oom_kills && `${d.oom_kills} OOM kill${d.oom_kills > 1 ? "s" : ""} while it ran`, `process ${d.pid}`,
    `${d.samples} blocks were sampled, one for ${bytesText(d.rate)} on average`,
  ].filter((text) => text).join(" · ");
}

/** @param {App} app @param {HTMLElement} parent @returns {Promise<Shown>} */
export async function showDeath(app, parent) {
  const d = /** @type {Death} */ (await app.ask("/api/death")), graph = element("div", {class: "graph-part"});
  parent.append(
    element("h2", {class: "verdict"}, [verdictOf(d)]), element("p", {class: "summary"}, [facts(d)]),
    element("h3", {}, ["Where the memory was"]), ...accountParts(d),
    element("h3", {}, [d.cause === "alive" ? "The heap" : "The heap at the end"]), graph,
    element("h3", {}, ["Memory over time"]), chartOf(app, d).root);
  return showFlame(app, graph);
}
