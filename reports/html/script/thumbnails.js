// Images of rows at their places in an enlarged picture, once it is zoomed in; none lies on another.
import { imageAt, paintImage } from "./data.js";
import { index, state } from "./state.js";

const THUMB = 30, // CSS pixels of the longer side
  FRAME = 2;
const painted = new Map();

function canvasOf(i) {
  if (!painted.has(i)) {
    const canvas = document.createElement("canvas");
    paintImage(canvas, i);
    painted.set(i, canvas);
  }
  return painted.get(i);
}

export function placeThumbs(panel) {
  // Rows with an image in the order of drawing, each where its box is free: [[row, left, top], …] in canvas pixels.
  const [width, height] = thumbSize(panel.ratio),
    [stepX, stepY] = [width + 2 * FRAME * panel.ratio, height + 2 * FRAME * panel.ratio];
  const taken = new Map(),
    found = [];
  const key = (column, row) => column * 4096 + row;
  for (const i of panel.picture.order) {
    if (!imageAt.has(i) || (state.selected && !state.selected[i])) continue;
    const [x, y] = panel.place(i),
      [left, top] = [x - stepX / 2, y - stepY / 2];
    if (left < 0 || top < 0 || left + stepX > panel.side || top + stepY > panel.side) continue;
    const column = Math.floor(left / stepX),
      row = Math.floor(top / stepY);
    let free = true;
    for (let c = column - 1; c <= column + 1 && free; c++)
      for (let r = row - 1; r <= row + 1 && free; r++) {
        const other = taken.get(key(c, r));
        if (other && Math.abs(other[0] - left) < stepX && Math.abs(other[1] - top) < stepY) free = false;
      }
    if (!free) continue;
    taken.set(key(column, row), [left, top]);
    found.push([i, left, top]);
  }
  return found;
}

function thumbSize(ratio) {
  const [height, width] = index.images.shape,
    scale = (THUMB * ratio) / Math.max(height, width);
  return [width * scale, height * scale];
}

export function drawThumbs(context, panel, inkOf) {
  const [width, height] = thumbSize(panel.ratio),
    frame = FRAME * panel.ratio;
  context.imageSmoothingEnabled = false;
  panel.thumbs = placeThumbs(panel).map(([i, left, top]) => {
    context.fillStyle = inkOf(i);
    context.fillRect(left, top, width + 2 * frame, height + 2 * frame);
    context.drawImage(canvasOf(i), left + frame, top + frame, width, height);
    return [left, top, width + 2 * frame, height + 2 * frame];
  });
}
