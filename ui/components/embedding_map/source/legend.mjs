// What the colours mean: a list of classes, each of which can be singled out; or a scale.

import { css } from "./colours.mjs";
import { element } from "./elements.mjs";
import { UNKNOWN } from "./points.mjs";

export class Legend {
  // *changed* is called with the numbers of the classes that are singled out.
  constructor(changed) {
    this.changed = changed;
    this.single = new Set();
    this.shown = element("div", { class: "legend" });
  }

  shows({ legend, scale, table, unknown, stops }) {
    const colour = (number) => css([...table.slice(number * 4, number * 4 + 3)]);
    const all = scale ? [] : legend.map((entry, number) => [number, entry.label, entry.count]);
    const entries = all.filter(([number, , count]) => count > 0 || this.single.has(number));
    if (unknown) entries.push([UNKNOWN, scale ? "no value" : "none", unknown]);
    this.single = new Set([...this.single].filter((number) => entries.some(([known]) => known === number)));
    this.shown.replaceChildren(...(scale ? [ramp(scale, stops)] : []), ...(entries.length ? [this.list(entries, colour)] : []));
    this.shown.hidden = !scale && entries.length === 0;
  }

  list(entries, colour) {
    const list = element("ul", { "aria-label": "Classes: choose one to fade the others" });
    for (const [number, label, count] of entries) {
      const dot = element("span", { class: "dot" });
      dot.style.background = colour(number);
      const entry = element("button", { type: "button", title: label, click: () => this.toggle(number) },
        dot, element("span", { class: "name" }, label), element("span", { class: "count" }, count.toLocaleString("en-US")));
      entry.dataset.number = number;
      list.append(element("li", {}, entry));
    }
    this.entries = list;
    this.marks();
    return list;
  }

  toggle(number) {
    if (!this.single.delete(number)) this.single.add(number);
    this.marks();
    this.changed(this.single);
  }

  clear() {
    this.single.clear();
    if (this.entries) this.marks();
    this.changed(this.single);
  }

  marks() {
    for (const entry of this.entries.querySelectorAll("button")) {
      const chosen = this.single.has(Number(entry.dataset.number));
      entry.setAttribute("aria-pressed", String(chosen));
      entry.classList.toggle("faded", this.single.size > 0 && !chosen);
    }
  }
}

function ramp(scale, stops) {
  const bar = element("div", { class: "bar" });
  bar.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
  return element("div", { class: "scale" }, element("div", { class: "title" }, scale.title), bar,
    element("div", { class: "ends" }, element("span", {}, number(scale.low)), element("span", {}, number(scale.high))));
}

export function number(value) {
  return Number(value.toPrecision(3)).toLocaleString("en-US", { maximumSignificantDigits: 3 });
}
