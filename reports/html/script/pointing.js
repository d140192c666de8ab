// Pointing at a row, dragging a box, pressing a picture.
import { letters } from "./colours.js";
import { drawImage, idOf, latentNear, rowOf } from "./data.js";
import { lostNeighbours, NEAR_HERE, neighboursOf } from "./neighbours.js";
import { redraw } from "./panel.js";
import { choose, settle, showPressed } from "./selection.js";
import { byId, index, NO_CODE, state } from "./state.js";
import { turn, turnByKey, turning } from "./turning.js";

const tip = byId("tip"),
  zoom = byId("zoom");

export function listen(panel, press) {
  // press(panel, row): what a press does that is no drag, or Enter; row is the point under the pointer, or -1.
  const element = panel.element;
  const where = (event) => {
    const box = element.getBoundingClientRect(),
      scale = panel.side / element.clientWidth;
    return [
      (event.clientX - box.left - element.clientLeft) * scale,
      (event.clientY - box.top - element.clientTop) * scale,
    ];
  };
  let start = null,
    last = null,
    dragged = false,
    turns = false,
    moves = false;
  const canDrag = (event) => event.button === 0 && (event.pointerType !== "touch" || panel === state.enlarged);
  element.addEventListener("pointerdown", (event) => {
    dragged = false;
    if (!canDrag(event)) return;
    start = last = where(event);
    turns = Boolean(panel.picture?.flat) && (turning.getAttribute("aria-pressed") === "true") !== event.shiftKey;
    moves = !turns && event.shiftKey && panel.view.scale > 1;
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    if (!panel.picture || !panel.side) return;
    const here = where(event);
    if (start && Math.hypot(here[0] - start[0], here[1] - start[1]) > 5 * panel.ratio) dragged = true;
    if (start && dragged && turns) {
      const step = 3 / panel.side;
      turn(panel, step * (here[0] - last[0]), step * (here[1] - last[1]));
      last = here;
    } else if (start && dragged && moves) {
      const [[x0, y0], [x1, y1]] = [panel.origin(...last), panel.origin(...here)],
        { left, bottom, scale } = panel.view;
      panel.look({ left: left + x0 - x1, bottom: bottom + y0 - y1, scale });
      last = here;
    } else if (start && dragged) brush(panel, [...start, ...here]);
    else point(panel, panel.nearest(...here), event);
  });
  const finish = () => {
    if (start && dragged && !turns && !moves) settle();
    start = panel.box = null;
    redraw(false);
  };
  element.addEventListener("pointerup", finish);
  element.addEventListener("pointercancel", finish);
  element.addEventListener("pointerleave", () => {
    if (!start) point(panel, -1);
  });
  element.addEventListener("click", (event) => {
    if (!dragged) press(panel, panel.side && panel.picture ? panel.nearest(...where(event)) : -1, event);
    dragged = false;
  });
  element.addEventListener("keydown", (event) => {
    if (panel === state.enlarged) return turnByKey(panel, event);
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    press(panel, -1, event);
  });
}

function brush(panel, box) {
  const [x0, x1] = [box[0], box[2]].sort((a, b) => a - b),
    [y0, y1] = [box[1], box[3]].sort((a, b) => a - b);
  const { x, y, has } = panel.picture,
    [left, high] = panel.origin(x0, y0),
    [right, low] = panel.origin(x1, y1);
  panel.box = box;
  state.inHand = panel;
  state.marked = -1;
  tip.hidden = true;
  if (state.pressed.size) {
    state.pressed = new Set();
    showPressed();
  }
  choose(
    (i) => (!has || has[i]) && x[i] >= left && x[i] <= right && y[i] >= low && y[i] <= high,
    `in a box of ${panel.title}`,
  );
}

export function point(panel, i, event) {
  tip.hidden = i < 0;
  if (i >= 0) showTip(panel, i, event);
  if (i === state.marked) return;
  state.marked = i;
  redraw(false);
}

function showTip(panel, i, at) {
  const lines = [idOf(i)];
  if (idOf(i) !== String(rowOf(i))) lines.push(`row ${rowOf(i)}`);
  else lines[0] = `row ${lines[0]}`;
  for (const label of index.labels)
    lines.push(`${label.name}: ${label.codes[i] < 0 ? "none" : label.values[label.codes[i]]}`);
  const cluster = index.cluster?.codes[i] ?? NO_CODE;
  if (panel) {
    const island = panel.picture.island[i];
    lines.push(
      island < 0 ? "in no island here" : `island ${island} here, matched to ${letters(panel.picture.islands[island])}`,
    );
  }
  if (cluster >= 0)
    lines.push(`${index.cluster.name} ${index.cluster.values[cluster]}: ${index.cluster.names[cluster]}`);
  if (panel && latentNear && state.threads) {
    const own = neighboursOf(i, panel.picture).length,
      lost = lostNeighbours(i, panel.picture).size;
    if (own)
      lines.push(
        `${own - lost} of ${own} latent neighbours among its ${NEAR_HERE} nearest here${lost ? "; dashed: not" : ""}`,
      );
  }
  byId("tip-text").textContent = lines.join("\n");
  drawImage(byId("tip-image"), i, 72);
  (zoom.open ? zoom : document.body).append(tip);
  const box = tip.getBoundingClientRect(),
    bound = (value, most) => `${Math.max(4, Math.min(value, most))}px`;
  // Left of the pointer where there is no room on its right, so that the tip never lies on the point.
  const left = at.clientX + 16 + box.width > innerWidth - 8 ? at.clientX - box.width - 16 : at.clientX + 16;
  tip.style.left = bound(left, innerWidth - box.width - 8);
  tip.style.top = bound(at.clientY + 16, innerHeight - box.height - 8);
}
