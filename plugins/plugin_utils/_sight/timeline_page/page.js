/*
Copyright (c) 2026, longrun.jobs contributors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
*/
"use strict";
(() => {
  const form = document.getElementById("filters");
  const host = document.getElementById("host");
  const shown = document.getElementById("shown");
  const table = document.querySelector("table");
  const groups = [...document.querySelectorAll("tbody")];
  const rows = [...document.querySelectorAll("tr.job")];
  let visible = rows;

  // One job at a time is reached with the Tab key, the others with the arrow keys.
  const reach = (row) => {
    rows.forEach((one) => { if (one.tabIndex === 0) one.tabIndex = -1; });
    if (row) row.tabIndex = 0;
  };

  const filter = () => {
    const wanted = host.value.trim().toLowerCase();
    const states = new Set([...form.querySelectorAll("[name=state]:checked")].map((box) => box.value));
    visible = [];
    groups.forEach((group) => {
      const here = group.dataset.host.toLowerCase().includes(wanted);
      let some = false;
      group.querySelectorAll("tr.job").forEach((row) => {
        row.hidden = !(here && states.has(row.dataset.state));
        if (!row.hidden) { visible.push(row); some = true; }
      });
      group.hidden = !some;
    });
    shown.textContent = `${visible.length} of ${rows.length} jobs shown`;
    document.getElementById("none").hidden = visible.length > 0;
    reach(visible[0]);
  };

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { table.classList.add("quiet"); return; }
    const at = visible.indexOf(document.activeElement);
    if (at < 0) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 10, PageUp: at - 10, Home: 0, End: visible.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const row = visible[Math.min(visible.length - 1, Math.max(0, to))];
    reach(row);
    row.focus();
  });
  ["focusin", "pointermove"].forEach((kind) => table.addEventListener(kind, () => table.classList.remove("quiet")));

  filter();
})();
