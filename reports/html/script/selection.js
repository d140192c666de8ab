// What is selected: by a press in the legend or on a cluster, by a box, by a search; one selection for all pictures.
import { clusterMode, colourOf, modes } from "./colours.js";
import { idOf, rowOf, tally } from "./data.js";
import { panels, redraw } from "./panel.js";
import { byId, index, n, state } from "./state.js";

const status = byId("status"),
  saidToo = document.querySelector(".said-of-rows"), // beside an enlarged picture, which hides the page
  copies = [...document.querySelectorAll(".copy")],
  clear = byId("clear"),
  legend = byId("legend"),
  note = byId("legend-note"),
  colour = byId("colour");
const title = byId("legend-title"),
  search = byId("search");
const MOST_NAMES = 500;
const CLUSTER = "#cluster=";
const cards = [...document.querySelectorAll("[data-cluster]")];
const members = [...document.querySelectorAll("[data-member]")];

export function showLegend() {
  const { mode } = state;
  title.textContent = `Colour: ${mode.title}`;
  legend.replaceChildren(
    ...mode.names.slice(0, MOST_NAMES).map((name, place) => {
      const item = document.createElement("li"),
        button = document.createElement("button");
      const dot = document.createElement("i"),
        text = document.createElement("span"),
        frequency = document.createElement("span");
      button.type = "button";
      dot.style.background = colourOf(mode.shared ? place : mode.numbers[place]);
      text.textContent = name || "(empty)";
      frequency.textContent = mode.counts[place].toLocaleString();
      frequency.className = "frequency";
      button.append(dot, text, frequency);
      button.addEventListener("click", () => press(place));
      item.append(button);
      return item;
    }),
  );
  const hidden = mode.names.length - MOST_NAMES;
  showPressed();
  note.textContent = [mode.note, hidden > 0 ? `The legend names the first ${MOST_NAMES}.` : ""]
    .filter(Boolean)
    .join(" ");
}

export function showPressed() {
  const say = (button, place) => button.setAttribute("aria-pressed", String(state.pressed.has(place)));
  legend.querySelectorAll("button").forEach(say);
  for (const card of cards)
    say(card, state.mode === clusterMode ? index.cluster.values.indexOf(card.dataset.cluster) : -1);
  link();
}

// A selection of clusters is an address that can be sent.
let followed = false; // the address that the page was opened with is read before it is written
function link() {
  if (!followed) return;
  const own = state.mode === clusterMode && state.pressed.size;
  const wanted = own ? CLUSTER + [...state.pressed].map((code) => index.cluster.values[code]).join(",") : "";
  if (own && location.hash !== wanted) history.replaceState(null, "", wanted);
  else if (!own && location.hash.startsWith(CLUSTER))
    history.replaceState(null, "", location.pathname + location.search);
}
export function followLink() {
  followed = true;
  if (!clusterMode || !location.hash.startsWith(CLUSTER)) return [];
  const wanted = decodeURIComponent(location.hash.slice(CLUSTER.length)).split(",");
  const known = wanted.filter((number) => index.cluster.values.includes(number));
  if (state.mode !== clusterMode) colourBy(clusterMode);
  state.pressed = new Set(known.map((number) => index.cluster.values.indexOf(number)));
  selectPressed();
  return known;
}

export function keep(i) {
  state.kept = i;
  for (const member of members) member.setAttribute("aria-pressed", String(Number(member.dataset.member) === i));
  if (!state.selected) say(i >= 0 ? `${nameRow(i)} is marked in every picture` : "");
  else showButtons();
  redraw(false);
}
const nameRow = (i) => (idOf(i) === String(rowOf(i)) ? `row ${idOf(i)}` : idOf(i));

function say(text) {
  status.textContent = saidToo.textContent = text;
  showButtons();
}
function showButtons() {
  clear.hidden = state.kept < 0 && !state.selected;
  for (const button of copies) {
    button.hidden = clear.hidden;
    button.textContent = state.selected ? "Copy ids" : "Copy id";
  }
}
async function copyIds(button) {
  const ids = places((i) => (state.selected ? state.selected[i] : i === state.kept)).map(idOf);
  const done = await copyText(ids.join("\n"), button);
  button.textContent = done ? `${ids.length.toLocaleString()} copied` : "The browser refuses; see tables";
}
async function copyText(text, beside) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // A page that was opened from a file may not write to the clipboard that way.
    const area = document.createElement("textarea");
    area.value = text;
    beside.after(area); // inside the dialog where one is open: what lies outside cannot be selected
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    beside.focus();
    return done;
  }
}

function press(place) {
  if (!state.pressed.delete(place)) state.pressed.add(place);
  selectPressed();
}
export function pressCluster(number) {
  if (!clusterMode) return;
  if (state.mode !== clusterMode) colourBy(clusterMode);
  const place = index.cluster.values.indexOf(number);
  if (place >= 0) press(place);
}
function selectPressed() {
  const { mode, pressed } = state;
  showPressed();
  const tests = [...pressed].map((one) => mode.members(one)),
    names = [...pressed].map((one) => mode.names[one]).join(", ");
  choose(
    (i) => tests.some((test) => test(i)),
    mode.shared ? `${mode.title}: ${names}` : `island ${names} of the reference picture`,
  );
  settle();
}

export function choose(test, from) {
  const chosen = new Uint8Array(n);
  let count = 0;
  for (let i = 0; i < n; i++)
    if (test(i)) {
      chosen[i] = 1;
      count++;
    }
  state.selected = count ? chosen : null;
  say(count ? `${count.toLocaleString()} of ${n.toLocaleString()} ${n === 1 ? "row" : "rows"} selected, ${from}` : "");
  redraw(true);
}
export function unselect() {
  state.pressed = new Set();
  state.selected = null;
  keep(-1);
  showPressed();
  settle();
  redraw(true);
}
export function settle() {
  // Where a selection has come to rest: what it is made of, and whether each picture keeps it together.
  if (state.selected && index.labels.length && !state.pressed.size)
    say(`${status.textContent}: ${composition(index.labels[0])}`);
  for (const panel of panels) panel.tell();
}
function composition(label) {
  const counts = tally(label.codes),
    total = counts.reduce((sum, pair) => sum + pair[1], 0);
  const parts = counts
    .slice(0, 3)
    .map(([code, count]) => `${code < 0 ? "no label" : label.values[code]} ${Math.round((100 * count) / total)} %`);
  return `${label.name} ${parts.join(", ")}${counts.length > 3 ? " …" : ""}`;
}

export function colourBy(chosen) {
  state.mode = chosen;
  colour.value = String(modes.indexOf(chosen));
  if (state.pressed.size) unselect();
  showLegend();
  redraw(true);
}

// A row is searched by its id or number, rows by a value of a label or a part of their ids.
function find(text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return unselect();
  const exact = places((i) => idOf(i).toLowerCase() === wanted || String(rowOf(i)) === wanted);
  unselect();
  if (exact.length === 1) return keep(exact[0]);
  const labels = index.labels.map((label) => [
    label.codes,
    new Set(label.values.flatMap((value, code) => (value.toLowerCase() === wanted ? [code] : []))),
  ]);
  const byLabel = (i) => labels.some(([codes, known]) => known.has(codes[i]));
  const found = labels.some(([, known]) => known.size) ? byLabel : (i) => idOf(i).toLowerCase().includes(wanted);
  choose(found, `found by “${text.trim()}”`);
  settle();
  if (!state.selected) say(`no row is found by “${text.trim()}”`);
}
// Controls that a phone folds.
export const further = byId("further-controls");
export function showFurther(open) {
  const button = byId("further");
  further.classList.toggle("open", open);
  button.setAttribute("aria-expanded", String(open));
  button.textContent = open ? "Less" : "More";
}

const places = (test) => Array.from({ length: n }, (_, i) => i).filter(test);

export function listenForSelections() {
  modes.forEach((one, place) => {
    colour.add(new Option(one.title, String(place)));
  });
  colour.addEventListener("change", () => colourBy(modes[Number(colour.value)]));
  clear.addEventListener("click", () => {
    unselect();
    colour.focus();
  });
  for (const button of copies) button.addEventListener("click", () => copyIds(button));
  search.addEventListener("change", () => find(search.value));
  for (const card of cards) card.addEventListener("click", () => pressCluster(card.dataset.cluster));
  addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && (state.selected || state.kept >= 0)) {
      search.value = "";
      unselect();
    }
    if (event.key === "/" && !/input|select|textarea/i.test(document.activeElement?.tagName ?? "")) {
      event.preventDefault();
      showFurther(true);
      search.focus();
    }
  });
}
