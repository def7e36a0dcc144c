// @ts-check
// The flame graph's page: shows what its state says, and does what keys and pointers ask for.
import {addFunctions, columnsOf, exactly, expressionOf, isBelow, pathOf, percentText, search, treeOf, valueText} from "./flame_data.js";
import {boxAt, depthIn, layoutOf, neighbour, ranksOf} from "./flame_layout.js";
import {Painter, ROW, changeColour, labelOf} from "./flame_paint.js";
import {buildParts, element, onChoice, setChoice} from "./flame_parts.js";
import {addressStore, stateOf, stateText} from "./flame_state.js";
import {FunctionTable} from "./flame_table.js";

/** @typedef {import("./flame_data.js").FlameData} FlameData */
/** @typedef {import("./flame_data.js").Tree} Tree */
/** @typedef {import("./flame_layout.js").View} View */
/** @typedef {import("./flame_layout.js").Direction} Direction */
/** @typedef {import("./flame_state.js").State} State */
/** @typedef {import("./flame_state.js").Store} Store */

const SEARCH_DELAY_MS = 120, ZOOM_MS = 180, COPIED_MS = 1200;
const LEAST_FOUND = 24, LEAST_BOX = 0.7, BESIDE_POINTER = 14, WINDOW_MARGIN = 8; // pixels

/** @param {string} text */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // no permission, or no secure origin
    const area = element("textarea", {class: "unseen", "aria-hidden": "true"});
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/**
 * The page around a flame graph that is a part of it: it has the search box, and hears what concerns all of it.
 * @typedef {object} Around
 * @property {HTMLInputElement} input
 * @property {HTMLElement} result
 * @property {(tree: "callees" | "callers") => void} setTree has the other tree shown
 * @property {(name: string) => void} select a name, or none
 * @property {(name: string, x: number, y: number) => void} menu opens what can be done with a name
 */

export class FlamePage {
  /** @param {HTMLElement} parent @param {FlameData} data @param {Store} store @param {Around | null} [around] */
  constructor(parent, data, store, around = null) {
    this.data = data;
    this.store = store;
    this.around = around;
    this.gone = new AbortController();
    this.rank = ranksOf(data.names);
    this.state = stateOf(store.read(), data);
    /** @type {Record<string, Tree>} */
    this.trees = {};
    this.layout = this.layOut();
    /** @type {View} */
    this.view = {left: 0, width: 1};
    this.height = 0; // pixels of all levels
    this.hover = -1; // rows
    this.selected = -1;
    this.told = -1; // by the tooltip
    this.toldSize = new DOMRect();
    /** @type {{isMatch: Uint8Array, value: number, functions: number} | null} */
    this.found = null;
    this.foundAt = -1;
    this.table = new FunctionTable(data, (name) => this.chooseName(name));
    this.parts = buildParts(parent, data, this.table.root, around);
    this.painter = new Painter(this.parts.canvas, this.parts.marks, data);
    /** @type {"" | "marks" | "all"} */
    this.due = ""; // for the next frame
    this.motion = 0; // how many there were
    this.typing = 0; // timer
    this.listen();
    this.retheme();
    this.apply(null);
  }

  get tree() {
    return this.trees[this.state.tree] ??= treeOf(columnsOf(this.data, this.state.tree));
  }

  layOut() {
    return layoutOf(this.tree, this.state.type, {order: this.state.order, rank: this.rank});
  }

  // State.

  /** @param {Partial<State>} change @param {boolean} [isStep] "back" undoes it */
  set(change, isStep = false) {
    const before = this.state;
    this.state = {...before, ...change};
    this.store.write(stateText(this.state, this.data), isStep);
    this.apply(before);
  }

  /** Shows the state, where it differs from the one before. @param {State | null} before */
  apply(before) {
    const is = (/** @type {(keyof State)[]} */ ...keys) => !before || keys.some((key) => this.state[key] !== before[key]);
    if (is("tree"))
      this.hover = this.selected = -1;
    if (is("tree", "type"))
      this.told = -1;
    if (is("type", "tree", "order"))
      this.layout = this.layOut();
    if (is("type", "tree", "search"))
      this.find();
    this.showControls();
    this.table.show(this.state.type, this.found?.isMatch ?? null);
    if (is("type", "tree", "order", "flip"))
      this.jump();
    else if (is("zoom"))
      this.glide();
    this.describe();
    this.paint();
  }

  showControls() {
    const s = this.state, p = this.parts, {name, unit, total} = this.data.types[s.type];
    const value = valueText(total * this.data.ratio, unit, this.data.unit), which = this.data.types.length > 1 ? "" : `${name} `;
    p.total.textContent = `${which}${value}${this.data.base ? " before" : ""}`;
    p.type.value = String(s.type);
    setChoice(p.tree, s.tree);
    setChoice(p.order, s.order);
    setChoice(p.flip, s.flip ? "up" : "down");
    p.out.disabled = s.zoom === 0;
    if (p.input.value !== s.search && document.activeElement !== p.input)
      p.input.value = s.search;
  }

  /** @param {string} name */
  setTree(name) {
    const tree = name === "callers" ? "callers" : "callees";
    if (!this.around)
      this.set({tree, zoom: 0});
    else if (tree !== this.state.tree)
      this.around.setTree(tree);
  }

  find() {
    const {search: text, type} = this.state, {input, result} = this.parts;
    const {regex, isLiteral} = expressionOf(text);
    this.found = text ? search(this.tree, this.data.names, regex, type) : null;
    this.foundAt = -1;
    input.classList.toggle("literal", isLiteral);
    input.title = isLiteral ? "This is no regular expression, so it is looked for as it is." : "";
    result.textContent = "";
    if (!this.found)
      return;
    const {functions, value} = this.found, least = this.tree.isWhole ? "" : "≥ ";
    result.textContent = functions
      ? `${functions} function${functions > 1 ? "s" : ""}, ${least}${percentText(value, this.tree.total[type][0])}` : "nothing found";
  }

  // What is in view.

  /** The part of the layout that a row fills. @param {number} row @returns {View} */
  viewOf(row) {
    const width = this.layout.width[row];
    return width > 0 ? {left: this.layout.left[row], width} : {left: 0, width: 1};
  }

  jump() {
    this.motion++;
    this.view = this.viewOf(this.state.zoom);
    this.measure();
  }

  /** To the view of what is zoomed to, step by step so that the eye can follow. */
  glide() {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.jump();
      return;
    }
    const from = this.view, to = this.viewOf(this.state.zoom), start = performance.now(), motion = ++this.motion;
    this.measure();
    const step = () => {
      if (this.motion !== motion)
        return;
      const part = Math.min(1, (performance.now() - start) / ZOOM_MS), eased = 1 - (1 - part) ** 3;
      this.view = part === 1 ? to : {left: from.left + (to.left - from.left) * eased, width: from.width + (to.width - from.width) * eased};
      this.paint();
      if (part < 1)
        requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /** How high all is, so that it can be scrolled; the row that is zoomed to is scrolled to. */
  measure() {
    const {scroll, spacer} = this.parts, view = this.viewOf(this.state.zoom);
    this.painter.fit();
    const least = LEAST_BOX / Math.max(1, this.painter.width) * view.width;
    this.height = Math.max(depthIn(this.layout, view, least) * ROW, scroll.clientHeight);
    spacer.style.height = `${this.height - scroll.clientHeight}px`;
    this.scrollToRow(this.state.zoom);
    this.paint();
  }

  /** @param {number} row */
  scrollToRow(row) {
    const {scroll} = this.parts, {flip} = this.state, margin = 2 * ROW, size = scroll.clientHeight;
    const top = Painter.levelTop({...this.picture(), top: 0}, this.tree.depth[row]);
    if (row === 0)
      scroll.scrollTop = flip ? this.height : 0;
    else if (top < scroll.scrollTop + margin || top > scroll.scrollTop + size - ROW - margin)
      scroll.scrollTop = flip ? top - size + ROW + margin : top - margin;
  }

  picture() {
    return {
      tree: this.tree, layout: this.layout, type: this.state.type, view: this.view, zoom: this.state.zoom, rootBelow: this.state.flip,
      top: this.parts.scroll.scrollTop, height: this.height, isMatch: this.found?.isMatch ?? null, hover: this.hover, selected: this.selected,
    };
  }

  /** Paints before the screen is next shown, once: all, or only what is pointed at and selected. @param {"marks" | "all"} [what] */
  paint(what = "all") {
    const isFirst = this.due === "";
    this.due = this.due === "all" ? "all" : what;
    if (!isFirst)
      return;
    requestAnimationFrame(() => {
      const isAll = this.due === "all";
      this.due = "";
      if (isAll)
        this.painter.paint(this.picture());
      else
        this.painter.mark(this.picture());
    });
  }

  retheme() {
    this.painter.setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
    const {scale} = this.parts, context = scale.getContext("2d"), middle = (scale.width - 1) / 2;
    for (let x = 0; context && x < scale.width; x++) {
      context.fillStyle = changeColour((x - middle) / middle, this.painter.theme);
      context.fillRect(x, 0, 1, scale.height);
    }
  }

  // What a row is, as text.

  /** Its amounts: name, value, part of the total. @param {number} row @returns {[string, string, string][]} */
  amountsOf(row) {
    const {tree, data} = this, {type} = this.state, {unit, total} = data.types[type];
    /** @returns {[string, string, string]} */
    const line = (/** @type {string} */ name, /** @type {number} */ value, sign = "") =>
      [name, sign + valueText(value * data.ratio, unit, data.unit), percentText(value, total)];
    const all = tree.total[type][row], net = tree.net[type][row];
    if (!data.diff)
      return [line("cum", all), line("flat", tree.self[type][row])];
    const [after, before] = data.base ? ["now", "before"] : ["more", "less"];
    return [line("change", net, net > 0 ? "+" : ""), line(after, (all + net) / 2), line(before, (all - net) / 2)];
  }

  /** @param {number} row */
  fileOf(row) {
    return this.data.files[this.data.file[this.tree.name[row]]];
  }

  /** @param {number} row */
  notesOf(row) {
    const {tree} = this, {type, zoom} = this.state, notes = [];
    if (tree.inlined[row])
      notes.push("inlined");
    if (row && tree.name[row] === 0)
      notes.push("functions that are too light to be in this page");
    if (zoom && row !== zoom && isBelow(tree, row, zoom))
      notes.push(`${percentText(tree.total[type][row], tree.total[type][zoom])} of what is zoomed to`);
    return notes.join(" · ");
  }

  /** What is selected, or zoomed to. */
  get current() {
    return this.selected >= 0 ? this.selected : this.state.zoom;
  }

  /** The line below the graph, which is read aloud. */
  describe() {
    const row = this.current, amounts = this.amountsOf(row).map(([name, value, percent]) => `${name} ${value} (${percent})`);
    const texts = [...amounts, this.notesOf(row), this.fileOf(row)].filter((text) => text);
    this.parts.status.replaceChildren(element("strong", {}, [labelOf(this.data, this.tree, row)]), ` ${texts.join(" · ")}`);
    this.parts.copyButton.disabled = row === 0;
  }

  /** @param {number} row */
  fillTooltip(row) {
    const net = this.tree.net[this.state.type][row], sign = !this.data.diff ? "" : net > 0 ? "more" : net < 0 ? "less" : "";
    const rows = this.amountsOf(row).map((cells, i) => element("tr", {class: i === 0 ? sign : ""}, cells.map((text, k) => element(k ? "td" : "th", {}, [text]))));
    const line = (/** @type {string} */ name, /** @type {string} */ text) => text ? [element("span", {class: name}, [text])] : [];
    this.parts.tooltip.replaceChildren(
      element("strong", {}, [labelOf(this.data, this.tree, row)]), ...line("file", this.fileOf(row)),
      element("table", {}, [element("tbody", {}, rows)]), ...line("notes", this.notesOf(row)));
  }

  /** @param {number} row @param {number} x @param {number} y of the pointer */
  showTooltip(row, x, y) {
    const {tooltip} = this.parts;
    if (tooltip.hidden || row !== this.told) {
      this.fillTooltip(row);
      this.told = row;
      tooltip.hidden = false;
      this.toldSize = tooltip.getBoundingClientRect();
    }
    const {width, height} = this.toldSize, left = Math.min(x + BESIDE_POINTER, innerWidth - width - WINDOW_MARGIN);
    const isBelowPointer = y + BESIDE_POINTER + height < innerHeight - WINDOW_MARGIN;
    const top = isBelowPointer ? y + BESIDE_POINTER : Math.max(WINDOW_MARGIN, y - BESIDE_POINTER - height);
    tooltip.style.transform = `translate(${Math.max(WINDOW_MARGIN, left)}px, ${top}px)`;
  }

  // What is done.

  async copyName() {
    const {copyButton} = this.parts;
    if (copyButton.disabled)
      return;
    await copy(labelOf(this.data, this.tree, this.current));
    copyButton.textContent = "Copied";
    setTimeout(() => copyButton.textContent = "Copy name", COPIED_MS);
  }

  /** @param {number} row */
  zoomTo(row) {
    this.parts.tooltip.hidden = true;
    if (row !== this.state.zoom)
      this.set({zoom: row}, true);
  }

  /** @param {number} row */
  select(row) {
    this.selected = row;
    this.scrollToRow(this.current);
    this.tellSelected();
    this.describe();
    this.paint("marks");
  }

  /** @param {number} row */
  nameOf(row) {
    return row > 0 ? this.data.names[this.tree.name[row]] : "";
  }

  tellSelected() {
    this.around?.select(this.nameOf(this.selected));
  }

  /** What can be done with a row. @param {number} row @param {number} x @param {number} y in the window */
  openMenu(row, x, y) {
    if (!this.around || !this.nameOf(row))
      return;
    this.parts.tooltip.hidden = true;
    this.select(row);
    this.around.menu(this.nameOf(row), x, y);
  }

  openMenuOfCurrent() {
    const row = this.current, canvas = this.parts.canvas.getBoundingClientRect(), {scroll} = this.parts;
    const left = (this.layout.left[row] - this.view.left) / this.view.width * canvas.width;
    const top = Painter.levelTop({...this.picture(), top: scroll.scrollTop}, this.tree.depth[row]) + ROW;
    this.openMenu(row, canvas.left + Math.max(0, left), canvas.top + Math.min(top, canvas.height));
  }

  /** Selects a row where it is wide enough to be seen. @param {number} row */
  reveal(row) {
    const widthIn = (/** @type {number} */ zoom) => this.layout.width[row] / this.layout.width[zoom] * this.painter.width;
    if (!isBelow(this.tree, row, this.state.zoom) || widthIn(this.state.zoom) < LEAST_FOUND)
      this.zoomTo(pathOf(this.tree, row).find((i) => widthIn(i) >= LEAST_FOUND) ?? row);
    this.select(row);
  }

  /** To the next thing that was found, the heaviest first. @param {number} step */
  nextFound(step) {
    const {found, tree} = this, total = tree.total[this.state.type];
    const rows = found ? [...tree.name.keys()].filter((i) => found.isMatch[tree.name[i]] && total[i] > 0) : [];
    if (!rows.length)
      return;
    rows.sort((l, r) => total[r] - total[l] || l - r);
    this.foundAt = this.foundAt < 0 && step < 0 ? rows.length - 1 : (this.foundAt + step + rows.length) % rows.length;
    this.reveal(rows[this.foundAt]);
  }

  /** A function of the table: it is what is searched for, or nothing again. @param {number} name */
  chooseName(name) {
    const text = exactly(this.data.names[name]);
    this.set({search: this.state.search === text ? "" : text});
  }

  escape() {
    if (this.state.zoom)
      this.zoomTo(0);
    else if (this.state.search)
      this.set({search: ""});
    else
      this.select(-1);
  }

  /** @returns {Record<string, () => void>} */
  keys() {
    return {
      ...this.around ? {} : {"/": () => this.parts.input.select(), "?": () => this.parts.help.showModal()},
      Escape: () => this.escape(),
      c: () => this.copyName(),
      f: () => this.set({flip: !this.state.flip}),
      r: () => this.setTree(this.state.tree === "callees" ? "callers" : "callees"),
    };
  }

  /** Those that are heard while the graph has the focus. @returns {Record<string, () => void>} */
  graphKeys() {
    const row = this.current, {flip, zoom} = this.state;
    const walk = (/** @type {Direction} */ way) => () => this.select(neighbour(this.tree, this.layout, row, way, zoom));
    return {
      ArrowUp: walk(flip ? "in" : "out"),
      ArrowDown: walk(flip ? "out" : "in"),
      ArrowLeft: walk("before"),
      ArrowRight: walk("after"),
      Home: () => this.select(0),
      Enter: () => this.zoomTo(row),
      " ": () => this.zoomTo(row),
      ...this.around ? {m: () => this.openMenuOfCurrent(), ContextMenu: () => this.openMenuOfCurrent()} : {},
    };
  }

  /** @param {KeyboardEvent} e */
  key(e) {
    const {canvas, help} = this.parts, isTyping = e.target instanceof Element && e.target.matches("input, select, textarea, [role='menu'] *, dialog *");
    if (e.ctrlKey || e.metaKey || e.altKey || help.open || isTyping)
      return;
    const act = this.keys()[e.key] ?? (e.target === canvas ? this.graphKeys()[e.key] : undefined);
    if (act) {
      e.preventDefault();
      act();
    }
  }

  /** @param {KeyboardEvent} e */
  searchKey(e) {
    if (e.key === "Enter") {
      this.typed();
      this.nextFound(e.shiftKey ? -1 : 1);
    } else if (e.key === "Escape") {
      e.preventDefault();
      this.parts.input.value = "";
      this.typed();
      this.parts.canvas.focus();
    }
  }

  /** What was typed is looked for. */
  typed() {
    clearTimeout(this.typing);
    if (this.parts.input.value !== this.state.search)
      this.set({search: this.parts.input.value});
  }

  /** The row under the pointer; -1: none. @param {MouseEvent} e */
  rowAt(e) {
    const box = this.parts.canvas.getBoundingClientRect(), x = (e.clientX - box.left) / box.width;
    return boxAt(this.layout, Painter.depthAt(this.picture(), e.clientY - box.top), this.view.left + x * this.view.width);
  }

  /** @param {PointerEvent} e */
  pointed(e) {
    const row = this.rowAt(e), {canvas, tooltip} = this.parts;
    if (row !== this.hover)
      this.paint("marks");
    this.hover = row;
    canvas.classList.toggle("over", row >= 0);
    if (row >= 0 && e.pointerType !== "touch")
      this.showTooltip(row, e.clientX, e.clientY);
    else
      tooltip.hidden = true;
  }

  unpointed() {
    this.hover = -1;
    this.parts.tooltip.hidden = true;
    this.paint("marks");
  }

  /** @param {MouseEvent} e */
  clicked(e) {
    const row = this.rowAt(e);
    if (row < 0)
      return;
    this.selected = row;
    this.tellSelected();
    this.zoomTo(row);
    this.describe();
    this.paint();
  }

  /** @param {MouseEvent} e */
  contextMenu(e) {
    const row = this.rowAt(e);
    if (!this.around || row <= 0)
      return;
    e.preventDefault();
    this.openMenu(row, e.clientX, e.clientY);
  }

  listen() {
    const p = this.parts, heard = {signal: this.gone.signal};
    p.canvas.addEventListener("pointermove", (e) => this.pointed(e));
    p.canvas.addEventListener("pointerleave", () => this.unpointed());
    p.canvas.addEventListener("click", (e) => this.clicked(e));
    p.canvas.addEventListener("contextmenu", (e) => this.contextMenu(e));
    p.scroll.addEventListener("scroll", () => {
      this.unpointed();
      this.paint();
    });
    addEventListener("keydown", (e) => this.key(e), heard);
    p.input.addEventListener("keydown", (e) => this.searchKey(e), heard);
    p.input.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.typed(), SEARCH_DELAY_MS);
    }, heard);
    p.type.addEventListener("change", () => this.set({type: Number(p.type.value)}));
    onChoice(p.tree, (value) => this.setTree(value));
    onChoice(p.order, (value) => this.set({order: value === "name" ? "name" : "heavy"}));
    onChoice(p.flip, (value) => this.set({flip: value === "up"}));
    p.out.addEventListener("click", () => this.zoomTo(0));
    p.helpButton.addEventListener("click", () => p.help.showModal());
    p.copyButton.addEventListener("click", () => this.copyName());
    this.resized = new ResizeObserver(() => this.measure());
    this.resized.observe(p.scroll);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.retheme();
      this.paint();
    }, heard);
    this.store.listen(() => {
      const before = this.state;
      this.state = stateOf(this.store.read(), this.data);
      this.apply(before);
    });
  }

  /** The functions, where they come later than the rest. @param {Parameters<typeof addFunctions>[1]} more */
  addFunctions(more) {
    addFunctions(this.data, more);
    this.rank = ranksOf(this.data.names);
    this.retheme();
    this.find();
    this.table.isMatch = this.found?.isMatch ?? null;
    this.table.fill();
    this.paint();
  }

  /** Hears nothing any more. */
  close() {
    this.gone.abort();
    this.resized?.disconnect();
    clearTimeout(this.typing);
    this.motion++;
  }
}

const inPage = document.getElementById("flame-data");
if (inPage)
  new FlamePage(document.body, JSON.parse(inPage.textContent ?? ""), addressStore());
