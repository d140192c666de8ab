// Unpacks the pictures: one order of points everywhere, so that a point is the same index in each.
import { NO_CODE, byId, index, n, state } from "./state.js";

async function unpack() {
  const text = atob(byId("packed").textContent.trim()),
    bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i); // a call for each of millions would be seen
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}
const buffer = await unpack();
export const pictures = new Map();
let at = 0;
const take = (Type, count = n) => {
  const part = new Type(buffer, at, count);
  at += part.byteLength;
  return part;
};
// Points are drawn in one shuffled order, the same everywhere: in the file's order the last label would lie on top.
const order = shuffled(n);
for (const { cell, islands, dimension } of index.pictures) {
  const [x, y, z] = [take(Uint16Array), take(Uint16Array), dimension === 3 ? take(Uint16Array) : null];
  pictures.set(cell, { x, y, z, island: take(Int16Array), filled: take(Int16Array), islands, n, order });
}
for (const label of index.labels) label.codes = take(Int16Array);
if (index.cluster) index.cluster.codes = take(Int16Array);
for (const measure of index.measures) measure.codes = take(Int16Array);
// The nearest rows of every point in the latent space, the nearest first; FULL where fewer are drawn.
export const latentNear = index.neighbours ? take(Uint16Array, n * index.neighbours) : null;
// Pictures of reference data: their rows are no rows of the file, so that nothing links them.
export const nulls = new Map();
for (const { cell, points } of index.nulls) {
  const [x, y, island] = [take(Uint16Array, points), take(Uint16Array, points), take(Int16Array, points)];
  nulls.set(cell, { x, y, island, n: points, order: shuffled(points) });
}
// Pictures of halves: the rows are those of the file, but some are missing.
for (const { cell, points, islands } of index.halves) {
  const [which, px, py] = [take(Uint16Array, points), take(Uint16Array, points), take(Uint16Array, points)];
  const [own, near] = [take(Int16Array, points), take(Int16Array, points)],
    has = new Uint8Array(n);
  const [x, y] = [new Uint16Array(n), new Uint16Array(n)];
  const [island, filled] = [new Int16Array(n).fill(NO_CODE), new Int16Array(n).fill(NO_CODE)];
  which.forEach((i, k) => {
    has[i] = 1;
    x[i] = px[k];
    y[i] = py[k];
    island[i] = own[k];
    filled[i] = near[k];
  });
  pictures.set(cell, { x, y, z: null, island, filled, islands, n, has, order: order.filter((i) => has[i]) });
}
// Images of some rows, a byte per value.
export const imageAt = new Map();
if (index.images) {
  const [height, width, channels] = index.images.shape,
    length = height * width * channels;
  for (const i of index.images.places) imageAt.set(i, take(Uint8Array, length));
}
export function drawImage(canvas, i, side) {
  // Shown `side` pixels large on its longer side; the browser enlarges, in whole pixels' edges.
  canvas.hidden = !imageAt.has(i);
  if (canvas.hidden) return;
  const [height, width] = index.images.shape,
    scale = side / Math.max(height, width);
  paintImage(canvas, i);
  canvas.style.width = `${Math.round(width * scale)}px`;
  canvas.style.height = `${Math.round(height * scale)}px`;
}
export function paintImage(canvas, i) {
  const bytes = imageAt.get(i),
    [height, width, channels] = index.images.shape;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d"),
    image = context.createImageData(width, height);
  for (let p = 0; p < width * height; p++) {
    for (let c = 0; c < 3; c++) image.data[4 * p + c] = bytes[channels === 3 ? 3 * p + c : p];
    image.data[4 * p + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}
// Pictures that another can move to, by what they are called: those of all rows, in two dimensions.
export const nameMap = new Map(
  [...document.querySelectorAll("#rows [data-figure] > .picture[data-cell]")]
    .filter(({ dataset }) => pictures.get(dataset.cell) && !pictures.get(dataset.cell).z)
    .map(({ dataset }) => [dataset.cell, dataset.title]),
);
export const rowOf = (i) => (index.rows ? index.rows[i] : i);
export const idOf = (i) => (index.ids ? index.ids[i] : String(rowOf(i)));

export function tally(codes, has) {
  // How often each code occurs among the selected rows, the most frequent first.
  const counts = new Map();
  for (let i = 0; i < n; i++)
    if (state.selected[i] && (!has || has[i])) counts.set(codes[i], (counts.get(codes[i]) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}

function shuffled(count) {
  const places = Uint32Array.from({ length: count }, (_, i) => i);
  let state = 1;
  for (let i = count - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 4294967296) * (i + 1));
    [places[i], places[j]] = [places[j], places[i]];
  }
  return places;
}
