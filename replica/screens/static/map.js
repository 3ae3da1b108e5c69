// The worker's jobs on a map. What is drawn is read from the list of pins that the page holds in
// words; it follows that list as it is kept fresh, and never moves by itself once it is there.
import { drawPins } from "./map-pins.js";

// Where one looked is kept for each choice of jobs, and for as long as one comes and goes.
const asked = new URLSearchParams(location.search);
const KEPT = `fieldlog-map|${asked.get("q") ?? ""}|${asked.get("section") ?? ""}`;
const KEPT_MS = 30 * 60_000;
const NEAR_ZOOM = 15;
const host = document.getElementById("map");
const list = document.getElementById("pins");

function theme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function hasWebGL() {
  try {
    return document.createElement("canvas").getContext("webgl2") !== null;
  } catch {
    return false;
  }
}

/** The style and the tiles that this phone carries; `style` is null for none. */
async function ground() {
  const answer = await fetch(`/map/style.json?theme=${theme()}`);
  return answer.ok ? answer.json() : { style: null, tiles: null };
}

function readAt(element) {
  const { lat, lon } = element?.dataset ?? {};
  return lat === undefined || lon === undefined ? null : [Number(lon), Number(lat)];
}

function readPins() {
  return [...list.children].map((row) => ({ row, at: readAt(row), ...row.dataset }));
}

function ownPlace() {
  const line = document.getElementById("own-place");
  const at = readAt(line);
  return at && { at, accuracy: Number(line.dataset.accuracy), old: line.dataset.old === "yes" };
}

function keptView() {
  try {
    const { at, zoom, when } = JSON.parse(sessionStorage.getItem(KEPT));
    if (!(Math.abs(Date.now() - when) < KEPT_MS)) return null;
    return Number.isFinite(zoom) && at.every(Number.isFinite) ? { at, zoom } : null;
  } catch {
    return null;
  }
}

// The card of what was tapped: a copy of the list's rows, drawn anew when those change.
class Card {
  constructor() {
    this.element = document.getElementById("map-card");
    this.rows = [];
  }

  show(rows) {
    this.rows = rows.map((row) => row.id);
    this.draw();
    this.element.scrollTop = 0;
  }

  draw() {
    const rows = this.rows.map((id) => document.getElementById(id)).filter(Boolean);
    const copies = rows.map((row) => {
      const copy = document.createElement("div");
      copy.className = "pin-card";
      copy.append(...[...row.childNodes].map((child) => child.cloneNode(true)));
      return copy;
    });
    this.element.querySelector(".map-card-jobs").replaceChildren(...copies);
    this.element.hidden = rows.length === 0;
  }

  close() {
    this.rows = [];
    this.element.hidden = true;
  }
}

async function begin() {
  const flat = !(hasWebGL() && host.dataset.maplibre && host.dataset.pmtiles);
  if (flat && !host.dataset.leaflet) return; // The list says it all.
  host.hidden = false;
  const { draw } = await import(flat ? "./map-flat.js" : "./map-gl.js");
  const first = await ground();
  const view = await draw(document.getElementById("map-canvas"), first, host.dataset);
  host.dataset.drawn = view.kind;
  const card = new Card();
  const pins = drawPins(view, host.dataset, (rows) => card.show(rows));
  const tool = (name) => host.querySelector(`[data-tool="${name}"]`);

  const fitAll = (calmly) => {
    const points = readPins().map((pin) => pin.at);
    const me = ownPlace();
    if (points.length || me) view.fit(points.length ? points : [me.at], calmly);
    else if (first.bounds) view.fit([first.bounds.slice(0, 2), first.bounds.slice(2)], calmly);
  };
  const refresh = () => {
    pins.set(readPins());
    const me = ownPlace();
    view.setMe(me);
    tool("me").disabled = me === null;
    card.draw();
  };

  const before = keptView();
  if (before) view.goTo(before.at, before.zoom, true);
  else fitAll(true);
  refresh();
  const keep = () => {
    sessionStorage.setItem(KEPT, JSON.stringify({ ...view.where(), when: Date.now() }));
  };
  keep();
  view.onSettled(() => {
    pins.draw();
    keep();
  });
  view.onGround(() => card.close());
  tool("nearer").addEventListener("click", () => view.zoom(1));
  tool("farther").addEventListener("click", () => view.zoom(-1));
  tool("all").addEventListener("click", () => fitAll(false));
  tool("me").addEventListener("click", () => view.goTo(ownPlace().at, NEAR_ZOOM, false));
  tool("close").addEventListener("click", () => {
    card.close();
    document.getElementById("map-canvas").querySelector("[tabindex]")?.focus({ preventScroll: true });
  });

  // The page is kept fresh in place: what changes in it changes on the map, once for each time.
  let waiting = false;
  const follow = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      refresh();
    });
  };
  const seen = new MutationObserver(follow);
  const whole = { attributes: true, childList: true, characterData: true, subtree: true };
  for (const id of ["pins", "own-place"]) seen.observe(document.getElementById(id), whole);
  // Roads come when the map has come, and another style with another light.
  const redraw = async () => view.setGround(await ground());
  new MutationObserver(redraw).observe(document.getElementById("roads"), { attributes: true });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

if (host) await begin();
