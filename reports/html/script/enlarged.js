// A picture enlarged in a dialog: stepping, zooming in, and moving its points to where another picture has them.
import { latentNear } from "./data.js";
import { listenToMoving, resetMoving, stopMoving } from "./moving.js";
import { Panel, panelOf, redraw } from "./panel.js";
import { listen, point } from "./pointing.js";
import { keep } from "./selection.js";
import { byId, index, state } from "./state.js";
import { solid, turning } from "./turning.js";

const dialog = byId("zoom"),
  dialogTip = byId("tip");
const MOST_ENLARGED = 16,
  ZOOM_STEP = 1.4;
let opener = null;

export function enlarge(panel, from = panel.element) {
  if (!panel.picture) return;
  opener = from;
  point(panel, -1);
  if (!dialog.open) dialog.showModal();
  if (!state.enlarged) {
    state.enlarged = new Panel(byId("zoom-picture"));
    listen(state.enlarged, (_, i) => keep(i === state.kept ? -1 : i));
    state.enlarged.element.addEventListener("wheel", zoomByWheel, { passive: false });
  }
  const own = state.enlarged;
  own.show(panel.element.dataset.cell, panel.title);
  const { picture } = own;
  if (picture.z) {
    own.picture = solid(picture);
    own.element.tabIndex = 0;
  } else own.element.removeAttribute("tabindex");
  turning.hidden = byId("turn-note").hidden = !picture.z;
  own.element.setAttribute("role", "img");
  own.element.setAttribute("aria-label", panel.element.getAttribute("aria-label").replace(" Enlarge.", ""));
  byId("zoom-title").textContent = panel.title;
  const caption = panel.element.parentElement.querySelector("figcaption")?.cloneNode(true);
  caption?.querySelector(".together")?.remove();
  byId("zoom-note").textContent = (caption?.textContent ?? "")
    .replace(" · x, y of 3-d", "")
    .replace(/\s+/g, " ")
    .trim();
  own.visible = true;
  state.inHand = own;
  resetMoving(own);
  redraw(false);
}

function step(by) {
  const all = [...document.querySelectorAll("#rows figure:not([hidden]) > .picture[data-cell]")].map((element) =>
    panelOf.get(element),
  );
  const here = all.findIndex((panel) => panel.cell === state.enlarged.cell);
  enlarge(all[(here + by + all.length) % all.length]);
}

// --- zooming in --------------------------------------------------------------------------------------------------------
function zoomBy(factor, at = [state.enlarged.side / 2, state.enlarged.side / 2]) {
  // What lies under a place of the canvas stays there.
  const panel = state.enlarged,
    { left, bottom } = panel.view,
    [x, y] = panel.origin(...at),
    scale = Math.max(1, Math.min(MOST_ENLARGED, panel.view.scale * factor)),
    share = panel.view.scale / scale;
  panel.look({ left: x - (x - left) * share, bottom: y - (y - bottom) * share, scale });
}
function zoomByWheel(event) {
  event.preventDefault();
  const box = state.enlarged.element.getBoundingClientRect(),
    unit = state.enlarged.side / box.width;
  zoomBy(event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP, [
    (event.clientX - box.left) * unit,
    (event.clientY - box.top) * unit,
  ]);
}

export function listenToDialog() {
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("close").addEventListener("click", () => dialog.close());
  byId("zoom-in").addEventListener("click", () => zoomBy(ZOOM_STEP));
  byId("zoom-out").addEventListener("click", () => zoomBy(1 / ZOOM_STEP));
  for (const [id, key, there] of [
    ["threads", "threads", latentNear],
    ["thumbs", "thumbs", index.images],
  ]) {
    const box = byId(id);
    box.parentElement.hidden = !there;
    box.addEventListener("change", () => {
      state[key] = box.checked;
      redraw(true);
    });
  }
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    if (/^(input|select)$/i.test(event.target.tagName) && event.target.type !== "checkbox") return; // these need the arrows
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
    if (event.key === "+" || event.key === "=") zoomBy(ZOOM_STEP);
    if (event.key === "-") zoomBy(1 / ZOOM_STEP);
  });
  dialog.addEventListener("close", () => {
    state.enlarged.visible = false;
    stopMoving();
    document.body.append(dialogTip);
    point(state.enlarged, -1);
    opener.focus({ preventScroll: true });
  });
  listenToMoving();
}
