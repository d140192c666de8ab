// How many points lie where, as steps of grey under them: where thousands overlap, one cannot be told from ten.

export const DENSE = 4000; // from so many points on
const CELL_SIDE = 3, // of the grid that counts, in CSS pixels
  PASSES = 3, // of a running mean, which come close to a Gaussian
  REACH = 2, // of the running mean, in cells
  STEPS_OF_GREY = 6,
  DEEPEST = 0.34; // share of the grey in the densest step

export function densityOf(panel) {
  // Counts in cells, smoothed, as a logarithm from 0 to 1: {values, across}.
  const cell = CELL_SIDE * panel.ratio,
    across = Math.ceil(panel.side / cell) + 1;
  let values = new Float32Array(across * across);
  for (const i of panel.picture.order) {
    const [px, py] = panel.place(i);
    if (px >= 0 && py >= 0 && px < panel.side && py < panel.side)
      values[Math.floor(py / cell) * across + Math.floor(px / cell)]++;
  }
  for (let pass = 0; pass < PASSES; pass++) values = smoothed(smoothed(values, across, 1), across, across);
  let most = 0;
  for (const value of values) if (value > most) most = value;
  const scale = 1 / Math.log1p(most * STEPS_OF_GREY || 1);
  for (let k = 0; k < values.length; k++) values[k] = Math.log1p(values[k] * STEPS_OF_GREY) * scale;
  return { values, across, cell };
}

function smoothed(values, across, along) {
  const found = new Float32Array(values.length),
    width = 2 * REACH + 1;
  for (let k = 0; k < values.length; k++) {
    const place = along === 1 ? k % across : Math.floor(k / across);
    let sum = 0;
    for (let by = -REACH; by <= REACH; by++) if (place + by >= 0 && place + by < across) sum += values[k + by * along];
    found[k] = sum / width;
  }
  return found;
}

export function shade(pixels, side, { values, across, cell }, paper, grey) {
  // Steps with clear edges, as on a map of heights; between cells it is interpolated.
  const inks = Array.from({ length: STEPS_OF_GREY + 1 }, (_, step) =>
    paper.map((tone, c) => tone + ((grey[c] - tone) * DEEPEST * step) / STEPS_OF_GREY),
  );
  for (let y = 0; y < side; y++) {
    const v = Math.max(0, y / cell - 0.5),
      row = Math.floor(v),
      down = v - row;
    for (let x = 0; x < side; x++) {
      const u = Math.max(0, x / cell - 0.5),
        column = Math.floor(u),
        right = u - column,
        k = row * across + column;
      const above = values[k] + (values[k + 1] - values[k]) * right,
        below = values[k + across] + (values[k + across + 1] - values[k + across]) * right;
      const step = Math.floor((above + (below - above) * down) * STEPS_OF_GREY);
      if (step <= 0) continue;
      const at = 4 * (y * side + x),
        ink = inks[Math.min(step, STEPS_OF_GREY)];
      pixels[at] = ink[0];
      pixels[at + 1] = ink[1];
      pixels[at + 2] = ink[2];
    }
  }
}
