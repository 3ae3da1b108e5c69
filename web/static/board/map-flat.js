// The map where the browser has no WebGL: Leaflet, with the same tiles drawn on a canvas by
// protomaps-leaflet, or the world's outline. Slower with thousands of pins, the same in meaning.

import {
  CLUSTER_ZOOM_MAX, clusterRing, countsOf, countsWords, grouped, middleWords, ringRadius, sharesOf,
} from './clusters.js';
import { loadStyle } from './map-gl.js';
import { codeWords, colour, jobPin, pickedRing, PIN_PX, selectedRing, stopMark, workerMark } from './pins.js';

const NEAR_ZOOM = 15;
const STACK_PX = 9;
const RING_PX = 56;
const ZOOM_MAX = 18;
const HEADING_DEG = 15;
const NAMES_MAX = 40;
// More workers than this are dots on one canvas: a browser moves no thousand elements each second.
const MARKS_MAX = 300;
const DOT_PX = 5;
// A worker who stands at a job covers it, and not the other way round.
const ON_TOP = 500;

/** Draw into `container`; `on` holds what the map calls back. */
export async function draw(container, on) {
  await loadStyle(on.assets.leafletStyle);
  await loadScript(on.assets.leaflet);
  const { L } = window;
  const map = L.map(container, { zoomControl: false, worldCopyJump: true, attributionControl: true, boxZoom: false });
  map.attributionControl.setPrefix('');
  map.setView([35, 10], 2);
  const view = new View(L, map, on);
  await view.ground();
  return view;
}

function loadScript(src) {
  if (document.querySelector(`script[src="${src}"]`)) return Promise.resolve();
  return new Promise((ready, failed) => {
    const script = document.createElement('script');
    script.src = src;
    script.addEventListener('load', ready);
    script.addEventListener('error', () => failed(new Error(`${src} could not be loaded`)));
    document.head.append(script);
  });
}

class View {
  constructor(L, map, on) {
    this.kind = 'flat';
    this.L = L;
    this.map = map;
    this.on = on;
    this.images = new Map();
    this.items = [];
    this.workers = [];
    this.marks = new Map();
    this.chosenJobs = new Set();
    map.createPane('world').style.zIndex = '100'; // Below the tiles, which stand at 200.
    this.day = null;
    this.area = null;
    this.under = L.layerGroup().addTo(map);
    this.pins = L.layerGroup().addTo(map);
    this.people = L.layerGroup().addTo(map);
    this.chosen = L.layerGroup().addTo(map);
    this.stops = L.layerGroup().addTo(map);
    map.on('zoomend', () => this.#drawJobs());
    map.on('moveend', () => on.settled());
    map.on('click', (event) => on.ground([event.latlng.lng, event.latlng.lat], event.containerPoint));
    map.on('contextmenu', (event) => on.menu([event.latlng.lng, event.latlng.lat], event.containerPoint));
    map.on('dragstart zoomstart', () => on.moved());
  }

  /** What lies under the pins: the region's tiles, or the countries' outlines. */
  async ground() {
    const { L, map, on } = this;
    this.base?.remove();
    this.world?.remove();
    const answer = await fetch('/map/region.json');
    const region = answer.ok ? await answer.json() : null;
    const world = await fetch('/map/world.json');
    if (world.ok) {
      this.world = L.geoJSON(await world.json(), {
        filter: (feature) => feature.geometry.type !== 'Point',
        interactive: false,
        pane: 'world',
        style: { color: colour('--line-strong'), weight: 0.7, fillColor: colour('--surface'), fillOpacity: 1 },
      }).addTo(map);
    }
    if (region && on.assets.protomapsLeaflet && region.schema !== 'raster') {
      await loadScript(on.assets.protomapsLeaflet);
      this.base = window.protomapsL.leafletLayer({
        url: region.tiles_url.replace('pmtiles://', ''),
        ...rules(window.protomapsL, region.schema),
        attribution: region.attribution,
        maxDataZoom: region.zoom_max,
      }).addTo(map);
      this.base.bringToFront?.();
    } else if (region) map.attributionControl.addAttribution(region.attribution);
  }

  #image(key, make, px = PIN_PX) {
    if (!this.images.has(key)) {
      const size = { iconSize: [px, px], iconAnchor: [px / 2, px / 2] };
      this.images.set(key, this.L.icon({ iconUrl: make().toDataURL(), ...size }));
    }
    return this.images.get(key);
  }

  setJobs(jobs) {
    this.items = jobs;
    this.#drawJobs();
  }

  /** Pins, and rings for those that would lie on each other; the most urgent lie on top. */
  #drawJobs() {
    const { map } = this;
    this.pins.clearLayers();
    const zoom = map.getZoom();
    if (zoom > CLUSTER_ZOOM_MAX) {
      for (const job of [...this.items].reverse()) this.#drawJob(job);
      return;
    }
    const placed = this.items.map((job) => ({ job, point: map.project([job.at[1], job.at[0]], zoom) }));
    for (const group of grouped(placed).reverse()) {
      if (group.items.length === 1) this.#drawJob(group.items[0].job);
      else this.#drawRing(group.items.map((item) => item.job));
    }
  }

  #drawJob(job) {
    const icon = this.#image(`${job.status}|${job.priority}|${job.alert}`, () => jobPin(job));
    const words = [job.number, job.title, codeWords(job.status), codeWords(job.alert)].filter(Boolean).join(', ');
    const pin = this.L.marker([job.at[1], job.at[0]], { icon, title: words, alt: words, keyboard: false })
      .on('click', (event) => this.#click(job, event)).addTo(this.pins);
    pin.getElement().dataset.pin = job.id;
    this.#drawPicked([job], job.at, 44);
  }

  #drawRing(jobs) {
    const counts = countsOf(jobs);
    const shares = sharesOf(counts);
    const radius = ringRadius(counts.total);
    const middle = middleWords(counts);
    const key = `ring|${shares}|${Boolean(counts.bad)}|${Boolean(counts.risk)}|${radius}|${middle}`;
    const make = () => clusterRing({ shares, bad: counts.bad, risk: counts.risk, radius, words: middle });
    const icon = this.#image(key, make, RING_PX);
    const words = countsWords(counts);
    const middleOf = (index) => jobs.reduce((sum, job) => sum + job.at[index], 0) / jobs.length;
    const at = [middleOf(0), middleOf(1)];
    this.L.marker([at[1], at[0]], { icon, title: words, alt: words, keyboard: false })
      .on('click', (event) => this.#openRing(jobs, at, event)).addTo(this.pins);
    this.#drawPicked(jobs, at, 44 + 2.6 * radius - 14);
  }

  #openRing(jobs, at, event) {
    if (this.#isPicking(event)) return;
    const { map } = this;
    const bounds = this.L.latLngBounds(jobs.map((job) => [job.at[1], job.at[0]]));
    const zoom = map.getBoundsZoom(bounds, false, this.L.point(40, 40));
    // What lies on one spot however near one comes is a stack, and opens as a list.
    const apart = map.project(bounds.getNorthEast(), ZOOM_MAX).distanceTo(map.project(bounds.getSouthWest(), ZOOM_MAX));
    if (apart < STACK_PX) this.on.stack(jobs, map.latLngToContainerPoint([at[1], at[0]]));
    else map.setView(bounds.getCenter(), Math.max(Math.min(zoom, ZOOM_MAX), map.getZoom() + 1));
  }

  #isPicking(event) {
    const picking = this.map.getContainer().parentElement.classList.contains('picking');
    if (picking) this.on.ground([event.latlng.lng, event.latlng.lat], event.containerPoint);
    return picking;
  }

  #click(job, event) {
    if (this.#isPicking(event)) return;
    const { map } = this;
    const spot = map.latLngToContainerPoint([job.at[1], job.at[0]]);
    const near = this.items.filter((other) => {
      const point = map.latLngToContainerPoint([other.at[1], other.at[0]]);
      return Math.hypot(point.x - spot.x, point.y - spot.y) < STACK_PX;
    });
    if (near.length > 1) this.on.stack(near, event.containerPoint ?? spot);
    else this.on.job(job.id);
  }

  /** The job whose pin a pointer is on; undefined for none. */
  jobUnder({ target }) {
    return target.closest('[data-pin]')?.dataset.pin;
  }

  /** A worker's mark lies on top: what it covers is offered beside it. */
  #clickWorker(worker, event) {
    if (this.#isPicking(event)) return;
    const spot = this.project(worker.at);
    const covered = [...this.workers, ...this.items].filter((other) => {
      const point = this.project(other.at);
      return Math.hypot(point.x - spot.x, point.y - spot.y) < STACK_PX;
    });
    if (covered.length > 1) this.on.stack(covered, spot);
    else this.on.worker(worker.id);
  }

  setWorkers(workers) {
    const { L, people } = this;
    const dots = workers.length > MARKS_MAX;
    const named = workers.length < NAMES_MAX;
    if (dots !== this.dots || named !== this.named) this.#dropWorkers();
    Object.assign(this, { workers, dots, named });
    const ids = new Set(workers.map((worker) => worker.id));
    for (const [id, { mark }] of this.marks) {
      if (ids.has(id)) continue;
      people.removeLayer(mark);
      this.marks.delete(id);
    }
    if (dots) this.canvas ??= L.canvas({ padding: 0.5 });
    for (const worker of workers) {
      const known = this.marks.get(worker.id);
      const sign = this.#sign(worker);
      // Leaflet takes a text for HTML; an element with the text in it is only ever text.
      const words = known?.words ?? document.createElement('span');
      words.textContent = worker.label.replace('\n', ', ') || worker.name;
      if (!known) this.#addWorker(worker, sign, words);
      else {
        const [lon, lat] = worker.at;
        if (known.at[0] !== lon || known.at[1] !== lat) known.mark.setLatLng([lat, lon]);
        if (known.sign !== sign) {
          if (dots) known.mark.setStyle(this.#dot(worker));
          else known.mark.setIcon(this.#markOf(worker, sign));
        }
        Object.assign(known, { worker, sign, at: worker.at });
      }
    }
  }

  #addWorker(worker, sign, words) {
    const { L } = this;
    const place = [worker.at[1], worker.at[0]];
    const mark = this.dots
      ? L.circleMarker(place, { renderer: this.canvas, radius: DOT_PX, ...this.#dot(worker) })
      : L.marker(place, { icon: this.#markOf(worker, sign), alt: worker.name, keyboard: false, zIndexOffset: ON_TOP });
    const known = { mark, worker, sign, words, at: worker.at };
    mark.bindTooltip(words, { permanent: this.named, direction: 'bottom', offset: [0, 8] })
      .on('click', (event) => this.#clickWorker(known.worker, event))
      .addTo(this.people);
    this.marks.set(worker.id, known);
  }

  /** What a worker's mark shows, in a text: the same text is the same mark. */
  #sign({ moving, heading, fresh }) {
    const arrow = moving && heading !== null;
    return `w|${fresh}|${arrow}|${arrow ? Math.round(heading / HEADING_DEG) * HEADING_DEG : 0}`;
  }

  #markOf({ fresh }, sign) {
    const [, , arrow, heading] = sign.split('|');
    return this.#image(sign, () => workerMark({ moving: arrow === 'true', fresh, heading: Number(heading) }));
  }

  #dot({ fresh }) {
    const hollow = fresh === 'stale' || fresh === 'old';
    return {
      color: colour(fresh === 'old' ? '--ink-faint' : '--accent'),
      fillColor: colour(hollow ? '--surface' : '--accent'),
      fillOpacity: 1,
      weight: 2,
      dashArray: fresh === 'old' ? '2 2' : null,
    };
  }

  #dropWorkers() {
    this.people.clearLayers();
    this.marks.clear();
  }

  select(at) {
    this.chosen.clearLayers();
    if (!at) return;
    const icon = this.#image('chosen', () => selectedRing(), 44);
    const behind = { icon, interactive: false, keyboard: false, zIndexOffset: -1000 };
    this.L.marker([at[1], at[0]], behind).addTo(this.chosen);
  }

  /** Mark the jobs of a selection (a Set of ids) when they are drawn next. */
  pick(jobs) {
    this.chosenJobs = jobs;
  }

  #drawPicked(jobs, at, px) {
    if (!jobs.some((job) => this.chosenJobs.has(job.id))) return;
    const icon = this.#image(`picked|${px}`, () => pickedRing(), px);
    this.L.marker([at[1], at[0]], { icon, interactive: false, keyboard: false, zIndexOffset: -900 }).addTo(this.pins);
  }

  /** Draw a worker's day, `{track, line, stops: [{at, number, late}]}`; null takes it away. */
  setDay(day) {
    this.day = day;
    this.#drawUnder();
    this.stops.clearLayers();
    for (const { at, number, late } of day?.stops ?? []) {
      const icon = this.#image(`stop|${number}|${late}`, () => stopMark({ number, late }));
      this.L.marker([at[1], at[0]], { icon, interactive: false, keyboard: false, zIndexOffset: 900 }).addTo(this.stops);
    }
  }

  /** Shade an area by its outline; null takes it away. */
  setArea(ring) {
    this.area = ring;
    this.#drawUnder();
  }

  #drawUnder() {
    const { L, under } = this;
    const turned = (line) => line.map(([lon, lat]) => [lat, lon]);
    under.clearLayers();
    const accent = colour('--accent');
    if (this.area) {
      L.polygon(turned(this.area), { color: accent, weight: 1.5, dashArray: '4 4', fillOpacity: 0.08, interactive: false }).addTo(under);
    }
    for (const line of this.day?.track ?? []) {
      L.polyline(turned(line), { color: colour('--progress'), weight: 4, opacity: 0.75, interactive: false }).addTo(under);
    }
    for (const line of this.day?.line ?? []) {
      L.polyline(turned(line), { color: colour('--accent-strong'), weight: 2.5, dashArray: '5 5', interactive: false }).addTo(under);
    }
  }

  /** Where a place lies in the map's element, in pixels. */
  project(at) {
    return this.map.latLngToContainerPoint([at[1], at[0]]);
  }

  isInSight(at) {
    return this.map.getBounds().contains([at[1], at[0]]);
  }

  /** The part of the world in sight, in degrees. */
  bounds() {
    const bounds = this.map.getBounds();
    return { west: bounds.getWest(), south: bounds.getSouth(), east: bounds.getEast(), north: bounds.getNorth() };
  }

  /** Let the pointer draw, or move the map again. */
  setDrawing(drawing) {
    this.map.dragging[drawing ? 'disable' : 'enable']();
  }

  reveal(at, always = false) {
    const place = [at[1], at[0]];
    if (always) this.map.setView(place, Math.max(this.map.getZoom(), NEAR_ZOOM));
    else if (!this.map.getBounds().contains(place)) this.map.panTo(place);
  }

  fit(points) {
    if (!points.length) return;
    const places = points.map(([lon, lat]) => [lat, lon]);
    this.map.fitBounds(places, { padding: [40, 40], maxZoom: NEAR_ZOOM });
  }

  zoom(step) {
    this.map.setZoom(this.map.getZoom() + step);
  }

  resize() {
    this.map.invalidateSize();
  }

  async setTheme() {
    this.images.clear();
    this.#dropWorkers();
    await this.ground();
    this.#drawJobs();
    this.#drawUnder();
  }
}

// Water, roads and buildings under the names that each schema gives them; enough to find one's way.
const LAYERS = {
  fieldlog: { water: 'water', road: 'roads', building: 'buildings' },
  openmaptiles: { water: 'water', road: 'transportation', building: 'building' },
  protomaps: { water: 'water', road: 'roads', building: 'buildings' },
};

function rules(protomaps, schema) {
  const names = LAYERS[schema] ?? LAYERS.openmaptiles;
  const area = (token) => new protomaps.PolygonSymbolizer({ fill: colour(token) });
  const width = (zoom) => (zoom > 13 ? 3 : 1);
  const road = new protomaps.LineSymbolizer({ color: colour('--line'), width });
  return {
    backgroundColor: colour('--ground'),
    paintRules: [
      { dataLayer: names.water, symbolizer: area('--open-wash') },
      { dataLayer: names.building, minzoom: 14, symbolizer: area('--sunken') },
      { dataLayer: names.road, symbolizer: road },
    ],
    labelRules: [],
  };
}
