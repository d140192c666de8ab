// A panel draws one picture: points into pixels, names, marks. A frame redraws what is on the screen, and only for so long.
import { clusterMode, colours, focusMode, noiseMode, ownIslands, rgb, theme } from "./colours.js";
import { imageAt, latentNear, nulls, pictures, tally } from "./data.js";
import { DENSE, densityOf, shade } from "./density.js";
import { drawNames } from "./names.js";
import { drawThreads } from "./neighbours.js";
import { FULL, grid, NO_CODE, state } from "./state.js";
import { drawThumbs } from "./thumbnails.js";

export const panels = [];
export const panelOf = new Map();

let lastScratch = null;
function scratch(context, side) {
  if (lastScratch?.width !== side) lastScratch = context.createImageData(side, side);
  return lastScratch;
}

export class Panel {
  constructor(element) {
    this.element = element;
    this.large = element.hasAttribute("data-large");
    this.map = element.hasAttribute("data-map");
    this.focus = clusterMode && element.hasAttribute("data-focus") ? focusMode(element.dataset.focus) : null;
    this.islands = element.hasAttribute("data-islands");
    this.base = document.createElement("canvas");
    this.over = document.createElement("canvas");
    element.append(this.base, this.over);
    this.together = element.parentElement.querySelector(".together");
    this.show(element.dataset.null ?? element.dataset.cell, element.dataset.title);
    this.visible = false;
    this.side = this.drawn = 0;
    panels.push(this);
    panelOf.set(element, this);
  }
  get linked() {
    return true;
  }
  get mode() {
    return this.islands ? ownIslands : this.focus && !state.selected ? this.focus : state.mode;
  }
  show(cell, title) {
    this.cell = cell;
    this.picture = pictures.get(cell);
    this.title = title ?? "";
    this.view = { left: 0, bottom: 0, scale: 1 };
    this.ground = null;
    this.stale = true;
  }
  look({ left, bottom, scale }) {
    // Show a part of the picture: its corner and how much it is enlarged; never what lies outside of it.
    const most = FULL - FULL / scale;
    this.view = { left: Math.max(0, Math.min(left, most)), bottom: Math.max(0, Math.min(bottom, most)), scale };
    this.ground = null;
    this.unmarked = false;
    this.stale = true;
    redraw(false);
  }
  fit() {
    const ratio = Math.min(window.devicePixelRatio || 1, 2),
      side = Math.round(this.element.clientWidth * ratio);
    if (side !== this.side) {
      this.unmarked = true;
      for (const canvas of [this.base, this.over]) canvas.width = canvas.height = side;
      this.ground = null;
      this.stale = true;
    }
    this.side = side;
    this.ratio = ratio;
  }
  draw() {
    if (!this.picture) return;
    this.fit();
    if (!this.side) return;
    if (this.stale) this.drawPoints();
    this.stale = false;
    this.drawn = performance.now();
    this.drawMarks();
  }
  drawPoints() {
    // Every point is blended into the pixels by itself, so that where points overlap their number shows, in colour;
    // one path per colour would be drawn as one flat shape. Points shrink and fade as they grow in number.
    const { side } = this,
      context = this.base.getContext("2d"),
      image = scratch(context, side);
    const {
        mode,
        picture: { order },
      } = this,
      n = order.length,
      chosenRows = this.linked ? state.selected : null;
    const palette = colours().map(rgb),
      grey = rgb(theme().grey),
      paper = rgb(theme().paper);
    const pixels = image.data;
    this.drawGround(pixels, paper, grey);
    const radius = this.radius(),
      alpha = Math.max(0.3, Math.min(0.9, 1.25 - 0.16 * Math.log10(Math.max(1, n)))),
      rest = Math.max(0.3, 0.55 * alpha); // what is not selected: grey, but there, also where no two points overlap
    const codes = mode.codes(this.picture),
      slotOf = this.slots(codes);
    for (const chosen of chosenRows ? [0, 1] : [1]) {
      for (let k = 0; k < n; k++) {
        const i = order[k];
        if (chosenRows && chosenRows[i] !== chosen) continue;
        const slot = codes[i] < 0 ? NO_CODE : slotOf[codes[i]];
        const ink = !chosen || slot < 0 ? grey : palette[slot],
          [px, py] = this.place(i);
        this.splat(
          pixels,
          px,
          py,
          ink,
          chosen ? (slot < 0 ? 0.75 * alpha : chosenRows ? Math.max(alpha, 0.8) : alpha) : rest,
          radius,
        );
      }
    }
    context.putImageData(image, 0, 0);
    this.thumbs = [];
    if (this === state.enlarged && state.thumbs && imageAt.size && this.view.scale >= THUMBS_FROM) {
      const inks = colours();
      drawThumbs(context, this, (i) => (codes[i] < 0 ? null : inks[slotOf[codes[i]]]) ?? theme().grey);
    }
    if (this.large && !(this.map && clusterMode) && !mode.unnamed) drawNames(context, this, codes);
  }
  drawGround(pixels, paper, grey) {
    // Paper, and under many points their density; kept, since a selection changes the points above it only.
    if (
      this.ground &&
      this.ground.picture === this.picture &&
      this.ground.paper === theme().paper &&
      !this.picture.moved
    )
      return pixels.set(this.ground.pixels);
    for (let i = 0; i < 4; i++) pixels[i] = i < 3 ? paper[i] : 255;
    new Uint32Array(pixels.buffer).fill(new Uint32Array(pixels.buffer, 0, 1)[0]);
    if (this.picture.order.length < DENSE) return;
    shade(pixels, this.side, densityOf(this), paper, grey);
    this.ground = { picture: this.picture, paper: theme().paper, pixels: pixels.slice() };
  }
  radius() {
    const widest = this.large ? 6 : 4;
    return (
      (Math.max(
        1.1,
        Math.min(widest, (0.72 * this.side) / this.ratio / Math.sqrt(Math.max(1, this.picture.order.length))),
      ) *
        this.ratio *
        Math.min(2, Math.sqrt(this.view.scale))) /
      2
    );
  }
  slots(codes) {
    const {
      mode,
      picture: { n },
    } = this;
    let last = -1;
    for (let i = 0; i < n; i++) if (codes[i] > last) last = codes[i];
    return Int16Array.from({ length: last + 1 }, (_, code) => mode.slot(mode.number(this.picture, code)));
  }
  splat(pixels, cx, cy, ink, alpha, radius) {
    const side = this.side;
    const reach = radius + 0.5,
      x1 = Math.min(side - 1, Math.floor(cx + reach)),
      y1 = Math.min(side - 1, Math.floor(cy + reach));
    for (let y = Math.max(0, Math.floor(cy - reach)); y <= y1; y++) {
      const dy = y + 0.5 - cy;
      for (let x = Math.max(0, Math.floor(cx - reach)); x <= x1; x++) {
        const dx = x + 0.5 - cx,
          cover = reach - Math.sqrt(dx * dx + dy * dy);
        if (cover <= 0) continue;
        const share = cover < 1 ? alpha * cover : alpha,
          at = 4 * (y * side + x);
        pixels[at] += (ink[0] - pixels[at]) * share;
        pixels[at + 1] += (ink[1] - pixels[at + 1]) * share;
        pixels[at + 2] += (ink[2] - pixels[at + 2]) * share;
      }
    }
  }
  drawMarks() {
    const context = this.over.getContext("2d"),
      nothing = state.marked < 0 && state.kept < 0 && !this.box;
    if (nothing && this.unmarked) return;
    this.unmarked = nothing;
    context.clearRect(0, 0, this.side, this.side);
    for (const i of new Set([state.kept, state.marked])) {
      if (i < 0 || (this.picture.has && !this.picture.has[i])) continue;
      const [px, py] = this.place(i);
      if (state.threads && latentNear) drawThreads(context, this, i);
      for (const [ink, width] of [
        [theme().paper, 5],
        [theme().ink, 2],
      ]) {
        context.strokeStyle = ink;
        context.lineWidth = width * this.ratio;
        context.beginPath();
        context.arc(px, py, 6 * this.ratio, 0, 7);
        context.stroke();
      }
    }
    if (this.box) {
      const [x0, y0, x1, y1] = this.box;
      context.strokeStyle = context.fillStyle = theme().ink;
      context.globalAlpha = 0.1;
      context.fillRect(x0, y0, x1 - x0, y1 - y0);
      context.globalAlpha = 1;
      context.lineWidth = this.ratio;
      context.strokeRect(x0, y0, x1 - x0, y1 - y0);
    }
  }
  place(i) {
    // Where a point lies on the canvas, in its pixels.
    const { left, bottom, scale } = this.view,
      unit = (scale * this.side) / FULL;
    return [(this.picture.x[i] - left) * unit, this.side - (this.picture.y[i] - bottom) * unit];
  }
  origin(px, py) {
    // What lies at a place of the canvas, in steps of the picture.
    const { left, bottom, scale } = this.view,
      unit = FULL / (scale * this.side);
    return [left + px * unit, bottom + (this.side - py) * unit];
  }
  sees(i) {
    const [px, py] = this.place(i);
    return px >= 0 && py >= 0 && px <= this.side && py <= this.side;
  }
  nearest(px, py) {
    const { x, y } = this.picture,
      [qx, qy] = this.origin(px, py);
    const reach = (14 * this.ratio * FULL) / (this.view.scale * this.side);
    let best = -1,
      least = reach * reach;
    for (const i of this.picture.order) {
      const dx = x[i] - qx,
        dy = y[i] - qy,
        distance = dx * dx + dy * dy;
      if (distance < least) {
        least = distance;
        best = i;
      }
    }
    return best;
  }
  tell() {
    // Of the state.selected rows, the share that this picture keeps in one island.
    if (!this.together) return;
    const counts = state.selected && this.picture ? tally(this.picture.filled, this.picture.has) : [];
    const total = counts.reduce((sum, pair) => sum + pair[1], 0);
    this.together.textContent = total ? `${Math.round((100 * counts[0][1]) / total)} % in one island` : "";
  }
}
export class NoisePanel extends Panel {
  get linked() {
    return false;
  }
  get mode() {
    return noiseMode;
  }
  show(cell, title) {
    super.show(cell, title);
    this.picture = nulls.get(cell);
  }
  drawMarks() {}
  tell() {}
}
const THUMBS_FROM = 2; // times enlarged

// A frame draws marks everywhere, but points only for so long: what is left over follows in the next frames, the picture
// in hand first and then those that were drawn longest ago. So a drag stays smooth however many pictures follow it.
const FRAME_MS = 14;
let scheduled = false;
export function redraw(points) {
  if (points) for (const panel of panels) panel.stale = true;
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(drawFrame);
}
export function drawFrame() {
  scheduled = false;
  const end = performance.now() + FRAME_MS,
    shown = panels.filter((panel) => panel.visible && panel.picture);
  for (const panel of shown) panel.fit();
  const waiting = shown
    .filter((panel) => panel.stale && panel.side)
    .sort((a, b) => (b === state.inHand) - (a === state.inHand) || a.drawn - b.drawn);
  let done = 0;
  while (done < waiting.length && (!done || performance.now() < end)) waiting[done++].draw();
  for (const panel of shown) if (panel.side) panel.drawMarks();
  grid.setAttribute("aria-busy", String(done < waiting.length));
  if (done < waiting.length) redraw(false);
}
