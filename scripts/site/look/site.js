// Search, a theme, a copy button and a folded spine on phones. Without it every page can still be read.
"use strict";
const up = document.currentScript.dataset.up;
const byId = (id) => document.getElementById(id);

const kept = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
const root = document.documentElement;
const wear = (theme) => { if (theme) root.dataset.theme = theme; else delete root.dataset.theme; };
wear(kept);
const button = byId("theme");
button.hidden = false;
button.addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = dark ? "light" : "dark";
  wear(theme);
  try { localStorage.setItem("theme", theme); } catch { /* a page from a folder may not keep anything */ }
});

if (matchMedia("(max-width: 52rem)").matches) document.querySelector(".spine__fold").open = false;

for (const pre of document.querySelectorAll("pre")) {
  const block = document.createElement("div");
  block.className = "block";
  pre.replaceWith(block);
  const copy = document.createElement("button");
  copy.type = "button"; copy.className = "copy"; copy.textContent = "Copy";
  copy.addEventListener("click", async () => {
    const said = pre.textContent;
    const commands = pre.dataset.language === "console"
      ? said.split("\n").filter((line) => line.startsWith("$ ")).map((line) => line.slice(2)).join("\n") : said;
    await navigator.clipboard.writeText(commands);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  });
  block.append(pre, copy);
}

for (const heading of document.querySelectorAll(".sheet :is(h2, h3)[id]")) {
  const link = document.createElement("a");
  link.className = "to"; link.href = "#" + heading.id; link.textContent = "#";
  link.setAttribute("aria-label", "Link to " + heading.textContent);
  heading.append(link);
}

const input = byId("find"), found = byId("found");
input.hidden = false;
let words = null;
const load = () => words ??= new Promise((done) => {
  const script = document.createElement("script");
  script.src = up + "look/words.js";
  script.addEventListener("load", () => done(window.WORDS.map((one) => ({ ...one, all: (one.h + " " + one.w).toLowerCase() }))));
  document.head.append(script);
});
const rank = (one, terms) => {
  let sum = 0;
  for (const term of terms) {
    if (!one.all.includes(term)) return 0;
    sum += 1 + (one.h.toLowerCase().includes(term) ? 8 : 0) + (one.p.toLowerCase().includes(term) ? 4 : 0);
  }
  return sum;
};
const around = (one, term) => {
  const at = Math.max(0, one.w.toLowerCase().indexOf(term));
  return one.w.slice(Math.max(0, at - 30), at + 90);
};
const show = async () => {
  const terms = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  found.replaceChildren();
  found.hidden = !terms.length;
  if (!terms.length) return;
  const ranked = (await load()).map((one) => [rank(one, terms), one]).filter(([sum]) => sum).sort((a, b) => b[0] - a[0]).slice(0, 12);
  for (const [, one] of ranked) {
    const item = document.createElement("li"), link = document.createElement("a");
    const title = document.createElement("b"), text = document.createElement("span");
    link.href = up + one.u;
    title.textContent = one.h === one.p ? one.p : one.p + ": " + one.h;
    text.textContent = around(one, terms[0]);
    link.append(title, text); item.append(link); found.append(item);
  }
  if (!ranked.length) {
    const none = document.createElement("li");
    none.className = "find__none"; none.textContent = "Nothing here has all of these words.";
    found.append(none);
  }
};
input.addEventListener("input", show);
input.addEventListener("focus", load);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); input.focus(); }
  if (event.key === "Escape") { found.hidden = true; input.blur(); }
});
document.addEventListener("click", (event) => { if (!event.target.closest(".find")) found.hidden = true; });
