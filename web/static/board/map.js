// The board's map: what is drawn and what a click means, whoever draws it. MapLibre where the
// browser has WebGL, else Leaflet; both get the same jobs and workers through the same few calls.

import { _, several } from '../words.js';
import { clusterRing } from './clusters.js';
import { Lasso } from './lasso.js';
import { MapList } from './map-list.js';
import { ageWords, codeWords, freshness, jobPin, workerDot, workerMark } from './pins.js';
import { circleRound, metresBetween, pointText, readPoint } from './places.js';
import { filterQuery, params, selectedJob } from './url.js';
import { WorkerDay } from './worker-day.js';
import { Workers } from './workers.js';

const STRANGERS_MS = 1_000;
// With more of them in sight their names would only cover each other.
const NAMED_MAX = 150;
// How far from what is selected a job or a worker still matters to it.
const NEAR_M = 5_000;
// As many as one proposal takes.
const PROPOSED_MAX = 200;
const MATTERS = 'fieldlog-board-matters';

function hasWebGL() {
  const probe = document.createElement('canvas');
  return probe.getContext('webgl2') !== null;
}

/** Start the map in `element`; `hooks`: `board`, `select(job)`, `nearest(at)`, `create(at)` or null,
    `watch(seen)` when the map comes into sight or goes out of it. */
export async function startMap(element, hooks) {
  const assets = JSON.parse(hooks.board.dataset.assets);
  const gl = hasWebGL() && assets.maplibre;
  if (!gl && !assets.leaflet) throw new Error('no map library was built');
  const started = new BoardMap(element, hooks);
  if (gl) {
    try {
      await started.begin(await import('./map-gl.js'), assets);
      return started;
    } catch (error) {
      // A driver that promises WebGL and can't: the other map needs none.
      if (!assets.leaflet) throw error;
      console.warn(error);
    }
  }
  await started.begin(await import('./map-flat.js'), assets);
  return started;
}

class BoardMap {
  constructor(element, hooks) {
    this.element = element;
    this.hooks = hooks;
    this.words = document.getElementById('map-words');
    this.jobs = new Map();
    this.workers = new Workers();
    this.undrawn = false;
    this.selection = new Set();
    this.onlyMatters = localStorage.getItem(MATTERS) === '1';
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
      worker: (id) => this.day.open(id),
      stack: (items, point) => this.#list(items, point),
      ground: (at, point) => this.#ground(at, point),
      menu: (at, point) => this.#menu(at, point),
      moved: () => this.list.close(),
      // How many are in sight decides how they are drawn.
      settled: () => { if (this.undrawn || this.workers.placed.length > NAMED_MAX) this.#drawWorkers(); },
    });
    this.list = new MapList(this.element);
    this.day = new WorkerDay(this.element, this.view, {
      select: (job) => this.hooks.select(job),
      closed: (focused) => { if (focused) this.element.querySelector('.map-tools button')?.focus(); },
    });
    this.lasso = new Lasso(this.element, {
      begun: () => { this.list.close(); this.view.setDrawing(true); },
      drawn: (inside) => this.#drawn(inside),
    });
    for (const end of ['pointerup', 'pointercancel']) addEventListener(end, () => this.view.setDrawing(false));
    document.addEventListener('board:select', (event) => this.#chosen(event.detail?.jobs ?? []));
    this.#tools();
    this.#legend();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#retheme());
    addEventListener('fieldlog:theme', () => this.#retheme());
    new ResizeObserver(() => this.resize()).observe(this.element);
    document.addEventListener('visibilitychange', () => this.#watch());
    await this.load({ fit: true });
    this.element.dataset.ready = this.view.kind;
    this.#watch();
  }

  /** Where workers are is told to a map that somebody looks at, and to no other. */
  #watch() {
    const seen = this.element.dataset.ready !== undefined && this.element.offsetWidth > 0;
    this.hooks.watch(seen && !document.hidden);
  }

  #theme() {
    const chosen = document.documentElement.dataset.theme;
    if (chosen) return chosen;
    return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  }

  async #retheme() {
    this.#legend();
    await this.view.setTheme(this.#theme());
    this.#drawWorkers();
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
    this.workers.take(data.workers);
    this.cut = data.cut;
    this.#draw();
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
    this.#draw();
    this.day.freshen();
    if (ids.includes(selectedJob())) this.view.select(this.jobs.get(selectedJob())?.at ?? null);
  }

  /** Where some workers are now: a frame of `web/board/positions.py`. */
  move(frame) {
    const { shown, strange } = this.workers.move(frame, this.#sight());
    if (strange) this.#askWhoTheyAre();
    this.undrawn = true;
    if (shown) this.#drawWorkers();
    this.day.freshen();
  }

  /** Whether a place is in sight, for thousands of them. */
  #sight() {
    const { west, south, east, north } = this.view.bounds();
    return ([lon, lat]) => lon >= west && lon <= east && lat >= south && lat <= north;
  }

  #askWhoTheyAre() {
    this.wait ??= setTimeout(async () => {
      this.wait = null;
      const answer = await fetch('/board/positions.json').catch(() => null);
      if (!answer?.ok) return;
      this.workers.take((await answer.json()).workers);
      this.#drawWorkers();
    }, STRANGERS_MS);
  }

  /** Time went by: what was fresh may be old. */
  age() {
    if (this.element.offsetWidth) this.#drawWorkers();
  }

  #draw() {
    this.view.pick(this.selection);
    this.view.setJobs(this.#shownJobs());
    this.#drawWorkers();
    this.#say();
  }

  // --- only what matters: nobody has it, it runs late, or it is near what is selected

  #places() {
    const ids = [selectedJob(), ...this.selection].filter(Boolean);
    return [...ids.map((id) => this.jobs.get(id)?.at), this.marked].filter(Boolean);
  }

  #shownJobs() {
    const all = [...this.jobs.values()];
    if (!this.onlyMatters) return all;
    const places = this.#places();
    return all.filter((job) => job.alert || (job.status === 'open' && !job.who) || job.status === 'rejected'
      || places.some((place) => metresBetween(place, job.at) <= NEAR_M));
  }

  /** Workers whose jobs matter, and those near what is selected; without either, all. */
  #shownWorkers() {
    if (!this.onlyMatters) return this.workers.placed;
    const theirs = new Set(this.#shownJobs().map((job) => job.who).filter(Boolean));
    const places = this.#places();
    const some = this.workers.placed.filter((worker) => theirs.has(worker.id) || worker.id === this.day.worker
      || places.some((place) => metresBetween(place, worker.at) <= 2 * NEAR_M));
    return some.length ? some : this.workers.placed;
  }

  #drawWorkers() {
    const now = Date.now();
    const shown = this.#shownWorkers();
    const isInSight = this.#sight();
    const inSight = shown.filter(({ at }) => isInSight(at)).length;
    const named = inSight <= NAMED_MAX;
    for (const worker of shown) {
      worker.fresh = freshness(worker.seen, now);
      worker.label = named ? `${worker.name}\n${ageWords(worker.seen, now)}` : '';
    }
    this.undrawn = false;
    this.view.setWorkers(shown, inSight);
  }

  #say() {
    if (this.picked) return;
    const all = this.jobs.size;
    let words = '';
    if (this.onlyMatters && all) words = _('{n} of {all} jobs matter now.', { n: this.#shownJobs().length, all });
    else if (this.cut) words = _('The {n} most urgent jobs are drawn.', { n: all });
    else if (!all && !this.workers.placed.length) words = _('No job shown has a position.');
    this.words.textContent = words;
  }

  // --- selection

  /** Mark the selected job and bring it into sight; `point` where the map does not know it. */
  select(job, point = '') {
    const known = this.jobs.get(job)?.at ?? readPoint(point);
    this.marked = null;
    this.#shade(null);
    this.view.select(known);
    if (this.onlyMatters) this.#draw();
    if (known) this.view.reveal(known);
  }

  /** Mark a place that is no job yet, such as a form's. */
  mark(point) {
    const at = point ? readPoint(point) : null;
    this.marked = at;
    this.view.select(at);
    const radius = params().get('do') === 'near' ? Number(params().get('radius') ?? 10) : 0;
    this.#shade(at && radius ? circleRound(at, radius * 1000) : null);
    if (this.onlyMatters) this.#draw();
    if (at) this.view.reveal(at);
  }

  #shade(ring) {
    if (!ring && !this.shaded) return;
    this.shaded = ring !== null;
    this.view.setArea(ring);
    if (ring) this.view.fit(ring);
  }

  #drawn(inside) {
    const ids = this.#shownJobs().filter((job) => inside(this.view.project(job.at))).map((job) => job.id);
    this.#arm(false);
    if (ids.length) this.#choose(ids);
    else this.words.textContent = _('No job lies inside that line.');
  }

  #arm(armed) {
    this.lasso.arm(armed);
    this.element.querySelector('[data-tool="lasso"]')?.setAttribute('aria-pressed', String(armed));
    if (armed) this.words.textContent = _('Draw round the jobs to select.');
    else this.#say();
  }

  /** Bring the selected job to the middle. */
  centre() {
    const at = this.jobs.get(selectedJob())?.at;
    if (at) this.view.reveal(at, true);
  }

  /** Let the next click on the map be a position; `done` gets it as text, or null when one stops. */
  pick(done, words = _('Click where the job is.')) {
    const before = this.picked;
    this.picked = done;
    this.element.classList.toggle('picking', done !== null);
    if (done) this.words.replaceChildren(`${words} `, this.#stopButton());
    else this.#say();
    before?.(null);
  }

  /** What stands for the job whose pin is pressed, for the planner to carry; null where there is none.
      The map itself stays where it is until the press ends. */
  pinUnder(event) {
    if (this.picked || !event.target.closest('#map .map-canvas')) return null;
    const job = this.jobs.get(this.view.jobUnder(event));
    if (!job) return null;
    this.view.setDrawing(true);
    const made = document.createElement('span');
    made.dataset.job = job.id;
    made.dataset.status = job.status;
    made.append(Object.assign(document.createElement('b'), { textContent: job.number }));
    return made;
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
    button.textContent = _('Stop');
    button.addEventListener('click', () => this.pick(null));
    return button;
  }

  /** Everything into sight. */
  fit() {
    const points = this.#shownJobs().map((job) => job.at);
    const believed = this.workers.placed.filter((worker) => freshness(worker.seen) !== 'old');
    points.push(...believed.map((worker) => worker.at));
    this.view.fit(points);
  }

  resize() {
    this.view?.resize();
    this.#watch();
  }

  #ground(at) {
    this.list.close();
    if (!this.picked) return;
    const done = this.picked;
    this.picked = null;
    this.pick(null);
    done(pointText(at));
  }

  // --- lists: jobs on one spot, what is in sight, what can be done on a spot

  #list(items, point) {
    const known = items.map((item) => this.jobs.get(item.id) ?? this.#worker(item.id) ?? item);
    this.list.items(_('{n} here', { n: known.length }), known, point, (item) => this.#take(item));
  }

  #worker(id) {
    const found = this.workers.find(id);
    return found && { ...found, fresh: freshness(found.seen) };
  }

  #take(item) {
    if ('number' in item) this.hooks.select(item.id);
    else this.day.open(item.id);
  }

  /** Everything in sight as a list: what a pointer finds on the map, a keyboard finds here. */
  #inSight() {
    const jobs = this.#shownJobs().filter((job) => this.view.isInSight(job.at));
    const workers = this.workers.placed.filter((worker) => this.view.isInSight(worker.at))
      .map((worker) => this.#worker(worker.id));
    const jobWords = several('{n} job', '{n} jobs', jobs.length);
    const workerWords = several('{n} worker', '{n} workers', workers.length);
    const head = _('In sight: {jobs}, {workers}', { jobs: jobWords, workers: workerWords });
    const ids = jobs.map((job) => job.id);
    const more = jobs.length ? [[_('Select these {n}', { n: jobs.length }), () => this.#choose(ids)]] : [];
    this.list.items(head, [...workers, ...jobs], { x: 0, y: 8 }, (item) => this.#take(item), more);
  }

  #menu(at, point) {
    if (this.picked) return;
    const choices = [[_('Who is near here'), () => this.hooks.nearest(pointText(at))]];
    if (this.hooks.create) choices.unshift([_('New job here'), () => this.hooks.create(pointText(at))]);
    this.list.menu(_('This place'), choices, point);
  }

  // --- a selection of jobs, shared with the table: the event `board:select`

  #choose(ids) {
    document.dispatchEvent(new CustomEvent('board:select', { detail: { jobs: ids, source: 'map' } }));
  }

  #chosen(ids) {
    this.selection = new Set(ids);
    this.#draw();
    const bar = this.element.querySelector('.map-bar');
    const count = this.selection.size;
    if (!count) {
      bar?.remove();
      return;
    }
    const words = several('{n} job selected', '{n} jobs selected', count);
    const shown = bar ?? this.#bar();
    shown.querySelector('span').textContent = words;
    const link = shown.querySelector('a');
    if (link) link.href = `/proposal?jobs=${[...this.selection].slice(0, PROPOSED_MAX).join(',')}`;
  }

  #bar() {
    const bar = document.createElement('div');
    bar.className = 'map-bar';
    bar.setAttribute('role', 'status');
    const clear = document.createElement('button');
    clear.type = 'button';
    clear.className = 'button button-small';
    clear.textContent = _('Clear');
    clear.addEventListener('click', () => this.#choose([]));
    bar.append(document.createElement('span'));
    if (this.hooks.create) {
      const link = document.createElement('a');
      link.className = 'button button-small button-primary';
      link.textContent = _('Propose a plan');
      bar.append(link);
    }
    bar.append(clear);
    this.element.append(bar);
    return bar;
  }

  // --- what stands round it

  #tools() {
    this.element.querySelector('.map-tools')?.remove();
    const tools = document.createElement('div');
    tools.className = 'map-tools';
    tools.setAttribute('role', 'toolbar');
    tools.setAttribute('aria-label', _('Map'));
    const add = (icon, words, run, pressed = null) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'button';
      button.title = words;
      button.setAttribute('aria-label', words);
      if (pressed !== null) button.setAttribute('aria-pressed', String(pressed));
      button.append(drawIcon(this.hooks.board.dataset.icons, icon));
      button.addEventListener('click', () => run(button));
      tools.append(button);
      return button;
    };
    add('zoom-in', _('Zoom in'), () => this.view.zoom(1));
    add('zoom-out', _('Zoom out'), () => this.view.zoom(-1));
    add('maximize-2', _('All jobs and workers into sight'), () => this.fit());
    add('list', _('List what is in sight'), () => this.#inSight());
    add('funnel', _('Only what matters'), (button) => {
      this.onlyMatters = !this.onlyMatters;
      localStorage.setItem(MATTERS, this.onlyMatters ? '1' : '0');
      button.setAttribute('aria-pressed', String(this.onlyMatters));
      this.#draw();
    }, this.onlyMatters);
    const lasso = add('pencil', _('Select jobs by drawing round them (or drag with Shift)'), () => this.#arm(!this.lasso.armed), false);
    lasso.dataset.tool = 'lasso';
    add('radar', _('Who is near a place that I click'), () => {
      this.pick((at) => at && this.hooks.nearest(at), _('Click the place.'));
    });
    if (this.hooks.create) {
      add('map-pinned', _('New job where I click'), () => this.pick((at) => at && this.hooks.create(at)));
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
    summary.textContent = _('Legend');
    const list = document.createElement('ul');
    const add = (sign, words) => {
      const item = document.createElement('li');
      item.append(sign, words);
      list.append(item);
    };
    for (const status of ['open', 'in progress', 'done', 'rejected']) {
      const words = codeWords(status);
      add(jobPin({ status, priority: 1, alert: '' }), words[0].toUpperCase() + words.slice(1));
    }
    add(jobPin({ status: 'open', priority: 2, alert: '' }), _('High priority'));
    add(jobPin({ status: 'open', priority: 3, alert: '' }), _('Urgent'));
    add(jobPin({ status: 'open', priority: 1, alert: 'at risk' }), _('At risk'));
    add(jobPin({ status: 'open', priority: 1, alert: 'delayed' }), _('Delayed or in conflict'));
    add(workerMark({ moving: true, fresh: 'live' }), _('Worker, moving'));
    add(workerMark({ moving: false, fresh: 'live' }), _('Worker, standing'));
    add(workerDot(), _('Worker, with hundreds in sight'));
    add(workerMark({ moving: false, fresh: 'stale' }), _('Position older than 5 min'));
    add(workerMark({ moving: false, fresh: 'old' }), _('Older than 30 min'));
    add(clusterRing({ shares: [6, 3, 3, 0, 0], bad: 0, risk: 0, radius: 13, words: '8' }), _('Jobs near each other, by status'));
    add(clusterRing({ shares: [8, 4, 0, 0, 0], bad: 1, risk: 0, radius: 13, words: '8\n!1' }), _('One of them late or in conflict'));
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
