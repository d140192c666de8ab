"use strict";
const find = document.getElementById("find");
const found = document.getElementById("found");
const sweeps = [...document.querySelectorAll(".sweep")];

function filter() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const sweep of sweeps) {
    sweep.hidden = !words.every((word) => sweep.dataset.name.toLowerCase().includes(word));
    shown += sweep.hidden ? 0 : 1;
  }
  found.textContent = words.length ? `${shown} of ${sweeps.length} sweeps` : "";
}

// Oldest first, as time goes; what is asked in the morning is the last night.
for (const lines of document.querySelectorAll(".scroll")) lines.scrollLeft = lines.scrollWidth;

find.addEventListener("input", filter);
document.getElementById("finder").hidden = false;
filter();
document.documentElement.dataset.ready = "true";
