// @ts-check
// Where a tree's boxes are: numbers only, so that neither a screen nor a document is needed.
import {isBelow} from "./flame_data.js";

/** @typedef {import("./flame_data.js").Tree} Tree */

/**
 * @typedef {object} Layout
 * @property {Float64Array} left by row: 0 to 1 across the root
 * @property {Float64Array} width
 * @property {Int32Array[]} levels by depth: its rows with a width, from left to right
 */

/** A part of the layout that is looked at: of the root's width. @typedef {{left: number, width: number}} View */

/**
 * @typedef {object} Ordering
 * @property {"heavy" | "name"} order of a box's callees; what is too light comes last
 * @property {Int32Array} rank by row of names: its place in their order
 */

/** @param {Tree} tree @param {number} type @param {Ordering} o @returns {(l: number, r: number) => number} */
function comparison(tree, type, o) {
  const total = tree.total[type], name = tree.name;
  return (l, r) => {
    const rests = Number(name[l] === 0) - Number(name[r] === 0);
    const heavy = total[r] - total[l], alphabetic = o.rank[name[l]] - o.rank[name[r]];
    return rests || (o.order === "heavy" ? heavy || alphabetic : alphabetic || heavy);
  };
}

/** @param {Tree} tree @param {number} type @param {Ordering} o @returns {Layout} */
export function layoutOf(tree, type, o) {
  const left = new Float64Array(tree.n), width = new Float64Array(tree.n), total = tree.total[type];
  /** @type {number[][]} */
  const levels = [];
  const compare = comparison(tree, type, o), stack = [0];
  width[0] = total[0] > 0 ? 1 : 0;
  for (let row = stack.pop(); row !== undefined; row = stack.pop()) {
    (levels[tree.depth[row]] ??= []).push(row);
    const children = Array.from(tree.child.subarray(tree.first[row], tree.first[row + 1])).filter((i) => total[i] > 0).sort(compare);
    let at = left[row];
    for (const i of children) {
      left[i] = at;
      width[i] = total[i] / total[0];
      at += width[i];
    }
    for (const i of children.reverse()) // one by one: there may be more than a call can pass
      stack.push(i);
  }
  return {left, width, levels: levels.map((rows) => Int32Array.from(rows))};
}

/** The names' order, by their rows. @param {string[]} names */
export function ranksOf(names) {
  const rank = new Int32Array(names.length), order = names.map((_, i) => i);
  order.sort((l, r) => names[l] < names[r] ? -1 : names[l] > names[r] ? 1 : l - r);
  order.forEach((row, i) => rank[row] = i);
  return rank;
}

/** Place in a level of the first box that ends right of x. @param {Layout} layout @param {Int32Array} level @param {number} x */
export function firstAfter(layout, level, x) {
  let low = 0, high = level.length;
  while (low < high) {
    const middle = (low + high) >> 1, row = level[middle];
    if (layout.left[row] + layout.width[row] > x)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/** The box at depth and x; -1: there is none. @param {Layout} layout @param {number} depth @param {number} x */
export function boxAt(layout, depth, x) {
  const level = layout.levels[depth];
  const row = level?.[firstAfter(layout, level, x)] ?? -1;
  return row >= 0 && layout.left[row] <= x ? row : -1;
}

/** How many levels have a box in view that is at least so wide. @param {Layout} layout @param {View} view @param {number} least */
export function depthIn(layout, view, least) {
  const right = view.left + view.width;
  for (let depth = 0; depth < layout.levels.length; depth++) {
    const level = layout.levels[depth];
    let any = false;
    for (let i = firstAfter(layout, level, view.left); i < level.length && layout.left[level[i]] < right && !any; i++)
      any = layout.width[level[i]] >= least;
    if (!any)
      return depth;
  }
  return layout.levels.length;
}

/** @typedef {"out" | "in" | "before" | "after"} Direction  towards the root, the widest callee, the boxes beside */

/**
 * The box that is reached from row by a key; row itself where there is none.
 * @param {Tree} tree @param {Layout} layout @param {number} row @param {Direction} direction @param {number} zoom stay in or above this row
 */
export function neighbour(tree, layout, row, direction, zoom) {
  if (direction === "out")
    return tree.parent[row];
  const depth = tree.depth[row] + (direction === "in" ? 1 : 0), level = layout.levels[depth];
  if (!level)
    return row;
  if (direction !== "in") {
    const other = level[level.indexOf(row) + (direction === "before" ? -1 : 1)];
    return other !== undefined && (isBelow(tree, other, zoom) || isBelow(tree, zoom, other)) ? other : row;
  }
  if (row !== zoom && isBelow(tree, zoom, row)) // on the way to what is shown
    return level.find((i) => i === zoom || isBelow(tree, zoom, i)) ?? row;
  let widest = row;
  for (const i of tree.child.subarray(tree.first[row], tree.first[row + 1])) {
    if (layout.width[i] > 0 && (widest === row || layout.width[i] > layout.width[widest]))
      widest = i;
  }
  return widest;
}
