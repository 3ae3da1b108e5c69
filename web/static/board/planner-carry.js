// Carrying a job in the planner, by pointer or by keyboard: where it would go, what that would mean
// (the server says so before the drop), and the drop. Nothing is changed until the server answered.

import { send, toast } from '../frame.js';
import { offerUndo } from '../undo.js';
import { _ } from '../words.js';
import { shows } from './sights.js';
import { boardQuery } from './url.js';

const STEP_MS = 15 * 60_000;
const BEGIN_PX = 6;
const ASK_MS = 90;
const EDGE_PX = 48;
const SCROLL_PX = 14;
const PART = { 'X-Board-Part': '1' };

/** Whose a job is, by the row that it stands in; '' for nobody's. */
export function workerOf(job) {
  return job.closest('.plan-row')?.dataset.worker ?? '';
}

function element(tag, name, words) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (words) made.textContent = words;
  return made;
}

export class Carry {
  /** `hooks`: `said(words)`, `sent(job)`, `take(html)`, `over()`, `focus(job, worker)`, and `pinUnder(event)`,
      which stands for a job that the map shows there, or is null. */
  constructor(board, hooks) {
    this.board = board;
    this.hooks = hooks;
    this.held = null;
    this.asked = 0;
    board.addEventListener('pointerdown', (event) => this.#press(event));
    board.addEventListener('dragstart', (event) => {
      if (event.target.closest?.('.plan-job, [data-pin]') || this.held) event.preventDefault();
    });
  }

  get isCarrying() {
    return this.held !== null;
  }

  get #planner() {
    return document.getElementById('planner');
  }

  /** Whether a job, given by its bar, its chip, its row of the table or for its pin, may be moved. */
  #mayMove(from) {
    const closed = ['done', 'cancelled'].includes(from.dataset.status ?? from.querySelector('.status')?.dataset.status);
    return this.board.dataset.mayWrite === '1' && !('fixed' in from.dataset) && !closed;
  }

  // --- beginning

  #press(event) {
    if (!shows(this.board, 'planner') || event.button !== 0 || event.pointerType === 'touch') return;
    const from = event.target.closest('.plan-job, tr.job') ?? this.hooks.pinUnder(event);
    if (!from || this.held || !this.#mayMove(from)) return;
    const begin = { x: event.clientX, y: event.clientY };
    const moved = (moving) => {
      if (!this.held && Math.hypot(moving.clientX - begin.x, moving.clientY - begin.y) < BEGIN_PX) return;
      if (!this.held) this.#lift(from, begin.x);
      moving.preventDefault();
      this.pointer = { x: moving.clientX, y: moving.clientY };
      this.#aim();
    };
    const ended = (ending) => {
      removeEventListener('pointermove', moved);
      removeEventListener('pointerup', ended);
      removeEventListener('pointercancel', ended);
      if (!this.held || this.held.keys) return;
      // The click that follows a drag opens nothing.
      const swallow = (click) => { click.preventDefault(); click.stopImmediatePropagation(); };
      addEventListener('click', swallow, { capture: true, once: true });
      setTimeout(() => removeEventListener('click', swallow, { capture: true }), 0);
      if (ending.type === 'pointercancel' || !this.target) this.leave();
      else this.drop();
    };
    addEventListener('pointermove', moved);
    addEventListener('pointerup', ended);
    addEventListener('pointercancel', ended);
  }

  #lift(from, x) {
    this.#hold(from, false);
    this.grab = from.matches('.plan-bar') ? x - from.getBoundingClientRect().left : 0;
    document.body.classList.add('dragging-plan');
    this.scrolling = setInterval(() => this.#scroll(), 30);
  }

  #hold(from, keys) {
    const { job, minutes = '60', start = '0' } = from.dataset;
    const number = from.querySelector('b, .c-number')?.textContent.trim() ?? '';
    this.held = { job, giver: workerOf(from), number, minutes: Number(minutes), start: Number(start), keys, from };
    this.target = null;
    this.answers = new Map();
    from.classList.add('lifted');
    this.ghost = element('div', 'plan-ghost');
    this.card = element('div', 'plan-card');
    this.card.dataset.moving = '';
    this.card.append(element('p', 'strong', number));
    document.body.append(this.card);
  }

  /** Pick a job up by keyboard, where it stands. */
  pickUp(from) {
    if (!this.#mayMove(from)) {
      this.hooks.said(_('This job is under way or over; it can’t be moved.'));
      return;
    }
    this.#hold(from, true);
    const { start, end, now } = this.#planner.dataset;
    const row = from.closest('.plan-row') ?? this.#planner.querySelector('.plan-row');
    const cell = from.closest('.plan-cell');
    const within = (at) => at >= Number(start) && at < Number(end);
    const at = [this.held.start, Number(now)].find(within) ?? Number(start);
    this.#toTarget(row, cell?.dataset.day ?? Math.floor(at / STEP_MS) * STEP_MS, { home: true });
    this.hooks.said(_('{number} picked up. Arrows move it, Space puts it down, Escape leaves it.', { number: this.held.number }));
  }

  /** Take a key while something is carried; false where it is none of ours. */
  key(event) {
    if (!this.held || this.card.contains(event.target)) return false;
    if (this.dropping || this.choosing) {
      // It is put down already: no key moves it on. Who chooses goes back to the choice, or leaves it.
      if (this.choosing && !this.dropping && event.key === 'Escape') return false;
      event.preventDefault();
      if (this.choosing) this.#focusChoice();
      return true;
    }
    if (!this.held.keys) return false;
    const act = {
      ArrowLeft: () => this.#shift(-1),
      ArrowRight: () => this.#shift(1),
      ArrowUp: () => this.#toRow(-1),
      ArrowDown: () => this.#toRow(1),
      ' ': () => this.drop(),
      Enter: () => this.drop(),
      Tab: () => this.leave(),
    }[event.key];
    if (!act) return false;
    if (event.key !== 'Tab') event.preventDefault();
    act();
    return true;
  }

  #shift(by) {
    const { row, start } = this.target;
    if (!row.matches('.plan-row')) return;
    if (typeof start === 'string') {
      const cells = [...row.querySelectorAll('.plan-cell')];
      const next = cells[cells.findIndex((cell) => cell.dataset.day === start) + by];
      if (next) this.#toTarget(row, next.dataset.day);
      return;
    }
    const bounds = this.#planner.dataset;
    const next = start + by * STEP_MS;
    if (next >= Number(bounds.start) && next < Number(bounds.end)) this.#toTarget(row, next);
  }

  #toRow(by) {
    const rows = [...this.#planner.querySelectorAll('.plan-tray, .plan-row')];
    const next = rows[rows.indexOf(this.target.row) + by];
    if (!next) return;
    next.scrollIntoView({ block: 'nearest' });
    this.#toTarget(next, this.target.start);
  }

  // --- aiming

  #aim() {
    const { x, y } = this.pointer;
    const under = document.elementFromPoint(x, y);
    const row = under?.closest('.plan-row, .plan-tray');
    if (!row) this.#toTarget(null);
    else if (row.matches('.plan-tray')) this.#toTarget(row, 0);
    else this.#toTarget(row, this.#startAt(row, under, x));
    this.#putCard(x + 18, y + 18);
  }

  /** The moment under the pointer, or the day where only days are to be seen. */
  #startAt(row, under, x) {
    const cells = [...row.querySelectorAll('.plan-cell')];
    if (cells.length) {
      const cell = under.closest('.plan-cell')
        ?? cells.find((one) => x < one.getBoundingClientRect().right) ?? cells.at(-1);
      return cell.dataset.day;
    }
    if (getComputedStyle(row.querySelector('.plan-drawing')).display === 'none') return this.#planner.dataset.day;
    const { left, width } = row.querySelector('.plan-time').getBoundingClientRect();
    const start = Number(this.#planner.dataset.start);
    const end = Number(this.#planner.dataset.end);
    const at = start + ((x - this.grab - left) / width) * (end - start);
    return Math.min(Math.max(Math.round(at / STEP_MS) * STEP_MS, start), end - STEP_MS);
  }

  #scroll() {
    const pane = document.getElementById('plan-scroll');
    if (!pane || !this.pointer) return;
    const { top, bottom, left, right } = pane.getBoundingClientRect();
    const { x, y } = this.pointer;
    if (x < left || x > right) return;
    if (y > bottom - EDGE_PX && y < bottom + EDGE_PX) pane.scrollTop += SCROLL_PX;
    else if (y < top + EDGE_PX && y > top - EDGE_PX) pane.scrollTop -= SCROLL_PX;
    else return;
    this.#aim();
  }

  #toTarget(row, start, { home = false } = {}) {
    if (row === this.target?.row && start === this.target?.start) return;
    for (const marked of this.#planner.querySelectorAll('[data-over]')) delete marked.dataset.over;
    this.ghost.remove();
    this.target = row ? { row, worker: row.dataset.worker ?? '', start, home } : null;
    if (!row) {
      this.card.replaceChildren(element('p', 'strong', this.held.number), element('p', 'soft', _('Not over a worker: it stays where it was.')));
      return;
    }
    row.dataset.over = '';
    if (typeof start === 'string') row.querySelector(`.plan-cell[data-day="${start}"]`)?.setAttribute('data-over', '');
    else if (row.matches('.plan-row')) this.#putGhost(row, start);
    clearTimeout(this.asking);
    const known = this.answers.get(this.#key());
    if (known) this.#show(known);
    else this.asking = setTimeout(() => this.#ask(), ASK_MS);
  }

  #putGhost(row, start) {
    const time = row.querySelector('.plan-time');
    const from = Number(this.#planner.dataset.start);
    const span = Number(this.#planner.dataset.end) - from;
    this.ghost.style.left = `${(100 * (start - from)) / span}%`;
    this.ghost.style.width = `${(100 * this.held.minutes * 60_000) / span}%`;
    time.append(this.ghost);
    if (this.held.keys) {
      const { left, bottom } = this.ghost.getBoundingClientRect();
      this.#putCard(left, bottom + 8);
    }
  }

  #putCard(x, y) {
    const { width, height } = this.card.getBoundingClientRect();
    this.card.style.left = `${Math.max(8, Math.min(x, innerWidth - width - 8))}px`;
    this.card.style.top = `${Math.max(8, y + height > innerHeight - 8 ? y - height - 36 : y)}px`;
  }

  // --- asking what it would mean

  #key() {
    return `${this.target.worker} ${this.target.start}`;
  }

  #fields(more = {}) {
    const { job, giver } = this.held;
    const { worker, start } = this.target;
    return new URLSearchParams({ job, giver, worker, start, ...more });
  }

  /** The answer for where it is held now; shown if it is still held there. */
  async #ask() {
    if (!this.held || !this.target) return null;
    const key = this.#key();
    const { answers } = this;
    if (!answers.has(key)) {
      const asked = send('/board/planner/preview', this.#fields(), { headers: PART })
        .then(async (answer) => (answer.ok || answer.status === 422 ? answer.json() : { error: _('The hub answered {status}.', { status: answer.status }) }))
        .catch(() => ({ error: _('The hub does not answer.') }));
      answers.set(key, asked);
      answers.set(key, await asked);
    }
    const answer = await answers.get(key);
    if (this.held && this.target && answers === this.answers && key === this.#key()) this.#show(answer);
    return answer;
  }

  async #show(answer) {
    const what = await answer;
    // It may have been carried off the workers, or put down, while the hub answered.
    if (!this.held || !this.target || this.choosing) return;
    const offer = what.offers?.find((one) => one.chosen);
    this.card.replaceChildren(...this.#words(what, offer));
    if (this.pointer && !this.held.keys) this.#putCard(this.pointer.x + 18, this.pointer.y + 18);
    const against = what.error ?? [offer?.note, ...(offer?.faults ?? [])].filter(Boolean).join('. ');
    if (this.held.keys && !this.target.home) this.hooks.said(`${what.title ?? ''} ${against}`);
  }

  #words(what, offer) {
    if (what.error) return [element('p', 'error', what.error)];
    const said = [element('p', 'strong', what.title)];
    if (what.giver && this.target.worker) said.push(element('p', 'soft', _('Taken from {worker}.', { worker: what.giver })));
    if (offer) said.push(element('p', 'soft', `${offer.words}: ${offer.note}.`), ...this.#meaning(offer));
    if (what.source) said.push(element('p', 'small muted', what.source));
    return said;
  }

  #meaning(offer) {
    const list = element('ul');
    for (const fault of offer.faults) {
      const item = element('li', 'plan-fault');
      item.append(this.#icon('triangle-alert'), element('span', '', fault));
      list.append(item);
    }
    for (const arrival of offer.arrivals) list.append(element('li', 'number soft', arrival));
    return [list];
  }

  #icon(name) {
    const icon = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    icon.setAttribute('class', 'icon');
    icon.setAttribute('aria-hidden', 'true');
    if (this.board.dataset.icons) {
      const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
      use.setAttribute('href', `${this.board.dataset.icons}#${name}`);
      icon.append(use);
    }
    return icon;
  }

  // --- the drop

  /** Put it down here: at once, or after asking what is meant. */
  async drop() {
    if (this.dropping || !this.target) return;
    const stays = this.target.home || (this.target.worker === this.held.giver && this.target.start === this.held.start);
    if (stays || (!this.target.worker && !this.held.giver)) {
      this.leave();
      return;
    }
    this.dropping = true;
    clearInterval(this.scrolling);
    clearTimeout(this.asking);
    document.body.classList.remove('dragging-plan');
    const { held } = this;
    const what = await this.#ask();
    if (this.held !== held || !this.target) return;
    if (what.error) {
      toast(what.error);
      this.hooks.said(what.error);
      this.leave({ quiet: true });
    } else if (what.ask || what.reason) {
      this.dropping = false;
      this.#choose(what);
    } else {
      await this.#send(what, { way: what.offers.find((one) => one.chosen)?.way ?? '' });
    }
  }

  /** The card becomes a small form: which way, and why where a worker at work is taken off. */
  #choose(what) {
    this.choosing = true;
    delete this.card.dataset.moving;
    const form = element('form', 'stack-tight');
    this.card.setAttribute('role', 'dialog');
    this.card.setAttribute('aria-label', what.title);
    form.append(element('p', 'strong', what.title));
    if (what.giver) form.append(element('p', 'soft', _('Taken from {worker}.', { worker: what.giver })));
    if (what.offers.length) form.append(this.#choices(what));
    if (what.source) form.append(element('p', 'small muted', what.source));
    if (what.reason) {
      const field = element('label', 'field');
      const input = element('input');
      Object.assign(input, { name: 'reason', required: true, maxLength: 200, autocomplete: 'off' });
      field.append(element('span', 'label', _('Reason (the worker is at it already)')), input);
      form.append(field);
    }
    const row = element('div', 'row');
    const yes = element('button', 'button button-primary button-small', what.offers.length ? _('Move it') : _('Take it back'));
    const no = element('button', 'button button-small', _('Leave it'));
    no.type = 'button';
    no.addEventListener('click', () => this.leave());
    row.append(yes, no);
    form.append(row);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const data = new FormData(form);
      this.#send(what, { way: data.get('way') ?? '', reason: data.get('reason') ?? '' });
    });
    this.card.replaceChildren(form);
    const { left, top } = this.card.getBoundingClientRect();
    this.#putCard(left, top);
    this.#focusChoice();
  }

  #focusChoice() {
    const { card } = this;
    (card.querySelector('input[name="reason"]') ?? card.querySelector('input:checked') ?? card.querySelector('button')).focus();
  }

  #choices(what) {
    const set = element('fieldset');
    const legend = element('legend', '', what.offers.length > 1 ? _('How') : _('This changes what stands'));
    set.append(legend);
    for (const offer of what.offers) {
      const label = element('label', 'check');
      const input = element('input');
      Object.assign(input, { type: 'radio', name: 'way', value: offer.way, checked: offer.chosen });
      const words = element('span', '', offer.words);
      words.append(element('span', '', offer.note), ...offer.faults.map((fault) => {
        const line = element('span', 'plan-fault');
        line.append(this.#icon('triangle-alert'), document.createTextNode(fault));
        return line;
      }));
      if (offer.arrivals.length) words.append(element('span', 'number', offer.arrivals.join('; ')));
      label.append(input, words);
      set.append(label);
    }
    return set;
  }

  async #send(what, { way, reason = '' }) {
    // Sent once, however often the button is pressed.
    if (this.choosing && this.dropping) return;
    this.dropping = true;
    const { held } = this;
    const { job } = held;
    const { worker } = this.target;
    const back = boardQuery();
    const body = this.#fields({ way, reason, seen: what.seen, back });
    let answer = null;
    try {
      answer = await send('/board/planner/move', body, { headers: PART });
    } catch {
      answer = null;
    }
    const words = answer?.headers.get('X-Board-Notice');
    if (!words) {
      toast(answer
        ? _('The hub has not saved this: it answered {status}. The job stands where it was.', { status: answer.status })
        : _('The hub has not saved this: it does not answer. The job stands where it was.'));
      if (this.held === held) this.leave({ quiet: true });
      return;
    }
    const said = decodeURIComponent(words);
    const html = await answer.text();
    if (this.held === held) this.leave({ quiet: true });
    // Another filter may show by now, or another job be carried: then the planner asks by itself.
    if (back === boardQuery() && !this.held) {
      this.hooks.take(html);
      this.hooks.focus(job, worker);
    }
    offerUndo(said, answer.headers.get('X-Board-Undo'), { seconds: answer.status === 200 ? 6 : 20 });
    // Last, so that no smaller news of the same move is heard instead.
    await this.hooks.sent(job);
    this.hooks.said(said);
  }

  /** Put it back where it was; false where nothing was carried. What is on its way to the hub stays there. */
  leave({ quiet = false } = {}) {
    if (!this.held) return false;
    if (this.dropping && !quiet) return true;
    const { job, giver, keys, from, number } = this.held;
    clearInterval(this.scrolling);
    clearTimeout(this.asking);
    const chose = this.choosing;
    this.held = null;
    this.target = null;
    this.choosing = false;
    this.dropping = false;
    this.pointer = null;
    this.ghost.remove();
    this.card.remove();
    from.classList.remove('lifted');
    document.body.classList.remove('dragging-plan');
    for (const marked of document.querySelectorAll('[data-over]')) delete marked.dataset.over;
    if (!quiet) {
      this.hooks.said(_('{number} stays where it was.', { number }));
      if (keys || chose) this.hooks.focus(job, giver);
    }
    this.hooks.over();
    return true;
  }
}
