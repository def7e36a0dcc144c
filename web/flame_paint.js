// @ts-check
// Paints a layout's boxes on a canvas, as far as they are in view.
import {groupOf, shortName, valueText} from "./flame_data.js";
import {firstAfter} from "./flame_layout.js";

/** @typedef {import("./flame_data.js").FlameData} FlameData */
/** @typedef {import("./flame_data.js").Tree} Tree */
/** @typedef {import("./flame_layout.js").Layout} Layout */
/** @typedef {import("./flame_layout.js").View} View */

/** Pixels of a box and what is between two levels. */
export const ROW = 21;
const GAP = 1, PADDING = 5, LEAST_LABEL = 28, LEAST_ROUNDED = 8, RADIUS = 2.5, BESIDE = 18;
const FONT = "12px ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif";
const ELLIPSIS = "…";

/** The same number for a text each time. @param {string} text */
function hashOf(text) {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++)
    hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  hash ^= hash >>> 15;
  return Math.imul(hash, 2246822519) >>> 8;
}

/** @typedef {{lightness: number, chroma: number, text: string, faint: string, rest: string, match: string, edge: string, neutral: number, more: number, less: number}} Theme  the last three are lightnesses of changes */

/** @type {{light: Theme, dark: Theme}} */
export const THEMES = {
  light: {lightness: 0.84, chroma: 0.085, text: "#1d1a16", faint: "#1d1a16b8", rest: "#e3e1dd", match: "oklch(0.71 0.19 320)", edge: "#16130f", neutral: 0.92, more: 0.62, less: 0.77},
  dark: {lightness: 0.44, chroma: 0.075, text: "#f6f3ee", faint: "#f6f3eeb8", rest: "#3a3836", match: "oklch(0.56 0.22 320)", edge: "#ffffff", neutral: 0.34, more: 0.6, less: 0.47},
};

/** Hues go from red over yellow and green to blue; what is found has the ones left out. */
const FIRST_HUE = 25, HUES = 250, SHADES = 5;

/** A colour for each of a profile's names: one hue for all of a package or file. @param {FlameData} data @param {Theme} theme */
function coloursOf(data, theme) {
  return data.names.map((name, i) => {
    if (i === 0)
      return theme.rest;
    const group = groupOf(name, data.files[data.file[i]]);
    const hue = FIRST_HUE + hashOf(group) % HUES, shade = hashOf(name) % SHADES - (SHADES >> 1);
    const chroma = group === "[" ? 0.02 : theme.chroma;
    return `oklch(${(theme.lightness + shade * 0.012).toFixed(3)} ${chroma} ${hue})`;
  });
}

/** The green is a bluish one, and another lightness than the red: so they differ for those, too, who see red and green alike. */
const MORE = {hue: 27, chroma: 0.17}, LESS = {hue: 190, chroma: 0.13};

/** More is red, less is green, and the stronger the change the stronger the colour. @param {number} change -1 to 1 @param {Theme} theme */
export function changeColour(change, theme) {
  const strength = Math.sqrt(Math.min(1, Math.abs(change))), {hue, chroma} = change > 0 ? MORE : LESS, lightness = change > 0 ? theme.more : theme.less;
  return `oklch(${(theme.neutral - (theme.neutral - lightness) * strength).toFixed(3)} ${(chroma * strength).toFixed(3)} ${hue})`;
}

/**
 * What is painted.
 * @typedef {object} Picture
 * @property {Tree} tree
 * @property {Layout} layout
 * @property {number} type
 * @property {View} view
 * @property {number} zoom the row that fills the view, or will
 * @property {boolean} rootBelow
 * @property {number} top pixels of the whole that are above the window
 * @property {number} height pixels of the whole
 * @property {Uint8Array | null} isMatch by row of names
 * @property {number} hover row, or -1
 * @property {number} selected row, or -1
 */

export class Painter {
  /**
   * @param {HTMLCanvasElement} canvas of the boxes @param {{hover: HTMLElement, selected: HTMLElement}} marks over it: a canvas that
   * changes with each move of the pointer would have to be copied each time @param {FlameData} data
   */
  constructor(canvas, marks, data) {
    this.data = data;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.marks = marks;
    /** @type {Map<string, number>} */
    this.widths = new Map();
    this.width = this.height = 0; // of the canvas, in the page's pixels
    this.theme = THEMES.light;
    this.colours = coloursOf(data, this.theme);
  }

  /** @param {boolean} isDark */
  setTheme(isDark) {
    this.theme = isDark ? THEMES.dark : THEMES.light;
    this.colours = coloursOf(this.data, this.theme);
  }

  /** Makes the canvas as large as it is shown, in the screen's pixels. */
  fit() {
    const ratio = window.devicePixelRatio || 1, box = this.context.canvas.getBoundingClientRect();
    this.width = box.width;
    this.height = box.height;
    this.context.canvas.width = Math.round(box.width * ratio);
    this.context.canvas.height = Math.round(box.height * ratio);
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.font = FONT;
    this.context.textBaseline = "middle";
  }

  /** Pixels from the window's top to a level's. @param {Picture} p @param {number} depth */
  static levelTop(p, depth) {
    return (p.rootBelow ? p.height - (depth + 1) * ROW : depth * ROW) - p.top;
  }

  /** The depth at y in the window. @param {Picture} p @param {number} y */
  static depthAt(p, y) {
    return Math.floor((p.rootBelow ? p.height - 1 - (y + p.top) : y + p.top) / ROW);
  }

  /** @param {Picture} p */
  paint(p) {
    this.context.clearRect(0, 0, this.width, this.height);
    const a = Painter.depthAt(p, 0), b = Painter.depthAt(p, this.height);
    const from = Math.max(0, Math.min(a, b)), to = Math.min(p.layout.levels.length - 1, Math.max(a, b));
    for (let depth = from; depth <= to; depth++)
      this.paintLevel(p, depth);
    this.mark(p);
  }

  /** Outlines what is pointed at, and what is selected. @param {Picture} p */
  mark(p) {
    this.outline(p, p.hover, this.marks.hover, this.theme.faint);
    this.outline(p, p.selected, this.marks.selected, this.theme.edge);
  }

  /** Where a row's box is in the window, cut to it. @param {Picture} p @param {number} row */
  boxOf(p, row) {
    const scale = this.width / p.view.width, left = (p.layout.left[row] - p.view.left) * scale;
    const right = left + p.layout.width[row] * scale, x = Math.max(0, left);
    return {x, width: Math.min(this.width, right) - x, y: Painter.levelTop(p, p.tree.depth[row])};
  }

  /** Boxes that are thinner than a pixel are painted only where no other of their level is yet. @param {Picture} p @param {number} depth */
  paintLevel(p, depth) {
    const level = p.layout.levels[depth], right = p.view.left + p.view.width;
    let painted = 0;
    for (let i = firstAfter(p.layout, level, p.view.left); i < level.length && p.layout.left[level[i]] < right; i++) {
      const row = level[i], box = this.boxOf(p, row);
      if (box.x + box.width < painted)
        continue;
      painted = Math.max(box.x + box.width, Math.floor(box.x) + 1);
      this.paintBox(p, row, box);
    }
  }

  /** @param {Picture} p @param {number} row @param {{x: number, y: number, width: number}} box */
  paintBox(p, row, box) {
    const {context, theme} = this, name = p.tree.name[row], isMatch = p.isMatch?.[name];
    const width = Math.max(box.width - (box.width > 3 ? GAP : 0), 0.6), isRest = name === 0 && row > 0;
    context.globalAlpha = (p.isMatch && !isMatch ? 0.38 : 1) * (p.tree.depth[row] < p.tree.depth[p.zoom] ? 0.55 : 1);
    context.fillStyle = isMatch ? theme.match : row === 0 || isRest ? theme.rest : this.colour(p, row);
    context.beginPath();
    if (width >= LEAST_ROUNDED)
      context.roundRect(box.x, box.y, width, ROW - GAP, RADIUS);
    else
      context.rect(box.x, box.y, width, ROW - GAP);
    context.fill();
    if (box.width >= LEAST_LABEL)
      this.label(p, row, box.x + PADDING, box.y + (ROW - GAP) / 2 + 0.5, width - 2 * PADDING);
  }

  /** @param {Picture} p @param {number} row */
  colour(p, row) {
    if (!this.data.diff)
      return this.colours[p.tree.name[row]];
    return changeColour(p.tree.net[p.type][row] / p.tree.total[p.type][row], this.theme);
  }

  /** A box's name, and its value where there is room for both. @param {Picture} p @param {number} row @param {number} x @param {number} y @param {number} room */
  label(p, row, x, y, room) {
    const {context, theme} = this, text = this.fitText(labelOf(this.data, p.tree, row), room);
    context.fillStyle = theme.text;
    context.fillText(text.text, x, y);
    const type = this.data.types[p.type];
    const amount = (this.data.diff ? p.tree.net : p.tree.total)[p.type][row];
    const value = (this.data.diff && amount > 0 ? "+" : "") + valueText(amount * this.data.ratio, type.unit, this.data.unit);
    const width = this.widthOf(value);
    if (text.width + BESIDE + width > room || value === "0")
      return;
    context.fillStyle = theme.faint;
    context.fillText(value, x + room - width, y);
  }

  /** @param {string} text */
  widthOf(text) {
    let width = this.widths.get(text);
    if (width === undefined) {
      width = this.context.measureText(text).width;
      this.widths.set(text, width);
    }
    return width;
  }

  /** As much of a name as there is room for: all, without its package, or only its beginning. @param {string} name @param {number} room */
  fitText(name, room) {
    let text = name;
    if (this.widthOf(text) > room)
      text = shortName(name);
    const width = this.widthOf(text);
    if (width <= room)
      return {text, width};
    let low = 0, high = text.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.context.measureText(text.slice(0, middle) + ELLIPSIS).width <= room)
        low = middle;
      else
        high = middle - 1;
    }
    return {text: low > 1 ? text.slice(0, low) + ELLIPSIS : "", width: room};
  }

  /** @param {Picture} p @param {number} row @param {HTMLElement} mark @param {string} colour */
  outline(p, row, mark, colour) {
    const box = row < 0 ? null : this.boxOf(p, row);
    mark.hidden = !box || box.width < 0 || box.y < -ROW || box.y > this.height;
    if (!box || mark.hidden)
      return;
    mark.style.borderColor = colour;
    mark.style.width = `${Math.max(box.width - GAP, 2)}px`;
    mark.style.transform = `translate(${box.x}px, ${box.y}px)`;
  }
}

/** What a row is called. @param {FlameData} data @param {Tree} tree @param {number} row */
export function labelOf(data, tree, row) {
  return row === 0 ? "all" : data.names[tree.name[row]] || "(smaller)";
}
