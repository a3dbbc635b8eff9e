"use strict";
// All of the console's own script: theme, keyboard, copying. Pages work without it.

// -- theme: auto follows the system; a choice is kept in this browser -----------------------------
const THEMES = ["auto", "light", "dark"];
function theme() {
  const kept = localStorage.getItem("waylog-theme");
  return THEMES.includes(kept) ? kept : "auto";
}
function showTheme() {
  document.documentElement.dataset.theme = theme();
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    button.hidden = false;
    button.textContent = "Theme: " + theme();
  }
}
showTheme();
document.addEventListener("DOMContentLoaded", showTheme);
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-switch]")) return;
  localStorage.setItem("waylog-theme", THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
  showTheme();
});

// -- copy: <button data-copy="#id of the text"> ---------------------------------------------------
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  if (!source) return;
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select and copy by hand";
  }
  setTimeout(() => { button.textContent = label; }, 1500);
});

// -- graph: the card whose panel is open is marked and in sight ------------------------------------
function showChosen() {
  document.querySelector(".graph [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}
document.addEventListener("DOMContentLoaded", showChosen);
document.addEventListener("htmx:afterRequest", (event) => {
  const link = event.target.closest?.("[data-choose]");
  if (!link || !event.detail.successful) return;
  for (const other of document.querySelectorAll("[data-choose][aria-current]")) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  showChosen();
});

// -- keyboard -------------------------------------------------------------------------------------
// Rows: any element with data-row; its first link is what Enter opens.
function moveRow(step) {
  const rows = [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent);
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement.closest("[data-row]"));
  const row = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
  const link = row.matches("a") ? row : row.querySelector("a.summary") ?? row.querySelector("a[href]");
  (link ?? row).focus();
  row.scrollIntoView({ block: "nearest" });
}
function press(selector) {
  const target = [...document.querySelectorAll(selector)].find((found) => found.offsetParent);
  if (target) target.click();
}
const KEYS = {
  j: () => moveRow(1),
  k: () => moveRow(-1),
  "[": () => press("[data-key-previous]"),
  "]": () => press("[data-key-next]"),
  "/": () => document.querySelector("[data-key-search]")?.focus(),
  "?": () => document.getElementById("help")?.showModal(),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return;
  const action = KEYS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

// -- TRACING: the panel beside the tree tells which row is the chosen one ---------------------------
document.addEventListener("htmx:afterSettle", (event) => {
  const chosen = event.target.dataset?.chosen;
  if (!chosen) return;
  for (const row of document.querySelectorAll("#tree [aria-current]")) row.removeAttribute("aria-current");
  document.getElementById("x-" + chosen.slice(0, 8))?.setAttribute("aria-current", "true");
});
