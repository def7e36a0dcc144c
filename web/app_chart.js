// @ts-check
// Memory over time, drawn from a record: lines, the peak, what happened, and where the heap is known.
import {element} from "./flame_parts.js";
import {valueText} from "./flame_data.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").Shown} Shown */
/** @typedef {{ns: number, heap: number, allocated: number, resident: number, cgroup: number, limit: number}} Tick */
/** @typedef {{start_ns: number, death_ns: number, live: boolean, ticks: Tick[]}} TimeLine */
/** A moment whose heap is known, but for the peak. @typedef {{ns: number, text: string, load?: number}} Moment */
/** What was noted on the way. @typedef {{before_end_seconds: number, text: string}} Event */
/** What is known of the events of a program. @typedef {{live: boolean, oom: {uptime_seconds: number, events: Event[]}}} Noted */
/** @typedef {"heap" | "resident" | "cgroup" | "limit"} Column */

/** @type {[Column, string][]} */
const LINES = [["limit", "Limit"], ["cgroup", "Control group"], ["resident", "Resident"], ["heap", "Live heap"]];
const MOST_WIDTH = 1000, LEAST_WIDTH = 340, HEIGHT = 320, LEFT = 70, BELOW = 34, ABOVE = 44, RIGHT = 12, PARTS = 4, TABLE_ROWS = 40, BESIDE = 40;

/** @param {string} tag @param {Record<string, string | number>} attributes @param {string} [text] */
function shape(tag, attributes, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes))
    node.setAttribute(name, String(value));
  node.textContent = text;
  return node;
}

/** @param {number} bytes */
const bytesText = (bytes) => valueText(bytes, "bytes", "auto");

/** @param {number} ns */
export function spanText(ns) {
  const seconds = ns / 1e9;
  return seconds < 1 ? `${(seconds * 1000).toFixed(0)} ms` : seconds < 120 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`;
}

export class Chart {
  /** @param {TimeLine} line @param {Moment[]} moments @param {Moment[]} events @param {(moment: Moment) => void} choose is told of the nearest moment with a load */
  constructor(line, moments, events, choose) {
    this.line = line;
    this.events = events;
    this.moments = moments;
    this.choose = choose;
    const {ticks} = line, last = Math.max(ticks.at(-1)?.ns ?? 1, ...moments.map((moment) => moment.ns));
    this.from = ticks[0]?.ns ?? 0;
    this.to = Math.max(last, this.from + 1);
    this.most = Math.max(1, ...ticks.flatMap((t) => [t.heap, t.resident, t.cgroup, t.limit]));
    this.width = this.fittingWidth();
    this.at = ticks.length - 1;
    this.peak = ticks.reduce((best, t, i) => this.height(t) > this.height(ticks[best]) ? i : best, 0);
    this.status = element("p", {class: "summary", role: "status"});
    this.svg = /** @type {SVGSVGElement} */ (shape("svg", {class: "chart", tabindex: 0, role: "img", "aria-label": this.sentence()}));
    this.cursor = shape("line", {class: "cursor", y1: ABOVE, y2: HEIGHT - BELOW});
    this.draw();
    this.listen();
    this.root = element("div", {class: "chart-of"});
    this.root.append(this.legend(), this.svg, this.status, this.eventList(), this.table());
    this.go(this.at);
  }

  /** @param {Tick} tick */
  height(tick) {
    return Math.max(tick.cgroup, tick.resident, tick.heap);
  }

  sentence() {
    const {ticks} = this.line;
    if (!ticks.length)
      return "Memory over time: nothing was noted";
    const peak = ticks[this.peak];
    return `Memory over ${spanText(this.to - this.from)}: a peak of ${bytesText(this.height(peak))} after ${spanText(peak.ns)}, a live heap of ${bytesText(ticks[ticks.length - 1].heap)} at the end`;
  }

  /** @param {number} ns */
  x(ns) {
    return LEFT + (ns - this.from) / (this.to - this.from) * (this.width - LEFT - RIGHT);
  }

  /** @param {number} bytes */
  y(bytes) {
    return HEIGHT - BELOW - bytes / this.most * (HEIGHT - BELOW - ABOVE);
  }

  /** Text keeps its size, on a phone too. */
  fittingWidth() {
    return Math.max(LEAST_WIDTH, Math.min(MOST_WIDTH, document.documentElement.clientWidth - BESIDE));
  }

  draw() {
    this.svg.replaceChildren();
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    for (let i = 0; i <= PARTS; i++) {
      const bytes = this.most * i / PARTS, y = this.y(bytes), ns = this.from + (this.to - this.from) * i / PARTS;
      this.svg.append(shape("line", {class: "grid", x1: LEFT, x2: this.width - RIGHT, y1: y, y2: y}),
        shape("text", {class: "axis", x: LEFT - 6, y: y + 4, "text-anchor": "end"}, bytesText(bytes)));
      if (this.width === MOST_WIDTH || i % 2 === 0)
        this.svg.append(shape("text", {class: "axis", x: this.x(ns), y: HEIGHT - 12, "text-anchor": i === 0 ? "start" : i === PARTS ? "end" : "middle"}, spanText(ns)));
    }
    for (const [column] of LINES)
      this.drawLine(column);
    const {ticks} = this.line;
    if (ticks.length)
      this.mark({ns: ticks[this.peak].ns, text: `peak ${bytesText(this.height(ticks[this.peak]))}`}, "peak");
    this.events.forEach(({ns, text}, i) => this.event(ns, text, i + 1));
    this.moments.forEach((moment, i) => this.mark(moment, "known", i % 2));
    this.svg.append(this.cursor);
  }

  /** @param {Column} column */
  drawLine(column) {
    const ticks = this.line.ticks.filter((t) => t[column] > 0);
    if (ticks.length)
      this.svg.append(shape("polyline", {class: `line ${column}`, points: ticks.map((t) => `${this.x(t.ns).toFixed(1)},${this.y(t[column]).toFixed(1)}`).join(" ")}));
  }

  /** @param {Moment} moment @param {string} kind @param {number} [line] so that neighbours' texts do not meet */
  mark(moment, kind, line = 0) {
    const x = this.x(Math.min(this.to, Math.max(this.from, moment.ns))), end = x > this.width / 2 ? "end" : "start";
    const y = kind === "peak" ? 10 : 24 + 13 * line;
    this.svg.append(shape("line", {class: `mark ${kind}`, x1: x, x2: x, y1: ABOVE, y2: HEIGHT - BELOW}),
      shape("text", {class: `mark-text ${kind}`, x: end === "end" ? x - 4 : x + 4, y: y + 4, "text-anchor": end}, moment.text));
  }

  /** A line with its number in the list. @param {number} ns @param {string} text @param {number} number */
  event(ns, text, number) {
    const x = this.x(Math.min(this.to, Math.max(this.from, ns))), line = shape("line", {class: "mark event", x1: x, x2: x, y1: ABOVE, y2: HEIGHT - BELOW});
    line.append(shape("title", {}, text));
    this.svg.append(line, shape("text", {class: "mark-text event", x, y: HEIGHT - BELOW - 4 - 12 * ((number - 1) % 3), "text-anchor": "end"}, `${number} `));
  }

  eventList() {
    return element("ol", {class: "events"}, this.events.map(({ns, text}) => element("li", {}, [element("span", {class: "when"}, [`after ${spanText(ns)}`]), ` ${text}`])));
  }

  legend() {
    const used = LINES.filter(([column]) => this.line.ticks.some((t) => t[column] > 0));
    return element("ul", {class: "legend-of-lines"}, used.map(([column, text]) => element("li", {}, [element("span", {class: `swatch ${column}`}), text])));
  }

  /** Some of the ticks, for who reads instead of looking. */
  table() {
    const {ticks} = this.line, step = Math.max(1, Math.ceil(ticks.length / TABLE_ROWS));
    const rows = ticks.filter((_, i) => i % step === 0 || i === ticks.length - 1 || i === this.peak).map((t) => element("tr", {}, [
      element("td", {}, [spanText(t.ns)]), ...[t.heap, t.resident, t.cgroup].map((bytes) => element("td", {"data-value": String(bytes)}, [bytesText(bytes)])),
    ]));
    return element("details", {class: "as-table"}, [
      element("summary", {}, ["As a table"]),
      element("table", {}, [
        element("thead", {}, [element("tr", {}, ["After the start", "Live heap", "Resident", "Control group"].map((text) => element("th", {scope: "col"}, [text])))]),
        element("tbody", {}, rows),
      ]),
    ]);
  }

  /** The nearest moment whose heap is known. @param {number} ns */
  nearest(ns) {
    return this.moments.filter((moment) => moment.load !== undefined)
      .reduce((/** @type {Moment | null} */ best, moment) => !best || Math.abs(moment.ns - ns) < Math.abs(best.ns - ns) ? moment : best, null);
  }

  /** @param {number} i tick */
  go(i) {
    const {ticks} = this.line, tick = ticks[this.at = Math.max(0, Math.min(ticks.length - 1, i))];
    if (!tick) {
      this.status.textContent = "Nothing was noted of memory over time: the program allocated too little, or ended too soon.";
      return;
    }
    const x = this.x(tick.ns), moment = this.nearest(tick.ns), apart = moment ? moment.ns - tick.ns : 0;
    const where = !moment ? "" : ` · Enter or a click opens the heap ${apart === 0 ? "there" : `${spanText(Math.abs(apart))} ${apart > 0 ? "later" : "before"}: ${moment.text}`}`;
    this.cursor.setAttribute("x1", String(x));
    this.cursor.setAttribute("x2", String(x));
    this.status.textContent = `After ${spanText(tick.ns)}: live heap ${bytesText(tick.heap)}${tick.resident ? `, resident ${bytesText(tick.resident)}` : ""}${
      tick.cgroup ? `, control group ${bytesText(tick.cgroup)}` : ""}${tick.limit ? ` of ${bytesText(tick.limit)}` : ""}${where}`;
  }

  open() {
    const tick = this.line.ticks[this.at], moment = this.nearest(tick?.ns ?? this.to);
    if (moment)
      this.choose(moment);
  }

  /** The tick nearest to a place in the window. @param {number} left */
  tickAt(left) {
    const box = this.svg.getBoundingClientRect(), {ticks} = this.line;
    const ns = this.from + ((left - box.left) / box.width * this.width - LEFT) / (this.width - LEFT - RIGHT) * (this.to - this.from);
    let best = 0;
    ticks.forEach((tick, i) => {
      if (Math.abs(tick.ns - ns) < Math.abs(ticks[best].ns - ns))
        best = i;
    });
    return best;
  }

  listen() {
    new ResizeObserver(() => {
      if (this.width === this.fittingWidth())
        return;
      this.width = this.fittingWidth();
      this.draw();
      this.go(this.at);
    }).observe(this.svg);
    this.svg.addEventListener("pointermove", (e) => this.go(this.tickAt(e.clientX)));
    this.svg.addEventListener("click", (e) => {
      this.go(this.tickAt(e.clientX));
      this.open();
    });
    this.svg.addEventListener("keydown", (e) => {
      /** @type {Record<string, () => void>} */
      const keys = {
        ArrowLeft: () => this.go(this.at - 1), ArrowRight: () => this.go(this.at + 1), PageUp: () => this.go(this.at - 20), PageDown: () => this.go(this.at + 20),
        Home: () => this.go(0), End: () => this.go(this.line.ticks.length - 1), Enter: () => this.open(),
      };
      if (keys[e.key]) {
        e.preventDefault();
        keys[e.key]();
      }
    });
  }
}

/** What happened, and what is known: of a record that was left behind its end, of a live one each load. @param {App} app @param {TimeLine} line @returns {Moment[]} */
export function momentsOf(app, line) {
  const end = line.death_ns ? line.death_ns - line.start_ns : line.ticks.at(-1)?.ns ?? 0, {loads} = app.about;
  if (line.live)
    return loads.filter((load) => load.kind === "profile").map((load, i) => ({ns: load.time_ns - line.start_ns, text: i ? "load" : "first load", load: load.id}));
  return [{ns: end, text: "the end", load: loads.filter((load) => load.kind === "profile").at(-1)?.id ?? 1}];
}

/** A chart that opens the heap of a moment. @param {App} app @param {TimeLine} line @param {Noted} noted */
export function chartOf(app, line, {oom}) {
  const events = oom.events.map(({before_end_seconds, text}) => ({ns: (oom.uptime_seconds - before_end_seconds) * 1e9, text}));
  return new Chart(line, momentsOf(app, line), events, (moment) => app.goTo(`/flamegraph?load=${moment.load}`));
}

/** @param {App} app @param {HTMLElement} parent @returns {Promise<Shown>} */
export async function showTimeLine(app, parent) {
  const [line, noted] = await Promise.all([app.ask("/api/timeline"), app.ask("/api/death")]), chart = chartOf(app, line, noted);
  parent.append(element("h2", {}, ["Memory over time"]), element("p", {class: "summary"}, [chart.sentence()]), chart.root);
  return {};
}
