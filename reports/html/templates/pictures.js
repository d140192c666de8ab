"use strict";
// Draws the pictures and links them: one order of points everywhere, so a point is the same index in each.
// Text from the user is only ever set as textContent or drawn on a canvas.
(async () => {
  const byId = (id) => document.getElementById(id);
  const index = JSON.parse(byId("index").textContent);
  const n = index.points;
  const NO_CODE = -1, FULL = 65535;
  const tip = byId("tip"), status = byId("status"), clear = byId("clear"), zoom = byId("zoom");
  const legend = byId("legend"), note = byId("legend-note"), colour = byId("colour"), size = byId("size");
  const grid = byId("rows");
  const dark = matchMedia("(prefers-color-scheme: dark)");

  // --- data -------------------------------------------------------------------------------------------------
  async function unpack() {
    const bytes = Uint8Array.from(atob(byId("packed").textContent.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).arrayBuffer();
  }
  const buffer = await unpack();
  const pictures = new Map();
  let at = 0;
  const take = (Type, count = n) => { const part = new Type(buffer, at, count); at += part.byteLength; return part; };
  // Points are drawn in one shuffled order, the same everywhere: in the file's order the last label would lie on top.
  const order = shuffled(n);
  for (const { cell, islands, dimension } of index.pictures) {
    const [x, y, z] = [take(Uint16Array), take(Uint16Array), dimension === 3 ? take(Uint16Array) : null];
    pictures.set(cell, { x, y, z, island: take(Int16Array), filled: take(Int16Array), islands, n, order });
  }
  for (const label of index.labels) label.codes = take(Int16Array);
  if (index.cluster) index.cluster.codes = take(Int16Array);
  for (const measure of index.measures) measure.codes = take(Int16Array);
  // Pictures of reference data: their rows are no rows of the file, so that nothing links them.
  const nulls = new Map();
  for (const { cell, points } of index.nulls) {
    const [x, y, island] = [take(Uint16Array, points), take(Uint16Array, points), take(Int16Array, points)];
    nulls.set(cell, { x, y, island, n: points, order: shuffled(points) });
  }
  // Pictures of halves: the rows are those of the file, but some are missing.
  for (const { cell, points, islands } of index.halves) {
    const [which, px, py] = [take(Uint16Array, points), take(Uint16Array, points), take(Uint16Array, points)];
    const [own, near] = [take(Int16Array, points), take(Int16Array, points)], has = new Uint8Array(n);
    const [x, y] = [new Uint16Array(n), new Uint16Array(n)];
    const [island, filled] = [new Int16Array(n).fill(NO_CODE), new Int16Array(n).fill(NO_CODE)];
    which.forEach((i, k) => { has[i] = 1; x[i] = px[k]; y[i] = py[k]; island[i] = own[k]; filled[i] = near[k]; });
    pictures.set(cell, { x, y, z: null, island, filled, islands, n, has, order: order.filter((i) => has[i]) });
  }
  // Images of some rows, a byte per value.
  const imageAt = new Map();
  if (index.images) {
    const [height, width, channels] = index.images.shape, length = height * width * channels;
    for (const i of index.images.places) imageAt.set(i, take(Uint8Array, length));
  }
  function drawImage(canvas, i, side) {
    // Shown `side` pixels large on its longer side; the browser enlarges, in whole pixels' edges.
    const bytes = imageAt.get(i);
    canvas.hidden = !bytes;
    if (!bytes) return;
    const [height, width, channels] = index.images.shape, scale = side / Math.max(height, width);
    canvas.width = width;
    canvas.height = height;
    canvas.style.width = `${Math.round(width * scale)}px`;
    canvas.style.height = `${Math.round(height * scale)}px`;
    const context = canvas.getContext("2d"), image = context.createImageData(width, height);
    for (let p = 0; p < width * height; p++) {
      for (let c = 0; c < 3; c++) image.data[4 * p + c] = bytes[channels === 3 ? 3 * p + c : p];
      image.data[4 * p + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }
  const rowOf = (i) => index.rows ? index.rows[i] : i;
  const idOf = (i) => index.ids ? index.ids[i] : String(rowOf(i));

  function shuffled(count) {
    const places = Uint32Array.from({ length: count }, (_, i) => i);
    let state = 1;
    for (let i = count - 1; i > 0; i--) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const j = Math.floor(state / 4294967296 * (i + 1));
      [places[i], places[j]] = [places[j], places[i]];
    }
    return places;
  }

  // --- colours ----------------------------------------------------------------------------------------------
  let printing = false;
  const theme = () => index.themes[dark.matches && !printing ? "dark" : "light"];
  const letters = (k) => (k < 26 ? "" : letters(Math.floor(k / 26) - 1)) + String.fromCharCode(65 + k % 26);

  // A mode gives every point of a picture a code, and every code a slot of the palette (NO_CODE is grey) and a name.
  const reference = pictures.get(index.reference);
  function labelMode(label) {
    const slots = index.themes.light.palette.length, many = label.values.length > slots;
    const frequent = label.counts.map((count, code) => [count, code]).sort((a, b) => b[0] - a[0] || a[1] - b[1])
      .slice(0, slots).map((pair) => pair[1]).sort((a, b) => a - b);
    const slotOf = new Map(frequent.map((code, slot) => [code, slot]));
    return {
      title: label.name, names: label.values, counts: label.counts, shared: true,
      codes: () => label.codes, number: (_, code) => code,
      slot: (code) => code < 0 ? NO_CODE : slotOf.get(code) ?? NO_CODE,
      note: many ? `${label.values.length.toLocaleString()} values; the ${slots} most frequent have a colour, the others are grey and can be selected.` : "",
      missing: "no label", members: (code) => (i) => label.codes[i] === code,
    };
  }
  function islandMode(title, key) {
    const counts = [];
    if (reference) for (const own of reference[key]) if (own >= 0) counts[reference.islands[own]] = (counts[reference.islands[own]] ?? 0) + 1;
    const numbers = [...counts.keys()].filter((k) => counts[k]);
    return {
      title, names: numbers.map(letters), counts: numbers.map((k) => counts[k]), shared: false, numbers,
      codes: (picture) => picture[key], number: (picture, own) => own < 0 ? NO_CODE : picture.islands[own],
      slot: (code) => code < 0 ? NO_CODE : code % index.themes.light.palette.length,
      note: "An island has the letter and colour of the island of the reference picture with which it shares most rows; other islands have further letters. Grey: in no island.",
      missing: "in no island", members: (place) => (i) => reference.islands[reference[key][i]] === numbers[place],
    };
  }
  function measureMode(measure) {
    // Levels take the colours after the palette's.
    const first = index.themes.light.palette.length, levels = measure.counts.length;
    return {
      title: measure.name, names: measure.levels, counts: measure.counts, shared: true, unnamed: true,
      codes: () => measure.codes, number: (_, code) => code,
      slot: (code) => code < 0 ? NO_CODE : first + (measure.reversed ? levels - 1 - code : code),
      note: measure.note,
      missing: "no value", members: (code) => (i) => measure.codes[i] === code,
    };
  }
  // Modes that some pictures have of their own: one cluster in its colour, and islands of reference data.
  function focusMode(number) {
    const wanted = index.cluster.values.indexOf(number);
    return { ...clusterMode, unnamed: true, slot: (code) => code === wanted ? clusterMode.slot(code) : NO_CODE };
  }
  const noiseMode = {
    unnamed: true, codes: (picture) => picture.island, number: (_, own) => own,
    slot: (code) => code < 0 ? NO_CODE : code % index.themes.light.palette.length,
  };
  const clusterMode = index.cluster && {
    ...labelMode(index.cluster), missing: "in no cluster",
    note: "Clusters are what most pictures put into one island, numbered from the largest.",
  };
  function verdictMode() {
    const names = Object.keys(index.shapes).filter((verdict) => index.cluster.verdicts.includes(verdict));
    const ofCluster = index.cluster.verdicts.map((verdict) => names.indexOf(verdict));
    const codes = Int16Array.from(index.cluster.codes, (code) => code < 0 ? NO_CODE : ofCluster[code]);
    const slots = names.map((verdict) => Object.keys(index.shapes).indexOf(verdict));
    return {
      title: "verdict of the cluster", names: names.map((verdict) => `${index.shapes[verdict]} ${verdict}`),
      counts: names.map((_, place) => codes.reduce((sum, code) => sum + (code === place), 0)), shared: true, unnamed: true,
      codes: () => codes, number: (_, code) => code, slot: (code) => code < 0 ? NO_CODE : slots[code],
      note: "Every row has the verdict of its cluster.", missing: "in no cluster",
      members: (place) => (i) => codes[i] === place,
    };
  }
  const ownIslands = islandMode("island of the picture", "island");
  const modes = [
    ...index.labels.map(labelMode),
    ...(clusterMode ? [clusterMode] : []),
    ...(index.cluster?.verdicts ? [verdictMode()] : []),
    ownIslands,
    islandMode("island, noise given to the nearest", "filled"),
    ...index.measures.map(measureMode),
  ];
  modes.forEach((one, place) => colour.add(new Option(one.title, String(place))));
  let mode = modes[0];
  const nameOf = (code) => mode.shared ? mode.names[code] : letters(code);
  const colours = () => [...theme().palette, ...theme().scale];
  const colourOf = (code) => colours()[mode.slot(code)] ?? theme().grey;
  const rgb = (hex) => [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));

  // --- selection --------------------------------------------------------------------------------------------
  let selected = null; // Uint8Array over points, or null
  let marked = -1;     // the point under the pointer
  let kept = -1;       // the point that a pressed member keeps marked
  let pressed = new Set(); // places in the legend
  const MOST_NAMES = 500;

  function showLegend() {
    legend.replaceChildren(...mode.names.slice(0, MOST_NAMES).map((name, place) => {
      const item = document.createElement("li"), button = document.createElement("button");
      const dot = document.createElement("i"), text = document.createElement("span"), frequency = document.createElement("span");
      button.type = "button";
      dot.style.background = colourOf(mode.shared ? place : mode.numbers[place]);
      text.textContent = name || "(empty)";
      frequency.textContent = mode.counts[place].toLocaleString();
      frequency.className = "frequency";
      button.append(dot, text, frequency);
      button.addEventListener("click", () => press(place));
      item.append(button);
      return item;
    }));
    const hidden = mode.names.length - MOST_NAMES;
    showPressed();
    note.textContent = [mode.note, hidden > 0 ? `The legend names the first ${MOST_NAMES}.` : ""].filter(Boolean).join(" ");
  }

  const cards = [...document.querySelectorAll("[data-cluster]")];
  function showPressed() {
    const say = (button, place) => button.setAttribute("aria-pressed", String(pressed.has(place)));
    legend.querySelectorAll("button").forEach(say);
    for (const card of cards) say(card, mode === clusterMode ? mode.names.indexOf(card.dataset.cluster) : -1);
  }
  const members = [...document.querySelectorAll("[data-member]")];
  function keep(i) {
    kept = i;
    for (const member of members) member.setAttribute("aria-pressed", String(Number(member.dataset.member) === i));
    if (i >= 0 && !selected) status.textContent = `${idOf(i)} is marked in every picture`;
    else if (!selected) status.textContent = "";
    clear.hidden = i < 0 && !selected;
    redraw(false);
  }
  function press(place) {
    if (!pressed.delete(place)) pressed.add(place);
    showPressed();
    const tests = [...pressed].map((one) => mode.members(one));
    const names = [...pressed].map((one) => mode.names[one]).join(", ");
    choose((i) => tests.some((test) => test(i)), mode.shared ? `${mode.title}: ${names}` : `island ${names} of the reference picture`);
    settle();
  }
  function choose(test, from) {
    const chosen = new Uint8Array(n);
    let count = 0;
    for (let i = 0; i < n; i++) if (test(i)) { chosen[i] = 1; count++; }
    selected = count ? chosen : null;
    status.textContent = count ? `${count.toLocaleString()} ${count === 1 ? "row" : "rows"} selected, ${from}` : "";
    clear.hidden = !count && kept < 0;
    redraw(true);
  }
  function unselect() {
    pressed = new Set();
    selected = null;
    status.textContent = "";
    clear.hidden = true;
    keep(-1);
    showPressed();
    settle();
    redraw(true);
  }
  function settle() {
    // Where a selection has come to rest: what it is made of, and whether each picture keeps it together.
    if (selected && index.labels.length && !pressed.size) status.textContent += `: ${composition(index.labels[0])}`;
    for (const panel of panels) panel.tell();
  }
  function tally(codes, has) {
    const counts = new Map();
    for (let i = 0; i < n; i++) if (selected[i] && (!has || has[i])) counts.set(codes[i], (counts.get(codes[i]) ?? 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1]);
  }
  function composition(label) {
    const counts = tally(label.codes), total = counts.reduce((sum, pair) => sum + pair[1], 0);
    const parts = counts.slice(0, 3).map(([code, count]) => `${code < 0 ? "no label" : label.values[code]} ${Math.round(100 * count / total)} %`);
    return `${label.name} ${parts.join(", ")}${counts.length > 3 ? " …" : ""}`;
  }

  // --- drawing ----------------------------------------------------------------------------------------------
  const panels = [], panelOf = new Map();

  let lastScratch = null;
  function scratch(context, side) {
    if (lastScratch?.width !== side) lastScratch = context.createImageData(side, side);
    return lastScratch;
  }

  class Panel {
    constructor(element) {
      this.element = element;
      this.large = element.hasAttribute("data-large");
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
      if (this.linked) listen(this);
    }
    get linked() { return true; }
    get mode() { return this.islands ? ownIslands : this.focus && !selected ? this.focus : mode; }
    show(cell, title) {
      this.picture = pictures.get(cell);
      this.title = title ?? "";
      this.stale = true;
    }
    fit() {
      const ratio = Math.min(window.devicePixelRatio || 1, 2), side = Math.round(this.element.clientWidth * ratio);
      if (side !== this.side) {
        this.unmarked = true;
        for (const canvas of [this.base, this.over]) canvas.width = canvas.height = side;
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
      const { side } = this, context = this.base.getContext("2d"), image = scratch(context, side);
      const { mode, picture: { order } } = this, n = order.length, chosenRows = this.linked ? selected : null;
      const palette = colours().map(rgb), grey = rgb(theme().grey), paper = rgb(theme().paper);
      const pixels = image.data;
      for (let i = 0; i < 4; i++) pixels[i] = i < 3 ? paper[i] : 255;
      new Uint32Array(pixels.buffer).fill(new Uint32Array(pixels.buffer, 0, 1)[0]);
      const radius = this.radius(), alpha = Math.max(0.3, Math.min(0.9, 1.25 - 0.16 * Math.log10(Math.max(1, n))));
      const codes = mode.codes(this.picture), slotOf = this.slots(codes);
      for (const chosen of chosenRows ? [0, 1] : [1]) {
        for (let k = 0; k < n; k++) {
          const i = order[k];
          if (chosenRows && chosenRows[i] !== chosen) continue;
          const slot = codes[i] < 0 ? NO_CODE : slotOf[codes[i]];
          const ink = !chosen || slot < 0 ? grey : palette[slot];
          this.splat(pixels, i, ink, chosen ? (slot < 0 ? 0.75 * alpha : chosenRows ? Math.max(alpha, 0.8) : alpha) : 0.16, radius);
        }
      }
      context.putImageData(image, 0, 0);
      if (this.large && !mode.unnamed) this.drawNames(context, codes);
    }
    radius() {
      const widest = this.large ? 6 : 4;
      return Math.max(1.1, Math.min(widest, 0.72 * this.side / this.ratio / Math.sqrt(Math.max(1, this.picture.order.length)))) * this.ratio / 2;
    }
    slots(codes) {
      const { mode, picture: { n } } = this;
      let last = -1;
      for (let i = 0; i < n; i++) if (codes[i] > last) last = codes[i];
      return Int16Array.from({ length: last + 1 }, (_, code) => mode.slot(mode.number(this.picture, code)));
    }
    splat(pixels, i, ink, alpha, radius) {
      const side = this.side, cx = this.picture.x[i] * side / FULL, cy = side - this.picture.y[i] * side / FULL;
      const reach = radius + 0.5, x1 = Math.min(side - 1, Math.floor(cx + reach)), y1 = Math.min(side - 1, Math.floor(cy + reach));
      for (let y = Math.max(0, Math.floor(cy - reach)); y <= y1; y++) {
        const dy = y + 0.5 - cy;
        for (let x = Math.max(0, Math.floor(cx - reach)); x <= x1; x++) {
          const dx = x + 0.5 - cx, cover = reach - Math.sqrt(dx * dx + dy * dy);
          if (cover <= 0) continue;
          const share = cover < 1 ? alpha * cover : alpha, at = 4 * (y * side + x);
          pixels[at] += (ink[0] - pixels[at]) * share;
          pixels[at + 1] += (ink[1] - pixels[at + 1]) * share;
          pixels[at + 2] += (ink[2] - pixels[at + 2]) * share;
        }
      }
    }
    drawNames(context, codes) {
      // Names at the median of their points, so that colour is not the only way to tell.
      const groups = new Map();
      for (const i of this.picture.order) {
        const code = mode.number(this.picture, codes[i]);
        if (code < 0 || mode.slot(code) < 0 || (selected && !selected[i])) continue;
        if (!groups.has(code)) groups.set(code, []);
        groups.get(code).push(i);
      }
      context.font = `600 ${13 * this.ratio}px system-ui, sans-serif`;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.lineWidth = 3.5 * this.ratio;
      context.lineJoin = "round";
      context.strokeStyle = theme().paper;
      context.fillStyle = theme().ink;
      const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
      const { x, y } = this.picture, scale = this.side / FULL;
      for (const [code, group] of groups) {
        const text = shortened(nameOf(code)), half = context.measureText(text).width / 2 + 3 * this.ratio;
        const px = median(group.map((i) => x[i])) * scale, py = this.side - median(group.map((i) => y[i])) * scale;
        const inside = Math.max(half, Math.min(this.side - half, px));
        context.strokeText(text, inside, py);
        context.fillText(text, inside, py);
      }
    }
    drawMarks() {
      const context = this.over.getContext("2d"), nothing = marked < 0 && kept < 0 && !this.box;
      if (nothing && this.unmarked) return;
      this.unmarked = nothing;
      context.clearRect(0, 0, this.side, this.side);
      for (const i of new Set([kept, marked])) {
        if (i < 0 || (this.picture.has && !this.picture.has[i])) continue;
        const [px, py] = this.place(i);
        for (const [ink, width] of [[theme().paper, 5], [theme().ink, 2]]) {
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
      const scale = this.side / FULL;
      return [this.picture.x[i] * scale, this.side - this.picture.y[i] * scale];
    }
    nearest(px, py) {
      const { x, y } = this.picture, scale = FULL / this.side, qx = px * scale, qy = FULL - py * scale;
      const reach = 14 * this.ratio * scale;
      let best = -1, least = reach * reach;
      for (const i of this.picture.order) {
        const dx = x[i] - qx, dy = y[i] - qy, distance = dx * dx + dy * dy;
        if (distance < least) { least = distance; best = i; }
      }
      return best;
    }
    tell() {
      // Of the selected rows, the share that this picture keeps in one island.
      if (!this.together) return;
      const counts = selected && this.picture ? tally(this.picture.filled, this.picture.has) : [];
      const total = counts.reduce((sum, pair) => sum + pair[1], 0);
      this.together.textContent = total ? `${Math.round(100 * counts[0][1] / total)} % in one island` : "";
    }
  }
  class NoisePanel extends Panel {
    get linked() { return false; }
    get mode() { return noiseMode; }
    show(cell, title) {
      super.show(cell, title);
      this.picture = nulls.get(cell);
    }
    drawMarks() {}
    tell() {}
  }
  const shortened = (text) => text.length > 24 ? `${text.slice(0, 23)}…` : text;

  // A frame draws marks everywhere, but points only for so long: what is left over follows in the next frames, the picture
  // in hand first and then those that were drawn longest ago. So a drag stays smooth however many pictures follow it.
  const FRAME_MS = 14;
  let scheduled = false, inHand = null;
  function redraw(points) {
    if (points) for (const panel of panels) panel.stale = true;
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(drawFrame);
  }
  function drawFrame() {
    scheduled = false;
    const end = performance.now() + FRAME_MS, shown = panels.filter((panel) => panel.visible && panel.picture);
    for (const panel of shown) panel.fit();
    const waiting = shown.filter((panel) => panel.stale && panel.side).sort((a, b) => (b === inHand) - (a === inHand) || a.drawn - b.drawn);
    let done = 0;
    while (done < waiting.length && (!done || performance.now() < end)) waiting[done++].draw();
    for (const panel of shown) if (panel.side) panel.drawMarks();
    grid.setAttribute("aria-busy", String(done < waiting.length));
    if (done < waiting.length) redraw(false);
  }

  // --- pointing, selecting, enlarging -----------------------------------------------------------------------
  function listen(panel) {
    const element = panel.element;
    const where = (event) => {
      const box = element.getBoundingClientRect(), scale = panel.side / element.clientWidth;
      return [(event.clientX - box.left - element.clientLeft) * scale, (event.clientY - box.top - element.clientTop) * scale];
    };
    let start = null, last = null, dragged = false, turns = false;
    const canDrag = (event) => event.button === 0 && (event.pointerType !== "touch" || panel === enlarged);
    element.addEventListener("pointerdown", (event) => {
      dragged = false;
      if (!canDrag(event)) return;
      start = last = where(event);
      turns = Boolean(panel.picture?.flat) && (turning.getAttribute("aria-pressed") === "true") !== event.shiftKey;
      element.setPointerCapture(event.pointerId);
    });
    element.addEventListener("pointermove", (event) => {
      if (!panel.picture || !panel.side) return;
      const here = where(event);
      if (start && Math.hypot(here[0] - start[0], here[1] - start[1]) > 5 * panel.ratio) dragged = true;
      if (start && dragged && turns) {
        const step = 3 / panel.side;
        turn(panel, step * (here[0] - last[0]), step * (here[1] - last[1]));
        last = here;
      } else if (start && dragged) brush(panel, [...start, ...here]);
      else point(panel, panel.nearest(...here), event);
    });
    const finish = () => {
      if (start && dragged && !turns) settle();
      start = panel.box = null;
      redraw(false);
    };
    element.addEventListener("pointerup", finish);
    element.addEventListener("pointercancel", finish);
    element.addEventListener("pointerleave", () => { if (!start) point(panel, -1); });
    element.addEventListener("click", (event) => {
      if (!dragged && panel !== enlarged) enlarge(panel);
      else if (!dragged && panel.side) point(panel, panel.nearest(...where(event)), event);
      dragged = false;
    });
    element.addEventListener("keydown", (event) => {
      if (panel === enlarged) return turnByKey(panel, event);
      if ((event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      enlarge(panel);
    });
  }

  function brush(panel, box) {
    const [x0, x1] = [box[0], box[2]].sort((a, b) => a - b), [y0, y1] = [box[1], box[3]].sort((a, b) => a - b);
    const { x, y, has } = panel.picture, scale = FULL / panel.side;
    const left = x0 * scale, right = x1 * scale, low = FULL - y1 * scale, high = FULL - y0 * scale;
    panel.box = box;
    inHand = panel;
    marked = -1;
    tip.hidden = true;
    if (pressed.size) { pressed = new Set(); showLegend(); }
    choose((i) => (!has || has[i]) && x[i] >= left && x[i] <= right && y[i] >= low && y[i] <= high, `in a box of ${panel.title}`);
  }

  function point(panel, i, event) {
    tip.hidden = i < 0;
    if (i >= 0) showTip(panel, i, event);
    if (i === marked) return;
    marked = i;
    redraw(false);
  }

  function showTip(panel, i, at) {
    const lines = [idOf(i)];
    if (idOf(i) !== String(rowOf(i))) lines.push(`row ${rowOf(i)}`);
    else lines[0] = `row ${lines[0]}`;
    for (const label of index.labels) lines.push(`${label.name}: ${label.codes[i] < 0 ? "none" : label.values[label.codes[i]]}`);
    const cluster = index.cluster?.codes[i] ?? NO_CODE;
    if (panel) {
      const island = panel.picture.island[i];
      lines.push(island < 0 ? "in no island here" : `island ${island} here, matched to ${letters(panel.picture.islands[island])}`);
    }
    if (cluster >= 0) lines.push(`${index.cluster.name} ${index.cluster.values[cluster]}`);
    byId("tip-text").textContent = lines.join("\n");
    drawImage(byId("tip-image"), i, 72);
    (zoom.open ? zoom : document.body).append(tip);
    const box = tip.getBoundingClientRect(), bound = (value, most) => `${Math.max(4, Math.min(value, most))}px`;
    // Left of the pointer where there is no room on its right, so that the tip never lies on the point.
    const left = at.clientX + 16 + box.width > innerWidth - 8 ? at.clientX - box.width - 16 : at.clientX + 16;
    tip.style.left = bound(left, innerWidth - box.width - 8);
    tip.style.top = bound(at.clientY + 16, innerHeight - box.height - 8);
  }

  // --- pictures of three dimensions: turned where they are enlarged -----------------------------------------
  const turning = byId("turning"), HALF = FULL / 2, STEP = Math.PI / 18;
  const KEYS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
  function solid(picture) {
    // A view of a picture whose x and y follow its turns; sized so that no turn takes a point out of the frame.
    let farthest = 1;
    for (let i = 0; i < n; i++) farthest = Math.max(farthest, Math.hypot(picture.x[i] - HALF, picture.y[i] - HALF, picture.z[i] - HALF));
    const view = { ...picture, flat: picture, x: new Uint16Array(n), y: new Uint16Array(n), order: picture.order.slice(),
      depth: new Float32Array(n), scale: 0.96 * HALF / farthest, axes: [[1, 0, 0], [0, 1, 0], [0, 0, 1]] };
    project(view);
    return view;
  }
  function project(view) {
    const { flat, x, y, depth, scale, axes: [a, b, c] } = view;
    for (let i = 0; i < n; i++) {
      const [px, py, pz] = [flat.x[i] - HALF, flat.y[i] - HALF, flat.z[i] - HALF];
      x[i] = HALF + scale * (a[0] * px + a[1] * py + a[2] * pz);
      y[i] = HALF + scale * (b[0] * px + b[1] * py + b[2] * pz);
      depth[i] = c[0] * px + c[1] * py + c[2] * pz;
    }
    view.order.set(flat.order);
    view.order.sort((i, j) => depth[i] - depth[j]); // the nearest is drawn last
  }
  function turn(panel, right, down) {
    const view = panel.picture, mix = (a, b, angle) => {
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
  function turnByKey(panel, event) {
    if (!panel.picture?.flat || !(event.key in KEYS || event.key === "Home")) return;
    event.preventDefault();
    event.stopPropagation(); // elsewhere in the dialog the arrows lead to the next picture
    if (event.key === "Home") panel.picture.axes = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
    turn(panel, ...(KEYS[event.key] ?? [0, 0]));
  }
  turning.addEventListener("click", () => turning.setAttribute("aria-pressed", String(turning.getAttribute("aria-pressed") !== "true")));

  let enlarged = null, opener = null;
  function enlarge(panel) {
    if (!panel.picture) return;
    opener = panel;
    point(panel, -1);
    if (!zoom.open) zoom.showModal();
    enlarged ??= new Panel(byId("zoom-picture"));
    enlarged.show(panel.element.dataset.cell, panel.title);
    const { picture } = enlarged;
    if (picture.z) {
      enlarged.picture = solid(picture);
      enlarged.element.tabIndex = 0;
    } else enlarged.element.removeAttribute("tabindex");
    turning.hidden = byId("turn-note").hidden = !picture.z;
    enlarged.element.setAttribute("role", "img");
    enlarged.element.setAttribute("aria-label", panel.element.getAttribute("aria-label").replace(" Enlarge.", ""));
    byId("zoom-title").textContent = panel.title;
    const caption = panel.element.parentElement.querySelector("figcaption")?.cloneNode(true);
    caption?.querySelector(".together")?.remove();
    byId("zoom-note").textContent = (caption?.textContent ?? "").replace(" · x, y of 3-d", "").replace(/\s+/g, " ").trim();
    enlarged.visible = true;
    inHand = enlarged;
    redraw(false);
  }
  function step(by) {
    const all = [...document.querySelectorAll("#rows figure:not([hidden]) > .picture[data-cell]")].map((element) => panelOf.get(element));
    const shown = enlarged.picture.flat ?? enlarged.picture, here = all.findIndex((panel) => panel.picture === shown);
    enlarge(all[(here + by + all.length) % all.length]);
  }
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("close").addEventListener("click", () => zoom.close());
  zoom.addEventListener("click", (event) => { if (event.target === zoom) zoom.close(); });
  zoom.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  zoom.addEventListener("close", () => {
    enlarged.visible = false;
    document.body.append(tip);
    point(enlarged, -1);
    opener.element.focus({ preventScroll: true });
  });
  clear.addEventListener("click", () => { unselect(); colour.focus(); });
  addEventListener("keydown", (event) => { if (event.key === "Escape" && !zoom.open && (selected || kept >= 0)) unselect(); });

  // --- start ------------------------------------------------------------------------------------------------
  function colourBy(chosen) {
    mode = chosen;
    colour.value = String(modes.indexOf(chosen));
    if (pressed.size) unselect();
    showLegend();
    redraw(true);
  }
  colour.addEventListener("change", () => colourBy(modes[Number(colour.value)]));
  for (const card of cards) {
    card.addEventListener("click", () => {
      if (!clusterMode) return;
      if (mode !== clusterMode) colourBy(clusterMode);
      const place = clusterMode.names.indexOf(card.dataset.cluster);
      if (place >= 0) press(place);
    });
  }
  for (const member of members) {
    const i = Number(member.dataset.member);
    if (imageAt.has(i)) {
      const canvas = document.createElement("canvas");
      drawImage(canvas, i, 32);
      member.prepend(canvas);
    }
    const enter = () => {
      const box = member.getBoundingClientRect();
      point(null, i, { clientX: box.left, clientY: box.bottom - 8 });
    };
    for (const event of ["focus", "pointerenter"]) member.addEventListener(event, enter);
    for (const event of ["blur", "pointerleave"]) member.addEventListener(event, () => point(null, -1));
    member.addEventListener("click", () => keep(kept === i ? -1 : i));
  }

  // The same pictures in other rows: figures are moved, nothing is made again.
  const layout = byId("layout"), layoutNote = byId("layout-note");
  const settings = [...grid.children], home = new Map(), figures = new Map(), beside = [...grid.querySelectorAll("[data-beside]")];
  const firstNote = layoutNote.textContent, firstSeeds = grid.style.getPropertyValue("--seeds");
  for (const figure of grid.querySelectorAll("[data-figure]")) {
    figures.set(figure.dataset.figure, figure);
    home.set(figure, { row: figure.parentElement, where: figure.querySelector(".where").textContent });
  }
  function layOut() {
    const way = layout && index.layouts[layout.selectedIndex - 1];
    grid.className = `rows ${size.value}${way ? " laid" : ""}${way?.wraps ? " wraps" : ""}`;
    layoutNote.textContent = way ? way.note : firstNote;
    grid.style.setProperty("--seeds", way ? Math.max(1, ...way.rows.map((row) => way.wraps ? 1 : row.places.length)) : firstSeeds);
    for (const [figure, { row, where }] of home) {
      figure.querySelector(".where").textContent = where;
      row.append(figure);
    }
    grid.replaceChildren(...(way ? way.rows.map(layRow) : settings));
    for (const figure of beside) figures.get(figure.dataset.beside).parentElement.append(figure);
    redraw(false);
  }
  function layRow({ title, places }, number) {
    const section = document.createElement("section"), setting = document.createElement("div"), head = document.createElement("h3");
    const row = document.createElement("div");
    section.className = "row";
    setting.className = "setting";
    row.className = "panels";
    head.id = `laid-${number}`;
    head.textContent = title;
    section.setAttribute("aria-labelledby", head.id);
    setting.append(head);
    section.append(setting, row);
    for (const { cell, caption } of places) {
      const figure = cell === null ? document.createElement("figure") : figures.get(cell);
      if (cell !== null) figure.querySelector(".where").textContent = figure.querySelector(".picture") ? `${caption} · ` : caption;
      row.append(figure);
    }
    return section;
  }
  size.addEventListener("change", layOut);
  layout?.addEventListener("change", layOut);
  for (const also of ["halves", "noise"]) {
    const box = byId(`${also}-too`), figures = beside.filter((figure) => figure.dataset.also === also);
    box?.addEventListener("change", () => { for (const figure of figures) figure.hidden = !box.checked; });
  }
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) panelOf.get(entry.target).visible = entry.isIntersecting;
    redraw(false);
  }, { rootMargin: "300px" });
  const ruler = new ResizeObserver(() => redraw(false));
  for (const element of document.querySelectorAll(".picture[data-cell], .picture[data-null]")) {
    const panel = new (element.dataset.null ? NoisePanel : Panel)(element), { top, bottom } = element.getBoundingClientRect();
    // What is on the screen is drawn at once: a screenshot or a page in the background waits for no frame.
    panel.visible = bottom > 0 && top < innerHeight;
    if (panel.visible) panel.draw();
    watcher.observe(element);
    ruler.observe(element);
  }
  ruler.observe(byId("zoom-picture"));
  const drawForPrint = (on) => {
    printing = on;
    for (const panel of panels) if (panel !== enlarged) { panel.stale = true; panel.draw(); }
    showLegend();
  };
  addEventListener("beforeprint", () => drawForPrint(true));
  addEventListener("afterprint", () => drawForPrint(false));
  dark.addEventListener("change", () => { showLegend(); redraw(true); });
  showLegend();
  document.documentElement.dataset.ready = "true";
})();
