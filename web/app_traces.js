// @ts-check
// The heaviest samples, each with its stack and labels.
import {counted, valuesOf} from "./app_top.js";
import {element} from "./flame_parts.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").Shown} Shown */
/** @typedef {{value: number, stack: string[], labels?: Record<string, string[]>, numbers?: Record<string, number[]>}} Sample */

/** @param {Sample} sample */
function labelsOf(sample) {
  const all = Object.entries({...sample.labels, ...sample.numbers});
  return all.map(([key, list]) => element("span", {class: "label"}, [`${key}: ${list.join(", ")}`]));
}

/** @param {App} app @param {HTMLElement} parent @returns {Promise<Shown>} */
export async function showTraces(app, parent) {
  const data = await app.data("traces"), values = valuesOf(data, app.words);
  const items = data.samples.map((/** @type {Sample} */ sample) => element("li", {class: "trace"}, [
    element("div", {class: "head", "data-value": String(sample.value)}, [
      element("b", {}, [values.text(sample.value)]), " ", element("span", {class: "percent"}, [values.percent(sample.value)]), ...labelsOf(sample),
    ]),
    element("ol", {}, sample.stack.map((name) => element("li", {}, [app.nameButton(name)]))),
  ]));
  const isPart = data.samples.length < data.stacks;
  parent.append(element("p", {class: "summary"}, [`${counted(data.stacks, "sample")}${isPart ? `; the ${data.samples.length} heaviest are shown` : ""}, each with the leaf first.`]),
    element("ul", {class: "traces"}, items));
  const buttons = /** @type {HTMLElement[]} */ ([...parent.querySelectorAll(".name-button")]);
  return {mark: (isMatch) => buttons.forEach((node) => node.classList.toggle("match", isMatch !== null && isMatch(node.dataset.name ?? "")))};
}
