// Fingers, mouse and wheel. One pointer drags, or draws the lasso; two pan and zoom; little movement is a click.

const STILL = 4; // pixels

export class Gestures {
  constructor(surface, does) {
    Object.assign(this, { surface, does, pointers: new Map(), moved: 0, lasso: null });
    const on = (name, act, options) => surface.addEventListener(name, act, options);
    on("pointerdown", (event) => this.down(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.up(event));
    on("pointercancel", (event) => this.away(event));
    on("pointerleave", () => does.leave());
    on("dblclick", (event) => { event.preventDefault(); does.reset(); });
    on("contextmenu", (event) => event.preventDefault());
    on("wheel", (event) => this.wheel(event), { passive: false });
  }

  at(event) {
    const place = this.surface.getBoundingClientRect();
    return [event.clientX - place.left, event.clientY - place.top];
  }

  down(event) {
    this.surface.setPointerCapture(event.pointerId);
    this.surface.classList.add("known"); // a hand on the mouse needs no list of keys
    this.surface.focus({ preventScroll: true });
    this.pointers.set(event.pointerId, this.at(event));
    if (this.pointers.size > 1) {
      this.lasso = null;
      this.does.lassoes([]);
      this.moved = Infinity;
      return;
    }
    this.moved = 0;
    this.aside = event.button === 2;
    if (event.button === 0 && (event.shiftKey || this.does.isLassoing())) this.lasso = [this.at(event)];
  }

  move(event) {
    const now = this.at(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.does.hover(...now);
      return;
    }
    const [x, y] = [now[0] - before[0], now[1] - before[1]];
    if (this.moved === Infinity && this.pointers.size > 1) this.pinch(event.pointerId, now);
    this.pointers.set(event.pointerId, now);
    if (this.moved === Infinity) return;
    this.moved += Math.hypot(x, y);
    if (this.lasso) this.draws(event);
    else if (this.moved > STILL) this.does.drag(x, y, this.aside);
  }

  draws(event) {
    // All positions between two frames, or a fast hand draws corners.
    const events = event.getCoalescedEvents?.() ?? [];
    for (const at of (events.length ? events : [event]).map((one) => this.at(one))) {
      const last = this.lasso[this.lasso.length - 1];
      if (Math.hypot(at[0] - last[0], at[1] - last[1]) >= 2) this.lasso.push(at);
    }
    this.does.lassoes(this.lasso);
  }

  pinch(moving, now) {
    const [other] = [...this.pointers].filter(([id]) => id !== moving).map(([, at]) => at);
    const before = this.pointers.get(moving);
    const apart = (one) => Math.max(20, Math.hypot(one[0] - other[0], one[1] - other[1]));
    const middle = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
    this.does.drag((now[0] - before[0]) / 2, (now[1] - before[1]) / 2, true);
    this.does.zoom(apart(now) / apart(before), ...middle);
  }

  up(event) {
    const at = this.at(event);
    const [lasso, still] = [this.lasso, this.moved <= STILL];
    const known = this.pointers.has(event.pointerId);
    this.away(event);
    if (!known || event.button !== 0) return;
    if (lasso && lasso.length > 2) this.does.selects(lasso);
    else if (still) this.does.click(...at, event.pointerType === "touch");
  }

  away(event) {
    this.pointers.delete(event.pointerId);
    this.lasso = null;
    this.does.lassoes([]);
  }

  wheel(event) {
    const lines = event.deltaMode === 1 ? 16 : 1;
    const factor = Math.exp(-Math.max(-240, Math.min(240, event.deltaY * lines)) * (event.ctrlKey ? 0.01 : 0.002));
    // At an end of the zoom the wheel is the page's again.
    if (this.does.zoom(factor, ...this.at(event))) event.preventDefault();
  }
}
