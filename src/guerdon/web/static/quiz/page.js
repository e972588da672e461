// The time that is left, counted; without scripts the page says until when there is time. The server's clock decides.
const timer = document.getElementById("timer");
if (timer !== null) {
  const until = Date.parse(timer.dataset.until);
  const digits = new Intl.NumberFormat(document.documentElement.lang, { minimumIntegerDigits: 2 });
  const tick = () => {
    const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    const shown = `${digits.format(Math.floor(left / 60))}:${digits.format(left % 60)}`;
    timer.textContent = timer.dataset.left.replace("{time}", shown);
    if (left === 0) {
      clearInterval(running);
      // A little later than the server's, so that it finds the time over.
      setTimeout(() => location.reload(), 1500);
    }
  };
  const running = setInterval(tick, 1000);
  // Read out once, not each second.
  timer.setAttribute("aria-live", "off");
  tick();
}
