// @ts-check
// Menus: below a button, or where something was clicked.  Arrows walk, Esc closes.
import {element} from "./flame_parts.js";

/**
 * @typedef {object} Item
 * @property {string} text
 * @property {string} [href] it is a link
 * @property {() => void} [act]
 * @property {boolean} [isCurrent]
 * @property {string} [hint] beside the text
 * @property {{text: string, act: () => void}} [also] a second button on the same line
 */

const MARGIN = 8; // pixels

/** @param {Item} item @param {() => void} close */
function itemOf(item, close) {
  const parts = [element("span", {}, [item.text]), ...item.hint ? [element("span", {class: "hint"}, [item.hint])] : []];
  const attributes = {role: "menuitem", tabindex: "-1", ...item.isCurrent ? {"aria-current": "true"} : {}};
  /** @type {HTMLElement} */
  const node = item.href === undefined ? element("button", {type: "button", ...attributes}, parts) : element("a", {href: item.href, ...attributes}, parts);
  node.addEventListener("click", (e) => {
    const opensElsewhere = item.href !== undefined && (e.ctrlKey || e.metaKey || e.shiftKey);
    if (!opensElsewhere && item.act) {
      e.preventDefault();
      close();
      item.act();
    }
  });
  return node;
}

/** @param {Item} item @param {() => void} close @returns {HTMLElement[]} */
function lineOf(item, close) {
  const {also} = item, node = itemOf(item, close);
  if (!also)
    return [node];
  const button = element("button", {type: "button", role: "menuitem", tabindex: "-1", class: "also", "aria-label": also.text, title: also.text}, ["✕"]);
  button.addEventListener("click", () => {
    close();
    also.act();
  });
  return [element("div", {class: "line", role: "none"}, [node, button])];
}

/** A list of items that is open while it has the focus. */
class List {
  /** @param {string} label @param {() => void} closed */
  constructor(label, closed) {
    this.root = element("div", {class: "menu", role: "menu", "aria-label": label, hidden: ""});
    this.closed = closed;
    /** @type {HTMLElement | undefined} what had the focus before */
    this.back = undefined;
    this.root.addEventListener("keydown", (e) => this.key(e));
    this.root.addEventListener("focusout", (e) => {
      if (!(e.relatedTarget instanceof Node) || !this.root.contains(e.relatedTarget))
        this.hide();
    });
  }

  get items() {
    return /** @type {HTMLElement[]} */ ([...this.root.querySelectorAll("[role='menuitem']")]);
  }

  /** @param {Item[]} items */
  open(items) {
    this.root.replaceChildren(...items.flatMap((item) => lineOf(item, () => this.close())));
    this.root.hidden = false;
    this.items[0]?.focus();
  }

  hide() {
    if (this.root.hidden)
      return;
    this.root.hidden = true;
    this.closed();
  }

  /** And the focus goes back to where it was. */
  close() {
    this.hide();
    this.back?.focus();
  }

  /** @param {number} step */
  walk(step) {
    const {items} = this, at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    items[(at + step + items.length) % items.length]?.focus();
  }

  /** @param {KeyboardEvent} e */
  key(e) {
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowDown: () => this.walk(1),
      ArrowUp: () => this.walk(-1),
      Home: () => this.items[0]?.focus(),
      End: () => this.items.at(-1)?.focus(),
      Escape: () => this.close(),
      Tab: () => this.close(),
    };
    if (keys[e.key]) {
      e.preventDefault();
      e.stopPropagation();
      keys[e.key]();
    }
  }
}

/** A button that opens a list below it. */
export class Menu {
  /** @param {string} text @param {() => Item[]} items are asked for each time */
  constructor(text, items) {
    this.button = element("button", {type: "button", "aria-haspopup": "menu", "aria-expanded": "false"}, [text]);
    this.list = new List(text, () => this.button.setAttribute("aria-expanded", "false"));
    this.list.back = this.button;
    this.root = element("div", {class: "menu-of"}, [this.button, this.list.root]);
    this.items = items;
    this.button.addEventListener("pointerdown", () => this.wasOpen = !this.list.root.hidden);
    this.button.addEventListener("click", () => this.wasOpen ? this.list.close() : this.open());
    this.button.addEventListener("keydown", (e) => {
      this.wasOpen = false;
      if (e.key === "ArrowDown") {
        e.preventDefault();
        this.open();
      }
    });
    this.wasOpen = false;
  }

  open() {
    this.wasOpen = false;
    this.button.setAttribute("aria-expanded", "true");
    this.list.open(this.items());
    const {root} = this.list, box = root.getBoundingClientRect();
    root.style.translate = `${Math.min(0, innerWidth - MARGIN - box.right)}px`;
  }
}

/** A list at a place in the window. */
export class ContextMenu {
  constructor() {
    this.list = new List("What can be done with it", () => {});
    this.list.root.classList.add("context");
    this.root = this.list.root;
  }

  /** @param {Item[]} items @param {number} x @param {number} y */
  open(items, x, y) {
    this.list.back = document.activeElement instanceof HTMLElement ? document.activeElement : undefined;
    this.list.open(items);
    const box = this.root.getBoundingClientRect();
    this.root.style.left = `${Math.max(MARGIN, Math.min(x, innerWidth - box.width - MARGIN))}px`;
    this.root.style.top = `${Math.max(MARGIN, Math.min(y, innerHeight - box.height - MARGIN))}px`;
  }
}
