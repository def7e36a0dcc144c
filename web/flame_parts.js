// @ts-check
// The elements of a flame graph's page.

/** @typedef {import("./flame_data.js").FlameData} FlameData */

/**
 * An element with attributes and what is in it.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, string>} [attributes] @param {(Node | string)[]} [children]
 */
export function element(tag, attributes = {}, children = []) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** @param {string} text @param {string} title */
function button(text, title) {
  return element("button", {type: "button", title}, [text]);
}

/** Buttons one of which is on. @param {string} label @param {[string, string, string][]} choices value, text, title */
function choice(label, choices) {
  return element("div", {class: "choice", role: "group", "aria-label": label},
    choices.map(([value, text, title]) => element("button", {type: "button", title, "data-value": value}, [text])));
}

/** @param {HTMLElement} group @param {string} value */
export function setChoice(group, value) {
  for (const node of group.querySelectorAll("button"))
    node.setAttribute("aria-pressed", String(node.dataset.value === value));
}

/** @param {HTMLElement} group @param {(value: string) => void} act */
export function onChoice(group, act) {
  group.addEventListener("click", (e) => {
    const node = e.target instanceof Element ? e.target.closest("button") : null;
    if (node?.dataset.value)
      act(node.dataset.value);
  });
}

const KEYS = [
  ["Click, Enter", "Zoom to a box; a click on one that is paler zooms out"],
  ["Esc", "Zoom out, then end the search"],
  ["Arrows, Home", "Walk through the boxes, or the table"],
  ["/", "Search for a regular expression; Enter goes to what it found"],
  ["c", "Copy the box's name"],
  ["f", "Turn the graph upside down"],
  ["r", "Callees or callers"],
  ["?", "This help"],
];

const HELP = `A box is a function, and the boxes beyond it are what it called or, as callers, who called it. Its width is its part of
the total; where a box begins along its level means nothing. Boxes of one package, namespace or file have one colour.`;

const DIFF_HELP = `This is a difference. A box is as wide as what was there before and what is there now together; red means more,
green less, and the stronger the colour the larger the part that changed.`;

/** @param {FlameData} data */
function helpDialog(data) {
  const keys = KEYS.map(([key, text]) => element("tr", {}, [element("th", {scope: "row"}, [key]), element("td", {}, [text])]));
  return element("dialog", {"aria-label": "Help"}, [
    element("p", {}, [HELP]), ...(data.diff ? [element("p", {}, [DIFF_HELP])] : []),
    element("table", {}, [element("tbody", {}, keys)]),
    element("form", {method: "dialog"}, [element("button", {}, ["Close"])]),
  ]);
}

/** @param {FlameData} data @param {{input: HTMLInputElement, result: HTMLElement} | null} around */
function controls(data, around) {
  return {
    total: element("span", {class: "total"}),
    type: element("select", {"aria-label": "Sample type"}, data.types.map((t, i) => element("option", {value: String(i)}, [t.name]))),
    tree: choice("Tree", [["callees", "Callees", "From the root to what it calls"],
      ["callers", "Callers", "From the functions that hold something to who called them (r)"]]),
    order: choice("Order", [["heavy", "Heavy left", "The widest boxes come first"], ["name", "By name", "Boxes are in the order of their names"]]),
    flip: choice("Direction", [["down", "↓", "The root is above (f)"], ["up", "↑", "The root is below (f)"]]),
    out: button("Zoom out", "Show all again (Esc)"),
    input: around?.input ?? element("input", {type: "search", placeholder: "Search (regexp)", "aria-label": "Search", spellcheck: "false", autocomplete: "off"}),
    result: around?.result ?? element("span", {class: "result", role: "status"}),
    helpButton: button("?", "Help (?)"),
    scale: element("canvas", {class: "scale", width: "120", height: "12", "aria-hidden": "true"}),
  };
}

/** @param {FlameData} data @param {ReturnType<typeof controls>} c @param {boolean} isPart of a page that has the rest */
function bar(data, c, isPart) {
  c.type.hidden = data.types.length < 2;
  const legend = data.diff ? [element("span", {class: "legend"}, ["less", c.scale, "more"])] : [];
  if (isPart)
    return element("div", {class: "bar"}, [c.total, element("div", {class: "controls"}, [c.tree, c.order, c.flip, ...legend, c.out])]);
  return element("header", {}, [
    element("details", {class: "title"}, [
      element("summary", {}, [element("h1", {}, [data.title || "Profile"]), " ", c.total]),
      element("pre", {}, [data.header.trim()]),
    ]),
    element("div", {class: "controls"}, [c.type, c.tree, c.order, c.flip, ...legend, c.out]),
    element("div", {class: "search"}, [c.input, c.result, c.helpButton]),
  ]);
}

/**
 * Makes the page; functions is the table beside the graph.
 * @param {HTMLElement} parent @param {FlameData} data @param {HTMLElement} functions
 * @param {{input: HTMLInputElement, result: HTMLElement} | null} around parts of a page that the graph is a part of
 */
export function buildParts(parent, data, functions, around) {
  const c = controls(data, around);
  const canvas = element("canvas", {tabindex: "0", role: "application", "aria-label": "Flame graph", "aria-describedby": "flame-status"});
  const spacer = element("div");
  const marks = {hover: element("div", {class: "mark hover", hidden: ""}), selected: element("div", {class: "mark selected", hidden: ""})};
  const scroll = element("div", {class: "scroll"}, [element("div", {class: "window"}, [canvas, marks.selected, marks.hover]), spacer]);
  const tooltip = element("div", {class: "tooltip", hidden: ""}), status = element("div", {class: "status", id: "flame-status", role: "status"});
  const copyButton = button("Copy name", "Copy the box's name (c)"), help = helpDialog(data);
  parent.append(element("div", {class: "flame"}, [
    bar(data, c, around !== null),
    element(around ? "div" : "main", {class: "sides"}, [
      element("section", {class: "graph", "aria-label": "Flame graph"}, [scroll]),
      element("section", {class: "functions", "aria-label": "Functions"}, [functions]),
    ]),
    element("footer", {}, [status, copyButton]), tooltip, help,
  ]));
  return {...c, canvas, marks, spacer, scroll, tooltip, status, copyButton, help};
}
