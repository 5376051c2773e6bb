// The keyboard: the same as the pointer can, and a walk from point to point.

const STEP = 40; // pixels
const HELP = "Arrow keys move or turn, plus and minus zoom, 0 shows everything, N and P walk through the points from the middle " +
  "outwards, Enter picks, S selects what is in view, L draws a lasso, Escape clears.";

export function keys(surface, does) {
  const moves = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };
  const plain = {
    "+": () => does.zoom(1.4), "=": () => does.zoom(1.4), "-": () => does.zoom(1 / 1.4), 0: does.reset,
    n: () => does.walk(1), p: () => does.walk(-1), Enter: does.pickWalked, " ": does.pickWalked, s: does.selectView, l: does.lasso,
    Escape: does.clear,
  };
  surface.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = moves[event.key] ? () => does.drag(...moves[event.key]) : plain[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  return HELP;
}
