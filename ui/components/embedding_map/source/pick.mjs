// Which point is here, which are inside. Positions on the screen are made once for each view: 100,000 of them take a
// millisecond or two, and a look through them a fraction of one, so that no index is needed.

import { HIDDEN } from "./points.mjs";

const AWAY = -1e6; // where what is not drawn is

export function screenPositions(points, classes, camera) {
  const { count, dims, places, span } = points;
  const [x, y, near] = [new Float32Array(count), new Float32Array(count), new Float32Array(count)];
  const m = camera.matrix();
  const [w, h] = [camera.width / 2, camera.height / 2];
  for (let index = 0; index < count; index++) {
    const at = index * dims;
    const a = (places[at] / 65535 - 0.5) * span[0];
    const b = (places[at + 1] / 65535 - 0.5) * span[1];
    const c = dims === 3 ? (places[at + 2] / 65535 - 0.5) * span[2] : 0;
    const depth = m[3] * a + m[7] * b + m[11] * c + m[15];
    const shown = classes[index] !== HIDDEN && depth > 0.1;
    x[index] = shown ? ((m[0] * a + m[4] * b + m[8] * c + m[12]) / depth + 1) * w : AWAY;
    y[index] = shown ? (1 - (m[1] * a + m[5] * b + m[9] * c + m[13]) / depth) * h : AWAY;
    near[index] = depth;
  }
  return { x, y, near };
}

// The point nearest to (x, y) within so many pixels, or null. What is faded only where nothing else is; of those that stand
// behind each other, the one in front.
export function nearest({ x, y, near }, faded, atX, atY, within, deep) {
  let found = null;
  let best = Infinity;
  for (let index = 0; index < x.length; index++) {
    const across = x[index] - atX;
    const down = y[index] - atY;
    const distance = across * across + down * down;
    if (distance > within * within) continue;
    const rank = distance + (faded[index] ? 1e6 : 0) + (deep ? near[index] * 40 : 0);
    if (rank < best) [best, found] = [rank, index];
  }
  return found;
}

// For each point whether it is inside the polygon (even-odd). A point meets only the sides that pass its row of pixels.
export function inside({ x, y }, polygon) {
  const mask = new Uint8Array(x.length);
  const left = Math.min(...polygon.map((corner) => corner[0]));
  const right = Math.max(...polygon.map((corner) => corner[0]));
  const top = Math.floor(Math.min(...polygon.map((corner) => corner[1])));
  const rows = sidesByRow(polygon, top);
  for (let index = 0; index < x.length; index++) {
    const sides = rows[Math.floor(y[index]) - top];
    if (sides === undefined || x[index] < left || x[index] > right) continue;
    let held = 0;
    for (let at = 0; at < sides.length; at += 4) { // each is ax, ay, bx, by
      const ay = sides[at + 1];
      const by = sides[at + 3];
      if (ay > y[index] === by > y[index]) continue;
      if (x[index] < ((sides[at + 2] - sides[at]) * (y[index] - ay)) / (by - ay) + sides[at]) held ^= 1;
    }
    mask[index] = held;
  }
  return mask;
}

function sidesByRow(polygon, top) {
  const rows = [];
  polygon.forEach(([bx, by], at) => {
    const [ax, ay] = polygon.at(at - 1);
    for (let row = Math.floor(Math.min(ay, by)) - top; row <= Math.floor(Math.max(ay, by)) - top; row++) {
      (rows[row] ??= []).push(ax, ay, bx, by);
    }
  });
  return rows;
}

// The same line with fewer corners (Ramer 1972, Douglas and Peucker 1973), coarser until it has at most so many.
export function simplified(line, most) {
  let kept = line;
  for (let tolerance = 0.7; kept.length > most || kept === line; tolerance *= 1.5) kept = reduced(line, tolerance);
  return kept;
}

function reduced(line, tolerance) {
  const keep = new Set([0, line.length - 1]);
  const open = [[0, line.length - 1]];
  while (open.length) {
    const [from, to] = open.pop();
    let [far, at] = [tolerance, null];
    for (let index = from + 1; index < to; index++) {
      const distance = fromLine(line[index], line[from], line[to]);
      if (distance > far) [far, at] = [distance, index];
    }
    if (at === null) continue;
    keep.add(at);
    open.push([from, at], [at, to]);
  }
  return line.filter((_, index) => keep.has(index));
}

function fromLine([x, y], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const along = length ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length)) : 0;
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}
