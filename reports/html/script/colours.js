// How points are coloured. Hues are for clusters: a label value and an island take the hue of the cluster they go with;
// verdicts have calm colours of their own, amounts one scale from pale to deep, and islands of noise tones of grey.
import { pictures } from "./data.js";
import { index, NO_CODE, state } from "./state.js";

export const dark = matchMedia("(prefers-color-scheme: dark)");
export const theme = () => index.themes[dark.matches && !state.printing ? "dark" : "light"];
export const letters = (k) => (k < 26 ? "" : letters(Math.floor(k / 26) - 1)) + String.fromCharCode(65 + (k % 26));
const SLOTS = index.themes.light.palette.length;
const LEVELS = index.themes.light.scale.length;
const NEUTRAL = SLOTS + LEVELS + index.themes.light.verdicts.length;
const TONES = index.themes.light.neutral.length;

// A mode gives every point of a picture a code, and every code a slot of the colours (NO_CODE is grey) and a name.
const reference = pictures.get(index.reference);

function mostFrequent(counts) {
  const order = counts.map((count, code) => [count, code]).sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  return order.slice(0, SLOTS).map((pair) => pair[1]);
}

// The slot of every cluster, by its code: as the page's cards have it.
const clusterSlots = new Map();
if (index.cluster) {
  const frequent = mostFrequent(index.cluster.counts).sort((a, b) => a - b);
  frequent.forEach((code, slot) => {
    clusterSlots.set(code, slot);
  });
}

// The slots of values: the most frequent first, each that of the cluster that most of its rows are in, if that is free.
function borrowedSlots(codes, counts) {
  const together = new Map();
  codes.forEach((code, i) => {
    const slot = clusterSlots.get(index.cluster?.codes[i] ?? NO_CODE);
    if (code < 0 || slot === undefined) return;
    if (!together.has(code)) together.set(code, new Map());
    together.get(code).set(slot, (together.get(code).get(slot) ?? 0) + 1);
  });
  const found = new Map(),
    taken = new Set(),
    late = [];
  for (const code of mostFrequent(counts)) {
    const own = [...(together.get(code) ?? [])].sort((a, b) => b[1] - a[1])[0]?.[0];
    if (own === undefined || taken.has(own)) late.push(code);
    else {
      found.set(code, own);
      taken.add(own);
    }
  }
  const free = Array.from({ length: SLOTS }, (_, slot) => slot).filter((slot) => !taken.has(slot));
  late.forEach((code, place) => {
    found.set(code, free[place]);
  });
  return found;
}

function labelMode(label) {
  const many = label.values.length > SLOTS,
    slotOf = borrowedSlots(label.codes, label.counts);
  const hue = index.cluster ? "A value has the hue of the cluster that most of its rows are in. " : "";
  return {
    title: label.name,
    names: label.values,
    counts: label.counts,
    shared: true,
    codes: () => label.codes,
    number: (_, code) => code,
    slot: (code) => (code < 0 ? NO_CODE : (slotOf.get(code) ?? NO_CODE)),
    note:
      hue +
      (many
        ? `${label.values.length.toLocaleString()} values; the ${SLOTS} most frequent have a colour, the others are grey and can be selected.`
        : ""),
    members: (code) => (i) => label.codes[i] === code,
  };
}

function islandMode(title, key) {
  const counts = [];
  if (reference)
    for (const own of reference[key])
      if (own >= 0) counts[reference.islands[own]] = (counts[reference.islands[own]] ?? 0) + 1;
  const numbers = [...counts.keys()].filter((k) => counts[k]);
  const own = reference
    ? Int32Array.from(reference[key], (island) => (island < 0 ? NO_CODE : reference.islands[island]))
    : [];
  const slotOf = borrowedSlots(
    own,
    Array.from(counts, (count) => count ?? 0),
  );
  return {
    title,
    names: numbers.map(letters),
    counts: numbers.map((k) => counts[k]),
    shared: false,
    numbers,
    codes: (picture) => picture[key],
    number: (picture, island) => (island < 0 ? NO_CODE : picture.islands[island]),
    slot: (code) => (code < 0 ? NO_CODE : (slotOf.get(code) ?? code % SLOTS)),
    note: "An island has the letter of the island of the reference picture with which it shares most rows, and the hue of the cluster in it; other islands have further letters. Grey: in no island.",
    members: (place) => (i) => reference.islands[reference[key][i]] === numbers[place],
  };
}

function measureMode(measure) {
  const levels = measure.counts.length;
  return {
    title: measure.name,
    names: measure.levels,
    counts: measure.counts,
    shared: true,
    unnamed: true,
    codes: () => measure.codes,
    number: (_, code) => code,
    slot: (code) => (code < 0 ? NO_CODE : SLOTS + (measure.reversed ? levels - 1 - code : code)),
    note: measure.note,
    members: (code) => (i) => measure.codes[i] === code,
  };
}

function clusters() {
  const { codes, counts, values, names, name } = index.cluster;
  const many =
    values.length > SLOTS ? ` The ${SLOTS} largest have a hue, the others are grey and can be selected.` : "";
  return {
    title: name,
    names,
    counts,
    shared: true,
    codes: () => codes,
    number: (_, code) => code,
    slot: (code) => clusterSlots.get(code) ?? NO_CODE,
    members: (code) => (i) => codes[i] === code,
    note: `Clusters are what most pictures put into one island${index.labels.length ? ", named by the label that most of their rows share" : ""}. Grey: in no cluster.${many}`,
  };
}

function verdictMode() {
  const order = Object.keys(index.shapes),
    names = order.filter((verdict) => index.cluster.verdicts.includes(verdict));
  const ofCluster = index.cluster.verdicts.map((verdict) => names.indexOf(verdict));
  const codes = Int16Array.from(index.cluster.codes, (code) => (code < 0 ? NO_CODE : ofCluster[code]));
  return {
    title: "verdict of the cluster",
    names: names.map((verdict) => `${index.shapes[verdict]} ${verdict}`),
    counts: names.map((_, place) => codes.reduce((sum, code) => sum + (code === place), 0)),
    shared: true,
    unnamed: true,
    codes: () => codes,
    number: (_, code) => code,
    slot: (code) => (code < 0 ? NO_CODE : SLOTS + LEVELS + order.indexOf(names[code])),
    note: "Every row has the verdict of its cluster.",
    members: (place) => (i) => codes[i] === place,
  };
}

export const clusterMode = index.cluster && clusters();
// Modes that some pictures have of their own: one cluster in its hue, and islands of reference data.
export function focusMode(number) {
  const wanted = index.cluster.values.indexOf(number);
  return { ...clusterMode, unnamed: true, slot: (code) => (code === wanted ? clusterMode.slot(code) : NO_CODE) };
}
export const noiseMode = {
  unnamed: true,
  codes: (picture) => picture.island,
  number: (_, own) => own,
  slot: (code) => (code < 0 ? NO_CODE : NEUTRAL + (code % TONES)),
};
export const ownIslands = islandMode("island of the picture", "island");
export const modes = [
  ...(clusterMode ? [clusterMode] : []),
  ...index.labels.map(labelMode),
  ...(index.cluster?.verdicts ? [verdictMode()] : []),
  ownIslands,
  islandMode("island, noise given to the nearest", "filled"),
  ...index.measures.map(measureMode),
];
state.mode = modes[0];

export const nameOf = (code) => (state.mode.shared ? state.mode.names[code] : letters(code));
export const colours = () => [...theme().palette, ...theme().scale, ...theme().verdicts, ...theme().neutral];
export const colourOf = (code) => colours()[state.mode.slot(code)] ?? theme().grey;
export const rgb = (hex) => [1, 3, 5].map((place) => Number.parseInt(hex.slice(place, place + 2), 16));
