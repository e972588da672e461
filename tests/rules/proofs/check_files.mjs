// Checks the files that it reads from stdin with the page's own verifier: a verdict on a line for each.
import {createInterface} from "node:readline";
const {checkProof} = await import(process.argv[2]);
for await (const line of createInterface({input: process.stdin})) {
  const {file, keys} = JSON.parse(line);
  const verdict = await checkProof(Buffer.from(file, "base64"), keys).then(
    found => ({...found, balances: Object.fromEntries(found.balances)}),
    error => error.code && error.pointer !== undefined ? {code: error.code, pointer: error.pointer} : {fault: String(error.stack)});
  console.log(JSON.stringify(verdict, (_, value) => typeof value === "bigint" ? value.toString() : value));
}
