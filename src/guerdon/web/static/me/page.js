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
// A large photo is made smaller before it is sent, where the browser can; else the server says what is too much.
const LONGEST = 1600;
for (const input of document.querySelectorAll("input[type=file]")) {
  input.addEventListener("change", async () => {
    const file = input.files[0];
    if (file === undefined || file.size < 1_000_000 || typeof createImageBitmap === "undefined") return;
    try {
      const photo = await createImageBitmap(file, { imageOrientation: "from-image" });
      const share = Math.min(1, LONGEST / Math.max(photo.width, photo.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(photo.width * share);
      canvas.height = Math.round(photo.height * share);
      canvas.getContext("2d").drawImage(photo, 0, 0, canvas.width, canvas.height);
      const blob = await new Promise((done) => { canvas.toBlob(done, "image/jpeg", 0.85); });
      if (blob === null || input.files[0] !== file) return;
      const chosen = new DataTransfer();
      chosen.items.add(new File([blob], "photo.jpg", { type: "image/jpeg" }));
      input.files = chosen.files;
      input.dataset.small = "yes";
    } catch {
      delete input.dataset.small;
    }
  });
}
