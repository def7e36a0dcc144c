// @ts-check
// The functions beside the graph: a table that can be sorted, and walked through by keys.
import {percentText, valueText} from "./flame_data.js";
import {element} from "./flame_parts.js";

/** @typedef {import("./flame_data.js").FlameData} FlameData */
/** @typedef {"flat" | "cum" | "name"} Column */

const MOST_ROWS = 500, PAGE = 20;

/** @type {[Column, string, string][]} */
const COLUMNS = [["flat", "Flat", "by itself"], ["cum", "Cum", "with all that it calls"], ["name", "Function", ""]];

/** A name that may be broken between its parts. @param {string} name @returns {(Node | string)[]} */
function breakable(name) {
  return name.split(/(?<=::|[/.,<_(])/).flatMap((part, i) => i ? [element("wbr"), part] : [part]);
}

export class FunctionTable {
  /** @param {FlameData} data @param {(name: number) => void} choose is told a row of names */
  constructor(data, choose) {
    this.data = data;
    this.choose = choose;
    /** @type {Column} */
    this.column = "flat";
    this.type = data.type;
    /** @type {Uint8Array | null} */
    this.isMatch = null;
    this.current = 0; // row of the table that keys start from
    /** @type {HTMLTableRowElement[]} */
    this.rows = [];
    this.heads = COLUMNS.map(([column, text, title]) => this.head(column, text, title));
    this.body = element("tbody");
    this.note = element("p", {class: "note"});
    const table = element("table", {}, [element("thead", {}, [element("tr", {}, this.heads)]), this.body]);
    this.root = element("div", {class: "functions-scroll"}, [table, this.note]);
    this.body.addEventListener("keydown", (e) => this.key(e));
    this.body.addEventListener("click", (e) => this.click(e));
  }

  /** @param {Column} column @param {string} text @param {string} title */
  head(column, text, title) {
    const button = element("button", {type: "button", title: title && `${text}: ${title}`}, [text]);
    button.addEventListener("click", () => {
      this.column = column;
      this.fill();
    });
    return element("th", {scope: "col", class: column}, [button]);
  }

  /** @param {number} type @param {Uint8Array | null} isMatch by row of names */
  show(type, isMatch) {
    if (type === this.type && isMatch === this.isMatch && this.rows.length)
      return;
    this.type = type;
    this.isMatch = isMatch;
    this.fill();
  }

  /** Rows of functions, in the table's order. */
  order() {
    const {name, flat, cum} = this.data.functions, names = this.data.names;
    const shown = name.map((_, i) => i).filter((i) => cum[this.type][i] && (!this.isMatch || this.isMatch[name[i]]));
    const values = this.column === "cum" ? cum[this.type] : flat[this.type], other = cum[this.type];
    const byName = (/** @type {number} */ l, /** @type {number} */ r) => names[name[l]] < names[name[r]] ? -1 : 1;
    if (this.column === "name")
      return shown.sort(byName);
    return shown.sort((l, r) => Math.abs(values[r]) - Math.abs(values[l]) || Math.abs(other[r]) - Math.abs(other[l]) || byName(l, r));
  }

  fill() {
    const order = this.order(), shown = order.slice(0, MOST_ROWS);
    this.heads.forEach((head, i) => head.setAttribute("aria-sort",
      COLUMNS[i][0] !== this.column ? "none" : this.column === "name" ? "ascending" : "descending"));
    this.rows = shown.map((i) => this.row(i));
    this.body.replaceChildren(...this.rows);
    this.current = 0;
    if (this.rows.length)
      this.rows[0].tabIndex = 0;
    const more = order.length - shown.length;
    this.note.textContent = !this.data.functions.name.length ? "" : !order.length ? "No function of the table matches." : more ? `and ${more} more: search for them` : "";
  }

  /** @param {number} i row of functions */
  row(i) {
    const {data, type} = this, {name, flat, cum} = data.functions;
    const text = data.names[name[i]], file = data.files[data.file[name[i]]];
    const row = element("tr", {tabindex: "-1", "data-name": String(name[i])}, [
      this.amount("flat", flat[type][i]), this.amount("cum", cum[type][i]),
      element("td", {class: "name"}, [element("div", {title: file ? `${text}\n${file}` : text}, breakable(text))]),
    ]);
    if (this.isMatch)
      row.classList.add("match");
    return row;
  }

  /** @param {Column} column @param {number} value */
  amount(column, value) {
    const {unit, total} = this.data.types[this.type];
    const cell = element("td", {class: column}, [
      element("span", {class: "value"}, [(this.data.diff && value > 0 ? "+" : "") + valueText(value * this.data.ratio, unit, this.data.unit)]),
      element("span", {class: "percent"}, [percentText(value, total)]),
    ]);
    cell.style.setProperty("--share", `${Math.min(100, total ? Math.abs(value / total) * 100 : 0)}%`);
    if (this.data.diff && value)
      cell.classList.add(value > 0 ? "more" : "less");
    return cell;
  }

  /** @param {number} to */
  move(to) {
    const row = this.rows[Math.max(0, Math.min(this.rows.length - 1, to))];
    this.rows[this.current].tabIndex = -1;
    this.current = this.rows.indexOf(row);
    row.tabIndex = 0;
    row.focus();
  }

  /** @param {KeyboardEvent} e */
  key(e) {
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowDown: () => this.move(this.current + 1),
      ArrowUp: () => this.move(this.current - 1),
      PageDown: () => this.move(this.current + PAGE),
      PageUp: () => this.move(this.current - PAGE),
      Home: () => this.move(0),
      End: () => this.move(this.rows.length - 1),
      Enter: () => this.chooseRow(this.current),
      " ": () => this.chooseRow(this.current),
    };
    const act = e.ctrlKey || e.metaKey || e.altKey ? undefined : keys[e.key];
    if (act) {
      e.preventDefault();
      act();
    }
  }

  /** @param {MouseEvent} e */
  click(e) {
    const row = e.target instanceof Element ? e.target.closest("tr") : null;
    if (row)
      this.chooseRow(this.rows.indexOf(row));
  }

  /** @param {number} i row of the table */
  chooseRow(i) {
    const name = Number(this.rows[i].dataset.name), hadFocus = this.body.contains(document.activeElement);
    this.choose(name);
    const now = this.rows.findIndex((row) => Number(row.dataset.name) === name);
    if (hadFocus && this.rows.length)
      this.move(Math.max(0, now));
  }
}
