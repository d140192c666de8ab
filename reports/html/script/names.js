// Names written into a large picture, beside the points that they name.
import { nameOf, theme } from "./colours.js";
import { anchorOf, occupancy, placeLabels } from "./labels.js";
import { state } from "./state.js";

const MOST_NAMED = 60;
const shortened = (text) => (text.length > 24 ? `${text.slice(0, 23)}…` : text);

export function drawNames(context, panel, codes) {
  // Names beside their points, so that colour is not the only way to tell.
  const groups = new Map(),
    { mode, ratio, side } = panel,
    shown = panel.picture.order.filter((i) => panel.sees(i));
  for (const i of shown) {
    const code = mode.number(panel.picture, codes[i]);
    if (code < 0 || mode.slot(code) < 0 || (state.selected && !state.selected[i])) continue;
    if (!groups.has(code)) groups.set(code, []);
    groups.get(code).push(i);
  }
  context.font = `600 ${13 * ratio}px system-ui, sans-serif`;
  const filled = [...shown].map((i) => panel.place(i));
  for (const [left, top, width, height] of panel.thumbs)
    for (let right = 0; right < width; right += 6)
      for (let down = 0; down < height; down += 6) filled.push([left + right, top + down]);
  const [xs, ys] = [0, 1].map((axis) => Float32Array.from(filled, (place) => place[axis] / ratio));
  const largest = [...groups].sort((a, b) => b[1].length - a[1].length).slice(0, MOST_NAMED);
  const names = largest.map(([code, places]) => {
    const [x, y] = panel.place(anchorOf(places, panel.picture.x, panel.picture.y)),
      text = shortened(nameOf(code));
    return { text, x: x / ratio, y: y / ratio, width: context.measureText(text).width / ratio + 6, height: 17 };
  });
  placeLabels(names, side / ratio, occupancy(xs, ys, side / ratio)).forEach((place, k) => {
    if (place) writeName(context, names[k], place, ratio);
  });
}

function writeName(context, { text, width, height }, { left, top, leader }, ratio) {
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.strokeStyle = context.fillStyle = theme().ink;
  if (leader) {
    context.lineWidth = ratio;
    context.beginPath();
    context.moveTo(leader[0] * ratio, leader[1] * ratio);
    context.lineTo(leader[2] * ratio, leader[3] * ratio);
    context.stroke();
  }
  context.lineWidth = 3.5 * ratio;
  context.strokeStyle = theme().paper;
  const [x, y] = [(left + width / 2) * ratio, (top + height / 2) * ratio];
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}
