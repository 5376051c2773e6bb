// The map: what it shows, and what a person does with it. `tells(event, value)` is called with what Python is to know.

import { FlatCamera, RoundCamera } from "./camera.mjs";
import { classColours, css, themeOf } from "./colours.mjs";
import { density } from "./density.mjs";
import { webgl } from "./draw.mjs";
import { element } from "./elements.mjs";
import { Gestures } from "./gestures.mjs";
import { keys, keyTable } from "./keys.mjs";
import { Legend, number } from "./legend.mjs";
import { drawNames, heaps } from "./names.mjs";
import { drawOver } from "./overlay.mjs";
import { inside, nearest, screenPositions, simplified } from "./pick.mjs";
import { download, picture } from "./picture.mjs";
import { HIDDEN, Points, UNKNOWN } from "./points.mjs";
import { STYLES } from "./styles.mjs";
import { Toolbar } from "./toolbar.mjs";

const MOST_CORNERS = 120;
const MOVES_MS = 220;
const FEW = 3;
const NARROW = 640;
const NO_WEBGL = "No WebGL here: density picture; the table has every point.";

const counted = (count, what) => `${count.toLocaleString("en-US")} ${what}`;

export class EmbeddingMap {
  constructor(root) {
    Object.assign(this, {
      tells: () => {}, points: null, names: {}, picked: null, hovered: null, walked: null, selected: null, lasso: [],
      lassoing: false, moved: 1, marked: [], markedBits: null,
    });
    this.camera = new FlatCamera();
    this.builds(root);
    this.starts();
  }

  builds(root) {
    const does = {
      closer: () => this.zoom(1.5), away: () => this.zoom(1 / 1.5), reset: () => this.reset(), lasso: () => this.lassoes(!this.lassoing),
      save: () => this.saves(), keys: () => this.showsKeys(),
    };
    this.points3 = element("canvas");
    this.over = element("canvas");
    this.surface = element("div", { class: "surface", tabindex: "0", role: "application", "aria-describedby": "help" });
    this.toolbar = new Toolbar(does);
    this.legend = new Legend(() => this.fades());
    this.tip = element("div", { class: "tip", hidden: "" });
    this.count = element("span");
    this.fallback = element("span", { class: "none", hidden: "" }, NO_WEBGL);
    this.clearing = element("button", { type: "button", hidden: "", click: () => this.clears() });
    this.empty = element("div", { class: "empty", hidden: "" }, "No point to draw: no text has a place on this map yet.");
    this.said = element("div", { class: "said", role: "status", "aria-live": "polite" });
    this.help = element("div", { class: "said", id: "help" });
    this.plot = element("div", { class: "plot" }, this.points3, this.over, this.surface, this.empty, keyTable(), this.toolbar.shown,
      element("div", { class: "below" }, this.fallback, this.count, this.clearing), this.tip);
    this.frame = element("div", { class: "map" }, this.plot, this.legend.shown, this.said, this.help);
    // Streamlit has shortcuts of one letter, and sees the host only.
    this.frame.addEventListener("keydown", (event) => event.stopPropagation());
    root.append(element("style", {}, STYLES), this.frame);
  }

  starts() {
    this.drawing = webgl(this.points3) ?? density(this.points3);
    this.flat = !this.drawing.gl;
    this.fallback.hidden = !this.flat;
    this.points3.addEventListener("webglcontextlost", (event) => event.preventDefault());
    this.points3.addEventListener("webglcontextrestored", () => { this.drawing.begins(); this.fills(); });
    new Gestures(this.surface, {
      hover: (x, y) => this.hovers(x, y), leave: () => this.hovers(), click: (x, y, touch) => this.clicks(x, y, touch),
      drag: (x, y, aside) => this.drags(x, y, aside), zoom: (factor, x, y) => this.zoom(factor, x, y), reset: () => this.reset(),
      isLassoing: () => this.lassoing, lassoes: (lasso) => this.draws(lasso), selects: (lasso) => this.selects(lasso),
    });
    this.help.textContent = keys(this.surface, {
      drag: (x, y) => this.drags(x, y), zoom: (factor) => this.zoom(factor), reset: () => this.reset(), walk: (way) => this.walks(way),
      pickWalked: () => this.walked !== null && this.picks(this.walked), selectView: () => this.selectsView(),
      lasso: () => this.lassoes(!this.lassoing), clear: () => this.clears(), help: () => this.showsKeys(),
    });
    this.sizes = new ResizeObserver(() => this.resizes());
    this.sizes.observe(this.frame);
    this.quiet = matchMedia("(prefers-reduced-motion: reduce)");
  }

  ends() {
    this.sizes.disconnect();
    cancelAnimationFrame(this.frameAsked);
    this.over_ = true;
    this.drawing.ends();
  }

  // Take what Python gives now: `data` as embedding_map() makes it, `parts` as bytes.
  shows(data, parts) {
    const before = this.data;
    this.data = data;
    this.frame.style.setProperty("--height", `${data.height}px`);
    this.surface.setAttribute("aria-label", data.label);
    this.theme = themeOf(this.frame);
    const others = data.parts.coordinates !== this.names.coordinates || data.parts.classes !== this.names.classes;
    if (data.parts.coordinates !== this.names.coordinates) this.arrives(new Points(parts.coordinates));
    this.classes = parts.classes;
    const groups = data.legend.filter((entry) => !entry.rest).length;
    if (others || groups !== this.groups) this.named = heaps(this.points, this.classes, groups);
    this.groups = groups;
    this.frames();
    this.texts = parts.texts === this.textBytes ? this.texts : parts.texts && JSON.parse(new TextDecoder().decode(parts.texts));
    this.textBytes = parts.texts;
    this.names = data.parts;
    this.marks(data.marked);
    this.table = classColours(data.colours, data.scale !== null, this.theme);
    this.screen = null;
    this.fills();
    this.tallies();
    if (before === undefined || data.focus !== before.focus) this.focuses(data.focus, before !== undefined);
    if (before !== undefined && data.letGo !== before.letGo) this.letsGo();
    this.resizes();
    Object.assign(this.frame.dataset, { drawn: data.parts.coordinates, named: this.named.length });
  }

  // Other coordinates. As many points as before are the same ones, and move.
  arrives(points) {
    const before = this.points;
    const same = before && before.count === points.count && before.dims === points.dims;
    this.points = points;
    if (!same) {
      this.camera = points.dims === 3 ? new RoundCamera() : new FlatCamera();
      Object.assign(this, { picked: null, hovered: null, walked: null, selected: null });
    }
    this.moved = same && !this.quiet.matches && !this.flat ? 0 : 1;
    this.before = this.moved < 1 ? before : points;
    this.began = performance.now();
  }

  // What is left out leaves the others more room.
  frames() {
    const hidden = this.classes.map((one) => Number(one === HIDDEN));
    const others = !this.hidden || hidden.length !== this.hidden.length || hidden.some((one, index) => one !== this.hidden[index]);
    this.hidden = hidden;
    this.camera.frames(this.points.frame(this.classes), others);
  }

  fills() {
    if (!this.points) return;
    this.drawing.points(this.points, this.before);
    this.drawing.classes(this.classes);
    this.drawing.colours(this.table);
    this.fades();
  }

  marks(told) {
    this.markedBits = new Uint8Array(this.points.count);
    if (typeof told === "string") {
      const bits = atob(told);
      for (let at = 0; at < this.markedBits.length; at++) this.markedBits[at] = (bits.charCodeAt(at >> 3) >> (at & 7)) & 1;
      this.marked = [];
    } else {
      this.marked = told.filter((index) => this.isDrawn(index, this.classes));
      for (const index of told) this.markedBits[index] = 1;
    }
    this.marksMany = typeof told === "string";
    this.lines = this.data.lines.filter((line) => line.every((index) => this.isDrawn(index, this.classes)));
  }

  isDrawn(index) { return index >= 0 && index < this.points.count && this.classes[index] !== HIDDEN; }

  tallies() {
    const tally = new Uint32Array(256);
    for (const one of this.classes) tally[one] += 1;
    const drawn = this.points.count - tally[HIDDEN];
    this.empty.hidden = drawn > 0;
    this.count.textContent = counted(drawn, drawn === 1 ? "point" : "points") +
      (tally[HIDDEN] ? `, ${tally[HIDDEN].toLocaleString("en-US")} not drawn` : "");
    this.count.hidden = drawn === 0;
    const { legend, scale, colours } = this.data;
    this.legend.shows({
      legend, scale, table: this.table, unknown: tally[UNKNOWN], stops: this.theme.dark ? colours.dark : colours.light,
    });
    this.drawn = drawn;
  }

  // Which points stand back: for the legend, for the lasso, for Python.
  fades() {
    const faded = new Uint8Array(this.points.count);
    const single = this.legend.single;
    const others = this.data.dimmed || this.marksMany;
    for (let index = 0; index < faded.length; index++) {
      if ((single.size && !single.has(this.classes[index])) || (this.selected && !this.selected[index]) ||
          (others && !this.markedBits[index])) faded[index] = 1;
    }
    this.faded = faded;
    this.someFaded = faded.includes(1);
    this.drawing.faded(faded);
    const count = this.selected ? this.selected.reduce((sum, one) => sum + one, 0) : 0;
    this.clearing.hidden = !this.selected;
    this.clearing.textContent = `${counted(count, "selected")} · Clear`;
    this.asks();
    return count;
  }

  focuses(index, moves) { // at first everything is in view
    this.picked = index !== null && this.isDrawn(index) ? index : null;
    if (moves && this.picked !== null) this.camera.show(this.points.world(this.picked));
  }

  resizes() {
    if (!this.points) return;
    const narrow = this.frame.clientWidth < NARROW;
    this.frame.classList.toggle("narrow", narrow);
    const { clientWidth: width, clientHeight: height } = this.plot;
    if (!width || !height) return;
    this.ratio = Math.min(2, devicePixelRatio || 1);
    const margins = narrow ? [64, 108] : [104, 56]; // the tools stand there
    this.camera.fits(width, height, this.drawn > FEW ? margins : [width / 2, height / 2]);
    const size = [Math.round(width * this.ratio), Math.round(height * this.ratio)];
    for (const canvas of [this.points3, this.over]) {
      if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    }
    this.stale = true;
    this.draw();
  }

  // Draw with the next frame; the points too, unless only what stands over them is other than before.
  asks({ overOnly = false } = {}) {
    this.stale ||= !overOnly;
    if (this.frameAsked || !this.points) return;
    this.frameAsked = requestAnimationFrame(() => {
      this.frameAsked = null;
      this.draw();
    });
  }

  get size() { // of a point in pixels: smaller where there are many, larger closer by
    const base = Math.min(10, 26 * Math.max(1, this.drawn) ** -0.19);
    return Math.min(22, base * Math.max(1, this.camera.zoom) ** 0.35);
  }

  get opacity() { return Math.min(0.95, Math.max(0.55, 0.95 - 0.15 * Math.log10(Math.max(1, this.drawn) / 1000))); }

  draw() {
    if (!this.points || this.over_) return;
    if (this.moved < 1) this.moved = Math.min(1, (performance.now() - this.began) / MOVES_MS);
    const { camera, theme, size, ratio, opacity } = this;
    const eased = this.moved * (2 - this.moved);
    if (this.stale) this.drawing.draw({ camera, theme, size, ratio, opacity, moved: eased, positions: this.flat ? this.positions() : null });
    this.stale = false;
    const context = this.over.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.over.width, this.over.height);
    context.scale(ratio, ratio);
    const { points, lines, marked, hovered, picked, walked, lasso } = this;
    if (this.moved === 1 && !this.someFaded) drawNames(context, { camera, theme, named: this.named, legend: this.data.legend });
    if (this.moved === 1) drawOver(context, { camera, points, theme, size, lines, marked, hovered, picked, walked, lasso });
    if (this.moved < 1) this.asks();
  }

  // Where every point is on the screen, made anew only for another view.
  positions() {
    const view = `${this.names.coordinates} ${this.camera.version}`;
    if (!this.screen || this.screen.view !== view) {
      this.screen = { ...screenPositions(this.points, this.classes, this.camera), view };
    }
    return this.screen;
  }

  near(x, y, reach) {
    return nearest(this.positions(), this.faded, x, y, Math.max(this.size / 2 + 4, reach), this.points.dims === 3);
  }

  zoom(factor, x, y) {
    if (!this.points) return false;
    const before = this.camera.zoom;
    this.camera.zoomAt(factor, x, y);
    this.hides();
    this.asks();
    return this.camera.zoom !== before;
  }

  drags(x, y, aside = false) {
    if (!this.points) return;
    if (aside) this.camera.pan(x, y);
    else this.camera.drag(x, y);
    this.hides();
    this.asks();
  }

  reset() {
    this.camera.reset();
    this.hides();
    this.asks();
  }

  hides() {
    this.hovered = null;
    this.tip.hidden = true;
  }

  hovers(x, y) {
    if (!this.points) return;
    const index = x === undefined ? null : this.near(x, y, 7);
    if (index === this.hovered) return;
    this.hovered = index;
    this.plot.classList.toggle("pointing", index !== null && !this.lassoing);
    this.tips(index);
    this.asks({ overOnly: true });
  }

  // What is known of a point, for the pointer and for the ear.
  about(index) {
    const { legend, scale, notes } = this.data;
    const one = this.classes[index];
    const what = one === UNKNOWN ? "none"
      : scale ? `${scale.title} ${number(scale.low + (scale.high - scale.low) * one / 253)}` : legend[one]?.label;
    return [notes[index] ?? this.texts?.[index] ?? "", what ?? `Point ${(index + 1).toLocaleString("en-US")}`];
  }

  tips(index) {
    this.tip.hidden = index === null;
    if (index === null) return;
    const [text, what] = this.about(index);
    const dot = element("span", { class: "dot" });
    dot.style.background = css([...this.table.slice(4 * this.classes[index], 4 * this.classes[index] + 3)]);
    this.tip.replaceChildren(...(text ? [element("div", {}, text)] : []), element("div", { class: "what" }, dot, what));
    const [x, y] = this.camera.onScreen(this.points.world(index));
    const left = Math.min(Math.max(6, x + 14), this.camera.width - this.tip.offsetWidth - 6);
    const top = y + 14 + this.tip.offsetHeight > this.camera.height ? y - this.tip.offsetHeight - 14 : y + 14;
    this.tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(Math.max(6, top))}px)`;
  }

  clicks(x, y, touch) {
    if (!this.points) return;
    const index = this.near(x, y, touch ? 22 : 7);
    if (index === null && this.picked === null) return;
    this.picks(index);
    if (touch) this.tips(index);
  }

  picks(index) {
    this.picked = index;
    this.tells("picked", index === null ? null : { index });
    this.says(index === null ? "Nothing picked" : `Picked: ${this.about(index).filter(Boolean).join(". ")}`);
    this.asks({ overOnly: true });
  }

  // From point to point, beginning with the one nearest to the middle of the view.
  walks(way) {
    if (!this.points) return;
    const view = `${this.names.coordinates} ${this.camera.version}`;
    if (!this.path || this.path.view !== view) this.path = { view, order: this.inView(), at: -1 };
    const { order } = this.path;
    if (!order.length) return this.says("No point in view");
    this.path.at = (this.path.at + way + order.length) % order.length;
    if (this.path.at < 0) this.path.at = 0;
    this.walked = order[this.path.at];
    this.tips(this.walked);
    this.says(`${this.path.at + 1} of ${order.length}: ${this.about(this.walked).filter(Boolean).join(". ")}`);
    return this.asks({ overOnly: true });
  }

  // Points in view that stand out, those in the middle first.
  inView() {
    const { x, y } = this.positions();
    const { width, height } = this.camera;
    const order = [];
    for (let index = 0; index < x.length; index++) {
      if (!this.faded[index] && x[index] >= 0 && x[index] <= width && y[index] >= 0 && y[index] <= height) order.push(index);
    }
    const far = (index) => (x[index] - width / 2) ** 2 + (y[index] - height / 2) ** 2;
    return order.sort((a, b) => far(a) - far(b));
  }

  lassoes(on) {
    this.lassoing = on;
    this.toolbar.lassoing(on);
    this.plot.classList.toggle("lassoing", on);
    this.says(on ? "Lasso on: draw around points" : "Lasso off");
  }

  draws(lasso) {
    if (lasso.length === 0 && this.lasso.length === 0) return;
    this.lasso = [...lasso];
    this.hides();
    this.asks({ overOnly: true });
  }

  selectsView() {
    const { width, height } = this.camera;
    this.selects([[0, 0], [width, 0], [width, height], [0, height]]);
  }

  selects(line) {
    if (!this.points) return;
    const polygon = simplified(line, MOST_CORNERS);
    const mask = inside(this.positions(), polygon);
    this.selected = mask.includes(1) ? mask : null;
    this.lassoes(false);
    const count = this.fades();
    this.says(counted(count, "points selected"));
    this.tells("lasso", { ...this.asPython(polygon), coordinates: this.names.coordinates });
  }

  asPython(polygon) {
    const short = (value) => Number(value.toPrecision(7));
    const { width, height } = this.camera;
    if (this.points.dims === 3) {
      const matrix = this.camera.dataMatrix(this.points).map((value) => Number(value.toPrecision(9)));
      return { polygon: polygon.map(([x, y]) => [short(x / width * 2 - 1), short(1 - y / height * 2)]), matrix };
    }
    return { polygon: polygon.map(([x, y]) => this.points.data(this.camera.world(x, y)).map(short)), matrix: null };
  }

  // Python acted on the lasso: it is over, and nobody needs to be told.
  letsGo() {
    Object.assign(this, { selected: null, lasso: [] });
    if (this.points) this.fades();
  }

  clears() {
    if (this.lassoing) return this.lassoes(false);
    if (this.selected) this.tells("lasso", null);
    if (this.picked !== null) this.tells("picked", null);
    Object.assign(this, { selected: null, picked: null, walked: null, lasso: [] });
    this.hides();
    if (this.legend.single.size) this.legend.clear();
    else if (this.points) this.fades();
    return this.says("Cleared");
  }

  showsKeys() { this.toolbar.showsKeys(this.plot.classList.toggle("with-keys")); }

  says(text) { this.said.textContent = text; }

  async saves() {
    if (!this.points) return;
    this.stale = true;
    this.draw(); // a WebGL canvas can be read in the task that drew it only
    const { legend, scale, caption } = this.data;
    const colour = (one) => css([...this.table.slice(4 * one, 4 * one + 3)]);
    const shown = scale
      ? [[scale.title, "", css(this.theme.background)], ...[253, 126, 0].map((step) => [
        number(scale.low + (scale.high - scale.low) * step / 253), "", colour(step)])]
      : legend.map((entry, one) => [entry.label, entry.count.toLocaleString("en-US"), colour(one)]);
    const { camera, ratio, theme } = this;
    const blob = await picture({ canvases: [this.points3, this.over], camera, ratio, theme, legend: shown, caption });
    download(blob, "map.png");
  }
}
