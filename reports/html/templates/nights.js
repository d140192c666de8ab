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

find.addEventListener("input", filter);
document.getElementById("search").hidden = false;
filter();
document.documentElement.dataset.ready = "true";
