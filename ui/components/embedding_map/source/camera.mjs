// Where the map is looked at from. Both cameras make a matrix from the world to the picture (4 x 4, by columns, -1 to 1).

const NEAREST = 400;
const DISTANCE = 4; // of the eye from the middle of three dimensions
const CLOSEST = 0.02; // of the world: no frame is narrower than that

const limited = (low, value, high) => Math.min(high, Math.max(low, value));

class Camera {
  constructor() {
    this.width = this.height = 1;
    this.home = { middle: [0, 0, 0], span: [2, 2, 2] }; // what is in view at first
    this.margins = [0, 0]; // pixels that no point is put into at first, across and down
    this.version = 0; // counts changes
    this.reset();
  }

  fits(width, height, margins) {
    if (width === this.width && height === this.height && String(margins) === String(this.margins)) return;
    Object.assign(this, { width, height, margins });
    this.version += 1;
  }

  // Let that box be what is in view at first. Whoever has looked closer stays there, unless other points are drawn.
  frames(home, others) {
    const untouched = this.version === this.resetAt;
    this.home = home;
    if (others || untouched) this.reset();
    else this.version += 1;
  }

  resets(view) {
    Object.assign(this, view);
    this.version += 1;
    this.resetAt = this.version;
  }

  // The matrix for somebody who starts from Python's own coordinates.
  dataMatrix(points) {
    const view = this.matrix();
    const middle = points.low.map((low, axis) => low + points.extent[axis] / 2);
    const scaled = view.map((value, place) => (place < 12 ? value / points.half : value));
    for (let row = 0; row < 4; row++) {
      scaled[12 + row] -= [0, 1, 2].reduce((sum, axis) => sum + scaled[4 * axis + row] * middle[axis], 0);
    }
    return scaled;
  }

  // World to pixels; the third is the distance, the nearer the smaller.
  onScreen([x, y, z]) {
    const m = this.matrix();
    const [a, b, w] = [0, 1, 3].map((row) => m[row] * x + m[4 + row] * y + m[8 + row] * z + m[12 + row]);
    return [(a / w + 1) / 2 * this.width, (1 - b / w) / 2 * this.height, w];
  }

  zoomed(factor) {
    const before = this.zoom;
    this.zoom = limited(0.5, this.zoom * factor, NEAREST);
    this.version += 1;
    return this.zoom / before;
  }
}

export class FlatCamera extends Camera {
  reset() {
    this.resets({ zoom: 1, centre: this.home.middle.slice(0, 2) });
  }

  get scale() { // pixels for one unit of the world
    const [x, y] = this.home.span.map((span) => Math.max(span, CLOSEST));
    const room = (size, margin) => Math.max(size - margin, size / 3);
    return this.zoom * Math.min(room(this.width, this.margins[0]) / x, room(this.height, this.margins[1]) / y);
  }

  matrix() {
    const x = 2 * this.scale / this.width;
    const y = 2 * this.scale / this.height;
    return [x, 0, 0, 0, 0, y, 0, 0, 0, 0, 0, 0, -this.centre[0] * x, -this.centre[1] * y, 0, 1];
  }

  world(x, y) {
    return [this.centre[0] + (x - this.width / 2) / this.scale, this.centre[1] - (y - this.height / 2) / this.scale];
  }

  zoomAt(factor, x = this.width / 2, y = this.height / 2) {
    const fixed = this.world(x, y);
    this.zoomed(factor);
    const moved = this.world(x, y);
    this.centre = this.centre.map((at, axis) => limited(-1.2, at + fixed[axis] - moved[axis], 1.2));
  }

  pan(x, y) {
    this.centre = [limited(-1.2, this.centre[0] - x / this.scale, 1.2), limited(-1.2, this.centre[1] + y / this.scale, 1.2)];
    this.version += 1;
  }

  drag(x, y) { this.pan(x, y); }

  show(world) {
    const [x, y] = this.onScreen(world);
    if (x > 24 && y > 24 && x < this.width - 24 && y < this.height - 24) return;
    this.centre = world.slice(0, 2);
    this.version += 1;
  }
}

export class RoundCamera extends Camera {
  reset() {
    this.resets({ zoom: 1, yaw: 0.6, pitch: 0.35, shift: [0, 0] });
  }

  get scale() { return this.zoom * this.closer * this.lens / DISTANCE * Math.min(this.width, this.height) / 2; }

  // How much the box is enlarged, so that its longest edge is 2.
  get closer() { return 2 / Math.max(CLOSEST, ...this.home.span); }

  // So long that the box's corners stay in the picture however it is turned.
  get lens() {
    const radius = Math.hypot(...this.home.span) / 2 * this.closer;
    return 0.94 / Math.tan(Math.asin(Math.min(0.9, Math.max(0.2, radius / DISTANCE))));
  }

  matrix() {
    const [sy, cy, sp, cp] = [Math.sin(this.yaw), Math.cos(this.yaw), Math.sin(this.pitch), Math.cos(this.pitch)];
    const across = [cy, 0, sy]; // the world's axes as the eye sees them
    const up = [sp * sy, cp, -sp * cy];
    const near = [-cp * sy, sp, cp * cy];
    const shorter = Math.min(this.width, this.height);
    const [x, y] = [this.width, this.height].map((size) => this.lens * this.zoom * shorter / size);
    const columns = [0, 1, 2].map((axis) => [
      across[axis] * x - near[axis] * this.shift[0], up[axis] * y - near[axis] * this.shift[1], -near[axis] * 0.5, -near[axis],
    ].map((value) => value * this.closer));
    const begin = [this.shift[0] * DISTANCE, this.shift[1] * DISTANCE, 0, DISTANCE];
    const { middle } = this.home;
    return [...columns.flat(), ...begin.map((value, row) => value - columns.reduce((sum, one, axis) => sum + one[row] * middle[axis], 0))];
  }

  zoomAt(factor, x = this.width / 2, y = this.height / 2) {
    const at = [x / this.width * 2 - 1, 1 - y / this.height * 2];
    const grown = this.zoomed(factor);
    this.shift = this.shift.map((shift, axis) => limited(-this.zoom, at[axis] + (shift - at[axis]) * grown, this.zoom));
  }

  pan(x, y) {
    this.shift = [this.shift[0] + 2 * x / this.width, this.shift[1] - 2 * y / this.height];
    this.version += 1;
  }

  drag(x, y) {
    this.yaw += x * 0.008;
    this.pitch = limited(-1.5, this.pitch + y * 0.008, 1.5);
    this.version += 1;
  }

  show(world) {
    const [x, y] = this.onScreen(world);
    if (x > 24 && y > 24 && x < this.width - 24 && y < this.height - 24) return;
    this.pan(this.width / 2 - x, this.height / 2 - y);
  }
}
