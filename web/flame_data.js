// @ts-check
// A flame graph's data: what the page is given, the trees made of it, and values as text.

/**
 * As src/report/flamedata.c writes it.  A column has an item a row; those of values are one for each type.
 * @typedef {object} TreeColumns
 * @property {number[]} parent parent[i] < i; row 0 is the root
 * @property {number[]} name a row of names; 0 below the root: all that is too light, below its parent
 * @property {number[][]} self by type: magnitudes of samples that end here
 * @property {number[][]} [net] by type: their values, when some are negative
 * @property {number[]} inlined rows all of whose calls were inlined
 */

/** @typedef {{name: string, unit: string, total: number}} ValueType  total is what percentages are of */

/** By function: its row of names, and values by type. @typedef {{name: number[], flat: number[][], cum: number[][]}} Functions */

/**
 * @typedef {object} FlameData
 * @property {number} version
 * @property {string} title
 * @property {string} header lines
 * @property {ValueType[]} types
 * @property {number} type the one that is shown first
 * @property {string} unit that values are shown in; "minimum" or "auto": a fitting one
 * @property {number} ratio of a value that is shown to the value
 * @property {boolean} diff some values are negative
 * @property {boolean} base what is negative is of a base
 * @property {TreeColumns} [callees] one of the trees at least
 * @property {TreeColumns} [callers]
 * @property {Functions} functions
 * @property {string[]} names row 0: none
 * @property {number[]} file by row of names: a row of files
 * @property {string[]} files
 */

/**
 * @typedef {object} Tree
 * @property {number} n rows
 * @property {Int32Array} parent
 * @property {Int32Array} name
 * @property {Int32Array} depth
 * @property {Uint8Array} inlined
 * @property {Float64Array[]} self by type
 * @property {Float64Array[]} total by type: self, and all below
 * @property {Float64Array[]} net by type: of values instead of magnitudes; self and all below
 * @property {Int32Array} first by row: its children are child[first[i]] .. child[first[i + 1]]
 * @property {Int32Array} child
 * @property {boolean} isWhole nothing was too light
 */

/** @type {TreeColumns} */
const NO_TREE = {parent: [0], name: [0], self: [], inlined: []};

/** @param {FlameData} data @param {"callees" | "callers"} tree */
export function columnsOf(data, tree) {
  return data[tree] ?? data.callees ?? data.callers ?? NO_TREE;
}

/**
 * Gives data its functions, which came apart from it, with names of their own.
 * @param {FlameData} data @param {{functions: Functions, names: string[], file: number[], files: string[]}} more
 */
export function addFunctions(data, more) {
  const keyOf = (/** @type {string} */ name, /** @type {string} */ file) => `${name}\n${file}`;
  const rows = new Map(data.names.map((name, i) => [keyOf(name, data.files[data.file[i]]), i])), files = new Map(data.files.map((file, i) => [file, i]));
  const rowOf = more.names.map((name, i) => {
    const file = more.files[more.file[i]], key = keyOf(name, file), known = rows.get(key);
    if (known !== undefined)
      return known;
    if (!files.has(file))
      files.set(file, data.files.push(file) - 1);
    data.file.push(/** @type {number} */ (files.get(file)));
    rows.set(key, data.names.push(name) - 1);
    return data.names.length - 1;
  });
  data.functions = {...more.functions, name: more.functions.name.map((row) => rowOf[row])};
}

/** Sums of a column over rows and all below them. @param {number[]} column @param {Int32Array} parent */
function sumsBelow(column, parent) {
  const sum = Float64Array.from(column);
  for (let i = sum.length - 1; i > 0; i--)
    sum[parent[i]] += sum[i];
  return sum;
}

/** @param {TreeColumns} columns @returns {Tree} */
export function treeOf(columns) {
  const parent = Int32Array.from(columns.parent), name = Int32Array.from(columns.name), n = parent.length;
  const depth = new Int32Array(n), first = new Int32Array(n + 1), child = new Int32Array(n), inlined = new Uint8Array(n);
  for (let i = 1; i < n; i++) {
    depth[i] = depth[parent[i]] + 1;
    first[parent[i] + 1]++;
  }
  for (let i = 0; i < n; i++)
    first[i + 1] += first[i];
  const next = first.slice(0, n);
  for (let i = 1; i < n; i++)
    child[next[parent[i]]++] = i;
  for (const i of columns.inlined)
    inlined[i] = 1;
  const self = columns.self.map((column) => Float64Array.from(column));
  const total = columns.self.map((column) => sumsBelow(column, parent));
  const net = columns.net ? columns.net.map((column) => sumsBelow(column, parent)) : total;
  return {n, parent, name, depth, inlined, self, total, net, first, child, isWhole: !name.includes(0, 1)};
}

/** The rows from row's outermost ancestor to itself. @param {Tree} tree @param {number} row */
export function pathOf(tree, row) {
  const path = [row];
  while (path[0] !== 0)
    path.unshift(tree.parent[path[0]]);
  return path;
}

/** @param {Tree} tree @param {number} row @param {number} ancestor */
export function isBelow(tree, row, ancestor) {
  while (row > ancestor)
    row = tree.parent[row];
  return row === ancestor;
}

/**
 * An expression as people type it: without capitals it matches them too; what is no expression is looked for as it is.
 * @param {string} text @returns {{regex: RegExp, isLiteral: boolean}}
 */
export function expressionOf(text) {
  const flags = /\p{Lu}/u.test(text) ? "u" : "iu";
  try {
    return {regex: new RegExp(text, flags), isLiteral: false};
  } catch {
    return {regex: new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), flags), isLiteral: true};
  }
}

/** An expression that matches this name only. @param {string} name */
export function exactly(name) {
  return `^${name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")}$`;
}

/**
 * What an expression matches: rows of names, and how much of the tree is in such functions or below them.
 * @param {Tree} tree @param {string[]} names @param {RegExp} regex @param {number} type
 */
export function search(tree, names, regex, type) {
  const isMatch = new Uint8Array(names.length), covered = new Uint8Array(tree.n), total = tree.total[type];
  const found = new Set();
  for (let i = 1; i < names.length; i++)
    isMatch[i] = regex.test(names[i]) ? 1 : 0;
  let value = 0;
  for (let i = 1; i < tree.n; i++) {
    const matches = isMatch[tree.name[i]];
    covered[i] = covered[tree.parent[i]] | matches;
    if (matches && total[i] > 0)
      found.add(tree.name[i]);
    if (matches && !covered[tree.parent[i]])
      value += total[i];
  }
  return {isMatch, value, functions: found.size};
}

/**
 * What a function belongs to, which has a colour of its own: its package, its namespace, or else its file.
 * @param {string} name @param {string} file
 */
export function groupOf(name, file) {
  if (name.startsWith("["))
    return "[";
  const plain = name.replace(/[(<].*/s, "");
  if (plain.includes("::"))
    return plain.slice(0, plain.indexOf("::"));
  const slash = plain.lastIndexOf("/") + 1, parts = plain.slice(slash).split(".");
  if (parts.length > 1) {
    const lower = parts.slice(0, -1).findIndex((part) => !/^[a-z_]/.test(part));
    return plain.slice(0, slash) + parts.slice(0, lower < 0 ? -1 : Math.max(1, lower)).join(".");
  }
  return file || plain;
}

/** A name that is shorter, and says less: without packages and namespaces. @param {string} name */
export function shortName(name) {
  const end = name.search(/[(<[]/) > 0 ? name.search(/[(<[]/) : name.length;
  const head = name.slice(0, end), from = Math.max(head.lastIndexOf("/") + 1, head.lastIndexOf("::") + 2 || 0);
  return from > 1 || head.startsWith("/") ? name.slice(from) : name;
}

/** @type {{names: RegExp, units: [string, RegExp, number][]}[]} */
const FAMILIES = [
  {
    names: /^(b|byte|[kmgtp]b|(kilo|mega|giga|tera|peta|[kmgtp])byte)s?$/i,
    units: [["B", /^b/i, 1], ["kB", /^k/i, 2 ** 10], ["MB", /^m/i, 2 ** 20], ["GB", /^g/i, 2 ** 30], ["TB", /^t/i, 2 ** 40],
      ["PB", /^p/i, 2 ** 50]],
  },
  {
    names: /^(nanosecond|ns|μs|us|microsecond|ms|millisecond|s|sec|second|hour|hr)s?$/i,
    units: [["ns", /^n/i, 1], ["us", /^(μ|us|micro)/i, 1e3], ["ms", /^(ms|milli)/i, 1e6], ["s", /^s/i, 1e9], ["hrs", /^h/i, 3600e9]],
  },
];

/** Two decimals, or none. @param {number} value */
function decimals(value) {
  return value.toFixed(2).replace(/\.00$/, "");
}

/**
 * A value as pprof prints it: "12.50MB", "0", "1.20s".
 * @param {number} value @param {string} from its unit @param {string} to "minimum" or "auto": the largest in which it is at least 1
 * @returns {string}
 */
export function valueText(value, from, to) {
  if (value < 0)
    return `-${valueText(-value, from, to)}`;
  const family = FAMILIES.find((f) => f.names.test(from));
  const text = (/** @type {number} */ n, /** @type {string} */ unit) => decimals(n) === "0" ? "0" : decimals(n) + unit;
  if (!family)
    return text(value, /^(minimum|auto|counts?|samples?)$/.test(to) || from === to ? "" : to);
  const smallest = value * (family.units.find(([, name]) => name.test(from))?.[2] ?? 1);
  const fitting = [...family.units].reverse().find(([, , factor]) => smallest >= factor) ?? family.units[0];
  const wanted = family.names.test(to) ? family.units.find(([, name]) => name.test(to)) : undefined;
  const [unit, , factor] = wanted ?? fitting;
  return text(smallest / factor, unit);
}

/** "12.3%". @param {number} value @param {number} total */
export function percentText(value, total) {
  const part = total ? Math.abs(value / total) * 100 : 0;
  if (part >= 99.95 && part <= 100.05)
    return "100%";
  if (part === 0)
    return "0%";
  return `${part >= 10 ? part.toFixed(1) : part >= 0.01 ? part.toFixed(2) : part.toPrecision(1)}%`;
}
