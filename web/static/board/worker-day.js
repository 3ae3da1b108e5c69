// A worker's day on the map: the line of where they were and of what is planned, and the same as a
// list beside it, which a keyboard and a screen reader can walk.

import { agoWords, toast } from '../frame.js';
import { _ } from '../words.js';

const FRESHEN_MS = 5_000;

export class WorkerDay {
  /** `hooks`: `select(job)`, `closed()`. */
  constructor(host, view, hooks) {
    this.host = host;
    this.view = view;
    this.hooks = hooks;
    this.worker = null;
    this.asked = 0;
    document.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !this.card?.contains(document.activeElement)) return;
      event.stopImmediatePropagation();
      this.close();
    }, { capture: true });
  }

  get card() {
    return this.host.querySelector('.map-card');
  }

  /** Show a worker's day; `focus` moves the keyboard there. */
  async open(worker, { focus = true } = {}) {
    this.asked += 1;
    const own = this.asked;
    const answer = await fetch(`/board/worker/${worker}/day.json`).catch(() => null);
    if (own !== this.asked) return;
    if (!answer?.ok) {
      toast(_('The hub does not tell this worker’s day; try again.'));
      return;
    }
    const day = await answer.json();
    const isNew = this.worker !== worker;
    this.worker = worker;
    this.view.setDay({
      track: day.track,
      line: day.line,
      stops: day.stops.map((stop, index) => ({ ...stop, number: String(index + 1) })).filter((stop) => stop.at),
    });
    this.#draw(day, focus && isNew);
    if (isNew) {
      const points = [...day.line.flat(), ...day.track.flat(), ...day.stops.map((stop) => stop.at).filter(Boolean)];
      this.view.fit(points);
    }
  }

  /** Jobs or positions changed: ask anew, if a day is shown; not for each of many changes. */
  freshen() {
    if (!this.worker) return;
    this.wait ??= setTimeout(() => {
      this.wait = null;
      // Nothing is drawn anew under somebody who is walking through it.
      if (this.worker && !this.card?.contains(document.activeElement)) this.open(this.worker, { focus: false });
    }, FRESHEN_MS);
  }

  close() {
    const { card } = this;
    if (!card) return false;
    const focused = card.contains(document.activeElement);
    this.asked += 1;
    this.worker = null;
    card.remove();
    this.view.setDay(null);
    this.hooks.closed(focused);
    return true;
  }

  #draw(day, focus) {
    this.card?.remove();
    const card = make('section', 'map-card');
    card.setAttribute('aria-label', _('Today of {worker}', { worker: day.name }));
    const head = make('div', 'map-card-head');
    const title = make('h3', '', day.name);
    title.tabIndex = -1;
    const close = make('button', 'button button-quiet button-small', _('Close'));
    close.type = 'button';
    close.addEventListener('click', () => this.close());
    head.append(title, close);
    const about = make('p', 'sub', [seenWords(day), day.shift && _('shift {hours}', { hours: day.shift })].filter(Boolean).join(' · '));
    card.append(head, about);
    if (day.stops.length) card.append(this.#stops(day.stops));
    else card.append(make('p', 'hint', _('No job is left in this worker’s day.')));
    const drawn = make('p', 'hint', [
      day.track.length ? _('Full line: where they were today.') : _('No track of today has come in.'),
      day.line.length ? _('Dashed: the plan.') : '',
    ].join(' '));
    const link = make('a', '', _('The worker’s page'));
    link.href = `/workers/${day.worker}`;
    card.append(drawn, link);
    this.host.append(card);
    if (focus) title.focus({ preventScroll: true });
  }

  #stops(stops) {
    const list = make('ol', 'map-stops');
    for (const stop of stops) {
      const item = document.createElement('li');
      const button = make('button', 'map-stop');
      button.type = 'button';
      button.append(make('span', 'strong', `${stop.number} ${stop.title}`));
      const eta = [stop.eta, stop.source, stop.begun ? stop.phase : ''].filter(Boolean).join(' · ');
      button.append(make('span', 'sub', eta));
      if (stop.window) button.append(make('span', 'sub', _('window {hours}', { hours: stop.window })));
      if (stop.late) button.append(make('span', 'sub bad', stop.late));
      if (!stop.at) button.append(make('span', 'sub', _('its position is not known')));
      button.addEventListener('click', () => this.hooks.select(stop.job));
      item.append(button);
      list.append(item);
    }
    return list;
  }
}

function seenWords({ seen, old }) {
  if (!seen) return _('Position not known');
  const ago = agoWords(seen);
  return old ? _('Position {ago}, too old for ETAs', { ago }) : _('Position {ago}', { ago });
}

function make(tag, className, words = '') {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = words;
  return element;
}
