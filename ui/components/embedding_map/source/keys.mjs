// The keyboard: the same as the pointer can, and a walk from point to point.

import { element } from "./elements.mjs";

const STEP = 40; // pixels
const KEYS = [
  ["Arrows", "move or turn"], ["+ \u2212", "zoom"], ["0", "show everything"], ["N P", "walk from point to point"], ["Enter", "pick that point"],
  ["S", "select what is in view"], ["L", "lasso (or Shift and drag)"], ["Esc", "clear"], ["?", "show these"],
];

// The same for the eye: stands on the map once the keyboard is on it, until its first use, and again for a question mark.
export function keyTable() {
  const rows = KEYS.map(([names, does]) => element("div", {}, element("kbd", {}, names), element("span", {}, does)));
  return element("div", { class: "keys", "aria-hidden": "true" }, ...rows);
}

export function keys(surface, does) {
  const moves = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };
  const plain = {
    "+": () => does.zoom(1.4), "=": () => does.zoom(1.4), "-": () => does.zoom(1 / 1.4), 0: does.reset,
    n: () => does.walk(1), p: () => does.walk(-1), Enter: does.pickWalked, " ": does.pickWalked, s: does.selectView, l: does.lasso,
    Escape: does.clear, "?": does.help,
  };
  surface.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = moves[event.key] ? () => does.drag(...moves[event.key]) : plain[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    surface.classList.add("known");
    act();
  });
  surface.addEventListener("blur", () => surface.classList.remove("known"));
  return KEYS.map(([names, does]) => `${names}: ${does}`).join(", ");
}
