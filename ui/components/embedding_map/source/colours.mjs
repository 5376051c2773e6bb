// The theme, as the page around the map has it, and a colour for each class.

import { HIDDEN, UNKNOWN } from "./points.mjs";

export const STEPS = 254; // of a scale: points.py

export function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

export function hex(colour) {
  return `#${colour.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
}

// The page's colours. Any CSS colour comes out as rgb(), since the browser resolves it.
export function themeOf(element) {
  const style = getComputedStyle(element);
  const probe = document.createElement("span");
  element.append(probe);
  const resolved = (name, otherwise) => {
    probe.style.color = otherwise;
    probe.style.color = style.getPropertyValue(name) || otherwise;
    return getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
  };
  const theme = {
    background: resolved("--st-background-color", "#ffffff"),
    text: resolved("--st-text-color", "#101820"),
    border: resolved("--st-border-color", "#cfd8e3"),
    primary: resolved("--st-primary-color", "#0b6bcb"),
    font: style.fontFamily || "sans-serif",
  };
  probe.remove();
  theme.dark = theme.background[0] * 0.2 + theme.background[1] * 0.7 + theme.background[2] * 0.1 < 128;
  return theme;
}

export function css(colour, alpha = 1) {
  return `rgba(${colour.map(Math.round).join(",")},${alpha})`;
}

// For each of 256 classes its red, green, blue.
export function classColours(colours, continuous, theme) {
  const table = new Uint8Array(256 * 4);
  const stops = (theme.dark ? colours.dark : colours.light).map(rgb);
  const palette = colours.palette.map(rgb);
  for (let number = 0; number < 256; number++) {
    const known = continuous ? between(stops, number / (STEPS - 1)) : palette[number % palette.length];
    table.set([...(number >= UNKNOWN ? rgb(colours.unknown) : known).map(Math.round), number === HIDDEN ? 0 : 255], number * 4);
  }
  return table;
}

function between(stops, share) {
  const at = Math.min(1, share) * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(at));
  return stops[low].map((part, place) => part + (stops[low + 1][place] - part) * (at - low));
}
