// The planner's rows: put in their places on the scale, walked by arrow keys, and kept fresh without
// moving what somebody points at. Rows are drawn by the server; carrying a job is planner-carry.js.

import { Carry, workerOf } from './planner-carry.js';
import { shows } from './sights.js';
import { boardQuery, filterQuery, selectedJob } from './url.js';

const HOUR_MS = 3_600_000;
const NOW_LINE_MS = 30_000;
const WAIT_SHARE = 4;
const WAIT_MS_MAX = 2_000;
const STOPS = '.plan-job, .plan-who a';

/** Put the bars of a planner, or of a part of it, at their places. */
function place(root) {
  for (const row of root.querySelectorAll('.plan-row')) row.style.setProperty('--lanes', row.dataset.lanes);
  for (const item of root.querySelectorAll('[data-at]')) {
    const [left, width, lane] = item.dataset.at.split(' ').map(Number);
    item.style.left = `${left / 100}%`;
    if (width) item.style.width = `${width / 100}%`;
    if (lane) item.style.top = `calc(var(--lane) * ${lane})`;
  }
  for (const stop of root.querySelectorAll(STOPS)) stop.tabIndex = -1;
}

export class Planner {
  /** `hooks`: `said(words)` for the live region, `sent(job)` when a move was answered, `pinUnder(event)` as `Carry` has it. */
  constructor(board, hooks) {
    this.board = board;
    this.hooks = hooks;
    this.waiting = new Map();
    this.asked = 0;
    this.carry = new Carry(board, {
      said: hooks.said,
      sent: hooks.sent,
      pinUnder: hooks.pinUnder,
      // What one moved oneself is to be seen at once, also under the pointer.
      take: (html) => this.#take(html, { own: true }),
      over: () => { if (this.again) this.freshen(); },
      focus: (job, worker) => this.focus(job, worker),
    });
    board.addEventListener('pointerout', () => this.#applyWhenFree());
    board.addEventListener('pointerover', (event) => {
      // A narrow bar shows little: all of its words are its title, made when it is first pointed at.
      const job = event.target.closest?.('.plan-job:not([title])');
      if (job) job.title = job.textContent.replace(/\s+/g, ' ').trim();
    });
    board.addEventListener('keydown', (event) => this.#keys(event));
    board.addEventListener('focusin', (event) => {
      const stop = event.target.closest?.('.planner :is(.plan-job, .plan-who a)');
      if (stop) this.#rove(stop);
    });
    setInterval(() => this.#showNow(), NOW_LINE_MS);
    this.adopt();
  }

  get isShown() {
    return shows(this.board, 'planner');
  }

  /** Take up the planner as the document has it now. */
  adopt() {
    this.carry.leave({ quiet: true });
    this.waiting.clear();
    this.element = document.getElementById('planner');
    this.question = this.element.dataset.day ? filterQuery() : null;
    if (this.question === null) return;
    place(this.element);
    const { start, end, now, week } = this.element.dataset;
    this.now = { atMs: Number(now), readMs: Date.now() };
    const grid = this.element.querySelector('.plan-grid');
    grid.style.setProperty('--hour', `${(100 * HOUR_MS) / (end - start)}%`);
    if (week === undefined) grid.style.setProperty('--hours', Math.round((end - start) / HOUR_MS));
    this.element.classList.add('drawn');
    if (this.board.dataset.mayWrite === '1') this.element.dataset.moves = '';
    this.#rove(this.element.querySelector('.plan-job[aria-current]') ?? this.element.querySelector(STOPS));
    this.#showNow();
    this.#showHours();
  }

  /** The layout changed: what was not asked for while it was hidden is asked for now. */
  shown() {
    if (!this.isShown) this.leave();
    else if (this.question !== filterQuery()) this.freshen();
    else this.#showNow();
  }

  /** Ask for the planner as it is now, and show what changed. */
  async freshen() {
    if (!this.isShown) {
      this.question = null;
      return;
    }
    if (this.asking || this.carry.isCarrying) {
      this.again = true;
      return;
    }
    this.asking = true;
    this.again = false;
    const own = filterQuery();
    const began = performance.now();
    try {
      const answer = await fetch(`/board/planner?${boardQuery()}${selectedJob() ? `&job=${selectedJob()}` : ''}`);
      const html = await answer.text();
      // A job may have been picked up meanwhile: its row stays as it is until it is put down.
      if (this.carry.isCarrying) this.again = true;
      else if (answer.ok && own === filterQuery()) this.#take(html);
    } catch {
      this.question = null; // Asked for again as soon as something changes.
    } finally {
      // A large planner is asked for at most a part of the time, however much changes; one answer
      // that was long on its way holds up no news.
      setTimeout(() => {
        this.asking = false;
        if (this.again) this.freshen();
      }, Math.min(WAIT_MS_MAX, WAIT_SHARE * (performance.now() - began)));
    }
  }

  // --- drawing what came

  #take(html, { own = false } = {}) {
    const holder = document.createElement('template');
    holder.innerHTML = html;
    const fresh = holder.content.querySelector('.planner');
    if (!fresh) return;
    const focused = this.#focused();
    if (!this.#mergeable(fresh)) {
      const { scrollTop = 0, scrollLeft = null } = document.getElementById('plan-scroll') ?? {};
      const same = fresh.dataset.start === this.element.dataset.start;
      this.element.replaceWith(fresh);
      this.adopt();
      const pane = document.getElementById('plan-scroll');
      pane.scrollTop = scrollTop;
      if (same) pane.scrollLeft = scrollLeft;
    } else {
      this.#merge(fresh, own);
    }
    if (focused && !this.element.contains(document.activeElement)) this.focus(...focused);
  }

  #focused() {
    const active = document.activeElement?.closest?.('.planner .plan-job');
    return active ? [active.dataset.job, workerOf(active)] : null;
  }

  /** Whether only rows differ: the same hours, the same workers. */
  #mergeable(fresh) {
    if (this.question !== filterQuery()) return false;
    const same = ['start', 'end', 'day', 'week'].every((name) => fresh.dataset[name] === this.element.dataset[name]);
    const workers = (root) => [...root.querySelectorAll('.plan-row')].map((row) => row.dataset.worker).join();
    return same && workers(fresh) === workers(this.element);
  }

  #merge(fresh, own) {
    place(fresh);
    this.now = { atMs: Number(fresh.dataset.now), readMs: Date.now() };
    const old = [...this.element.querySelectorAll('.plan-row')];
    const fresher = [...fresh.querySelectorAll('.plan-row')];
    old.forEach((row, index) => this.#swap(row, fresher[index], row.dataset.worker, own));
    const [tray, newTray] = [this.element, fresh].map((root) => root.querySelector('.plan-tray'));
    if (tray && newTray) this.#swap(tray, newTray, '', own);
    const [fit, newFit] = [this.element, fresh].map((root) => root.querySelector('.plan-fit'));
    if (fit && newFit) fit.textContent = newFit.textContent;
    if (!this.element.querySelector(':is(.plan-job, .plan-who a)[tabindex="0"]')) {
      this.#rove(this.element.querySelector(STOPS));
    }
    this.select(selectedJob());
    this.#showNow();
  }

  #swap(old, fresh, key, own) {
    if (!own && old.matches(':hover')) {
      if (this.#words(old) !== this.#words(fresh)) {
        old.dataset.waits = '';
        this.waiting.set(key, { old, fresh });
      }
      return;
    }
    this.waiting.delete(key);
    if (this.#words(old) !== this.#words(fresh)) old.replaceWith(fresh);
  }

  /** What a row says, whatever is marked in it. */
  #words(row) {
    return row.innerHTML.replace(/ (aria-current="true"|tabindex="-?\d"|title="[^"]*")/g, '');
  }

  #applyWhenFree() {
    if (!this.waiting.size || this.applying) return;
    this.applying = setTimeout(() => {
      this.applying = null;
      if (this.carry.isCarrying) return;
      const focused = this.#focused();
      for (const [key, { old, fresh }] of this.waiting) {
        if (old.matches(':hover')) continue;
        this.waiting.delete(key);
        if (old.isConnected) old.replaceWith(fresh);
      }
      this.select(selectedJob());
      if (focused && !this.element.contains(document.activeElement)) this.focus(...focused);
    }, 300);
  }

  #showNow() {
    const line = document.getElementById('plan-now');
    if (!line || !this.isShown) return;
    const { start, end } = this.element.dataset;
    const nowMs = this.now.atMs + Date.now() - this.now.readMs;
    const share = (nowMs - start) / (end - start);
    line.hidden = share < 0 || share > 1;
    line.style.left = `calc(var(--who) + (100% - var(--who)) * ${share})`;
  }

  /** Where the hours don't all fit, begin before the present, else in the morning. */
  #showHours() {
    const pane = document.getElementById('plan-scroll');
    if (!this.isShown || pane.scrollWidth <= pane.clientWidth) return;
    const { start, end } = this.element.dataset;
    const inSight = this.now.atMs > start && this.now.atMs < end;
    const from = inSight ? this.now.atMs - 3 * HOUR_MS : Number(start) + ((end - start) >= 20 * HOUR_MS ? 6 * HOUR_MS : 0);
    const time = this.element.querySelector('.plan-time')?.getBoundingClientRect().width ?? 0;
    pane.scrollLeft = Math.max(0, ((from - start) / (end - start)) * time);
  }

  // --- going about

  /** Mark the selected job, '' for none. */
  select(job) {
    for (const one of this.element.querySelectorAll('.plan-job')) {
      if (one.dataset.job === job) one.setAttribute('aria-current', 'true');
      else one.removeAttribute('aria-current');
    }
  }

  /** Put the keyboard on a job, in a worker's row where it stands in several; false where it is not here. */
  focus(job, worker) {
    if (!this.isShown || !job) return false;
    const all = [...this.element.querySelectorAll(`.plan-job[data-job="${CSS.escape(job)}"]`)];
    const stop = all.find((one) => workerOf(one) === worker) ?? all[0];
    stop?.focus({ preventScroll: true });
    stop?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    return stop !== undefined;
  }

  /** Step to the next or previous job of the planner; false where it is not shown. */
  step(by) {
    if (!this.isShown) return false;
    if (this.carry.isCarrying) return true;
    const all = [...this.element.querySelectorAll('.plan-job')];
    const at = all.indexOf(document.activeElement);
    const next = at < 0 ? all.find((one) => one.tabIndex === 0) ?? all[0] : all[at + by];
    this.#stand(next);
    return true;
  }

  /** Leave what is carried; false where nothing is. */
  leave() {
    return this.carry.leave();
  }

  #rove(stop) {
    if (!stop) return;
    for (const other of this.element.querySelectorAll(':is(.plan-job, .plan-who a)[tabindex="0"]')) other.tabIndex = -1;
    stop.tabIndex = 0;
  }

  #stand(stop) {
    if (!stop) return;
    this.#rove(stop);
    stop.focus({ preventScroll: true });
    stop.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  #keys(event) {
    const stop = event.target.closest?.('.planner :is(.plan-job, .plan-who a)');
    if (!stop || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.carry.key(event)) return;
    if (event.key === ' ' && stop.matches('.plan-job')) {
      event.preventDefault();
      this.carry.pickUp(stop);
      return;
    }
    const row = stop.closest('.plan-row, .plan-tray');
    const within = [...row.querySelectorAll(STOPS)];
    const at = within.indexOf(stop);
    const next = {
      ArrowRight: () => within[at + 1],
      ArrowLeft: () => within[at - 1],
      Home: () => within[0],
      End: () => within.at(-1),
      ArrowDown: () => this.#beside(row, stop, 1),
      ArrowUp: () => this.#beside(row, stop, -1),
    }[event.key];
    if (!next) return;
    event.preventDefault();
    this.#stand(next());
  }

  /** The stop of the next row that is nearest in time. */
  #beside(row, stop, by) {
    const rows = [...this.element.querySelectorAll('.plan-tray, .plan-row')];
    for (let at = rows.indexOf(row) + by; rows[at]; at += by) {
      const stops = [...rows[at].querySelectorAll(STOPS)];
      if (stops.length) {
        const from = Number(stop.dataset.start) || 0;
        const far = (one) => Math.abs((Number(one.dataset.start) || 0) - from);
        const jobs = stops.filter((one) => one.matches('.plan-job'));
        return jobs.length && from ? jobs.reduce((best, one) => (far(one) < far(best) ? one : best)) : stops[0];
      }
    }
    return null;
  }
}

