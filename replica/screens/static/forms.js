// What makes forms easier: no second tap while one is on its way, search as you type, a code in groups.
import { refresh } from "./live.js";

const SEARCH_PAUSE_MS = 180;

export function easeForms() {
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) {
      event.preventDefault();
      return;
    }
    if (event.target.method === "post") {
      event.target.dataset.sent = "yes";
      event.submitter?.setAttribute("aria-busy", "true");
    }
  });
  // A page that comes back out of the browser's memory may be tapped again.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  });

  // A photo that was taken is saved: without a second tap, and the name that the camera gave is no news.
  for (const form of document.querySelectorAll("form[data-sends-itself]")) {
    form.classList.add("scripted");
    form.elements.file.addEventListener("change", () => {
      if (form.elements.file.files.length) form.requestSubmit();
    });
  }

  const search = document.getElementById("q");
  let waiting = 0;
  search?.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const address = new URL(location.href);
      address.searchParams.delete("said");
      if (search.value.trim()) address.searchParams.set("q", search.value);
      else address.searchParams.delete("q");
      history.replaceState(null, "", address);
      refresh();
    }, SEARCH_PAUSE_MS);
  });

  const code = document.getElementById("code");
  code?.addEventListener("input", () => {
    if (code.selectionStart !== code.value.length) return;
    const plain = code.value.toUpperCase().replace(/[^0-9A-Z]/g, "").slice(0, 16);
    code.value = plain.replace(/(.{4})(?=.)/g, "$1-");
  });
}
