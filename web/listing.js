// @ts-check
// Keys for an annotated listing: n and p go to the next and the previous line with a value, a opens or closes all.
"use strict";
(() => {
  const lines = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".code summary")]);
  const valued = lines.filter((line) => line.classList.contains("valued"));

  /** The line after (or before) the one that has the focus. @param {number} step */
  function go(step) {
    const at = valued.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const next = at < 0 ? (step > 0 ? 0 : valued.length - 1) : (at + step + valued.length) % valued.length;
    valued[next]?.focus();
    valued[next]?.scrollIntoView({block: "center"});
  }

  function toggle() {
    const all = lines.map((line) => /** @type {HTMLDetailsElement} */ (line.parentElement));
    const open = all.some((details) => !details.open);
    for (const details of all)
      details.open = open;
  }

  /** @type {Record<string, () => void>} */
  const keys = {n: () => go(1), p: () => go(-1), a: toggle};
  addEventListener("keydown", (e) => {
    const act = e.ctrlKey || e.metaKey || e.altKey ? undefined : keys[e.key];
    if (act) {
      e.preventDefault();
      act();
    }
  });
  document.getElementById("toggle")?.addEventListener("click", toggle);
})();
