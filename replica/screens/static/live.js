// Keeps a page fresh: hears from the phone that something changed, asks for the same page anew and
// changes in place what differs. What a person is typing in is left alone, and nothing scrolls.

const RETRY_MS = 2000;
let asking = false;
let again = false;

export function keepFresh() {
  const socket = new WebSocket(`ws://${location.host}/live`);
  let opened = false;
  const tell = () => socket.readyState === WebSocket.OPEN && socket.send(document.hidden ? "hidden" : "shown");
  document.addEventListener("visibilitychange", tell);
  socket.addEventListener("open", () => {
    // What a page shows needs no notification.
    tell();
    // What changed while there was no connection is fetched once; the first page is fresh already.
    if (keepFresh.lost) refresh();
    keepFresh.lost = false;
    opened = true;
  });
  socket.addEventListener("message", refresh);
  socket.addEventListener("close", () => {
    document.removeEventListener("visibilitychange", tell);
    keepFresh.lost = keepFresh.lost || opened;
    setTimeout(keepFresh, RETRY_MS);
  });
}
keepFresh.lost = false;

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && document.getElementById("pill")) refresh();
});

export async function refresh() {
  if (document.hidden) return;
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  try {
    const address = new URL(location.href);
    address.searchParams.delete("said");
    const answer = await fetch(address, { headers: { "X-Fieldlog-Refresh": "1" } });
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const parts = [...page.querySelectorAll("[data-live]")];
      if (parts.some((part) => !document.getElementById(part.id)) && !isFilledIn()) {
        // Something is there that had no place before, as jobs after the first contact.
        location.replace(address);
        return;
      }
      for (const fresh of parts) {
        const shown = document.getElementById(fresh.id);
        if (shown) become(shown, fresh);
      }
    }
  } catch {
    // The phone's server is restarting; the live connection tells when it is back.
  } finally {
    asking = false;
    if (again) {
      again = false;
      refresh();
    }
  }
}

// Whether a person has begun to fill something in, which a page drawn anew would lose.
function isFilledIn() {
  return [...document.querySelectorAll("input:not([type=hidden]), textarea")].some(
    (field) => field === document.activeElement || field.value !== field.defaultValue || field.checked !== field.defaultChecked,
  );
}

// Change `shown` into `fresh` in place, keeping elements that stay, by their id or their place.
function become(shown, fresh) {
  if (shown.isEqualNode(fresh)) return;
  if (shown.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return;
  for (const { name } of [...shown.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open") shown.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (name !== "open" && shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
  const kept = new Map([...shown.children].filter((child) => child.id).map((child) => [child.id, child]));
  let place = shown.firstChild;
  for (const child of [...fresh.childNodes]) {
    const named = child.id ? kept.get(child.id) : null;
    const match = named ?? (place && alike(place, child) ? place : null);
    if (!match) {
      shown.insertBefore(document.importNode(child, true), place);
      continue;
    }
    if (match === place) place = place.nextSibling;
    else shown.insertBefore(match, place);
    if (match.nodeType === Node.ELEMENT_NODE) become(match, child);
    else if (match.data !== child.data) match.data = child.data;
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function alike(one, other) {
  return one.nodeName === other.nodeName && (one.id ?? "") === (other.id ?? "") && !(one.id && other.id !== one.id);
}
