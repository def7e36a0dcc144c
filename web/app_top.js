// @ts-check
// The functions as a table that can be sorted.
import {percentText, valueText} from "./flame_data.js";
import {element} from "./flame_parts.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").Shown} Shown */
/** @typedef {{name: string, function?: string, file?: string, flat: number, cum: number, sum: number}} Row */
/** @typedef {"flat" | "sum" | "cum" | "name"} Column */

/** @type {[Column, string, string][]} */
const COLUMNS = [["flat", "Flat", "by itself"], ["sum", "Sum%", "flat of this and all rows above"], ["cum", "Cum", "with all that it calls"], ["name", "Name", ""]];

/** "1 function", "2 functions". @param {number} n @param {string} noun */
export function counted(n, noun) {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

/** Values as text, of a view's data. @param {{unit: string, total: number}} data @param {URLSearchParams} words */
export function valuesOf(data, words) {
  const unit = words.get("unit") || "minimum", {total} = data;
  return {
    /** @param {number} value */
    text: (value) => valueText(value, data.unit, unit),
    /** @param {number} value */
    percent: (value) => percentText(value, total),
    /** @param {number} value */
    share: (value) => `${Math.min(100, total ? Math.abs(value / total) * 100 : 0)}%`,
  };
}

/** A value with its part of the total. @param {ReturnType<typeof valuesOf>} values @param {number} value @param {string} name */
export function amountCell(values, value, name) {
  const cell = element("td", {class: `amount ${name}`, "data-value": String(value)}, [
    element("span", {class: "value"}, [values.text(value)]), " ", element("span", {class: "percent"}, [values.percent(value)]),
  ]);
  cell.style.setProperty("--share", values.share(value));
  return cell;
}

class TopTable {
  /** @param {App} app @param {any} data */
  constructor(app, data) {
    this.app = app;
    this.values = valuesOf(data, app.words);
    let sum = 0;
    /** @type {Row[]} */
    this.rows = data.top.map((/** @type {Row} */ row) => ({...row, sum: sum += row.flat}));
    this.nodes = new Map(this.rows.map((row) => [row, this.rowOf(row)]));
    this.heads = COLUMNS.map(([column, text, title]) => this.head(column, text, title));
    this.body = element("tbody");
    this.table = element("table", {class: "top"}, [element("thead", {}, [element("tr", {}, this.heads)]), this.body]);
    this.sort();
  }

  /** @param {Column} column @param {string} text @param {string} title */
  head(column, text, title) {
    const button = element("button", {type: "button", title: title && `${text}: ${title}`}, [text]);
    button.addEventListener("click", () => this.app.go({column: column === "flat" ? null : column}, true));
    return element("th", {scope: "col", class: column}, [button]);
  }

  /** @param {Row} row */
  rowOf(row) {
    const {app, values} = this, name = row.function ?? row.name;
    return element("tr", {}, [
      amountCell(values, row.flat, "flat"), element("td", {class: "sum"}, [values.percent(row.sum)]), amountCell(values, row.cum, "cum"),
      element("td", {class: "name"}, [app.nameButton(name, row.name), ...row.file && !row.name.includes(row.file) ? [element("span", {class: "file"}, [row.file])] : []]),
    ]);
  }

  sort() {
    const wanted = this.app.words.get("column") ?? "flat", column = COLUMNS.find(([name]) => name === wanted)?.[0] ?? "flat";
    const byName = (/** @type {Row} */ l, /** @type {Row} */ r) => l.name < r.name ? -1 : l.name > r.name ? 1 : 0;
    const rows = [...this.rows];
    if (column === "name")
      rows.sort(byName);
    else if (column !== "sum" && (column === "cum" || this.app.words.get("sort") === "cum"))
      rows.sort((l, r) => Math.abs(r[column]) - Math.abs(l[column]) || byName(l, r));
    this.heads.forEach((head, i) => head.setAttribute("aria-sort", COLUMNS[i][0] !== column ? "none" : column === "name" ? "ascending" : "descending"));
    this.body.replaceChildren(...rows.map((row) => /** @type {Node} */ (this.nodes.get(row))));
  }

  /** @param {((name: string) => boolean) | null} isMatch */
  mark(isMatch) {
    for (const [row, node] of this.nodes) {
      node.classList.toggle("match", isMatch !== null && isMatch(row.name));
      node.hidden = isMatch !== null && !isMatch(row.name);
    }
  }
}

/** @param {App} app @param {HTMLElement} parent @returns {Promise<Shown>} */
export async function showTop(app, parent) {
  const data = await app.data("top"), table = new TopTable(app, data), {dropped} = data, values = table.values;
  const left = [dropped.light_nodes && counted(dropped.light_nodes, "lighter function"), dropped.more_nodes && `${dropped.more_nodes} beyond the number of nodes`].filter((t) => t);
  parent.append(element("p", {class: "summary"}, [`${counted(table.rows.length, "function")} of ${values.text(data.total)} in all${left.length ? `; left out: ${left.join(", ")}` : ""}`]),
    element("div", {class: "scrolls"}, [table.table]));
  return {mark: (isMatch) => table.mark(isMatch), moved: () => table.sort()};
}
