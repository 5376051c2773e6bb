// Makes elements. Texts are set as text: what stands in a map is other people's.

export function element(name, attributes = {}, ...inside) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(attribute, value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(attribute, value);
  }
  made.append(...inside);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

// A button with a drawing of lines.
export function iconButton(label, path, pressed) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  drawing.append(line);
  return element("button", { type: "button", "aria-label": label, title: label, click: pressed }, drawing);
}
