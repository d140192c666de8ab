// What every module shares: the page's data index, and what is selected, marked and shown in which colours.

export const byId = (id) => document.getElementById(id);
export const index = JSON.parse(byId("index").textContent);
export const n = index.points;
export const grid = byId("rows");
export const NO_CODE = -1;
export const FULL = 65535;

export const state = {
  selected: null, // Uint8Array over points, or null
  marked: -1, // the point under the pointer
  kept: -1, // the point that a pressed member keeps marked
  pressed: new Set(), // places in the legend
  mode: null, // how points are coloured
  enlarged: null, // the panel of the dialog
  inHand: null, // the panel that is dragged, drawn first
  printing: false,
  threads: true, // whether lines lead to a row's latent neighbours
  thumbs: true, // whether images are shown where a picture is zoomed in
};
