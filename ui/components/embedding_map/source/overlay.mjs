// What stands over the points: lines, rings, the lasso, the edges of the room in three dimensions.

import { css } from "./colours.mjs";

const CORNERS = [0, 1, 2, 3, 4, 5, 6, 7].map((corner) => [0, 1, 2].map((axis) => ((corner >> axis) & 1 ? 0.5 : -0.5)));
const EDGES = CORNERS.flatMap((_, from) => [1, 2, 4].filter((bit) => !(from & bit)).map((bit) => [from, from | bit]));

// Draw all of it on a 2-D canvas, whose units are the screen's pixels by now.
export function drawOver(context, { camera, points, theme, size, lines, marked, hovered, picked, walked, lasso }) {
  const place = (index) => camera.onScreen(points.world(index));
  const away = points.dims === 3 ? 4 : null; // the eye's distance from the middle
  const radius = (w) => Math.max(3, (size * (away ? away / w : 1)) / 2 + 2.5);
  if (away) room(context, camera, theme);
  context.lineWidth = 1.5;
  context.strokeStyle = css(theme.text, 0.55);
  stroke(context, lines.map(([from, to]) => [place(from), place(to)]));
  for (const index of marked) ring(context, place(index), radius, theme, theme.text, 1.5);
  if (hovered !== null && hovered !== picked) ring(context, place(hovered), radius, theme, theme.text, 2);
  if (walked !== null && walked !== picked) ring(context, place(walked), radius, theme, theme.primary, 2);
  if (picked !== null) {
    ring(context, place(picked), radius, theme, theme.primary, 3);
    ring(context, place(picked), (w) => radius(w) + 5, theme, theme.primary, 1.5);
  }
  if (lasso.length > 1) loop(context, lasso, theme);
}

function ring(context, [x, y, w], radius, theme, colour, width) {
  if (w <= 0.1) return;
  for (const [stroke, style] of [[width + 2, css(theme.background, 0.9)], [width, css(colour)]]) {
    context.beginPath();
    context.arc(x, y, radius(w), 0, 2 * Math.PI);
    context.lineWidth = stroke;
    context.strokeStyle = style;
    context.stroke();
  }
}

function stroke(context, pairs) {
  context.beginPath();
  for (const [[ax, ay], [bx, by]] of pairs) {
    context.moveTo(ax, ay);
    context.lineTo(bx, by);
  }
  context.stroke();
}

function room(context, camera, theme) {
  const { middle, span } = camera.home;
  const corners = CORNERS.map((corner) => camera.onScreen(corner.map((at, axis) => middle[axis] + at * span[axis])));
  context.lineWidth = 1;
  context.strokeStyle = css(theme.text, 0.14);
  stroke(context, EDGES.map(([from, to]) => [corners[from], corners[to]]).filter(([a, b]) => a[2] > 0.1 && b[2] > 0.1));
}

function loop(context, lasso, theme) {
  context.beginPath();
  lasso.forEach(([x, y]) => context.lineTo(x, y));
  context.closePath();
  context.fillStyle = css(theme.primary, 0.12);
  context.fill();
  context.setLineDash([6, 4]);
  context.lineWidth = 2;
  context.strokeStyle = css(theme.primary);
  context.stroke();
  context.setLineDash([]);
}
