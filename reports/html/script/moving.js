// From one picture to another: every point moves to where the other has it, by a slider or as long as a button is pressed.
import { nameMap, pictures } from "./data.js";
import { redraw } from "./panel.js";
import { byId, n, state } from "./state.js";

const against = byId("against"),
  slider = byId("moved"),
  hold = byId("hold"),
  controls = byId("moving"),
  reached = byId("moved-note");
const MILLISECONDS = 700; // of the whole way
const still = matchMedia("(prefers-reduced-motion: reduce)");
let from = null,
  share = 0,
  goal = 0,
  last = null;

export function resetMoving(panel) {
  from = panel.picture;
  const others = against.options.length > 1 || (against.options[0] && against.options[0].value !== panel.cell);
  controls.hidden = Boolean(from.flat || from.has || !others);
  if (controls.hidden) return;
  for (const option of against.options) option.disabled = option.value === panel.cell;
  if (against.selectedOptions[0]?.disabled || against.selectedIndex < 0)
    against.selectedIndex = [...against.options].findIndex((option) => !option.disabled);
  [share, goal] = [0, 0];
  tell();
}
export function stopMoving() {
  goal = 0;
  if (share) moveTo(0);
}

function moveTo(wanted) {
  const to = pictures.get(against.value),
    panel = state.enlarged;
  share = wanted;
  if (share === 0) panel.picture = from;
  else if (share === 1) panel.picture = to;
  else {
    const [x, y] = [new Uint16Array(n), new Uint16Array(n)];
    for (let i = 0; i < n; i++) {
      x[i] = from.x[i] + (to.x[i] - from.x[i]) * share;
      y[i] = from.y[i] + (to.y[i] - from.y[i]) * share;
    }
    panel.picture = { ...(share < 0.5 ? from : to), x, y, z: null, order: from.order, moved: true };
  }
  panel.stale = true;
  panel.unmarked = false;
  tell();
  redraw(false);
}
function tell() {
  slider.value = String(Math.round(100 * share));
  const other = nameMap.get(against.value);
  reached.textContent = share === 0 ? "" : share === 1 ? `now ${other}` : `${Math.round(100 * share)} % of the way`;
  slider.setAttribute("aria-valuetext", `${Math.round(100 * share)} % of the way to ${other}`);
}

function glide(wanted) {
  goal = wanted;
  last = null;
  if (still.matches) moveTo(goal);
  else requestAnimationFrame(advance);
}
function advance() {
  const now = performance.now(),
    by = last === null ? 0 : (now - last) / MILLISECONDS;
  last = now;
  if (share === goal) return;
  moveTo(goal > share ? Math.min(goal, share + by) : Math.max(goal, share - by));
  requestAnimationFrame(advance);
}

export function listenToMoving() {
  for (const [cell, title] of nameMap) against.add(new Option(title, cell));
  against.addEventListener("change", () => moveTo(share));
  slider.addEventListener("input", () => {
    goal = slider.valueAsNumber / 100;
    moveTo(goal);
  });
  const isPress = (event) => event.key === " " || event.key === "Enter";
  hold.addEventListener("pointerdown", (event) => {
    hold.setPointerCapture(event.pointerId);
    glide(1);
  });
  for (const end of ["pointerup", "pointercancel", "blur"]) hold.addEventListener(end, () => glide(0));
  hold.addEventListener("keydown", (event) => {
    if (isPress(event) && !event.repeat) glide(1);
  });
  hold.addEventListener("keyup", (event) => {
    if (isPress(event)) glide(0);
  });
}
