// @ts-check
// Pan and zoom for a graph's SVG: wheel and pinch zoom about the pointer, dragging moves, a double click shows all again.
// Keys: + - 0 and the arrows.
"use strict";
(() => {
  const svg = /** @type {SVGSVGElement} */ (/** @type {unknown} */ (document.documentElement));
  const viewport = /** @type {SVGGElement} */ (/** @type {unknown} */ (document.getElementById("viewport")));
  const STEP = 1.2, KEY_PIXELS = 60, LEAST = 0.05, MOST = 50;
  let scale = 1, x = 0, y = 0; // of the viewport, in the picture's units
  /** @type {Map<number, DOMPoint>} */
  const pointers = new Map();

  const show = () => viewport.setAttribute("transform", `matrix(${scale} 0 0 ${scale} ${x} ${y})`);

  /** Where a place in the window is in the picture. @param {number} left @param {number} top */
  function at(left, top) {
    const m = svg.getScreenCTM();
    return m ? new DOMPoint(left, top).matrixTransform(m.inverse()) : new DOMPoint(left, top);
  }

  /** Scales by factor; what is at centre stays there. @param {number} factor @param {DOMPoint} centre */
  function zoom(factor, centre) {
    const to = Math.min(MOST, Math.max(LEAST, scale * factor));
    x = centre.x - (centre.x - x) * to / scale;
    y = centre.y - (centre.y - y) * to / scale;
    scale = to;
    show();
  }

  /** @param {number} right @param {number} down */
  function move(right, down) {
    x += right;
    y += down;
    show();
  }

  function reset() {
    scale = 1;
    x = y = 0;
    show();
  }

  /** @param {DOMPoint} a @param {DOMPoint} b */
  const middle = (a, b) => new DOMPoint((a.x + b.x) / 2, (a.y + b.y) / 2);
  /** @param {DOMPoint} a @param {DOMPoint} b */
  const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

  svg.addEventListener("wheel", (e) => {
    e.preventDefault();
    zoom(Math.pow(STEP, -Math.sign(e.deltaY)), at(e.clientX, e.clientY));
  }, {passive: false});

  svg.addEventListener("pointerdown", (e) => {
    pointers.set(e.pointerId, at(e.clientX, e.clientY));
  });

  svg.addEventListener("pointermove", (e) => {
    const before = pointers.get(e.pointerId);
    if (!before)
      return;
    const now = at(e.clientX, e.clientY);
    const other = [...pointers].find(([id]) => id !== e.pointerId)?.[1];
    pointers.set(e.pointerId, now);
    if (!other) {
      move(now.x - before.x, now.y - before.y);
      return;
    }
    const from = middle(before, other), to = middle(now, other);
    if (distance(before, other) > 0)
      zoom(distance(now, other) / distance(before, other), from);
    move(to.x - from.x, to.y - from.y);
  });

  for (const end of ["pointerup", "pointercancel", "pointerleave"])
    svg.addEventListener(end, (e) => pointers.delete(/** @type {PointerEvent} */ (e).pointerId));

  svg.addEventListener("dblclick", reset);

  /** @type {Record<string, () => void>} */
  const keys = {
    "+": () => zoom(STEP, at(innerWidth / 2, innerHeight / 2)),
    "=": () => zoom(STEP, at(innerWidth / 2, innerHeight / 2)),
    "-": () => zoom(1 / STEP, at(innerWidth / 2, innerHeight / 2)),
    "0": reset,
    ArrowLeft: () => move(KEY_PIXELS, 0),
    ArrowRight: () => move(-KEY_PIXELS, 0),
    ArrowUp: () => move(0, KEY_PIXELS),
    ArrowDown: () => move(0, -KEY_PIXELS),
  };
  addEventListener("keydown", (e) => {
    const act = e.ctrlKey || e.metaKey || e.altKey ? undefined : keys[e.key];
    if (act) {
      e.preventDefault();
      act();
    }
  });
})();
