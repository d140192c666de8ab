// Pictures of three dimensions: turned where they are enlarged.
import { redraw } from "./panel.js";
import { byId, FULL, n } from "./state.js";

export const turning = byId("turning");
const HALF = FULL / 2,
  STEP = Math.PI / 18;
const KEYS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
export function solid(picture) {
  // A view of a picture whose x and y follow its turns; sized so that no turn takes a point out of the frame.
  let farthest = 1;
  for (let i = 0; i < n; i++)
    farthest = Math.max(farthest, Math.hypot(picture.x[i] - HALF, picture.y[i] - HALF, picture.z[i] - HALF));
  const view = {
    ...picture,
    flat: picture,
    x: new Uint16Array(n),
    y: new Uint16Array(n),
    order: picture.order.slice(),
    depth: new Float32Array(n),
    moved: true, // nothing of a view is kept for the next frame
    scale: (0.96 * HALF) / farthest,
    axes: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  };
  project(view);
  return view;
}
function project(view) {
  const {
    flat,
    x,
    y,
    depth,
    scale,
    axes: [a, b, c],
  } = view;
  for (let i = 0; i < n; i++) {
    const [px, py, pz] = [flat.x[i] - HALF, flat.y[i] - HALF, flat.z[i] - HALF];
    x[i] = HALF + scale * (a[0] * px + a[1] * py + a[2] * pz);
    y[i] = HALF + scale * (b[0] * px + b[1] * py + b[2] * pz);
    depth[i] = c[0] * px + c[1] * py + c[2] * pz;
  }
  view.order.set(flat.order);
  view.order.sort((i, j) => depth[i] - depth[j]); // the nearest is drawn last
}
export function turn(panel, right, down) {
  const view = panel.picture,
    mix = (a, b, angle) => {
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      return [a.map((one, k) => cos * one + sin * b[k]), a.map((one, k) => cos * b[k] - sin * one)];
    };
  let [a, b, c] = view.axes;
  [a, c] = mix(a, c, right);
  [b, c] = mix(b, c, -down);
  view.axes = [a, b, c];
  project(view);
  panel.stale = true;
  redraw(false);
}
export function turnByKey(panel, event) {
  if (!panel.picture?.flat || !(event.key in KEYS || event.key === "Home")) return;
  event.preventDefault();
  event.stopPropagation(); // elsewhere in the dialog the arrows lead to the next picture
  if (event.key === "Home")
    panel.picture.axes = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ];
  turn(panel, ...(KEYS[event.key] ?? [0, 0]));
}
turning.addEventListener("click", () =>
  turning.setAttribute("aria-pressed", String(turning.getAttribute("aria-pressed") !== "true")),
);
