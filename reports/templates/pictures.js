"use strict";
// Draws the pictures and links them: one order of points everywhere, so a point is the same index in each.
// Text from the user is only ever set as textContent or drawn on a canvas.
(async () => {
  const index = JSON.parse(document.getElementById("index").textContent);
  const n = index.points;
  const GREY = "#9a9a9a", NO_LABEL = 65535, NOISE = -1;
  const tip = document.getElementById("tip"), status = document.getElementById("status");
  const clear = document.getElementById("clear"), colour = document.getElementById("colour");
  const legend = document.getElementById("legend"), zoom = document.getElementById("zoom");
  const dark = matchMedia("(prefers-color-scheme: dark)");

  // --- data ------------------------------------------------------------------------------------------------
  async function unpack() {
    const text = document.getElementById("packed").textContent.trim();
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).arrayBuffer();
  }
  const buffer = await unpack();
  const pictures = new Map();
  let at = 0;
  for (const cell of index.cells) {
    const x = new Uint16Array(buffer, at, n), y = new Uint16Array(buffer, at + 2 * n, n);
    const island = new Int16Array(buffer, at + 4 * n, n), filled = new Int16Array(buffer, at + 6 * n, n);
    pictures.set(cell, { x, y, island, filled });
    at += 8 * n;
  }
  for (const label of index.labels) {
    label.codes = new Uint16Array(buffer, at, n);
    at += 2 * n;
  }

  // --- colours ---------------------------------------------------------------------------------------------
  // A mode gives each point of a picture a code; a negative code or NO_LABEL is grey.
  const modes = index.labels.map((label) => ({
    name: label.name, codes: () => label.codes, text: (code) => label.values[code], shared: label.values,
  }));
  modes.push({ name: "island of each picture", codes: (p) => p.island, text: (code) => `island ${code}` });
  modes.push({ name: "island, noise given to the nearest", codes: (p) => p.filled, text: (code) => `island ${code}` });
  modes.forEach((mode, place) => colour.add(new Option(mode.name, String(place))));
  let mode = modes[0];
  const colourOf = (code) => code < 0 || code === NO_LABEL ? GREY : index.palette[code % index.palette.length];
  const textOf = (code) => code === NOISE ? "in no island" : code === NO_LABEL ? "no label" : mode.text(code);

  function showLegend() {
    legend.replaceChildren();
    const values = mode.shared ?? [];
    values.slice(0, 40).forEach((value, code) => {
      const item = document.createElement("li"), dot = document.createElement("i");
      dot.style.background = colourOf(code);
      item.append(dot, document.createTextNode(value));
      legend.append(item);
    });
    if (values.length > 40) {
      const item = document.createElement("li");
      item.textContent = `and ${values.length - 40} more`;
      legend.append(item);
    }
    if (!mode.shared) {
      const item = document.createElement("li"), dot = document.createElement("i");
      dot.style.background = GREY;
      item.append(dot, document.createTextNode("in no island; colours are each picture's own, largest island first"));
      legend.append(item);
    }
  }

  // --- drawing ---------------------------------------------------------------------------------------------
  let selected = null; // Uint8Array over points, or null
  let marked = -1;     // the point under the pointer
  const panels = [];

  class Panel {
    constructor(element) {
      this.element = element;
      this.large = element.hasAttribute("data-large");
      this.base = document.createElement("canvas");
      this.over = document.createElement("canvas");
      element.append(this.base, this.over);
      element.tabIndex = 0;
      element.setAttribute("role", "img");
      this.show(element.dataset.cell, element.dataset.title);
      this.visible = false;
      this.stale = true;
      listen(this);
    }
    show(cell, title) {
      this.picture = pictures.get(cell);
      this.title = title ?? "";
      this.element.setAttribute("aria-label", `Picture: ${this.title}. Enter enlarges it.`);
      this.stale = true;
    }
    resize() {
      const ratio = Math.min(window.devicePixelRatio || 1, 2), side = Math.max(1, Math.round(this.element.clientWidth * ratio));
      if (this.base.width !== side) {
        for (const canvas of [this.base, this.over]) canvas.width = canvas.height = side;
        this.stale = true;
      }
      this.side = side;
      this.ratio = ratio;
    }
    draw() {
      if (!this.picture) return;
      this.resize();
      if (this.stale) this.drawPoints();
      this.stale = false;
      this.drawMark();
    }
    drawPoints() {
      const { x, y } = this.picture, codes = mode.codes(this.picture);
      const context = this.base.getContext("2d"), scale = this.side / 65535;
      context.clearRect(0, 0, this.side, this.side);
      // Points shrink and fade with their number, so that density shows where they overlap.
      const width = Math.max(1, Math.min(this.large ? 5 : 3.4, 0.045 * this.side / this.ratio * Math.sqrt(300 / n))) * this.ratio;
      const alpha = Math.max(0.25, Math.min(0.85, 40 / Math.sqrt(n)));
      const groups = new Map();
      for (let i = 0; i < n; i++) {
        const code = selected && !selected[i] ? -2 : codes[i];
        let group = groups.get(code);
        if (!group) groups.set(code, group = []);
        group.push(i);
      }
      // Grey first, so that colour lies on top.
      const order = [...groups.keys()].sort((a, b) => rank(b) - rank(a));
      for (const code of order) {
        context.fillStyle = colourOf(code);
        context.globalAlpha = code === -2 ? 0.18 : alpha;
        const round = this.large && n <= 20000;
        context.beginPath();
        for (const i of groups.get(code)) {
          const px = x[i] * scale, py = this.side - y[i] * scale;
          if (round) { context.moveTo(px + width / 2, py); context.arc(px, py, width / 2, 0, 7); }
          else context.rect(px - width / 2, py - width / 2, width, width);
        }
        context.fill();
      }
      context.globalAlpha = 1;
      if (this.large) this.drawNames(context, codes, scale, groups);
    }
    drawNames(context, codes, scale, groups) {
      // Names at the median of their points, so that colour is not the only way to tell.
      const { x, y } = this.picture;
      const names = [...groups.keys()].filter((code) => code >= 0 && code !== NO_LABEL).sort((a, b) => a - b).slice(0, 40);
      context.font = `600 ${13 * this.ratio}px system-ui, sans-serif`;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.lineWidth = 3.5 * this.ratio;
      context.lineJoin = "round";
      const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
      for (const code of names) {
        const group = groups.get(code);
        const px = median(group.map((i) => x[i])) * scale, py = this.side - median(group.map((i) => y[i])) * scale;
        const text = mode.shared ? String(textOf(code)).slice(0, 24) : String(code);
        context.strokeStyle = dark.matches ? "#1b1e24" : "#ffffff";
        context.fillStyle = dark.matches ? "#f2f2ee" : "#15181c";
        context.strokeText(text, px, py);
        context.fillText(text, px, py);
      }
    }
    drawMark() {
      const context = this.over.getContext("2d");
      context.clearRect(0, 0, this.side, this.side);
      context.strokeStyle = context.fillStyle = dark.matches ? "#ffffff" : "#000000";
      if (marked >= 0) {
        const [px, py] = this.place(marked);
        context.lineWidth = 2 * this.ratio;
        context.beginPath();
        context.arc(px, py, 6 * this.ratio, 0, 7);
        context.stroke();
      }
      if (this.box) {
        const [x0, y0, x1, y1] = this.box;
        context.globalAlpha = 0.12;
        context.fillRect(x0, y0, x1 - x0, y1 - y0);
        context.globalAlpha = 1;
        context.lineWidth = this.ratio;
        context.strokeRect(x0, y0, x1 - x0, y1 - y0);
      }
    }
    place(i) {
      const scale = this.side / 65535;
      return [this.picture.x[i] * scale, this.side - this.picture.y[i] * scale];
    }
    nearest(px, py) {
      const { x, y } = this.picture, scale = 65535 / this.side;
      const qx = px * scale, qy = 65535 - py * scale, reach = 14 * this.ratio * scale;
      let best = -1, least = reach * reach;
      for (let i = 0; i < n; i++) {
        const dx = x[i] - qx, dy = y[i] - qy, d = dx * dx + dy * dy;
        if (d < least) { least = d; best = i; }
      }
      return best;
    }
  }
  const rank = (code) => code === -2 ? 3 : code === NOISE || code === NO_LABEL ? 2 : 1;

  let scheduled = false;
  function redraw(points) {
    if (points) for (const panel of panels) panel.stale = true;
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      for (const panel of panels) if (panel.visible) panel.draw();
    });
  }

  // --- pointing, selecting, enlarging ------------------------------------------------------------------------
  function listen(panel) {
    const element = panel.element;
    const where = (event) => {
      const box = element.getBoundingClientRect(), scale = panel.side / box.width;
      return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    };
    let start = null, dragged = false;
    element.addEventListener("pointerdown", (event) => {
      if (event.button || event.pointerType === "touch") return;
      start = where(event);
      dragged = false;
      element.setPointerCapture(event.pointerId);
      event.preventDefault();
      element.focus({ preventScroll: true });
    });
    element.addEventListener("pointermove", (event) => {
      if (!panel.picture) return;
      const here = where(event);
      if (start && Math.hypot(here[0] - start[0], here[1] - start[1]) > 5 * panel.ratio) dragged = true;
      if (start && dragged) {
        panel.box = [...start, ...here];
        marked = -1;
        tip.hidden = true;
      } else {
        marked = panel.nearest(...here);
        showTip(event, panel);
      }
      redraw(false);
    });
    element.addEventListener("pointerup", (event) => {
      if (start && dragged) select(panel);
      start = null;
      panel.box = null;
      redraw(false);
    });
    element.addEventListener("pointerleave", () => { marked = -1; tip.hidden = true; redraw(false); });
    element.addEventListener("click", () => { if (!dragged) enlarge(panel); dragged = false; });
    element.addEventListener("keydown", (event) => { if (event.key === "Enter") enlarge(panel); });
  }

  function showTip(event, panel) {
    tip.hidden = marked < 0;
    if (marked < 0) return;
    const lines = [index.ids[marked]];
    if (index.ids[marked] !== String(index.rows[marked])) lines.push(`row ${index.rows[marked]}`);
    for (const label of index.labels) {
      const code = label.codes[marked];
      lines.push(`${label.name}: ${code === NO_LABEL ? "none" : label.values[code]}`);
    }
    const island = panel.picture.island[marked];
    lines.push(island === NOISE ? "in no island here" : `island ${island} here`);
    tip.textContent = lines.join("\n");
    if (zoom.open) zoom.append(tip); else document.body.append(tip);
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 8))}px`;
    tip.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - box.height - 8))}px`;
  }

  function select(panel) {
    const [x0, y0, x1, y1] = panel.box, low = [Math.min(x0, x1), Math.min(y0, y1)], high = [Math.max(x0, x1), Math.max(y0, y1)];
    const chosen = new Uint8Array(n);
    let count = 0;
    for (let i = 0; i < n; i++) {
      const [px, py] = panel.place(i);
      if (px >= low[0] && px <= high[0] && py >= low[1] && py <= high[1]) { chosen[i] = 1; count++; }
    }
    selected = count ? chosen : null;
    status.textContent = count ? `${count.toLocaleString()} rows selected in ${panel.title}` : "";
    clear.hidden = !count;
    redraw(true);
  }
  function unselect() {
    selected = null;
    status.textContent = "";
    clear.hidden = true;
    redraw(true);
  }
  clear.addEventListener("click", unselect);
  addEventListener("keydown", (event) => { if (event.key === "Escape" && !zoom.open) unselect(); });

  let large = null;
  function enlarge(panel) {
    if (!panel.picture || panel === large) return;
    document.getElementById("zoom-title").textContent = panel.title;
    zoom.showModal();
    if (!large) panels.push(large = new Panel(document.getElementById("zoom-picture")));
    large.picture = panel.picture;
    large.title = panel.title;
    large.element.setAttribute("aria-label", `Picture: ${panel.title}`);
    large.visible = large.stale = true;
    redraw(false);
  }
  document.getElementById("close").addEventListener("click", () => zoom.close());
  zoom.addEventListener("close", () => { if (large) large.visible = false; document.body.append(tip); tip.hidden = true; });

  // --- start -------------------------------------------------------------------------------------------------
  colour.addEventListener("change", () => { mode = modes[Number(colour.value)]; showLegend(); redraw(true); });
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const panel = panels.find((one) => one.element === entry.target);
      panel.visible = entry.isIntersecting;
    }
    redraw(false);
  }, { rootMargin: "300px" });
  for (const element of document.querySelectorAll(".picture[data-cell]")) {
    const panel = new Panel(element);
    panels.push(panel);
    watcher.observe(element);
  }
  addEventListener("resize", () => redraw(true));
  addEventListener("beforeprint", () => { for (const panel of panels) if (panel !== large) panel.draw(); });
  dark.addEventListener("change", () => redraw(true));
  showLegend();
  document.documentElement.dataset.ready = "true";
})();
