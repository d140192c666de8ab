"use strict";
const find = document.getElementById("find");
const found = document.getElementById("found");
const rows = [...document.querySelectorAll("#runs tbody tr")];
const texts = rows.map((row) => row.textContent.toLowerCase());

function filter() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  rows.forEach((row, place) => {
    row.hidden = !words.every((word) => texts[place].includes(word));
    shown += row.hidden ? 0 : 1;
  });
  found.textContent = words.length ? `${shown} of ${rows.length} runs` : "";
}

find.addEventListener("input", filter);
document.getElementById("finder").hidden = false;
filter();
document.documentElement.dataset.ready = "true";
