// The map as a PNG: points, what stands over them, the legend and the caption.

import { css } from "./colours.mjs";

const ASIDE = 220;
const LINE = 20;

export function picture({ canvases, camera, ratio, theme, legend, caption }) {
  const aside = legend.length ? ASIDE : 0;
  const lines = Math.max(0, Math.floor((camera.height - 24) / LINE));
  const below = caption ? 2 * LINE : 0;
  const canvas = document.createElement("canvas");
  canvas.width = (camera.width + aside) * ratio;
  canvas.height = (camera.height + below) * ratio;
  const context = canvas.getContext("2d");
  context.fillStyle = css(theme.background);
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (const drawn of canvases) context.drawImage(drawn, 0, 0, camera.width * ratio, camera.height * ratio);
  context.scale(ratio, ratio);
  context.font = `13px ${theme.font}`;
  context.textBaseline = "middle";
  legend.slice(0, lines).forEach((entry, at) => line(context, entry, camera.width + 12, 24 + at * LINE, theme));
  context.fillStyle = css(theme.text);
  if (caption) context.fillText(caption, 12, camera.height + LINE, camera.width + aside - 24);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

function line(context, [text, count, colour], x, y, theme) {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x + 5, y, 5, 0, 2 * Math.PI);
  context.fill();
  context.fillStyle = css(theme.text);
  context.fillText(shortened(context, text, ASIDE - 90), x + 18, y);
  context.textAlign = "right";
  context.fillText(count, x + ASIDE - 24, y);
  context.textAlign = "left";
}

function shortened(context, text, room) {
  let short = text;
  while (short && context.measureText(`${short}…`).width > room) short = short.slice(0, -1);
  return context.measureText(text).width <= room ? text : `${short}…`;
}

export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
