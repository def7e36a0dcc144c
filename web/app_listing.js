// @ts-check
// Source lines and instructions, each with what it holds.
import {counted, valuesOf} from "./app_top.js";
import {element} from "./flame_parts.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").Shown} Shown */
/** @typedef {{flat: number, cum: number, address: string, text: string, calls?: string[]}} Instruction */
/** @typedef {{line: number, flat: number, cum: number, text: string, code: Instruction[]}} Line */
/** @typedef {{name: string, file: string, error?: string, flat: number, cum: number, lines: Line[]}} Listed */

const TAB = "        ";

/** @param {ReturnType<typeof valuesOf>} values @param {{flat: number, cum: number}} of */
function amounts(values, of) {
  const one = (/** @type {number} */ value, /** @type {string} */ name) =>
    element("span", {class: `number ${name}`, "data-value": String(value)}, [value ? values.text(value) : "."]);
  return [one(of.flat, "flat"), one(of.cum, "cum")];
}

/** @param {ReturnType<typeof valuesOf>} values @param {Instruction} i */
function instructionOf(values, i) {
  return element("div", {class: "instruction"}, [
    ...amounts(values, i), element("span", {class: "address"}, [i.address]), element("span", {class: "asm"}, [i.text]),
    ...i.calls?.length ? [element("span", {class: "hint"}, [i.calls.join(" › ")])] : [],
  ]);
}

/** A line, which opens to its instructions when there are any. @param {ReturnType<typeof valuesOf>} values @param {Line} line */
function lineOf(values, line) {
  const parts = [element("span", {class: "number line-number"}, [line.line > 0 ? String(line.line) : ""]), ...amounts(values, line),
    element("span", {class: "text"}, [line.text.replaceAll("\t", TAB)])];
  const kind = line.cum || line.flat ? "valued" : "plain";
  if (!line.code.length)
    return element("div", {class: `source-line ${kind}`}, parts);
  const details = element("details", {class: `source-line ${kind}`}, [element("summary", {}, parts)]);
  details.addEventListener("toggle", () => {
    if (details.children.length === 1)
      details.append(...line.code.map((i) => instructionOf(values, i)));
  });
  return details;
}

/** @param {App} app @param {ReturnType<typeof valuesOf>} values @param {Listed} f */
function functionOf(app, values, f) {
  return element("article", {class: "listed"}, [
    element("h2", {}, [app.nameButton(f.name)]),
    element("p", {class: "file"}, [f.file || "(its source file is not known)"]),
    ...f.error ? [element("p", {class: "trouble"}, [f.error])] : [],
    element("p", {class: "summary"}, [`flat ${values.text(f.flat)}, cum ${values.text(f.cum)} (${values.percent(f.cum)})`]),
    element("div", {class: "code", tabindex: "0", role: "region", "aria-label": `Code of ${f.name}`}, f.lines.map((line) => lineOf(values, line))),
  ]);
}

/** n and p go to the next and the previous line with a value. @param {HTMLElement} parent @param {AbortSignal} signal */
function walkLines(parent, signal) {
  const lines = /** @type {HTMLElement[]} */ ([...parent.querySelectorAll("details.valued > summary")]);
  addEventListener("keydown", (e) => {
    const isTyping = e.target instanceof Element && e.target.matches("input, select, [role='menu'] *, dialog *"), step = {n: 1, p: -1}[e.key];
    if (!step || isTyping || e.ctrlKey || e.metaKey || e.altKey || !lines.length)
      return;
    const at = lines.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const line = lines[at < 0 ? (step > 0 ? 0 : lines.length - 1) : (at + step + lines.length) % lines.length];
    line.focus();
    line.scrollIntoView({block: "center"});
  }, {signal});
}

/** @param {App} app @param {HTMLElement} parent @returns {Promise<Shown>} */
export async function showSource(app, parent) {
  const data = await app.data("source"), values = valuesOf(data, app.words), gone = new AbortController();
  const isPart = data.functions.length < data.matched;
  parent.append(
    element("p", {class: "summary"}, [`${counted(data.matched, "function")}${isPart ? `; the ${data.functions.length} heaviest are shown` : ""}.
      A line opens to its instructions; n and p go to the next and the previous one with a value.`]),
    ...data.trouble.map((/** @type {string} */ text) => element("p", {class: "trouble"}, [`No assembly: ${text}`])),
    ...data.functions.map((/** @type {Listed} */ f) => functionOf(app, values, f)));
  walkLines(parent, gone.signal);
  return {close: () => gone.abort()};
}

/** @param {string} line of a disassembly */
function textLine(line) {
  const routine = /^(?:ROUTINE|INLINED| +AKA) =+ (.*)$/.exec(line);
  if (routine)
    return line.startsWith("ROUTINE") ? element("h2", {}, [routine[1]]) : element("p", {class: "file"}, [routine[1]]);
  const row = /^ *(\S+) +(\S+) +([0-9a-f]+): (.*)$/.exec(line);
  if (!row)
    return element("p", {class: "file"}, [line.trim().replace(/^;/, "")]);
  const [, flat, cum, address, text] = row, [code, from] = [text.split(/\s+;/)[0], text.split(/\s+;/).slice(1).join(";")];
  return element("div", {class: `instruction ${cum === "." ? "plain" : "valued"}`}, [
    element("span", {class: "number flat"}, [flat]), element("span", {class: "number cum"}, [cum]), element("span", {class: "address"}, [address]),
    element("span", {class: "asm"}, [code]), ...from ? [element("span", {class: "hint"}, [from])] : [],
  ]);
}

/** @param {App} app @param {HTMLElement} parent @returns {Promise<Shown>} */
export async function showDisassembly(app, parent) {
  const data = await app.data("disasm"), lines = data.text.split("\n").filter((/** @type {string} */ line) => line.trim());
  const code = element("div", {class: "code", tabindex: "0", role: "region", "aria-label": "Disassembly"}, lines.map((/** @type {string} */ line) => textLine(line)));
  parent.append(code, ...data.cut ? [element("p", {class: "trouble"}, ["There is more than is shown: focus on a function."])] : []);
  return {};
}
