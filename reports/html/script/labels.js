// Where names go: beside their cluster, in free space, without overlap; a leader ties a name to what it names.
// Greedy in the order of the names, over candidates on circles around each anchor; what finds no place is left out,
// and so is what would lie over too many points or too far away, where a bound is given.

const TURNS = 20;
const RADII = [0, 10, 18, 28, 40, 54, 70, 90, 112, 138, 168, 200];
const CELL = 6; // of the grid that knows where points lie, in pixels
const PAD = 3;

export function occupancy(xs, ys, side) {
  // xs, ys in pixels of a square of this side.
  const across = Math.ceil(side / CELL) + 1,
    grid = new Uint8Array(across * across);
  for (let i = 0; i < xs.length; i++) {
    grid[
      Math.min(across - 1, Math.max(0, Math.floor(ys[i] / CELL))) * across +
        Math.min(across - 1, Math.max(0, Math.floor(xs[i] / CELL)))
    ] = 1;
  }
  return { grid, across };
}

export function placeLabels(labels, side, taken, most = Infinity) {
  // labels: [{x, y, width, height}], the anchor and the size; returns for each {left, top, leader} or null.
  const placed = [];
  return labels.map((label) => {
    const box = best(label, side, taken, placed, most);
    if (!box) return null;
    const leader = leaderOf(label, box);
    placed.push({ box, leader });
    return { left: box.left, top: box.top, leader };
  });
}

function best(label, side, taken, placed, most) {
  let found = null,
    least = most;
  for (const radius of RADII) {
    for (let turn = 0; turn < (radius ? TURNS : 1); turn++) {
      const box = candidate(label, radius, (2 * Math.PI * turn) / TURNS);
      if (box.left < 1 || box.top < 1 || box.left + box.width > side - 1 || box.top + box.height > side - 1) continue;
      if (placed.some((other) => overlap(box, other.box))) continue;
      const leader = leaderOf(label, box);
      const crossed = placed.filter(
        (other) => crosses(leader, other) || (other.leader && through(other.leader, box)),
      ).length;
      const cost = radius + 9 * covered(box, taken) + 60 * crossed;
      if (cost < least) {
        least = cost;
        found = box;
      }
    }
    if (least < radius) break; // whatever lies further out costs more
  }
  return found;
}

function candidate({ x, y, width, height }, radius, angle) {
  const reach = radius ? 1 : 0;
  const middleX = x + Math.cos(angle) * (radius + (reach * width) / 2),
    middleY = y + Math.sin(angle) * (radius + (reach * height) / 2);
  return { left: middleX - width / 2, top: middleY - height / 2, width, height };
}

export const overlap = (a, b) =>
  a.left < b.left + b.width + PAD &&
  b.left < a.left + a.width + PAD &&
  a.top < b.top + b.height + PAD &&
  b.top < a.top + a.height + PAD;

function covered(box, { grid, across }) {
  let count = 0;
  for (let y = Math.max(0, Math.floor(box.top / CELL)); y <= Math.min(across - 1, (box.top + box.height) / CELL); y++) {
    for (
      let x = Math.max(0, Math.floor(box.left / CELL));
      x <= Math.min(across - 1, (box.left + box.width) / CELL);
      x++
    )
      count += grid[y * across + x];
  }
  return count;
}

function leaderOf({ x, y }, box) {
  const toX = Math.max(box.left, Math.min(box.left + box.width, x)),
    toY = Math.max(box.top, Math.min(box.top + box.height, y));
  return Math.hypot(toX - x, toY - y) < 8 ? null : [x, y, toX, toY];
}

function crosses(leader, other) {
  if (!leader) return false;
  return through(leader, other.box) || (other.leader !== null && meet(leader, other.leader));
}

function through([x0, y0, x1, y1], box) {
  for (let step = 1; step < 10; step++) {
    const x = x0 + ((x1 - x0) * step) / 10,
      y = y0 + ((y1 - y0) * step) / 10;
    if (x > box.left && x < box.left + box.width && y > box.top && y < box.top + box.height) return true;
  }
  return false;
}

function meet([ax, ay, bx, by], [cx, cy, dx, dy]) {
  const turn = (px, py, qx, qy, rx, ry) => Math.sign((qx - px) * (ry - py) - (qy - py) * (rx - px));
  return (
    turn(ax, ay, bx, by, cx, cy) !== turn(ax, ay, bx, by, dx, dy) &&
    turn(cx, cy, dx, dy, ax, ay) !== turn(cx, cy, dx, dy, bx, by)
  );
}

export function anchorOf(places, xs, ys) {
  // The member nearest to the medians: of a bent cluster the medians may lie outside.
  const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
  const mx = median(places.map((i) => xs[i])),
    my = median(places.map((i) => ys[i]));
  let found = places[0],
    least = Infinity;
  for (const i of places) {
    const distance = (xs[i] - mx) ** 2 + (ys[i] - my) ** 2;
    if (distance < least) {
      least = distance;
      found = i;
    }
  }
  return found;
}
