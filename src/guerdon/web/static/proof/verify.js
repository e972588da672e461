// Checks a proof file as `guerdon proof verify` does, with WebCrypto and nothing else; it asks nobody anything.
const text = bytes => new TextDecoder("utf-8", {fatal: true, ignoreBOM: true}).decode(bytes);
const bytesOf = string => new TextEncoder().encode(string);
const two = one => one.toString(16).padStart(2, "0"), hex = bytes => Array.from(bytes, two).join("");
const unhex = string => Uint8Array.from(string.match(/../g) ?? [], pair => parseInt(pair, 16));
const join = (...parts) => Uint8Array.from(parts.flatMap(part => [...part]));
const sha256 = async bytes => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
const NAME = /^[^\s+\x1c-\x1f\x85]{1,200}$/u, HASH = /^[0-9a-f]{64}$/;
const refuse = (code, pointer = "", why = "") => { throw Object.assign(new Error(code), {code, pointer, why}); };
const must = (holds, ...fault) => holds || refuse(...fault);
function parse(source) { // JSON: integers stay exact; fractions, halves of characters and twin keys are refused
  let keys = 0;
  const marked = source.replace(/("(?:[^"\\]|\\[^])*")(\s*:)?|-?\d[\d.eE+-]*/g, (all, quoted, colon) =>
    colon ? `"${keys++}:${all.slice(1)}` : quoted ? `"s${quoted.slice(1)}` : `"n${all}"`);
  return JSON.parse(marked, (_, value) => {
    if (string(value)) {
      must(/^s|^n-?(0|[1-9]\d*)$/.test(value) && !/[\ud800-\udfff]/u.test(value), "json");
      const number = value[0] === "n" ? BigInt(value.slice(1)) : 0n;
      return must(BigInt.asIntN(64, number) === number, "json") && (value[0] === "n" ? number : value.slice(1));
    }
    if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
    const pairs = Object.entries(value).map(([key, one]) => [key.slice(key.indexOf(":") + 1), one]);
    return must(new Set(pairs.map(pair => pair[0])).size === pairs.length, "json") && Object.fromEntries(pairs);
  });
}
const whole = value => typeof value === "bigint", string = value => typeof value === "string";
const maybe = kind => value => value === null || kind(value);
const array = (of, most = Infinity) => value => Array.isArray(value) && value.length <= most && value.every(one => of(one));
const tuple = (...kinds) => value => array(() => true, kinds.length)(value) && kinds.every((kind, at) => kind(value[at]));
const struct = (kinds, needed = Object.keys(kinds)) => value => typeof value === "object" && value !== null && !Array.isArray(value)
  && needed.every(key => Object.hasOwn(value, key)) && Object.entries(value).every(([key, one]) => Object.hasOwn(kinds, key) && kinds[key](one));
const LINE = struct({leaf: string, position: one => whole(one) && one >= 0n, path: array(one => string(one) && HASH.test(one), 64)});
const FILE = struct({format: string, checkpoint: string, lines: array(LINE), account: maybe(struct({id: string, salt: string})),
  whole: one => typeof one === "boolean", after: one => whole(one) && one >= 0n}, ["format", "checkpoint", "lines"]);
const LEAF = tuple(string, string, whole, string, string, whole, whole, array(tuple(string, whole, maybe(whole), maybe(whole), string)));
function read(source, kind, ...fault) {
  try { source = parse(string(source) ? source : text(source)); } catch { refuse(...fault); }
  return must(kind(source), ...fault) && source;
}
const unpack = packed => btoa(atob(packed)) === packed ? Uint8Array.from(atob(packed), one => one.charCodeAt(0)) : null;
const base64 = packed => { try { return unpack(packed); } catch { return null; } };
export async function readKey(source) {
  const [, name, id, packed] = /^([^+]*)\+([^+]*)\+(.*)$/s.exec(source.trim()) ?? refuse("log_key_invalid"), key = base64(packed);
  must(key?.length === 33 && key[0] === 1 && NAME.test(name) && hex(await sha256(join(bytesOf(name + "\n"), key))).slice(0, 8) === id, "log_key_invalid");
  return {name, id, public: key.slice(1)};
}
async function isSigned(key, signature, body) {
  const imported = await crypto.subtle.importKey("raw", key.public, {name: "Ed25519"}, false, ["verify"])
    .catch(error => refuse(error.name === "NotSupportedError" ? "browser_too_old" : "checkpoint_not_signed"));
  return crypto.subtle.verify({name: "Ed25519"}, imported, signature, bytesOf(body));
}
async function readCheckpoint(note, keys) { // C2SP signed-note and tlog-checkpoint
  const gap = note.indexOf("\n\n"), body = note.slice(0, gap + 1), [origin, size, packed] = body.slice(0, -1).split("\n");
  let isKnown = false, root = gap > 0 && packed !== undefined ? base64(packed) : null;
  must(note.endsWith("\n") && bytesOf(note).length <= 10_000 && root?.length === 32 && origin && /^(0|[1-9][0-9]{0,17})$/.test(size), "checkpoint_invalid");
  for (const line of note.slice(gap + 2).split("\n").slice(0, -1)) {
    const at = line.lastIndexOf(" "), name = line.slice(2, at), signature = base64(line.slice(at + 1));
    must(line.startsWith("— ") && NAME.test(name) && signature, "checkpoint_invalid");
    for (const key of keys) if (key.name === name && key.id === hex(signature.slice(0, 4)))
      isKnown = must(await isSigned(key, signature.slice(4), body), "checkpoint_not_signed", "", "another");
  }
  return must(isKnown, "checkpoint_not_signed", "", "nobody") && {origin, size: BigInt(size), root: hex(root)};
}
async function rootOver(leaf, node, size, path) { // RFC 9162, 2.1.3.2
  let last = size - 1n, found = await sha256(join([0], bytesOf(leaf)));
  if (node > last) return null;
  for (const step of path.map(unhex)) {
    if (last === 0n) return null;
    const isRight = node & 1n || node === last;
    found = await sha256(isRight ? join([1], step, found) : join([1], found, step));
    for (; isRight && node && !(node & 1n); node >>= 1n) last >>= 1n;
    node >>= 1n; last >>= 1n;
  }
  return last === 0n ? hex(found) : null;
}
async function commitmentOf({id, salt}) {
  const values = [...id.slice(4)].map(letter => BigInt("0123456789abcdefghjkmnpqrstvwxyz".indexOf(letter)));
  const number = values.reduce((sum, value) => sum << 5n | value, 0n), isNumber = values.length === 13 && values.every(one => one >= 0n);
  must(id.startsWith("acc_") && isNumber && number < 2n ** 63n && /^([0-9a-f]{2})+$/.test(salt), "proof_invalid", "/account");
  return hex(await sha256(unhex(salt + number.toString(16).padStart(16, "0"))));
}
export async function checkProof(data, keyTexts, told = () => {}) {
  const keys = await Promise.all(keyTexts.map(readKey)), file = read(data, FILE, "proof_invalid"), balances = new Map(), after = file.after ?? 0n;
  must(file.format === "guerdon.proof.v1", "proof_invalid", "/format") && must(!file.whole || file.account, "proof_invalid", "/account");
  const checkpoint = await readCheckpoint(file.checkpoint, keys), commitment = file.account && await commitmentOf(file.account), leaves = [];
  for (const [place, {leaf, position, path}] of file.lines.entries()) {
    must(await rootOver(leaf, position, checkpoint.size, path) === checkpoint.root, "proof_fails", `/lines/${place}`, "not_logged");
    leaves.push(read(leaf, LEAF, "proof_invalid", `/lines/${place}/leaf`));
    must(leaves[place][0] === "guerdon.leaf.v1", "proof_invalid", `/lines/${place}/leaf`);
    told(place + 1, file.lines.length);
  }
  const lines = leaves.map(([, whose, seq, kind, wallet, at, , entries], place) => {
    must(!commitment || whose === commitment, "proof_fails", `/lines/${place}/leaf`, "not_the_accounts");
    must(!file.whole || seq === after + BigInt(place + 1), "proof_fails", `/lines/${place}/leaf`, "gap");
    const amount = entries.reduce((sum, [book, units]) => book === "member" ? sum + units : sum, 0n);
    if (file.whole && !after) balances.set(wallet, (balances.get(wallet) ?? 0n) + amount);
    return {seq, kind, wallet, effective_at: at, amount, position: file.lines[place].position};
  });
  return {checkpoint, account: file.account?.id ?? "", lines, balances, after};
}
