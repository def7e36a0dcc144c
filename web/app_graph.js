// @ts-check
// The call graph: a picture that is moved, scaled and clicked.
import {counted} from "./app_top.js";
import {element} from "./flame_parts.js";
import {exactly, percentText, valueText} from "./flame_data.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").Shown} Shown */
/** @typedef {{name: string, function?: string, flat: number, cum: number}} GraphNode */

const STEP = 1.2, KEY_PIXELS = 60, LEAST = 0.1, MOST = 30, MOVED = 4, READABLE = 0.6, TOP_PIXELS = 30;

/** The server's picture as elements: of those that a graph has, and nothing else of what text could smuggle in. @param {string} text */
function pictureOf(text) {
  const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  const allowed = new Set(["svg", "g", "a", "title", "text", "polygon", "path", "ellipse", "polyline"]);
  for (const node of [...svg.querySelectorAll("*")]) {
    if (!allowed.has(node.localName))
      node.remove();
    for (const attribute of [...node.attributes]) {
      if (/^on|href$|^style$/i.test(attribute.name))
        node.removeAttribute(attribute.name);
    }
  }
  return /** @type {SVGSVGElement} */ (/** @type {unknown} */ (document.importNode(svg, true)));
}

class GraphView {
  /** @param {App} app @param {any} data */
  constructor(app, data) {
    this.app = app;
    this.data = data;
    this.svg = pictureOf(data.svg);
    this.svg.setAttribute("role", "group");
    this.svg.setAttribute("aria-label", "Call graph");
    this.inner = /** @type {SVGGElement} */ (this.svg.querySelector("g"));
    const box = this.svg.viewBox.baseVal;
    this.own = this.inner.getAttribute("transform") ?? "";
    this.size = {width: box.width || 100, height: box.height || 100};
    this.svg.removeAttribute("width");
    this.svg.removeAttribute("height");
    this.scale = 1;
    this.x = this.y = this.travelled = 0;
    /** @type {Map<number, DOMPoint>} */
    this.pointers = new Map();
    /** @type {Map<Element, GraphNode>} */
    this.nodes = new Map();
    this.findNodes();
    this.status = element("p", {class: "summary", role: "status"});
    this.frame = element("div", {class: "graph-frame"}, []);
    this.frame.append(this.svg);
    this.listen();
    this.show();
  }

  /** The picture's nodes: "N1" is the first function, and what begins with it are its labels. */
  findNodes() {
    for (const group of this.svg.querySelectorAll("g.node")) {
      const number = /^N(\d+)$/.exec(group.querySelector("title")?.textContent ?? ""), node = number && this.data.nodes[Number(number[1]) - 1];
      group.querySelector("title")?.remove();
      if (!node)
        continue;
      this.nodes.set(group, node);
      group.setAttribute("tabindex", "0");
      group.setAttribute("role", "button");
      Object.assign(/** @type {SVGElement} */ (group).dataset, {name: node.name, flat: node.flat, cum: node.cum});
    }
    for (const edge of this.svg.querySelectorAll("g.edge"))
      /** @type {SVGElement} */ (edge).dataset.call = edge.querySelector("title")?.textContent ?? "";
    for (const title of this.svg.querySelectorAll("g.edge title, g.graph > title"))
      title.remove();
  }

  /** @param {GraphNode} node */
  textOf(node) {
    const {unit, total} = this.data, text = (/** @type {number} */ value) => `${valueText(value, unit, "minimum")} (${percentText(value, total)})`;
    return `flat ${text(node.flat)}, cum ${text(node.cum)}`;
  }

  show() {
    this.inner.setAttribute("transform", `matrix(${this.scale} 0 0 ${this.scale} ${this.x} ${this.y}) ${this.own}`);
  }

  /** Where a place in the window is in the picture. @param {number} left @param {number} top */
  at(left, top) {
    const m = this.svg.getScreenCTM();
    return m ? new DOMPoint(left, top).matrixTransform(m.inverse()) : new DOMPoint(left, top);
  }

  middle() {
    const box = this.frame.getBoundingClientRect();
    return this.at(box.left + box.width / 2, box.top + box.height / 2);
  }

  /** Scales by factor; what is at centre stays there. @param {number} factor @param {DOMPoint} centre */
  zoom(factor, centre) {
    const to = Math.min(MOST, Math.max(LEAST, this.scale * factor));
    this.x = centre.x - (centre.x - this.x) * to / this.scale;
    this.y = centre.y - (centre.y - this.y) * to / this.scale;
    this.scale = to;
    this.show();
  }

  /** @param {number} right @param {number} down in the picture's units */
  move(right, down) {
    this.x += right;
    this.y += down;
    this.show();
  }

  reset() {
    this.scale = 1;
    this.x = this.y = 0;
    this.show();
  }

  /** A picture that would be too small to be read begins at its first node, in a size that can be. */
  begin() {
    const box = this.frame.getBoundingClientRect(), fit = Math.min(box.width / this.size.width, box.height / this.size.height);
    const first = [...this.nodes].find(([, node]) => node === this.data.nodes[0])?.[0];
    if (fit >= READABLE || !first)
      return;
    this.zoom(READABLE / fit, this.middle());
    const at = first.getBoundingClientRect(), from = this.at(at.left + at.width / 2, at.top), to = this.at(box.left + box.width / 2, box.top + TOP_PIXELS);
    this.move(to.x - from.x, to.y - from.y);
  }

  /** @param {EventTarget | null} target */
  nodeAt(target) {
    const group = target instanceof Element ? target.closest("g.node") : null;
    return group && this.nodes.has(group) ? group : null;
  }

  /** @param {Element | null} group */
  select(group) {
    this.svg.querySelector(".selected")?.classList.remove("selected");
    group?.classList.add("selected");
    const node = group ? this.nodes.get(group) : undefined;
    this.app.select(node ? node.function ?? node.name : "");
    this.status.textContent = node ? `${node.name}: ${this.textOf(node)}` : "";
  }

  /** @param {Element} group */
  focusOn(group) {
    const node = this.nodes.get(group);
    if (node)
      this.app.go({f: exactly(node.function ?? node.name)});
  }

  /** @param {Element} group @param {number} [x] @param {number} [y] */
  menu(group, x, y) {
    const node = this.nodes.get(group), box = group.getBoundingClientRect();
    this.select(group);
    if (node)
      this.app.openMenu(node.function ?? node.name, x ?? box.left, y ?? box.bottom);
  }

  /** @param {PointerEvent} e */
  dragged(e) {
    const before = this.pointers.get(e.pointerId);
    if (!before)
      return;
    const now = this.at(e.clientX, e.clientY), other = [...this.pointers].find(([id]) => id !== e.pointerId)?.[1];
    this.travelled += Math.abs(e.movementX) + Math.abs(e.movementY);
    this.pointers.set(e.pointerId, now);
    if (!other) {
      this.move(now.x - before.x, now.y - before.y);
      return;
    }
    const apart = (/** @type {DOMPoint} */ p) => Math.hypot(p.x - other.x, p.y - other.y);
    if (apart(before) > 0)
      this.zoom(apart(now) / apart(before), new DOMPoint((before.x + other.x) / 2, (before.y + other.y) / 2));
  }

  /** @param {KeyboardEvent} e */
  key(e) {
    const group = this.nodeAt(e.target), pixels = KEY_PIXELS * this.size.width / Math.max(1, this.frame.clientWidth);
    /** @type {Record<string, () => void>} */
    const keys = {
      "+": () => this.zoom(STEP, this.middle()), "=": () => this.zoom(STEP, this.middle()), "-": () => this.zoom(1 / STEP, this.middle()), "0": () => this.reset(),
      ArrowLeft: () => this.move(pixels, 0), ArrowRight: () => this.move(-pixels, 0), ArrowUp: () => this.move(0, pixels), ArrowDown: () => this.move(0, -pixels),
      ...group ? {Enter: () => this.focusOn(group), " ": () => this.select(group), m: () => this.menu(group), ContextMenu: () => this.menu(group)} : {},
    };
    if (keys[e.key] && !e.ctrlKey && !e.metaKey && !e.altKey) {
      e.preventDefault();
      e.stopPropagation();
      keys[e.key]();
    }
  }

  listen() {
    const {frame} = this;
    frame.addEventListener("wheel", (e) => {
      e.preventDefault();
      this.zoom(Math.pow(STEP, -Math.sign(e.deltaY)), this.at(e.clientX, e.clientY));
    }, {passive: false});
    frame.addEventListener("pointerdown", (e) => {
      this.travelled = 0;
      this.pointers.set(e.pointerId, this.at(e.clientX, e.clientY));
    });
    frame.addEventListener("pointermove", (e) => this.dragged(e));
    for (const end of ["pointerup", "pointercancel", "pointerleave"])
      frame.addEventListener(end, (e) => this.pointers.delete(/** @type {PointerEvent} */ (e).pointerId));
    frame.addEventListener("click", (e) => this.travelled < MOVED && this.select(this.nodeAt(e.target)));
    frame.addEventListener("dblclick", (e) => {
      const group = this.nodeAt(e.target);
      if (group)
        this.focusOn(group);
      else
        this.reset();
    });
    frame.addEventListener("contextmenu", (e) => {
      const group = this.nodeAt(e.target);
      if (group) {
        e.preventDefault();
        this.menu(group, e.clientX || undefined, e.clientY || undefined);
      }
    });
    frame.addEventListener("focusin", (e) => {
      const group = this.nodeAt(e.target);
      if (group && group.matches(":focus-visible"))
        this.select(group);
    });
    frame.addEventListener("keydown", (e) => this.key(e));
  }

  /** @param {((name: string) => boolean) | null} isMatch */
  mark(isMatch) {
    for (const [group, node] of this.nodes)
      group.classList.toggle("match", isMatch !== null && isMatch(node.name));
  }
}

/** @param {App} app @param {HTMLElement} parent @returns {Promise<Shown>} */
export async function showGraph(app, parent) {
  const data = await app.data("graph"), view = new GraphView(app, data);
  const button = (/** @type {string} */ text, /** @type {string} */ title, /** @type {() => void} */ act) => app.button(text, title, act);
  const more = `${counted(data.nodes.length, "function")}${data.more ? `; ${data.more} more are not shown` : ""}`;
  parent.append(
    element("div", {class: "bar"}, [
      button("+", "Larger (+)", () => view.zoom(STEP, view.middle())), button("−", "Smaller (-)", () => view.zoom(1 / STEP, view.middle())),
      button("All", "Show all again (0)", () => view.reset()), element("span", {class: "hint"}, [more]), view.status,
    ]),
    view.frame);
  view.begin();
  return {mark: (isMatch) => view.mark(isMatch)};
}
