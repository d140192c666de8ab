// The page around the pictures: names on the map, the table of clusters, navigation, layouts of the grid; and the start.
import { dark } from "./colours.js";
import { drawImage, imageAt } from "./data.js";
import { anchorOf, occupancy, overlap, placeLabels } from "./labels.js";
import { enlarge, listenToDialog } from "./enlarged.js";
import { NoisePanel, Panel, panelOf, panels, redraw } from "./panel.js";
import { listenToLayouts } from "./layouts.js";
import { listen, point } from "./pointing.js";
import { followLink, further, keep, listenForSelections, showFurther, showLegend } from "./selection.js";
import { byId, FULL, grid, index, state } from "./state.js";

// --- names on the map of the first screen ---------------------------------------------------------------------------
const CROWDED = 16, // more names than that are written smaller, and only where they cover little
  MARK = 10, // pixels of the mark that stays of a name without room
  FARTHEST = 75; // the cost, in pixels, up to which a name of many is written
function nameOnMap(panel) {
  const box = byId("map-names"),
    lines = byId("map-lines"),
    side = panel.element.clientWidth,
    { picture } = panel;
  if (!box || !picture || !index.cluster || !side) return;
  const members = new Map();
  index.cluster.codes.forEach((code, i) => {
    if (!members.has(code)) members.set(code, []);
    members.get(code).push(i);
  });
  const scale = side / FULL,
    tags = [...box.children],
    crowded = tags.length > CROWDED;
  box.classList.toggle("many", crowded);
  const labels = tags.map((tag) => {
    const places = members.get(index.cluster.values.indexOf(tag.dataset.cluster)) ?? [];
    if (!places.length) return null;
    const i = anchorOf(places, picture.x, picture.y);
    tag.hidden = false;
    tag.classList.remove("mark");
    fitText(tag);
    return {
      tag,
      x: picture.x[i] * scale,
      y: side - picture.y[i] * scale,
      width: tag.offsetWidth,
      height: tag.offsetHeight,
    };
  });
  const known = labels.filter(Boolean);
  const taken = occupancy(
    Float32Array.from(picture.x, (x) => x * scale),
    Float32Array.from(picture.y, (y) => side - y * scale),
    side,
  );
  const found = placeLabels(known, side, taken, crowded ? FARTHEST : Infinity);
  for (const tag of tags) tag.hidden = true;
  lines.setAttribute("viewBox", `0 0 ${side} ${side}`);
  lines.replaceChildren();
  const written = [];
  found.forEach((place, k) => {
    if (!place) return;
    const { tag, width, height } = known[k];
    written.push({ ...place, width, height });
    moveTag(tag, place);
    if (place.leader) lines.append(leaderLine(place.leader));
  });
  found.forEach((place, k) => {
    if (!place) markOnMap(known[k], side, written);
  });
}
function moveTag(tag, { left, top }) {
  tag.hidden = false;
  tag.style.left = `${left}px`;
  tag.style.top = `${top}px`;
}
function markOnMap({ tag, x, y }, side, written) {
  // Where its name has no room, a cluster keeps its mark, which shows the name to pointer, keyboard and press.
  tag.classList.add("mark");
  tag.hidden = false;
  const inside = (middle, size) => Math.max(1, Math.min(side - size - 1, middle - size / 2)),
    boxOf = (width, height) => ({ left: inside(x, width), top: inside(y, height), width, height }),
    ink = boxOf(MARK, MARK); // what is pressed may reach under a name, what is seen may not
  if (written.some((other) => overlap(ink, other))) tag.hidden = true;
  else {
    written.push(ink);
    moveTag(tag, boxOf(tag.offsetWidth, tag.offsetHeight));
  }
}
function fitText(tag) {
  // A name of two lines is as wide as its longer line: what stays of the box would keep other names and points away.
  const named = tag.querySelector(".named"),
    range = document.createRange();
  named.style.width = "";
  range.selectNodeContents(named);
  named.style.width = `${Math.ceil(range.getBoundingClientRect().width) + 1}px`;
}
const firstLine = byId("map-lines")?.querySelector("line");
function leaderLine([x1, y1, x2, y2]) {
  const line = firstLine.cloneNode();
  for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) line.setAttribute(name, value.toFixed(1));
  return line;
}

// --- the table of clusters -----------------------------------------------------------------------------------------
function sortBy(header) {
  const table = header.closest("table"),
    key = header.dataset.sort,
    up = header.getAttribute("aria-sort") !== "ascending";
  for (const other of table.querySelectorAll("th[data-sort]")) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", up ? "ascending" : "descending");
  const value = (body) => Number(body.dataset[key]),
    sign = up ? 1 : -1;
  const bodies = [...table.tBodies].sort((a, b) => sign * (value(a) - value(b)) || value(a) - value(b));
  table.append(...bodies);
  showFirst();
}
const all = byId("all-clusters");
function showFirst() {
  // Of many clusters the first of the order that is chosen, until all are asked for.
  if (!all) return;
  const bodies = [...document.querySelector("table.clusters").tBodies],
    open = all.getAttribute("aria-expanded") === "true";
  bodies.forEach((body, place) => {
    body.hidden = !open && place >= Number(all.dataset.first);
  });
  all.textContent = open ? `Show the first ${all.dataset.first} clusters` : `Show all ${bodies.length} clusters`;
}
function showAll(open) {
  all?.setAttribute("aria-expanded", String(open));
  showFirst();
}
function listenToFolds() {
  // A phone has room for the controls that are used most and for the best settings; the others are a press away.
  const settings = byId("all-settings");
  settings?.addEventListener("click", () => {
    const open = settings.getAttribute("aria-expanded") !== "true";
    settings.setAttribute("aria-expanded", String(open));
    settings.textContent = open ? settings.dataset.shown : settings.dataset.folded;
    grid.parentElement.classList.toggle("all", open);
    redraw(false);
  });
  byId("further").addEventListener("click", () => showFurther(!further.classList.contains("open")));
}
function openCard(button, open) {
  const card = byId(button.getAttribute("aria-controls"));
  card.hidden = !open;
  button.setAttribute("aria-expanded", String(open));
  redraw(false);
}
function listenToTables() {
  for (const header of document.querySelectorAll("th[data-sort]"))
    header.querySelector("button").addEventListener("click", () => sortBy(header));
  if (all) {
    all.hidden = false;
    all.addEventListener("click", () => showAll(all.getAttribute("aria-expanded") !== "true"));
    showAll(false);
  }
  for (const button of document.querySelectorAll("button[data-open]")) {
    button.addEventListener("click", () => openCard(button, button.getAttribute("aria-expanded") !== "true"));
  }
  for (const button of document.querySelectorAll("button[data-enlarge]")) {
    button.addEventListener("click", () => {
      const element = grid.querySelector(`[data-cell="${CSS.escape(button.dataset.enlarge)}"]`);
      if (element) enlarge(panelOf.get(element), button);
    });
  }
}
function showLinked() {
  // A link to a cluster opens its card, a link to a section unfolds it.
  const [number] = followLink();
  const button = number !== undefined && document.querySelector(`button[data-open="${CSS.escape(number)}"]`);
  if (button) {
    if (button.closest("tbody").hidden) showAll(true);
    openCard(button, true);
    button.scrollIntoView({ block: "center" });
    return;
  }
  const target = /^#[\w-]+$/.test(location.hash) && document.querySelector(location.hash);
  if (!target) return;
  for (
    let fold = target.closest("details") ?? target.querySelector(":scope > details");
    fold;
    fold = fold.parentElement.closest("details")
  )
    fold.open = true;
  target.scrollIntoView();
}

// --- words that are explained: a tooltip in the window, so that no table that scrolls cuts it ----------------------------
function listenToTerms() {
  for (const term of document.querySelectorAll(".term")) {
    const told = term.querySelector("[role=tooltip]");
    const place = () => {
      const box = term.getBoundingClientRect(),
        [width, height] = [told.offsetWidth, told.offsetHeight];
      told.style.left = `${Math.max(8, Math.min(box.left, innerWidth - width - 8))}px`;
      told.style.top = `${box.bottom + height + 4 > innerHeight ? box.top - height - 2 : box.bottom + 2}px`;
    };
    told.style.position = "fixed";
    for (const event of ["focus", "pointerenter"]) term.addEventListener(event, place);
  }
}

// --- navigation ----------------------------------------------------------------------------------------------------
function followReading() {
  const links = new Map(
    [...document.querySelectorAll("nav a[href^='#']")].map((link) => [link.getAttribute("href").slice(1), link]),
  );
  const seen = new Set();
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) isIntersecting ? seen.add(target.id) : seen.delete(target.id);
      const here = [...links.keys()].find((id) => seen.has(id));
      for (const [id, link] of links)
        id === here ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
    },
    { rootMargin: "-15% 0px -60% 0px" },
  );
  for (const id of links.keys()) if (byId(id)) watcher.observe(byId(id));
  // A link to a section that is open already still has to unfold one that was closed again.
  for (const link of links.values()) link.addEventListener("click", () => setTimeout(showLinked));
  addEventListener("hashchange", showLinked);
}

// --- members of clusters -------------------------------------------------------------------------------------------
function listenToMembers() {
  for (const member of document.querySelectorAll("[data-member]")) {
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
    member.addEventListener("click", () => keep(state.kept === i ? -1 : i));
  }
}

// --- the start ---------------------------------------------------------------------------------------------------------
const watcher = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) panelOf.get(entry.target).visible = entry.isIntersecting;
    redraw(false);
  },
  { rootMargin: "300px" },
);
const ruler = new ResizeObserver(() => redraw(false));
for (const element of document.querySelectorAll(".picture[data-cell], .picture[data-null]")) {
  const panel = new (element.dataset.null ? NoisePanel : Panel)(element),
    { top, bottom } = element.getBoundingClientRect();
  if (panel.linked) listen(panel, (pressed) => enlarge(pressed));
  // What is on the screen is drawn at once: a screenshot or a page in the background waits for no frame.
  panel.visible = bottom > 0 && top < innerHeight;
  if (panel.visible) panel.draw();
  watcher.observe(element);
  ruler.observe(element);
}
ruler.observe(byId("zoom-picture"));
const drawForPrint = (on) => {
  state.printing = on;
  for (const panel of panels)
    if (panel !== state.enlarged) {
      panel.stale = true;
      panel.draw();
    }
  showLegend();
};
addEventListener("beforeprint", () => drawForPrint(true));
addEventListener("afterprint", () => drawForPrint(false));
dark.addEventListener("change", () => {
  showLegend();
  redraw(true);
});
showLegend();
listenForSelections();
listenToTables();
listenToFolds();
listenToDialog();
listenToTerms();
listenToLayouts();
listenToMembers();
followReading();
const map = document.querySelector("[data-map]");
if (map) {
  nameOnMap(panelOf.get(map));
  new ResizeObserver(() => nameOnMap(panelOf.get(map))).observe(map);
}
showLinked();
document.documentElement.dataset.ready = "true";
