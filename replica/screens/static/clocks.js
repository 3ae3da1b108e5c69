// Running times and countdowns, once a second. The server's clock counts, not the page's: each time
// element carries the moment at which it was drawn, and what has gone since is measured here.

const drawn = new WeakMap();

function words(seconds) {
  const whole = Math.max(Math.floor(seconds), 0);
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function goneSince(element) {
  const known = drawn.get(element);
  if (known && known.now === element.dataset.now) return performance.now() - known.at;
  drawn.set(element, { now: element.dataset.now, at: performance.now() });
  return 0;
}

function tick() {
  for (const element of document.querySelectorAll("time[data-since]")) {
    const now = Number(element.dataset.now) + goneSince(element);
    element.textContent = words((now - Number(element.dataset.since)) / 1000);
  }
  for (const element of document.querySelectorAll("time[data-until]")) {
    const now = Number(element.dataset.now) + goneSince(element);
    element.textContent = words((Number(element.dataset.until) - now) / 1000);
  }
}

export function runClocks() {
  tick();
  setInterval(tick, 1000);
}
