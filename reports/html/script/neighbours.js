// Lines from a row to its nearest rows in the latent space, those that a picture has lost set apart.
import { latentNear } from "./data.js";
import { theme } from "./colours.js";
import { FULL, index } from "./state.js";

export const NEAR_HERE = 30; // a neighbour is kept where it is among so many nearest points of the picture

export function neighboursOf(i, { has }) {
  // The latent neighbours of a row that the picture shows.
  if (!latentNear) return [];
  const own = latentNear.subarray(i * index.neighbours, (i + 1) * index.neighbours);
  return [...own].filter((j) => j !== FULL && (!has || has[j]));
}

export function lostNeighbours(i, picture) {
  // Those of them that are not among its nearest points in the picture.
  const { x, y, z, order } = picture.flat ?? picture;
  const away = (j) => (x[j] - x[i]) ** 2 + (y[j] - y[i]) ** 2 + (z ? (z[j] - z[i]) ** 2 : 0);
  const own = neighboursOf(i, picture),
    distances = own.map(away),
    nearer = new Uint32Array(own.length);
  for (const j of order) {
    if (j === i) continue;
    const distance = away(j);
    for (let k = 0; k < own.length; k++) if (distance < distances[k]) nearer[k]++;
  }
  return new Set(own.filter((_, k) => nearer[k] >= NEAR_HERE));
}

export function drawThreads(context, panel, i) {
  const { picture, ratio } = panel,
    [px, py] = panel.place(i),
    lost = lostNeighbours(i, picture),
    { ink, lost: warning } = theme();
  for (const j of neighboursOf(i, picture)) {
    const [qx, qy] = panel.place(j),
      gone = lost.has(j);
    context.strokeStyle = context.fillStyle = gone ? warning : ink;
    context.lineWidth = (gone ? 1.6 : 1) * ratio;
    context.setLineDash(gone ? [4 * ratio, 3 * ratio] : []);
    context.beginPath();
    context.moveTo(px, py);
    context.lineTo(qx, qy);
    context.stroke();
    context.setLineDash([]);
    context.beginPath();
    if (gone) context.rect(qx - 2.6 * ratio, qy - 2.6 * ratio, 5.2 * ratio, 5.2 * ratio);
    else context.arc(qx, qy, 2 * ratio, 0, 7);
    context.fill();
  }
}
