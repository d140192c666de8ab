// Pointing at a row, dragging a box, and enlarging a picture.
import { letters } from "./colours.js";
import { drawImage, idOf, rowOf } from "./data.js";
import { Panel, panelOf, redraw } from "./panel.js";
import { choose, settle, showPressed } from "./selection.js";
import { byId, FULL, index, NO_CODE, state } from "./state.js";
import { solid, turn, turnByKey, turning } from "./turning.js";

const tip = byId("tip"),
  zoom = byId("zoom");

export function listen(panel) {
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
    turns = false;
  const canDrag = (event) => event.button === 0 && (event.pointerType !== "touch" || panel === state.enlarged);
  element.addEventListener("pointerdown", (event) => {
    dragged = false;
    if (!canDrag(event)) return;
    start = last = where(event);
    turns = Boolean(panel.picture?.flat) && (turning.getAttribute("aria-pressed") === "true") !== event.shiftKey;
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
    } else if (start && dragged) brush(panel, [...start, ...here]);
    else point(panel, panel.nearest(...here), event);
  });
  const finish = () => {
    if (start && dragged && !turns) settle();
    start = panel.box = null;
    redraw(false);
  };
  element.addEventListener("pointerup", finish);
  element.addEventListener("pointercancel", finish);
  element.addEventListener("pointerleave", () => {
    if (!start) point(panel, -1);
  });
  element.addEventListener("click", (event) => {
    if (!dragged && panel !== state.enlarged) enlarge(panel);
    else if (!dragged && panel.side) point(panel, panel.nearest(...where(event)), event);
    dragged = false;
  });
  element.addEventListener("keydown", (event) => {
    if (panel === state.enlarged) return turnByKey(panel, event);
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    enlarge(panel);
  });
}

function brush(panel, box) {
  const [x0, x1] = [box[0], box[2]].sort((a, b) => a - b),
    [y0, y1] = [box[1], box[3]].sort((a, b) => a - b);
  const { x, y, has } = panel.picture,
    scale = FULL / panel.side;
  const left = x0 * scale,
    right = x1 * scale,
    low = FULL - y1 * scale,
    high = FULL - y0 * scale;
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

let opener = null;
export function enlarge(panel, from = panel.element) {
  if (!panel.picture) return;
  opener = from;
  point(panel, -1);
  if (!zoom.open) zoom.showModal();
  if (!state.enlarged) {
    state.enlarged = new Panel(byId("zoom-picture"));
    listen(state.enlarged);
  }
  state.enlarged.show(panel.element.dataset.cell, panel.title);
  const { picture } = state.enlarged;
  if (picture.z) {
    state.enlarged.picture = solid(picture);
    state.enlarged.element.tabIndex = 0;
  } else state.enlarged.element.removeAttribute("tabindex");
  turning.hidden = byId("turn-note").hidden = !picture.z;
  state.enlarged.element.setAttribute("role", "img");
  state.enlarged.element.setAttribute("aria-label", panel.element.getAttribute("aria-label").replace(" Enlarge.", ""));
  byId("zoom-title").textContent = panel.title;
  const caption = panel.element.parentElement.querySelector("figcaption")?.cloneNode(true);
  caption?.querySelector(".together")?.remove();
  byId("zoom-note").textContent = (caption?.textContent ?? "")
    .replace(" · x, y of 3-d", "")
    .replace(/\s+/g, " ")
    .trim();
  state.enlarged.visible = true;
  state.inHand = state.enlarged;
  redraw(false);
}
function step(by) {
  const all = [...document.querySelectorAll("#rows figure:not([hidden]) > .picture[data-cell]")].map((element) =>
    panelOf.get(element),
  );
  const shown = state.enlarged.picture.flat ?? state.enlarged.picture,
    here = all.findIndex((panel) => panel.picture === shown);
  enlarge(all[(here + by + all.length) % all.length]);
}
byId("previous").addEventListener("click", () => step(-1));
byId("next").addEventListener("click", () => step(1));
byId("close").addEventListener("click", () => zoom.close());
zoom.addEventListener("click", (event) => {
  if (event.target === zoom) zoom.close();
});
zoom.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});
zoom.addEventListener("close", () => {
  state.enlarged.visible = false;
  document.body.append(tip);
  point(state.enlarged, -1);
  opener.focus({ preventScroll: true });
});
