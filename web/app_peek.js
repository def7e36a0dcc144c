// @ts-check
// Functions between those that call them and those that they call.
import {amountCell, counted, valuesOf} from "./app_top.js";
import {element} from "./flame_parts.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").Shown} Shown */
/** @typedef {{name: string, function?: string, weight: number, inline: boolean}} Edge */
/** @typedef {{name: string, function?: string, file?: string, flat: number, cum: number, callers: Edge[], callees: Edge[]}} Node */

/** @param {App} app @param {ReturnType<typeof valuesOf>} values @param {Edge[]} edges @param {string} title */
function edgeRows(app, values, edges, title) {
  return edges.map((edge) => element("tr", {class: "edge"}, [
    amountCell(values, edge.weight, "weight"), element("td", {class: "kind"}, [title]),
    element("td", {class: "name"}, [app.nameButton(edge.function ?? edge.name, edge.name), ...edge.inline ? [element("span", {class: "hint"}, [" inlined"])] : []]),
  ]));
}

/** @param {App} app @param {ReturnType<typeof valuesOf>} values @param {Node} node */
function tableOf(app, values, node) {
  const of = valuesOf({unit: app.about.types[app.type].unit, total: node.cum}, app.words);
  return element("table", {class: "peek", "data-function": node.name}, [
    element("thead", {class: "unseen-head"}, [element("tr", {}, ["Value", "Is", "Function"].map((text) => element("th", {scope: "col"}, [text])))]),
    element("tbody", {}, [
      ...edgeRows(app, of, node.callers, "caller"),
      element("tr", {class: "self"}, [
        amountCell(values, node.cum, "cum"), element("td", {class: "kind"}, [`flat ${values.text(node.flat)}`]),
        element("td", {class: "name"}, [app.nameButton(node.function ?? node.name, node.name)]),
      ]),
      ...edgeRows(app, of, node.callees, "callee"),
    ]),
  ]);
}

/** @param {App} app @param {HTMLElement} parent @returns {Promise<Shown>} */
export async function showPeek(app, parent) {
  const data = await app.data("peek"), values = valuesOf(data, app.words);
  const more = data.matched - data.nodes.length;
  parent.append(
    element("p", {class: "summary"}, [`${counted(data.matched, "function")}${more ? `; the first ${data.nodes.length} are shown` : ""}.
      Callers and callees are parts of the function between them.`]),
    ...data.nodes.map((/** @type {Node} */ node) => element("div", {class: "scrolls"}, [tableOf(app, values, node)])));
  const buttons = /** @type {HTMLElement[]} */ ([...parent.querySelectorAll(".name-button")]);
  return {mark: (isMatch) => buttons.forEach((node) => node.classList.toggle("match", isMatch !== null && isMatch(node.dataset.name ?? "")))};
}
