// A worker's day, replayed: a slider over its time, play and speed, the map following. At a stop it
// waits a moment, says which one, and goes on where the worker did. The drawing is the board's map.

import { _ } from '../words.js';
import { trackLayer } from './track-layer.js';

const STOP_WAIT_MS = 1_500;
const FRAME_MS_MAX = 250;

const box = document.getElementById('replay');
const map = document.getElementById('map');
const words = document.getElementById('map-words');
const bar = box.querySelector('.replay-bar');
const slider = document.getElementById('replay-time');
const clock = document.getElementById('replay-clock');
const now = document.getElementById('replay-now');
const play = document.getElementById('replay-play');
const speed = document.getElementById('replay-speed');

const clockWords = new Intl.DateTimeFormat('en-GB', { timeZone: box.dataset.zone, hour: '2-digit', minute: '2-digit' });

/** The index of the last point that is not after a time, by halving. */
export function indexAt(points, time) {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (points[middle][0] <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

class Replay {
  constructor(track, view) {
    this.track = track;
    this.view = view;
    this.layer = trackLayer(view);
    this.places = track.points.map(([, lon, lat]) => [lon, lat]);
    this.layer.setWay(this.places, track.stops);
    this.playing = false;
    this.waited = -1;
    slider.addEventListener('input', () => { this.waited = -1; this.show(); });
    play.addEventListener('click', () => this.toggle());
    this.show();
    view.fit(this.places);
  }

  get time() {
    return Number(slider.value);
  }

  /** Where the worker was at the slider's time: between two points on the straight line. */
  at() {
    const { points } = this.track;
    const index = indexAt(points, this.time);
    const one = points[index];
    const next = points[index + 1];
    if (!next || this.time <= one[0]) return [index, [one[1], one[2]]];
    const part = (this.time - one[0]) / (next[0] - one[0]);
    return [index, [one[1] + (next[1] - one[1]) * part, one[2] + (next[2] - one[2]) * part]];
  }

  stopNow() {
    return this.track.stops.findIndex((stop) => stop.start <= this.time && this.time <= stop.end);
  }

  show() {
    const [index, place] = this.at();
    this.layer.setGone([...this.places.slice(0, index + 1), place]);
    this.view.setWorkers([{ id: this.track.worker, name: '', label: clockWords.format(this.time), at: place, heading: null, moving: false, fresh: 'live', seen: this.time }]);
    clock.textContent = clockWords.format(this.time);
    slider.setAttribute('aria-valuetext', clockWords.format(this.time));
    const stop = this.stopNow();
    for (const row of document.querySelectorAll('tr[data-stop]')) row.toggleAttribute('data-now', Number(row.dataset.stop) === stop);
    const own = this.track.stops[stop];
    if (own) {
      const job = own.words || _('no job of the day');
      const [from, to] = [own.start, own.end].map((at) => clockWords.format(at));
      now.textContent = _('Stop {n}: {job}, {from}–{to}', { n: stop + 1, job, from, to });
    } else now.textContent = _('On the way');
  }

  toggle() {
    if (!this.playing && this.time >= Number(slider.max)) {
      slider.value = slider.min;
      this.waited = -1;
    }
    this.playing = !this.playing;
    play.setAttribute('aria-pressed', String(this.playing));
    play.querySelector('span').textContent = this.playing ? _('Pause') : _('Play');
    play.querySelector('use')?.setAttribute('href', `${box.dataset.icons}#${this.playing ? 'pause' : 'play'}`);
    if (this.playing) {
      this.last = performance.now();
      requestAnimationFrame((moment) => this.frame(moment));
    }
  }

  frame(moment) {
    if (!this.playing) return;
    const gone = Math.min(moment - this.last, FRAME_MS_MAX);
    this.last = moment;
    const stop = this.stopNow();
    if (stop >= 0 && stop !== this.waited) {
      this.waited = stop;
      this.until = moment + STOP_WAIT_MS;
    }
    if (stop >= 0 && moment < this.until) {
      this.show();
    } else {
      // What the worker stood through is not sat through again.
      const from = stop >= 0 ? this.track.stops[stop].end : this.time;
      slider.value = String(Math.min(from + Math.max(1000, gone * Number(speed.value)), Number(slider.max)));
      this.show();
    }
    if (this.time >= Number(slider.max)) this.toggle();
    else requestAnimationFrame((later) => this.frame(later));
  }
}

function theme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen) return chosen;
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

async function draw() {
  const assets = JSON.parse(box.dataset.assets);
  const on = { assets, theme };
  for (const name of ['job', 'worker', 'stack', 'ground', 'menu', 'moved', 'settled']) on[name] = () => undefined;
  const drawings = [];
  if (assets.maplibre && document.createElement('canvas').getContext('webgl2')) drawings.push('../board/map-gl.js');
  if (assets.leaflet) drawings.push('../board/map-flat.js');
  for (const drawing of drawings) {
    const canvas = document.createElement('div');
    canvas.className = 'map-canvas';
    map.prepend(canvas);
    try {
      const { draw: begin } = await import(drawing);
      return await begin(canvas, on);
    } catch (error) {
      canvas.remove();
      console.warn(error);
    }
  }
  return null;
}

function tools(view, replay) {
  const list = document.createElement('div');
  list.className = 'map-tools';
  const add = (icon, label, run) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'button';
    button.title = label;
    button.setAttribute('aria-label', label);
    const sign = play.querySelector('svg').cloneNode(true);
    sign.querySelector('use')?.setAttribute('href', `${box.dataset.icons}#${icon}`);
    button.append(sign);
    button.addEventListener('click', run);
    list.append(button);
  };
  add('zoom-in', _('Zoom in'), () => view.zoom(1));
  add('zoom-out', _('Zoom out'), () => view.zoom(-1));
  add('maximize-2', _('The whole day into sight'), () => view.fit(replay.places));
  map.append(list);
}

async function begin() {
  words.textContent = _('The map is loading.');
  const answer = await fetch(box.dataset.track);
  if (!answer.ok) throw new Error(`the track could not be read: ${answer.status}`);
  const track = await answer.json();
  if (!track.points.length) return;
  const view = await draw();
  if (!view) {
    words.textContent = _('This browser draws no map; the stops are listed below.');
    return;
  }
  const replay = new Replay(track, view);
  tools(view, replay);
  const retheme = async () => { await view.setTheme(theme()); replay.show(); };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', retheme);
  addEventListener('fieldlog:theme', retheme);
  new ResizeObserver(() => view.resize()).observe(map);
  words.textContent = '';
  bar.hidden = false;
  box.dataset.ready = view.kind;
}

begin().catch((error) => {
  words.textContent = _('The day could not be loaded; load the page anew.');
  console.warn(error);
});
