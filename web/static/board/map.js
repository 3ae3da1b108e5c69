// The board's map: what is drawn and what a click means, whoever draws it. MapLibre where the
// browser has WebGL, else Leaflet; both get the same jobs and workers through the same few calls.

import { agoWords } from '../frame.js';
import { ageWords, freshness, jobPin, workerMark } from './pins.js';
import { filterQuery, selectedJob } from './url.js';

const POSITIONS_MS = 1_000;

function hasWebGL() {
  const probe = document.createElement('canvas');
  return probe.getContext('webgl2') !== null;
}

/** Start the map in `element`; `hooks`: `board`, `select(job)`, `create(at)` or null. */
export async function startMap(element, hooks) {
  const assets = JSON.parse(hooks.board.dataset.assets);
  const gl = hasWebGL() && assets.maplibre;
  if (!gl && !assets.leaflet) throw new Error('no map library was built');
  const drawing = gl ? await import('./map-gl.js') : await import('./map-flat.js');
  const started = new BoardMap(element, hooks);
  await started.begin(drawing, assets);
  return started;
}

class BoardMap {
  constructor(element, hooks) {
    this.element = element;
    this.hooks = hooks;
    this.words = document.getElementById('map-words');
    this.jobs = new Map();
    this.workers = [];
    this.picked = null;
    this.asked = 0;
  }

  async begin(drawing, assets) {
    this.element.querySelector('.map-canvas')?.remove();
    const canvas = document.createElement('div');
    canvas.className = 'map-canvas';
    this.element.prepend(canvas);
    this.view = await drawing.draw(canvas, {
      assets,
      theme: () => this.#theme(),
      job: (id) => this.hooks.select(id),
      stack: (items, point) => this.#list(items, point),
      ground: (at, point) => this.#ground(at, point),
      menu: (at, point) => this.#menu(at, point),
      moved: () => this.#closeList(),
    });
    this.#tools();
    this.#legend();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#retheme());
    addEventListener('fieldlog:theme', () => this.#retheme());
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.#closeList()) event.stopImmediatePropagation();
    }, { capture: true });
    new ResizeObserver(() => this.resize()).observe(this.element);
    await this.load({ fit: true });
    this.element.dataset.ready = this.view.kind;
  }

  #theme() {
    const chosen = document.documentElement.dataset.theme;
    if (chosen) return chosen;
    return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  }

  #retheme() {
    this.view.setTheme(this.#theme());
    this.#legend();
  }

  // --- data

  /** Ask for everything that the board's question holds. */
  async load({ fit = false } = {}) {
    this.asked += 1;
    const own = this.asked;
    const query = new URLSearchParams(filterQuery());
    if (selectedJob()) query.set('job', selectedJob());
    const answer = await fetch(`/board/map.json?${query}`);
    if (!answer.ok || own !== this.asked) return;
    const data = await answer.json();
    this.jobs = new Map(data.jobs.map((job) => [job.id, job]));
    this.workers = data.workers;
    this.view.setJobs([...this.jobs.values()]);
    this.#drawWorkers();
    this.#say(data.cut);
    if (fit) this.fit();
    this.view.select(this.jobs.get(selectedJob())?.at ?? null);
  }

  /** Some jobs changed: ask for those alone; with `all` for everything. */
  async patch(ids, all = false) {
    if (all || ids.length > 200) {
      await this.load();
      return;
    }
    const query = new URLSearchParams(filterQuery());
    query.set('ids', ids.join(','));
    if (selectedJob()) query.set('job', selectedJob());
    const answer = await fetch(`/board/map.json?${query}`);
    if (!answer.ok) return;
    const data = await answer.json();
    for (const id of data.gone) this.jobs.delete(id);
    for (const job of data.jobs) this.jobs.set(job.id, job);
    this.view.setJobs([...this.jobs.values()]);
    this.#say(false);
    if (ids.includes(selectedJob())) this.view.select(this.jobs.get(selectedJob())?.at ?? null);
  }

  /** Phones moved: at most once a second. */
  positions() {
    if (this.wait) return;
    this.wait = setTimeout(async () => {
      this.wait = null;
      const answer = await fetch('/board/positions.json').catch(() => null);
      if (!answer?.ok) return;
      this.workers = (await answer.json()).workers;
      this.#drawWorkers();
    }, POSITIONS_MS);
  }

  #drawWorkers() {
    const now = Date.now();
    this.view.setWorkers(this.workers.map((worker) => ({
      ...worker,
      fresh: freshness(worker.seen, now),
      label: `${worker.name}\n${ageWords(worker.seen, now)}`,
    })));
  }

  #say(cut) {
    if (this.picked) return;
    if (cut) this.words.textContent = `The ${this.jobs.size} most urgent jobs are drawn.`;
    else if (!this.jobs.size && !this.workers.length) this.words.textContent = 'No job shown has a position.';
    else this.words.textContent = '';
  }

  // --- selection

  /** Mark the selected job and bring it into sight; `point` where the map does not know it. */
  select(job, point = '') {
    const known = this.jobs.get(job)?.at ?? readPoint(point);
    this.view.select(known);
    if (known) this.view.reveal(known);
  }

  /** Mark a place that is no job yet, such as a form's. */
  mark(point) {
    const at = point ? readPoint(point) : null;
    this.view.select(at);
    if (at) this.view.reveal(at);
  }

  /** Bring the selected job to the middle. */
  centre() {
    const at = this.jobs.get(selectedJob())?.at;
    if (at) this.view.reveal(at, true);
  }

  /** Let the next click on the map be a position; `done` gets it as text, or null when one stops. */
  pick(done) {
    const before = this.picked;
    this.picked = done;
    this.element.classList.toggle('picking', done !== null);
    if (done) this.words.replaceChildren('Click where the job is. ', this.#stopButton());
    else this.#say(false);
    before?.(null);
  }

  /** Stop picking; false where nobody picks. */
  stopPick() {
    const picking = this.picked !== null;
    if (picking) this.pick(null);
    return picking;
  }

  #stopButton() {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'button';
    button.textContent = 'Stop';
    button.addEventListener('click', () => this.pick(null));
    return button;
  }

  /** Everything into sight. */
  fit() {
    const points = [...this.jobs.values()].map((job) => job.at);
    const believed = this.workers.filter((worker) => freshness(worker.seen) !== 'old');
    points.push(...believed.map((worker) => worker.at));
    this.view.fit(points);
  }

  resize() {
    this.view?.resize();
  }

  #ground(at) {
    this.#closeList();
    if (!this.picked) return;
    const done = this.picked;
    this.picked = null;
    this.pick(null);
    done(`${at[1].toFixed(7)}, ${at[0].toFixed(7)}`);
  }

  // --- lists: jobs on one spot, and what can be made on a spot

  #list(items, point) {
    this.#closeList();
    const list = document.createElement('div');
    list.className = 'map-list';
    const head = document.createElement('p');
    head.textContent = `${items.length} here`;
    list.append(head);
    for (const item of items) {
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'menu-item';
      const sign = item.number ? jobPin(item, 1) : workerMark({ ...item, heading: item.heading ?? 0 }, 1);
      const words = document.createElement('span');
      words.className = 'clip';
      words.textContent = item.number ? `${item.number} ${item.title}` : item.name;
      const small = document.createElement('span');
      small.className = 'sub';
      small.textContent = item.number
        ? [item.status, item.alert, item.worker].filter(Boolean).join(' · ')
        : `position ${agoWords(item.seen)}`;
      button.append(sign, words, small);
      button.addEventListener('click', () => {
        this.#closeList();
        if (item.number) this.hooks.select(item.id);
        else location.assign(`/workers/${item.id}`);
      });
      list.append(button);
    }
    this.#place(list, point);
  }

  #menu(at, point) {
    if (!this.hooks.create || this.picked) return;
    this.#closeList();
    const list = document.createElement('div');
    list.className = 'map-list';
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'menu-item';
    button.textContent = 'New job here';
    button.addEventListener('click', () => {
      this.#closeList();
      this.hooks.create(`${at[1].toFixed(7)}, ${at[0].toFixed(7)}`);
    });
    list.append(button);
    this.#place(list, point);
  }

  #place(list, point) {
    this.element.append(list);
    const room = this.element.getBoundingClientRect();
    const box = list.getBoundingClientRect();
    list.style.left = `${Math.max(8, Math.min(point.x + 8, room.width - box.width - 8))}px`;
    list.style.top = `${Math.max(8, Math.min(point.y + 8, room.height - box.height - 8))}px`;
    list.querySelector('button')?.focus();
  }

  #closeList() {
    const list = this.element.querySelector('.map-list');
    list?.remove();
    return list !== null;
  }

  // --- what stands round it

  #tools() {
    const tools = document.createElement('div');
    tools.className = 'map-tools';
    const add = (icon, words, run) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'button';
      button.title = words;
      button.setAttribute('aria-label', words);
      button.append(drawIcon(this.hooks.board.dataset.icons, icon));
      button.addEventListener('click', run);
      tools.append(button);
    };
    add('zoom-in', 'Zoom in', () => this.view.zoom(1));
    add('zoom-out', 'Zoom out', () => this.view.zoom(-1));
    add('maximize-2', 'All jobs and workers into sight', () => this.fit());
    if (this.hooks.create) {
      add('map-pinned', 'New job where I click', () => this.pick((at) => at && this.hooks.create(at)));
    }
    this.element.append(tools);
  }

  #legend() {
    const open = this.element.querySelector('.map-legend')?.open ?? false;
    this.element.querySelector('.map-legend')?.remove();
    const legend = document.createElement('details');
    legend.className = 'map-legend';
    legend.open = open;
    const summary = document.createElement('summary');
    summary.className = 'button button-small';
    summary.textContent = 'Signs';
    const list = document.createElement('ul');
    const add = (sign, words) => {
      const item = document.createElement('li');
      item.append(sign, words);
      list.append(item);
    };
    for (const status of ['open', 'in progress', 'done', 'rejected']) {
      const words = status[0].toUpperCase() + status.slice(1);
      add(jobPin({ status, priority: 1, alert: '' }), words);
    }
    add(jobPin({ status: 'open', priority: 2, alert: '' }), 'High priority');
    add(jobPin({ status: 'open', priority: 3, alert: '' }), 'Urgent');
    add(jobPin({ status: 'open', priority: 1, alert: 'at risk' }), 'At risk');
    add(jobPin({ status: 'open', priority: 1, alert: 'delayed' }), 'Delayed or in conflict');
    add(workerMark({ moving: true, fresh: 'live' }), 'Worker, moving');
    add(workerMark({ moving: false, fresh: 'live' }), 'Worker, standing');
    add(workerMark({ moving: false, fresh: 'stale' }), 'Position older than 5 min');
    add(workerMark({ moving: false, fresh: 'old' }), 'Older than 30 min');
    legend.append(summary, list);
    this.element.append(legend);
  }
}

function drawIcon(sprite, name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `${sprite}#${name}`);
  svg.append(use);
  return svg;
}

/** `50.0875, 14.4213` as [longitude, latitude], null where it is no such pair. */
export function readPoint(text) {
  const [lat, lon] = (text ?? '').split(/[,;\s]+/).map(Number);
  return Number.isFinite(lat) && Number.isFinite(lon) && text ? [lon, lat] : null;
}
