// Nothing is sent twice by an impatient finger; the server would take it once anyway.
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", () => {
    for (const button of form.querySelectorAll("button")) setTimeout(() => { button.disabled = true; });
  });
}
// A page that comes back out of the browser's memory can be sent again.
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form button[disabled]")) button.disabled = false;
});
// What is shared is copied by the member, and sent by nobody else.
for (const row of document.querySelectorAll("[data-share]")) {
  if (navigator.clipboard === undefined) continue;
  row.hidden = false;
  const button = row.querySelector("[data-copy]");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
    button.textContent = button.dataset.done;
  });
}
