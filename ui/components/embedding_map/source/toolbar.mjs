// The buttons beside the map.

import { element, iconButton } from "./elements.mjs";

const ICONS = {
  closer: "M12 5v14M5 12h14",
  away: "M5 12h14",
  reset: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  lasso: "M7.5 17.5C4.5 16.4 3 14.2 3 11.5 3 7.4 7 4.5 12 4.5s9 2.9 9 6.8-4 6.7-8.7 6.7c-1.6 0-3.2-.2-4.8-.5m0 0a2 2 0 1 0-2.6 2.6 2 2 0 0 0 2.6-2.6m-1.5 2.6c.2 1-.2 1.9-1 2.4",
  keys: "M3.5 6.5h17v11h-17zM7 10h0M11 10h0M15 10h2M8 14h8",
  save: "M12 4v11m-4.5-4.5L12 15l4.5-4.5M5 19.5h14",
};

export class Toolbar {
  constructor(does) {
    this.lasso = iconButton("Lasso: draw around points (L, or Shift and drag)", ICONS.lasso, does.lasso);
    this.lasso.classList.add("lasso");
    this.keys = iconButton("Keys", ICONS.keys, does.keys);
    this.keys.classList.add("of-keys");
    this.shown = element("div", { class: "tools", role: "group", "aria-label": "Tools of the map" },
      iconButton("Zoom in (+)", ICONS.closer, does.closer),
      iconButton("Zoom out (-)", ICONS.away, does.away),
      iconButton("Show everything (0)", ICONS.reset, does.reset),
      this.lasso,
      iconButton("Save as a picture", ICONS.save, does.save),
      this.keys);
    this.lassoing(false);
    this.showsKeys(false);
  }

  showsKeys(on) { this.keys.setAttribute("aria-pressed", String(on)); }

  lassoing(on) { this.lasso.setAttribute("aria-pressed", String(on)); }
}
