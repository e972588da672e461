// The page around the verifier: opens a file, finds a key, and says what came of it. The file stays here.
import {checkProof} from "./verify.js";

const at = id => document.getElementById(id);
const texts = JSON.parse(at("page").dataset.texts), language = document.documentElement.lang;
const say = (name, places = {}) => (texts[name] ?? name).replace(/\{(\w+)\}/g, (all, key) => places[key] ?? all);
const SYSTEMS = {bn: ["beng", "latn"], hi: ["latn", "deva"]}[language] ?? [];
const SHOWN_AT_ONCE = 100;
const store = {
  get: name => { try { return localStorage.getItem(name); } catch { return null; } },
  set: (name, value) => { try { localStorage.setItem(name, value); } catch { /* nothing is remembered then */ } },
};
let digits = SYSTEMS.includes(store.get("guerdon_digits")) ? store.get("guerdon_digits") : SYSTEMS[0] ?? "latn";
let show = () => {};

const locale = () => `${{bn: "bn-BD", hi: "hi-IN"}[language] ?? "en-GB"}-u-nu-${digits}`;
const number = value => new Intl.NumberFormat(locale()).format(value).replace("-", "−");
const instant = micros => new Intl.DateTimeFormat(locale(), {dateStyle: "medium", timeStyle: "short"}).format(new Date(Number(micros / 1000n)));

function made(tag, classes, ...inside) {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  element.append(...inside);
  return element;
}

function verdict(isGood, title, ...words) {
  const sign = made("span", "proof__sign", isGood ? "✓" : "✗");
  sign.setAttribute("aria-hidden", "true");
  const box = made("div", `proof__verdict ${isGood ? "is-good" : "is-bad"}`, sign, made("div", "", made("h2", "", title), ...words.map(one => made("p", "", one))));
  box.id = "verdict";
  return box;
}

// The log's name is the first line of its head: guerdon/<tenant>/<program>. What it says is checked afterwards.
async function publishedKeys(data) {
  const note = JSON.parse(new TextDecoder().decode(data)).checkpoint;
  const [, tenant, program] = /^guerdon\/([a-z0-9_-]+)\/([a-z0-9_-]+)$/.exec(String(note).split("\n")[0]) ?? [];
  if (!program) return [];
  const answer = await fetch(`/log/${tenant}/${program}/keys`);
  return answer.ok ? (await answer.text()).split("\n").filter(Boolean) : [];
}

async function keysFor(data) {
  const given = at("key").value.split(/\s+/).filter(Boolean);
  if (given.length) return {keys: given, isGiven: true};
  return {keys: await publishedKeys(data).catch(() => []), isGiven: false};
}

function reasons(error) {
  const place = /^\/lines\/(\d+)/.exec(error.pointer ?? "");
  const words = [];
  if (place) words.push(say("at_line", {line: number(Number(place[1]) + 1)}));
  words.push(say(error.why ? `why_${error.why}` : `code_${error.code}`));
  words.push(say("what_now"));
  return words;
}

function lineOf(one) {
  const tick = made("td", "tick", "✓");
  tick.setAttribute("aria-label", say("proved"));
  const wallet = made("small", "", one.wallet);
  return made("tr", "", tick, made("td", "", say(`kind_${one.kind}`), made("small", "", instant(one.effective_at))),
    made("td", "n", number(one.amount), wallet));
}

function table(lines) {
  const head = made("tr", "", made("th", "", made("span", "vh", say("proved"))), made("th", "", say("what")), made("th", "n", say("amount")));
  for (const cell of head.children) cell.scope = "col";
  const body = made("tbody", "", ...lines.slice(0, SHOWN_AT_ONCE).map(lineOf));
  const found = [made("table", "proof__lines", made("thead", "", head), body)];
  if (lines.length > SHOWN_AT_ONCE) {
    const more = made("button", "btn proof__more", say("show_all", {count: number(lines.length)}));
    more.type = "button";
    more.addEventListener("click", () => { body.append(...lines.slice(SHOWN_AT_ONCE).map(lineOf)); more.remove(); });
    found.push(more);
  }
  return found;
}

function shown(checked, isGiven) {
  const count = number(checked.lines.length), isWhole = checked.balances.size > 0 || checked.account !== "";
  const title = say(checked.lines.length === 1 ? "good_one" : "good_many", {count});
  const parts = [verdict(true, title, say(isGiven ? "key_given" : "key_from_here"))];
  const sums = made("dl", "proof__sums");
  for (const [wallet, amount] of checked.balances) sums.append(made("div", "", made("dt", "", wallet), made("dd", "", number(amount))));
  if (checked.balances.size) parts.push(sums);
  const notes = [made("p", "", say("head", {size: number(checked.checkpoint.size), log: checked.checkpoint.origin}))];
  if (checked.balances.size) notes.push(made("p", "", say("units")), made("p", "", say("until_then")));
  if (checked.after) notes.push(made("p", "", say("part", {count: number(checked.after)})));
  if (isWhole) notes.push(made("p", "", say("whose"), " ", made("code", "", checked.account)));
  parts.push(made("div", "proof__notes", ...notes), ...table([...checked.lines].reverse()));
  return parts;
}

async function check(data) {
  const said = at("said"), bar = at("progress");
  said.replaceChildren();
  bar.removeAttribute("value");
  bar.hidden = false;
  let drawn = 0;
  const told = (done, all) => {
    if (performance.now() - drawn < 50) return;
    drawn = performance.now();
    Object.assign(bar, {max: all, value: done});
  };
  try {
    if (!globalThis.crypto?.subtle) throw Object.assign(new Error(), {code: "no_crypto"});
    const {keys, isGiven} = await keysFor(data);
    const checked = await checkProof(data, keys, told).catch(error => {
      throw keys.length || error.code !== "checkpoint_not_signed" ? error : Object.assign(new Error(), {code: "no_key"});
    });
    show = () => said.replaceChildren(...shown(checked, isGiven));
  } catch (error) {
    const code = error.code ? error : Object.assign(error, {code: "internal"});
    show = () => said.replaceChildren(verdict(false, say(`bad_${code.code}` in texts ? `bad_${code.code}` : "bad"), ...reasons(code)));
    if (["no_key", "log_key_invalid", "checkpoint_not_signed"].includes(code.code)) at("key-part").open = true;
  }
  bar.hidden = true;
  show();
  said.focus();
}

let last = null;
async function open(file) {
  if (!file) return;
  last = new Uint8Array(await file.arrayBuffer());
  await check(last);
}

at("file").addEventListener("change", event => {
  const file = event.target.files[0];
  // So that the same file can be opened again after somebody changed it.
  open(file).finally(() => { event.target.value = ""; });
});
at("key").value = store.get("guerdon_log_key") ?? "";
at("key-part").open = at("key").value !== "";
at("key").addEventListener("change", () => { store.set("guerdon_log_key", at("key").value.trim()); if (last) check(last); });
for (const kind of ["dragover", "dragleave", "drop"]) document.addEventListener(kind, event => {
  event.preventDefault();
  at("drop").classList.toggle("is-over", kind === "dragover");
  if (kind === "drop") open(event.dataTransfer.files[0]);
});
for (const system of SYSTEMS) {
  const sample = new Intl.NumberFormat(`en-u-nu-${system}`, {useGrouping: false}).format(123);
  at("digits").append(Object.assign(document.createElement("option"), {value: system, textContent: sample, selected: system === digits}));
}
at("digits-part").hidden = SYSTEMS.length === 0;
at("digits").addEventListener("change", event => { digits = event.target.value; store.set("guerdon_digits", digits); show(); });
