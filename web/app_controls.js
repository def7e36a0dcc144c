// @ts-check
// The controls that shape a view: what is counted as one, in which unit, how many, frames made of labels; and the filters that are
// on.
import {element} from "./flame_parts.js";

/** @typedef {import("./app.js").About} About */

/** A choice, its parameter and its values, each with what it is called. @type {[string, string, [string, string][]][]} */
const CHOICES = [
  ["Granularity", "g", [["", "as the view has it"], ["functions", "functions"], ["filefunctions", "functions by file"], ["files", "files"],
    ["lines", "lines"], ["addresses", "addresses"]]],
  ["Unit", "unit", [["", "fitting"], ["B", "B"], ["kB", "kB"], ["MB", "MB"], ["GB", "GB"], ["ns", "ns"], ["us", "us"], ["ms", "ms"], ["s", "s"]]],
  ["Sort", "sort", [["", "by flat"], ["cum", "by cum"]]],
];

/** @type {[string, string, string][]} */
const SWITCHES = [
  ["Call tree", "calltree", "A function that is reached by several paths is several nodes of the graph"],
  ["No inlined calls", "noinlines", "Inlined functions are counted as the function that they are in"],
  ["Mean", "mean", "Values are divided by the first one: bytes by objects"],
  ["Parts of what is shown", "rel", "Percentages are of what the filters leave"],
  ["No negative values", "dropneg", "What became less is left out"],
];

/** Filters, by parameter. @type {Record<string, string>} */
export const FILTERS = {
  f: "focus", i: "ignore", h: "hide", s: "show", sf: "show from", prunefrom: "prune from", tf: "tag focus", ti: "tag ignore", ts: "tag show", th: "tag hide",
};

export class Controls {
  /** @param {(changes: Record<string, string | null>) => void} change */
  constructor(change) {
    this.change = change;
    /** @type {Map<string, HTMLSelectElement | HTMLInputElement>} */
    this.fields = new Map();
    this.body = element("div", {class: "fields"});
    for (const [label, name, choices] of CHOICES)
      this.add(label, name, element("select", {}, choices.map(([value, text]) => element("option", {value}, [text]))));
    this.add("Nodes", "n", element("input", {type: "number", min: "0", step: "10", placeholder: "as usual", class: "narrow"}));
    this.roots = this.add("Tag root", "tagroot", element("input", {type: "text", list: "label-keys", placeholder: "key, key", class: "short"}));
    this.leaves = this.add("Tag leaf", "tagleaf", element("input", {type: "text", list: "label-keys", placeholder: "key, key", class: "short"}));
    this.add("Tag focus", "tf", element("input", {type: "text", placeholder: "key=regexp", class: "short"}));
    this.add("Tag ignore", "ti", element("input", {type: "text", placeholder: "key=regexp", class: "short"}));
    for (const [label, name, title] of SWITCHES)
      this.add(label, name, element("input", {type: "checkbox", title}));
    this.keys = element("datalist", {id: "label-keys"});
    this.root = element("details", {class: "controls-of-view"}, [element("summary", {}, ["Settings"]), this.body, this.keys]);
  }

  /** @param {string} label @param {string} name @param {HTMLSelectElement | HTMLInputElement} field */
  add(label, name, field) {
    this.fields.set(name, field);
    const line = element("label", {}, [element("span", {}, [label]), field]);
    this.body.append(line);
    field.addEventListener("change", () => {
      const isSwitch = field instanceof HTMLInputElement && field.type === "checkbox";
      this.change({[name]: isSwitch ? field.checked ? "t" : null : field.value.replace(/,\s+/g, ",").trim()});
    });
    return line;
  }

  /** @param {URLSearchParams} words @param {About} about */
  show(words, about) {
    for (const [name, field] of this.fields) {
      const value = words.get(name) ?? "";
      if (field instanceof HTMLInputElement && field.type === "checkbox") {
        field.checked = /^(t|true|1|y|yes)$/i.test(value);
        continue;
      }
      if (field instanceof HTMLSelectElement && ![...field.options].some((option) => option.value === value))
        field.append(element("option", {value, selected: ""}, [value]));
      if (document.activeElement !== field || field instanceof HTMLSelectElement)
        field.value = value;
    }
    this.keys.replaceChildren(...about.keys.map((key) => element("option", {value: key})));
    this.roots.hidden = this.leaves.hidden = about.keys.length === 0;
    /** @type {HTMLElement} */ (this.root.querySelector("summary")).textContent = this.count(words) ? `Settings (${this.count(words)})` : "Settings";
  }

  /** How many differ from what is usual. @param {URLSearchParams} words */
  count(words) {
    return [...this.fields.keys()].filter((name) => words.get(name)).length;
  }
}

/** The filters that are on, each with a button that takes it away. @param {URLSearchParams} words @param {(changes: Record<string, null>) => void} change */
export function filterChips(words, change) {
  return Object.entries(FILTERS).filter(([name]) => words.get(name)).map(([name, text]) => {
    const value = words.get(name) ?? "";
    const button = element("button", {type: "button", "aria-label": `Take away: ${text} ${value}`, title: "Take it away"}, ["✕"]);
    button.addEventListener("click", () => change({[name]: null}));
    return element("li", {class: "chip"}, [element("b", {}, [text]), " ", element("span", {class: "expression", title: value}, [value]), button]);
  });
}
