"use strict";
// All of the console's own script: theme, links, failed requests, keyboard, copying. Pages work
// without it.

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

// -- copy: <button data-copy="#id of the text">, or data-copy-from="address of the text" -----------
async function textToCopy({copy, copyFrom}) {
  if (copyFrom) return (await fetch(copyFrom)).text();
  const source = document.querySelector(copy);
  return source.value ?? source.textContent;
}
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(await textToCopy(button.dataset));
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select and copy by hand";
  }
  setTimeout(() => { button.textContent = label; }, 1500);
});

// -- links: Ctrl, Cmd and Shift open what htmx would load in a tab or window of its own ------------
document.addEventListener("click", (event) => {
  if ((event.ctrlKey || event.metaKey || event.shiftKey) && event.target.closest("a[href]")) event.stopPropagation();
}, true);

// -- a request that got no answer, or an error page, leaves the page as it is and says so ----------
function sayUnanswered(event) {
  const status = event.detail.xhr?.status;
  const reason = status ? `Waylog answered with error ${status}.` : "Waylog did not answer.";
  document.getElementById("unanswered").textContent = `${reason} Try again, or reload the page.`;
}
for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) document.addEventListener(name, sayUnanswered);
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) document.getElementById("unanswered").textContent = "";
});

// -- graph, TRACING: the card or row whose panel is open is marked and in sight --------------------
function showChosen() {
  document.querySelector(".graph [aria-current], #tree:has(+ .is-chosen) [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
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
// An element with data-key="x" is pressed by x, a field is entered by it; "g r" is g, then r. Rows
// have data-row; their first link is what Enter opens. The sheet turns all of it off, and on.
let keysOff = localStorage.getItem("waylog-keys") === "off";
let begun = "";
let waiting = 0;
// Of several in sight the last: what stands further down the page is what is being read.
const inSight = (selector) => [...document.querySelectorAll(selector)].filter((found) => found.checkVisibility());
const keyed = (key) => inSight(`[data-key="${CSS.escape(key)}"]`).at(-1);
function moveRow(step) {
  const rows = inSight("[data-row]");
  if (!rows.length) return;
  const from = document.activeElement.closest("[data-row]") ?? document.querySelector("[data-row]:is([aria-current], :target)");
  const at = rows.indexOf(from);
  const row = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
  const link = row.matches("a") ? row : row.querySelector("a.summary") ?? row.querySelector("a[href]");
  (link ?? row).focus();
  row.scrollIntoView({ block: "nearest" });
}
function pressKey(key) {
  if (key === "j" || key === "k") return moveRow(key === "j" ? 1 : -1);
  let target = keyed(key);
  if (target?.matches("summary")) {  // opens the field that it hides
    target.click();
    target = keyed(key);
  }
  if (!target?.matches("input, textarea")) return target?.click();
  target.focus();
  target.select();
}
// The search box is left by Escape, and by the arrow down to the list, unless it offers completions.
document.addEventListener("keydown", (event) => {
  if (!event.target.matches("#id_q") || event.isComposing) return;
  if (event.key === "Escape") event.target.blur();
  else if (event.key === "ArrowDown" && !(event.target.value && event.target.list.options.length)) moveRow(0);
  else return;
  event.preventDefault();
});
// After a search the first row has the focus, so that j, k and Enter go on from there.
document.addEventListener("htmx:afterSettle", (event) => {
  const cause = event.detail.requestConfig?.triggeringEvent;
  if (cause?.type === "submit" && cause.target.matches(".query-bar")) moveRow(0);
});
document.addEventListener("keydown", (event) => {
  if (keysOff || event.isComposing || event.key === "Shift") return;
  // Some keyboards write [ and ] with AltGr, which is Ctrl and Alt together.
  if ((event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph")) return;
  if (event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, dialog, [contenteditable]")) return;
  const key = begun + event.key;
  clearTimeout(waiting);
  begun = event.key === "g" && !begun ? "g " : "";
  waiting = setTimeout(() => { begun = ""; }, 1500);
  if (!["j", "k"].includes(key) && !keyed(key)) return;
  event.preventDefault();
  pressKey(key);
});
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-help]")) button.hidden = false;
  for (const box of document.querySelectorAll("[data-keys-switch]")) box.checked = !keysOff;
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-help]")) document.getElementById("help")?.showModal();
});
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-keys-switch]")) return;
  keysOff = !event.target.checked;
  localStorage.setItem("waylog-keys", keysOff ? "off" : "on");
});

// -- TRACING: the panel beside the tree tells which row is the chosen one, and is read on from there -
document.addEventListener("htmx:afterSettle", (event) => {
  const chosen = event.target.dataset?.chosen;
  if (!chosen) return;
  for (const row of document.querySelectorAll("#tree [aria-current]")) row.removeAttribute("aria-current");
  document.getElementById("x-" + chosen.slice(0, 8))?.setAttribute("aria-current", "true");
  event.target.focus({ preventScroll: true });
});
