// The points as Python packed them (points.py), and the world they are drawn in: the longest axis from -1 to 1, the middle at 0.

const HEADER = 56;
export const UNKNOWN = 254;
export const HIDDEN = 255;

export class Points {
  constructor(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const numbers = (from) => [0, 1, 2].map((axis) => view.getFloat64(from + 8 * axis, true));
    this.count = view.getUint32(0, true);
    this.dims = view.getUint32(4, true);
    this.low = numbers(8);
    this.extent = numbers(32);
    this.places = new Uint16Array(bytes.slice(HEADER).buffer);
    this.half = Math.max(...this.extent) / 2 || 1;
    this.span = this.extent.map((extent) => extent / this.half); // of the world, along each axis
  }

  // Where a point is in the world.
  world(index) {
    return [0, 1, 2].map((axis) => (axis < this.dims ? (this.places[index * this.dims + axis] / 65535 - 0.5) * this.span[axis] : 0));
  }

  // The box around the points that are drawn: its middle, and its extent along each axis.
  frame(classes) {
    const [low, high] = [[Infinity, Infinity, Infinity], [-Infinity, -Infinity, -Infinity]];
    for (let index = 0; index < this.count; index++) {
      if (classes[index] === HIDDEN) continue;
      for (let axis = 0; axis < this.dims; axis++) {
        const at = this.places[index * this.dims + axis];
        if (at < low[axis]) low[axis] = at;
        if (at > high[axis]) high[axis] = at;
      }
    }
    const known = [0, 1, 2].map((axis) => axis < this.dims && high[axis] >= low[axis]);
    return {
      middle: known.map((is, axis) => (is ? ((low[axis] + high[axis]) / 2 / 65535 - 0.5) * this.span[axis] : 0)),
      span: known.map((is, axis) => (is ? (high[axis] - low[axis]) / 65535 * this.span[axis] : 0)),
    };
  }

  // From the world back to what Python has.
  data(world) {
    return world.map((at, axis) => at * this.half + this.low[axis] + this.extent[axis] / 2);
  }
}
