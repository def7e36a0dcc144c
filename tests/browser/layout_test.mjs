// What the pages compute, without a browser: trees, layout, search, values as text, addresses.  Prints TAP.
import {addressFrom, asked, changed, either, viewOf} from "../../web/app_state.js";
import {addFunctions, exactly, expressionOf, groupOf, isBelow, pathOf, percentText, search, shortName, treeOf, valueText} from "../../web/flame_data.js";
import {boxAt, depthIn, firstAfter, layoutOf, neighbour, ranksOf} from "../../web/flame_layout.js";
import {THEMES, changeColour} from "../../web/flame_paint.js";
import {stateOf, stateText} from "../../web/flame_state.js";
import {done, is, ok} from "./tap.mjs";

// The root, a (10 itself), b below a (20), c below the root (5), what is too light below a (5).
const COLUMNS = {parent: [0, 0, 1, 0, 1], name: [0, 1, 2, 3, 0], self: [[0, 10, 20, 5, 5]], inlined: [2]};
const NAMES = ["", "a", "b", "c"];

/** A number from 0 to 1, the same in each run. */
let state = 42;
const random = () => (state = Math.imul(state, 1664525) + 1013904223 >>> 0) / 2 ** 32;

/** A tree of so many rows, with rests that are too light, and rows that have no value. */
function randomColumns(n) {
  const parent = [0], name = [0], self = [0];
  for (let i = 1; i < n; i++) {
    parent.push(Math.floor(random() * i));
    name.push(Math.floor(random() * 50));
    self.push(random() < 0.2 ? 0 : Math.floor(random() * 1000));
  }
  return {parent, name, self: [self], inlined: []};
}

function testTree() {
  const t = treeOf(COLUMNS);
  is([...t.total[0]].join(), "40,35,20,5,5", "a row's total is its own and all below");
  is([...t.depth].join(), "0,1,2,1,2", "rows know how deep they are");
  is([...t.child.subarray(t.first[1], t.first[2])].join(), "2,4", "and their children");
  ok(!t.isWhole && treeOf({...COLUMNS, name: [0, 1, 2, 3, 1]}).isWhole, "a tree with rests is not whole");
  is(pathOf(t, 2).join(), "0,1,2", "a path begins at the root");
  ok(isBelow(t, 2, 1) && isBelow(t, 2, 0) && !isBelow(t, 3, 1) && isBelow(t, 1, 1), "a row is below its ancestors");
  const net = treeOf({...COLUMNS, net: [[0, -10, 20, 5, 5]]});
  is([...net.net[0]].join(), "20,15,20,5,5", "in a difference there are sums of values, too");
}

function testLayout() {
  const t = treeOf(COLUMNS), heavy = layoutOf(t, 0, {order: "heavy", rank: ranksOf(NAMES)});
  is([...heavy.width].map((w) => w * 40).join(), "40,35,20,5,5", "widths are parts of the total");
  is([...heavy.left].map((x) => x * 40).join(), "0,0,0,35,20", "the heaviest comes first, and what is too light last");
  is(heavy.levels.map((level) => [...level].join("+")).join(), "0,1+3,2+4", "levels are in order");
  is(boxAt(heavy, 1, 0.5), 1, "the box at a place");
  is(boxAt(heavy, 2, 0.99), -1, "where there is none");
  is(boxAt(heavy, 9, 0.5), -1, "nor below all");
  is(depthIn(heavy, {left: 0.9, width: 0.1}, 0.01), 2, "how deep a part of it is");
  is(neighbour(t, heavy, 1, "in", 0), 2, "the widest callee");
  is(neighbour(t, heavy, 1, "after", 0), 3, "the box beside");
  is(neighbour(t, heavy, 1, "before", 0), 1, "at the edge there is none");
  is(neighbour(t, heavy, 2, "after", 2), 2, "nor outside of what is zoomed to");
  is(neighbour(t, heavy, 2, "out", 0), 1, "towards the root");
}

/** What must hold of any tree. */
function testAnyLayout() {
  let holds = true, found = true, sorted = true;
  for (let round = 0; round < 30; round++) {
    const names = Array.from({length: 50}, (_, i) => i ? `f${i * 7 % 50}` : ""), t = treeOf(randomColumns(2 + Math.floor(random() * 400)));
    const order = round % 2 ? "heavy" : "name", layout = layoutOf(t, 0, {order, rank: ranksOf(names)});
    for (let i = 1; i < t.n; i++) {
      const p = t.parent[i], inside = layout.left[i] >= layout.left[p] - 1e-9 && layout.left[i] + layout.width[i] <= layout.left[p] + layout.width[p] + 1e-9;
      holds &&= t.total[0][i] === 0 ? layout.width[i] === 0 : inside && Math.abs(layout.width[i] - t.total[0][i] / t.total[0][0]) < 1e-9;
      if (layout.width[i] > 0)
        found &&= boxAt(layout, t.depth[i], layout.left[i] + layout.width[i] / 2) === i;
    }
    for (const level of layout.levels)
      for (let k = 1; k < level.length; k++)
        sorted &&= layout.left[level[k]] >= layout.left[level[k - 1]] + layout.width[level[k - 1]] - 1e-9;
  }
  ok(holds, "any box is inside of its caller's, and as wide as its part");
  ok(found, "any box is found at its middle");
  ok(sorted, "no two boxes of a level overlap");
  const deep = treeOf({parent: Array.from({length: 100001}, (_, i) => Math.max(0, i - 1)), name: new Array(100001).fill(1), self: [new Array(100001).fill(1)], inlined: []});
  is(layoutOf(deep, 0, {order: "heavy", rank: ranksOf(["", "f"])}).levels.length, 100001, "a tree may be 100,000 deep");
  const wide = treeOf({parent: new Array(200001).fill(0), name: new Array(200001).fill(1), self: [new Array(200001).fill(1)], inlined: []});
  const layout = layoutOf(wide, 0, {order: "heavy", rank: ranksOf(["", "f"])});
  is(firstAfter(layout, layout.levels[1], 0.5) > 99000, true, "or 200,000 wide");
}

function testSearch() {
  const t = treeOf(COLUMNS), of = (text) => search(t, NAMES, expressionOf(text).regex, 0);
  is(of("a").value, 35, "what is found counts with all below");
  is(of("a|b").value, 35, "but once");
  is(of("[ab]").functions, 2, "functions are counted");
  is(expressionOf("a(").isLiteral, true, "what is no expression is looked for as it is");
  ok(expressionOf("abc").regex.test("xABC") && !expressionOf("Abc").regex.test("abc"), "capitals matter when there are any");
  ok(new RegExp(exactly("a::b<c>(d*)[0]")).test("a::b<c>(d*)[0]") && !new RegExp(exactly("a.b")).test("axb"), "a name can be searched for as it is");
}

function testFunctions() {
  const data = {names: ["", "a", "b"], file: [0, 1, 0], files: ["", "x.c"]};
  addFunctions(data, {names: ["", "b", "a", "a", "c"], file: [0, 0, 1, 2, 3], files: ["", "x.c", "y.c", "x.c"], functions: {name: [1, 2, 3, 4], flat: [[1, 2, 3, 4]], cum: [[5, 6, 7, 8]]}});
  is(data.functions.name.join() + data.names.join(), "2,1,3,4,a,b,a,c", "functions that come later have the names that are there, and new ones");
  is(data.file.map((i) => data.files[i]).join(), ",x.c,,y.c,x.c", "with their files");
  is(data.functions.cum[0].join(), "5,6,7,8", "and their values");
}

function testText() {
  is([0, 1, 1536, 1 << 20, 3 * 2 ** 30].map((n) => valueText(n, "bytes", "auto")).join(), "0,1B,1.50kB,1MB,3GB", "bytes");
  is([1, 1500, 2e6, 3e9, 7200e9].map((n) => valueText(n, "nanoseconds", "minimum")).join(), "1ns,1.50us,2ms,3s,2hrs", "times");
  is(valueText(-2048, "bytes", "kB") + valueText(5, "count", "minimum") + valueText(1 << 20, "bytes", "kB"), "-2kB51024kB", "signs, counts and wished units");
  is([[1, 3], [99.99, 100], [0, 5], [1, 100000], [5, 0]].map(([v, t]) => percentText(v, t)).join(), "33.3%,100%,0%,0.001%,0%", "parts");
  is(["std::vector::push_back", "github.com/a/b.(*T).Run", "main", "[kernel]"].map(shortName).join(), "push_back,b.(*T).Run,main,[kernel]", "short names");
  is([groupOf("std::vector<a::b>::at", ""), groupOf("net/http.(*Server).Serve", ""), groupOf("main", "a.c")].join(), "std,net/http,a.c", "groups have a colour");
}

/** Linear red, green and blue of "oklch(L C h)" (https://bottosson.github.io/posts/oklab/). */
function linear(text) {
  const [L, C, h] = /oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)/.exec(text).slice(1).map(Number), a = C * Math.cos(h * Math.PI / 180), b = C * Math.sin(h * Math.PI / 180);
  const [l, m, s] = [L + 0.3963377774 * a + 0.2158037573 * b, L - 0.1055613458 * a - 0.0638541728 * b, L - 0.0894841775 * a - 1.291485548 * b].map((x) => x ** 3);
  return [4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s].map((x) => Math.min(1, Math.max(0, x)));
}

const times = (matrix, v) => matrix.map((row) => row.reduce((sum, x, i) => sum + x * v[i], 0));

/** How different two colours are in CIE's L*a*b*; from 2 or so it is seen. */
function difference(l, r) {
  const lab = (rgb) => {
    const [X, Y, Z] = times([[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0177, 0.1095, 0.8728]], rgb).map((t) => t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
    return [116 * Y - 16, 500 * (X - Y), 200 * (Y - Z)];
  };
  return Math.hypot(...lab(l).map((x, i) => x - lab(r)[i]));
}

/** What people see who lack one kind of cones (Machado, Oliveira, Fernandes 2009, severity 1). */
const SEEN = {
  "by most": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  "without red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  "without green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  "without blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

function testColours() {
  for (const [theme, colours] of Object.entries(THEMES))
    for (const [who, matrix] of Object.entries(SEEN)) {
      const [more, less] = [1, -1].map((change) => times(matrix, linear(changeColour(change, colours))));
      ok(difference(more, less) > 20, `more and less are told apart ${who}, ${theme}`, difference(more, less));
    }
}

function testState() {
  const data = {type: 0, types: [{name: "a"}, {name: "b"}], callees: COLUMNS, callers: COLUMNS};
  const text = "type=b&tree=callers&order=name&flip=1&search=x%3Dy&zoom=2";
  is(stateText(stateOf(text, data), data), text, "a state is read as it was written");
  is(stateText(stateOf("type=no&tree=7&zoom=99&zoom=-1", data), data), "", "whatever a text says, what it names is there");
  is(stateOf("tree=callers&zoom=2", {...data, callers: undefined}).zoom, 2, "one of the trees is enough");
}

function testAddress() {
  is(viewOf("/top").path + viewOf("/nothing").path, "topflamegraph", "a path is a view, or the first");
  is(asked(new URLSearchParams("zoom=3&search=x&si=cpu&f=a&flip=1")), "f=a&si=cpu", "the server hears what concerns it, in one order");
  is(changed(new URLSearchParams("f=a&i=b"), {f: null, i: "c", h: "", s: "d"}).toString(), "i=c&s=d", "parameters change");
  is(addressFrom("top", new URLSearchParams("f=a&zoom=3&base=1")), "/top?f=a", "another view has the same filters, not the same box");
  is(addressFrom("difference", new URLSearchParams("base=1")), "/difference?base=1", "a difference keeps its base");
  is(either("a", "b") + either(null, "b"), "a|bb", "expressions are joined");
}

testTree();
testLayout();
testAnyLayout();
testSearch();
testFunctions();
testText();
testColours();
testState();
testAddress();
done();
