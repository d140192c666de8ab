// The same pictures in other rows: figures are moved, nothing is made again.
import { redraw } from "./panel.js";
import { byId, grid, index } from "./state.js";

const size = byId("size");
const layout = byId("layout"),
  layoutNote = byId("layout-note");
const settings = [...grid.children],
  home = new Map(),
  figures = new Map(),
  beside = [...grid.querySelectorAll("[data-beside]")];
const firstNote = layoutNote.textContent,
  firstSeeds = grid.style.getPropertyValue("--seeds");
for (const figure of grid.querySelectorAll("[data-figure]")) {
  figures.set(figure.dataset.figure, figure);
  home.set(figure, { row: figure.parentElement, where: figure.querySelector(".where").textContent });
}
function layOut() {
  const way = layout && index.layouts[layout.selectedIndex - 1];
  grid.className = `rows ${size.value}${way ? " laid" : ""}${way?.wraps ? " wraps" : ""}`;
  layoutNote.textContent = way ? way.note : firstNote;
  grid.style.setProperty(
    "--seeds",
    way ? Math.max(1, ...way.rows.map((row) => (way.wraps ? 1 : row.places.length))) : firstSeeds,
  );
  for (const [figure, { row, where }] of home) {
    figure.querySelector(".where").textContent = where;
    row.append(figure);
  }
  grid.replaceChildren(...(way ? way.rows.map(layRow) : settings));
  for (const figure of beside) figures.get(figure.dataset.beside).parentElement.append(figure);
  redraw(false);
}
function layRow({ title, places }, number) {
  const section = document.createElement("section"),
    setting = document.createElement("div"),
    head = document.createElement("h3");
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
    if (cell !== null)
      figure.querySelector(".where").textContent = figure.querySelector(".picture") ? `${caption} · ` : caption;
    row.append(figure);
  }
  return section;
}
export function listenToLayouts() {
  size.addEventListener("change", layOut);
  layout?.addEventListener("change", layOut);
  for (const also of ["halves", "noise"]) {
    const box = byId(`${also}-too`),
      figures = beside.filter((figure) => figure.dataset.also === also);
    box?.addEventListener("change", () => {
      for (const figure of figures) figure.hidden = !box.checked;
    });
  }
}
