// The map by MapLibre GL: vector tiles from the hub's own archive, pins and clusters as layers, so
// that thousands of them move without a stutter. Everything it loads comes from the hub.

import { _ } from '../words.js';
import { CLUSTER_PX, CLUSTER_ZOOM_MAX, clusterRing, STATUSES } from './clusters.js';
import { colour, jobPin, pickedRing, selectedRing, stopMark, workerMark } from './pins.js';

const HIT_PX = 7;
const NEAR_ZOOM = 15;
const KEPT = 'fieldlog-board-map';

// Pins are drawn even where they lie on each other; their labels give way.
const ALWAYS = { 'icon-allow-overlap': true, 'icon-ignore-placement': true };
const LABEL = {
  'text-size': 11,
  'text-font': ['Noto Sans Medium'],
  'text-anchor': 'top',
  'text-optional': true,
};
const EMPTY = { type: 'FeatureCollection', features: [] };
const SOURCES = ['area', 'track', 'line', 'stops', 'dots', 'workers', 'chosen'];
// More workers in sight than this are dots: signs are placed one by one, a second for some thousand
// of them in twenty, and nobody reads arrows that lie on each other.
const SIGNS_MAX = 300;
const DOT_PX = 5;
const EDGE_PX = 2;
const RINGS_MAX = 600;
const HIT_LAYERS = ['pins', 'clusters', 'workers', 'dots'];

const count = (name) => ['coalesce', ['get', name], 0];

// A ring's image is named by what it shows: shares in twelfths, what is wrong, its radius.
const share = (index) => ['case', ['>', count(`s${index}`), 0],
  ['max', 1, ['round', ['/', ['*', 12, count(`s${index}`)], ['get', 'point_count']]]], 0];
const RING_IMAGE = ['concat', 'ring|', ...STATUSES.flatMap((_, index) => [['to-string', share(index)], '|']),
  ['case', ['>', count('bad'), 0], '2', ['>', count('risk'), 0], '1', '0'], '|',
  ['to-string', ['step', ['get', 'point_count'], 13, 10, 16, 100, 20]]];
const COUNT_WORDS = ['case', ['>', count('bad'), 0],
  ['format', ['get', 'point_count_abbreviated'], {}, '\n', {}, ['concat', '!', ['get', 'bad']], { 'font-scale': 0.8 }],
  ['to-string', ['get', 'point_count_abbreviated']]];

const points = (list) => ({
  type: 'FeatureCollection',
  features: list.map(({ at, ...properties }) => ({
    type: 'Feature', geometry: { type: 'Point', coordinates: at }, properties,
  })),
});
const lines = (list) => ({
  type: 'FeatureCollection',
  features: list.filter((line) => line.length > 1).map((line) => ({
    type: 'Feature', geometry: { type: 'LineString', coordinates: line }, properties: {},
  })),
});

/** Places of workers by how far they can be believed: few shapes of many places. */
function spots(workers) {
  const byFresh = new Map();
  for (const { at, fresh } of workers) {
    if (!byFresh.has(fresh)) byFresh.set(fresh, []);
    byFresh.get(fresh).push(at);
  }
  return {
    type: 'FeatureCollection',
    features: [...byFresh].map(([fresh, coordinates]) => ({
      type: 'Feature', geometry: { type: 'MultiPoint', coordinates }, properties: { fresh },
    })),
  };
}

/** Draw into `container`; `on` holds what the map calls back. Resolves when it can be used. */
export async function draw(container, on) {
  const { assets } = on;
  await loadStyle(assets.maplibreStyle);
  const [maplibre, pmtiles] = await Promise.all([import(assets.maplibre), import(assets.pmtiles)]);
  const gl = maplibre.Map ? maplibre : maplibre.default;
  if (assets.maplibreWorker && gl.setWorkerUrl) gl.setWorkerUrl(assets.maplibreWorker);
  gl.addProtocol('pmtiles', new (pmtiles.Protocol ?? pmtiles.default.Protocol)().tile);
  const map = new gl.Map({
    container,
    style: await readStyle(on.theme()),
    attributionControl: { compact: true },
    locale: { 'Map.Title': _('Map'), 'AttributionControl.ToggleAttribution': _('Toggle attribution') },
    dragRotate: false,
    // Drawing with Shift selects jobs.
    boxZoom: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: 0,
    ...kept(),
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  const view = new View(map, on, gl);
  await new Promise((ready) => { map.once('load', ready); });
  view.addLayers();
  view.listen();
  return view;
}

async function readStyle(theme) {
  const answer = await fetch(`/map/style.json?theme=${theme}`);
  if (answer.ok) return answer.json();
  return {
    version: 8,
    sources: {},
    layers: [{ id: 'ground', type: 'background', paint: { 'background-color': colour('--sunken') } }],
  };
}

/** A stylesheet of a library, once. */
export function loadStyle(href) {
  if (!href || document.querySelector(`link[href="${href}"]`)) return Promise.resolve();
  return new Promise((ready) => {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = href;
    link.addEventListener('load', ready);
    link.addEventListener('error', ready);
    document.head.prepend(link);
  });
}

function kept() {
  try {
    const { center, zoom } = JSON.parse(localStorage.getItem(KEPT));
    return { center, zoom };
  } catch {
    return {};
  }
}

function calm() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

class View {
  constructor(map, on, gl) {
    this.kind = 'gl';
    this.map = map;
    this.on = on;
    this.gl = gl;
    this.data = { jobs: EMPTY, ...Object.fromEntries(SOURCES.map((name) => [name, EMPTY])) };
    this.images = new Set(['chosen', 'picked']);
    this.picked = new Set();
    map.setMissingStyleImageResolver((id) => { if (id.startsWith('ring|')) this.#needRing(id); });
    map.on('moveend', () => {
      const { lng, lat } = map.getCenter();
      localStorage.setItem(KEPT, JSON.stringify({ center: [lng, lat], zoom: map.getZoom() }));
      on.settled();
    });
    map.on('movestart', (event) => { if (event.originalEvent) on.moved(); });
  }

  /** The sign is drawn when it is first needed, and again when the theme changes. */
  #need(id) {
    this.images.add(id);
    if (!this.map.hasImage(id)) this.#drawImage(id);
    return id;
  }

  /** Rings come and go as one zooms: the first ones make room for later ones. */
  #needRing(id) {
    this.#need(id);
    const rings = [...this.images].filter((one) => one.startsWith('ring|'));
    if (rings.length > RINGS_MAX) {
      this.images.delete(rings[0]);
      if (this.map.hasImage(rings[0])) this.map.removeImage(rings[0]);
    }
  }

  #drawImage(id) {
    const ratio = Math.max(2, Math.ceil(devicePixelRatio));
    const [kind, ...rest] = id.split('|');
    let made = null;
    if (kind === 'job') made = jobPin({ status: rest[0], priority: Number(rest[1]), alert: rest[2] }, ratio);
    else if (kind === 'worker') made = workerMark({ moving: rest[0] === '1', fresh: rest[1] }, ratio);
    else if (kind === 'chosen') made = selectedRing(ratio);
    else if (kind === 'picked') made = pickedRing(ratio);
    else if (kind === 'stop') made = stopMark({ number: rest[0], late: rest[1] === '1' }, ratio);
    else if (kind === 'ring') {
      const [wrong, radius] = rest.slice(STATUSES.length).map(Number);
      made = clusterRing({ shares: rest.slice(0, STATUSES.length).map(Number), bad: wrong === 2, risk: wrong === 1, radius }, ratio);
    }
    if (!made) return;
    const pixels = made.getContext('2d').getImageData(0, 0, made.width, made.height);
    this.map.addImage(id, pixels, { pixelRatio: ratio });
  }

  addLayers() {
    const { map } = this;
    for (const id of this.images) this.#drawImage(id);
    map.addSource('jobs', {
      type: 'geojson',
      data: this.data.jobs,
      cluster: true,
      clusterRadius: CLUSTER_PX,
      clusterMaxZoom: CLUSTER_ZOOM_MAX,
      clusterProperties: {
        bad: ['+', ['case', ['in', ['get', 'alert'], ['literal', ['delayed', 'conflict']]], 1, 0]],
        risk: ['+', ['case', ['==', ['get', 'alert'], 'at risk'], 1, 0]],
        picked: ['+', ['get', 'picked']],
        ...Object.fromEntries(STATUSES.map((status, index) => [
          `s${index}`, ['+', ['case', ['==', ['get', 'status'], status], 1, 0]],
        ])),
      },
    });
    for (const name of SOURCES) map.addSource(name, { type: 'geojson', data: this.data[name] });
    this.#addDay();
    // Beneath the jobs, which would be lost among so many.
    map.addLayer({
      id: 'dots', type: 'circle', source: 'dots',
      paint: {
        // Hollow ones have their edge within, so that none is as large as a job's.
        'circle-radius': ['match', ['get', 'fresh'], ['stale', 'old'], DOT_PX - EDGE_PX, DOT_PX],
        'circle-color': ['match', ['get', 'fresh'], ['stale', 'old'], colour('--surface'), colour('--accent')],
        'circle-stroke-width': EDGE_PX,
        'circle-stroke-color': ['match', ['get', 'fresh'],
          'old', colour('--ink-faint'), 'stale', colour('--accent'), colour('--surface')],
      },
    });
    map.addLayer({ id: 'chosen', type: 'symbol', source: 'chosen', layout: { 'icon-image': 'chosen', ...ALWAYS } });
    map.addLayer({
      id: 'picked', type: 'symbol', source: 'jobs', filter: ['>', count('picked'), 0],
      layout: { 'icon-image': 'picked', 'icon-size': ['step', count('point_count'), 1, 2, 1.45, 10, 1.6, 100, 1.85], ...ALWAYS },
    });
    map.addLayer({
      id: 'clusters', type: 'symbol', source: 'jobs', filter: ['has', 'point_count'],
      layout: {
        'icon-image': RING_IMAGE,
        ...ALWAYS,
        // What is wrong inside stands as words too: `23 !4` has four that are late or in conflict.
        'text-field': COUNT_WORDS,
        'text-size': 11, 'text-font': ['Noto Sans Medium'], 'text-line-height': 1, 'text-allow-overlap': true,
      },
      paint: { 'text-color': colour('--ink') },
    });
    map.addLayer({
      id: 'pins', type: 'symbol', source: 'jobs', filter: ['!', ['has', 'point_count']],
      layout: {
        'icon-image': ['get', 'image'],
        ...ALWAYS,
        'symbol-sort-key': ['get', 'rank'],
        'text-field': ['step', ['zoom'], '', 12.5, ['get', 'number']],
        ...LABEL,
        'text-offset': [0, 1.25],
      },
      paint: { 'text-color': colour('--ink'), 'text-halo-color': colour('--surface'), 'text-halo-width': 1.4 },
    });
    map.addLayer({ id: 'stops', type: 'symbol', source: 'stops', layout: { 'icon-image': ['get', 'image'], ...ALWAYS } });
    map.addLayer({
      id: 'workers', type: 'symbol', source: 'workers',
      layout: {
        'icon-image': ['get', 'image'],
        ...ALWAYS,
        'icon-rotate': ['get', 'heading'],
        'icon-rotation-alignment': 'map',
        'text-field': ['get', 'label'],
        ...LABEL,
        'text-offset': [0, 1.1],
        'text-line-height': 1.15,
      },
      paint: {
        'text-color': colour('--accent-strong'),
        'text-halo-color': colour('--surface'),
        'text-halo-width': 1.5,
      },
    });
  }

  /** A worker's day: where they were as a full line, what is planned as a dashed one with numbers. */
  #addDay() {
    const { map } = this;
    const round = { 'line-cap': 'round', 'line-join': 'round' };
    const line = (id, paint) => map.addLayer({ id, type: 'line', source: id, layout: round, paint });
    map.addLayer({ id: 'area', type: 'fill', source: 'area', paint: { 'fill-color': colour('--accent'), 'fill-opacity': 0.08 } });
    map.addLayer({
      id: 'area-edge', type: 'line', source: 'area', paint: { 'line-color': colour('--accent'), 'line-width': 1.5, 'line-dasharray': [2, 2] },
    });
    line('track', { 'line-color': colour('--progress'), 'line-width': 4, 'line-opacity': 0.75 });
    line('line', { 'line-color': colour('--accent-strong'), 'line-width': 2.5, 'line-dasharray': [1.5, 1.8] });
  }

  listen() {
    const { map, on } = this;
    map.on('click', (event) => this.#click(event));
    map.on('contextmenu', (event) => on.menu([event.lngLat.lng, event.lngLat.lat], event.point));
    // What lies beneath a pin may end while the pointer is on the pin still.
    const under = new Set();
    for (const layer of HIT_LAYERS) {
      const mark = () => { map.getCanvas().style.cursor = under.size ? 'pointer' : ''; };
      map.on('mouseenter', layer, () => { under.add(layer); mark(); });
      map.on('mouseleave', layer, () => { under.delete(layer); mark(); });
    }
  }

  async #click(event) {
    const { map, on } = this;
    const { x, y } = event.point;
    const box = [[x - HIT_PX, y - HIT_PX], [x + HIT_PX, y + HIT_PX]];
    const at = [event.lngLat.lng, event.lngLat.lat];
    if (map.getContainer().parentElement.classList.contains('picking')) {
      on.ground(at, event.point);
      return;
    }
    const found = map.queryRenderedFeatures(box, { layers: HIT_LAYERS });
    const dotted = found.some((one) => one.layer.id === 'dots') ? this.#workersIn(box) : [];
    const cluster = found.find((one) => one.properties.cluster);
    if (cluster) {
      const workers = found.filter((one) => one.layer.id === 'workers').map((one) => this.#item(one.properties));
      await this.#openCluster(cluster, event.point, [...workers, ...dotted]);
      return;
    }
    const signs = found.filter((one) => one.layer.id !== 'dots').map((one) => this.#item(one.properties));
    const items = [...new Map([...signs, ...dotted].map((one) => [one.id, one])).values()];
    if (items.length === 1 && items[0].number) on.job(items[0].id);
    else if (items.length === 1) on.worker(items[0].id);
    else if (items.length) on.stack(items, event.point);
    else on.ground(at, event.point);
  }

  async #openCluster(cluster, point, workers) {
    const source = this.map.getSource('jobs');
    const { cluster_id: id, point_count: count } = cluster.properties;
    const zoom = await source.getClusterExpansionZoom(id);
    if (zoom > CLUSTER_ZOOM_MAX || zoom > this.map.getMaxZoom() - 1) {
      const leaves = await source.getClusterLeaves(id, Math.min(count, 200), 0);
      this.on.stack([...workers, ...leaves.map((one) => this.#item(one.properties))], point);
      return;
    }
    this.#move({ center: cluster.geometry.coordinates, zoom: zoom + 0.3 });
  }

  /** The job whose pin a pointer is on, the one that is drawn on top; undefined for none. */
  jobUnder({ clientX, clientY }) {
    const { left, top } = this.map.getCanvas().getBoundingClientRect();
    const [x, y] = [clientX - left, clientY - top];
    const box = [[x - HIT_PX, y - HIT_PX], [x + HIT_PX, y + HIT_PX]];
    return this.map.queryRenderedFeatures(box, { layers: ['pins'] })[0]?.properties.id;
  }

  /** The workers whose dots touch a box of pixels: a dot does not say whose it is. */
  #workersIn([[left, top], [right, bottom]]) {
    const reach = DOT_PX + EDGE_PX;
    const { lng: west, lat: north } = this.map.unproject([left - reach, top - reach]);
    const { lng: east, lat: south } = this.map.unproject([right + reach, bottom + reach]);
    return this.workers
      .filter(({ at: [lon, lat] }) => lon >= west && lon <= east && lat >= south && lat <= north)
      .map(({ id }) => ({ id }));
  }

  #item(properties) {
    return { ...properties };
  }

  #move(to) {
    if (calm()) this.map.jumpTo(to);
    else this.map.easeTo({ ...to, duration: 350 });
  }

  #set(name, data) {
    if (this.data[name] === data) return;
    this.data[name] = data;
    this.map.getSource(name)?.setData(data);
  }

  setJobs(jobs) {
    const rank = { conflict: 3, delayed: 3, 'at risk': 2, '': 1 };
    this.#set('jobs', {
      type: 'FeatureCollection',
      features: jobs.map(({ at, ...rest }) => ({
        type: 'Feature',
        geometry: { type: 'Point', coordinates: at },
        properties: {
          ...rest,
          picked: this.picked.has(rest.id) ? 1 : 0,
          image: this.#need(`job|${rest.status}|${rest.priority}|${rest.alert}`),
          rank: rank[rest.alert] ?? 1,
        },
      })),
    });
  }

  /** Some thousand move each second: only what is drawn goes on to the thread that draws. */
  setWorkers(workers, inSight) {
    const dots = inSight > SIGNS_MAX;
    this.workers = workers;
    this.#set('dots', dots ? spots(workers) : EMPTY);
    this.#set('workers', dots ? EMPTY : {
      type: 'FeatureCollection',
      features: workers.map(({ id, at, moving, heading, fresh, label }) => {
        const arrow = moving && heading !== null;
        const image = `worker|${arrow ? 1 : 0}|${fresh}`;
        if (!this.images.has(image)) this.#need(image);
        return {
          type: 'Feature',
          geometry: { type: 'Point', coordinates: at },
          properties: { id, image, label, heading: arrow ? heading : 0 },
        };
      }),
    });
  }

  select(at) {
    this.#set('chosen', at ? points([{ at }]) : EMPTY);
  }

  /** Mark the jobs of a selection (a Set of ids) when they are drawn next. */
  pick(jobs) {
    this.picked = jobs;
  }

  /** Draw a worker's day, `{track, line, stops: [{at, number, late}]}`; null takes it away. */
  setDay(day) {
    this.#set('track', lines(day?.track ?? []));
    this.#set('line', lines(day?.line ?? []));
    this.#set('stops', points((day?.stops ?? []).map(({ at, number, late }) => ({
      at, image: this.#need(`stop|${number}|${late ? 1 : 0}`),
    }))));
  }

  /** Shade an area by its outline; null takes it away. */
  setArea(ring) {
    this.#set('area', ring ? {
      type: 'FeatureCollection',
      features: [{ type: 'Feature', geometry: { type: 'Polygon', coordinates: [ring] }, properties: {} }],
    } : EMPTY);
  }

  /** Where a place lies in the map's element, in pixels. */
  project(at) {
    return this.map.project(at);
  }

  isInSight(at) {
    return this.map.getBounds().contains(at);
  }

  /** The part of the world in sight, in degrees. */
  bounds() {
    const [[west, south], [east, north]] = this.map.getBounds().toArray();
    return { west, south, east, north };
  }

  /** Let the pointer draw, or move the map again. */
  setDrawing(drawing) {
    this.map.dragPan[drawing ? 'disable' : 'enable']();
  }

  reveal(at, always = false) {
    const { map } = this;
    const bounds = map.getBounds();
    const inside = bounds.contains(at);
    if (always) this.#move({ center: at, zoom: Math.max(map.getZoom(), NEAR_ZOOM) });
    else if (!inside) this.#move({ center: at });
  }

  fit(points) {
    if (!points.length) return;
    const bounds = new this.gl.LngLatBounds(points[0], points[0]);
    for (const point of points) bounds.extend(point);
    this.map.fitBounds(bounds, { padding: 40, maxZoom: NEAR_ZOOM, animate: !calm(), duration: 350 });
  }

  zoom(step) {
    this.#move({ zoom: this.map.getZoom() + step });
  }

  resize() {
    this.map.resize();
  }

  async setTheme(theme) {
    const style = await readStyle(theme);
    this.map.once('style.load', () => this.addLayers());
    this.map.setStyle(style, { diff: false });
  }
}
