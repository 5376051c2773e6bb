// What the heaps are called: each group's name where most of it stands together, unless others stand there as well.

import { css } from "./colours.mjs";
import { HIDDEN } from "./points.mjs";

const CELLS = 24; // of the frame, along each side; a heap is nine of them
const FEWEST = 3;
const SHARE = 0.1; // of its group: fewer are not what the group is about
const PURE = 0.6; // of all that stand there: else the name would be wrong for many
const LONGEST = 28;
const ABOVE = 14; // pixels: a small heap would be hidden by its name
const AROUND = [-1, 0, 1].flatMap((down) => [-1, 0, 1].map((across) => [down, across]));

// Of each group that has one its heap (classes from *groups* on are none, and stand among others): the group's number, its middle in the world, how many it holds; the largest first.
export function heaps(points, classes, groups) {
  if (points.dims !== 2 || groups < 2) return [];
  const { middle, span } = points.frame(classes);
  const low = middle.map((at, axis) => at - span[axis] / 2);
  const cells = CELLS * CELLS;
  const [all, own, sums] = [new Uint32Array(cells), new Uint32Array(cells * groups), new Float64Array(2 * cells * groups)];
  const tally = new Uint32Array(groups);
  const along = (at, axis) => { // rounding leads to either side
    const cell = Math.floor(((at - low[axis]) / (span[axis] || 1)) * CELLS);
    return Math.max(0, Math.min(CELLS - 1, cell));
  };
  for (let index = 0; index < points.count; index++) {
    const group = classes[index];
    if (group === HIDDEN) continue;
    const x = (points.places[2 * index] / 65535 - 0.5) * points.span[0];
    const y = (points.places[2 * index + 1] / 65535 - 0.5) * points.span[1];
    const cell = along(y, 1) * CELLS + along(x, 0);
    all[cell] += 1;
    if (group >= groups) continue;
    const at = cell * groups + group;
    tally[group] += 1;
    own[at] += 1;
    sums[2 * at] += x;
    sums[2 * at + 1] += y;
  }
  const found = [];
  for (let group = 0; group < groups; group++) {
    const best = largest(group, groups, { all, own, sums });
    if (best && best.count >= SHARE * tally[group]) found.push(best);
  }
  return found.sort((a, b) => b.count - a.count);
}

function largest(group, groups, { all, own, sums }) {
  let best = null;
  for (let cell = 0; cell < all.length; cell++) {
    if (!own[cell * groups + group]) continue;
    let [count, everybody, x, y] = [0, 0, 0, 0];
    for (const [down, across] of AROUND) {
      const [row, column] = [Math.floor(cell / CELLS) + down, (cell % CELLS) + across];
      if (row < 0 || column < 0 || row >= CELLS || column >= CELLS) continue;
      const at = (row * CELLS + column) * groups + group;
      everybody += all[row * CELLS + column];
      count += own[at];
      x += sums[2 * at];
      y += sums[2 * at + 1];
    }
    if (count < FEWEST || count < PURE * everybody || count <= (best?.count ?? 0)) continue;
    best = { group, at: [x / count, y / count, 0], count };
  }
  return best;
}

// Draw the names that have room; where two would touch, that of the larger heap.
export function drawNames(context, { camera, theme, named, legend }) {
  const taken = [];
  context.save();
  Object.assign(context, { font: `600 12px ${theme.font}`, textAlign: "center", textBaseline: "middle", lineJoin: "round", lineWidth: 4 });
  for (const { group, at } of named) {
    const whole = legend[group]?.label ?? "";
    const letters = [...whole]; // a pair of surrogates is one
    const name = letters.length > LONGEST ? `${letters.slice(0, LONGEST - 1).join("")}…` : whole;
    const [x, middle] = camera.onScreen(at);
    const y = middle - ABOVE;
    const half = context.measureText(name).width / 2 + 3;
    const box = [x - half, y - 9, x + half, y + 9];
    if (!name || box[0] < 0 || box[2] > camera.width || box[1] < 0 || box[3] > camera.height) continue;
    if (taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) continue;
    taken.push(box);
    context.strokeStyle = css(theme.background, 0.85);
    context.strokeText(name, x, y);
    context.fillStyle = css(theme.text);
    context.fillText(name, x, y);
  }
  context.restore();
}
