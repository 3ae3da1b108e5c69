// What is selected in the table, and the bar that does something with it. A selected job keeps the
// frontier of the moment it was selected at: what somebody changes after that is not overlooked.

import { send, toast } from '../frame.js';
import { offerUndo } from '../undo.js';
import { _, several } from '../words.js';

const PICKED_MAX = 500;

export class Picks {
  /** `hooks`: `said(words)` for the live region, `done(jobs)` when jobs were changed, `query()`
      the question that is shown, `total()` how many jobs it holds. */
  constructor(rows, hooks) {
    this.rows = rows;
    this.hooks = hooks;
    this.basisByJob = new Map();
    this.anchor = null;
    this.form = document.getElementById('bulk');
    if (!this.form) return;
    this.form.classList.add('scripted');
    this.form.addEventListener('submit', (event) => this.#submit(event));
    this.form.addEventListener('reset', () => this.clear());
    this.form.addEventListener('keydown', (event) => this.#enter(event));
    document.getElementById('bulk-all').addEventListener('click', () => this.all());
    rows.board.addEventListener('change', (event) => this.#ticked(event));
    this.#show();
  }

  get size() {
    return this.basisByJob.size;
  }

  /** Select or unselect a row. */
  toggle(row, on = !this.basisByJob.has(row?.dataset.job)) {
    if (!row || !this.form) return;
    const { job } = row.dataset;
    if (on && this.size >= PICKED_MAX && !this.basisByJob.has(job)) {
      this.hooks.said(_('At most {n} jobs can be selected.', { n: PICKED_MAX }));
    } else if (on) {
      if (!this.basisByJob.has(job)) this.basisByJob.set(job, box(row).value.split(':')[1]);
    } else this.basisByJob.delete(job);
    this.anchor = job;
    this.mark(row);
    this.#show();
  }

  /** Move by one row and select it and the one before. */
  extend(step) {
    const row = this.rows.current;
    if (!row) return;
    if (document.activeElement !== row) {
      this.rows.focus(row);
      this.toggle(row, true);
      return;
    }
    this.toggle(row, true);
    this.rows.move(step);
    this.toggle(this.rows.current, true);
  }

  /** Select everything from the row that was selected last to this one. */
  range(row) {
    const { order } = this.rows;
    const from = order.findIndex((one) => one.dataset.job === this.anchor);
    const to = order.indexOf(row);
    const [low, high] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)];
    for (const one of order.slice(low, high + 1)) this.toggle(one, true);
    this.rows.focus(row);
  }

  /** Select all that match; what is not drawn, with the frontiers that it has now. */
  async all() {
    const question = this.hooks.query();
    const answer = await fetch(`/board/picks.json?${question}`).catch(() => null);
    if (!answer?.ok || question !== this.hooks.query()) {
      toast(_('The hub does not answer; nothing was selected.'));
      this.#show();
      return;
    }
    const { picks, total } = await answer.json();
    // What was selected or stands drawn keeps the frontier that the person has seen.
    const drawn = new Map(this.rows.order.map((row) => [row.dataset.job, box(row)?.value.split(':')[1]]));
    this.basisByJob = new Map(picks.map(([job, basis]) => [job, this.basisByJob.get(job) ?? drawn.get(job) ?? basis]));
    this.adopt();
    if (total > picks.length) {
      toast(_('The first {n} of {total} jobs are selected: more can\'t change at once.', { n: picks.length, total }));
    }
  }

  clear() {
    this.basisByJob.clear();
    document.getElementById('bulk-outcome').hidden = true;
    this.adopt();
    this.hooks.said(_('Nothing is selected.'));
  }

  /** Show the selection on a row that was drawn anew. */
  mark(row) {
    const tick = box(row);
    if (!tick) return;
    const on = this.basisByJob.has(row.dataset.job);
    tick.checked = on;
    row.classList.toggle('picked', on);
  }

  /** Show the selection on all rows. */
  adopt() {
    for (const row of this.rows.order) this.mark(row);
    this.#show();
  }

  #show() {
    if (!this.form) return;
    const total = this.hooks.total();
    this.form.toggleAttribute('data-picked', this.size > 0);
    document.getElementById('bulk-count').textContent = this.size ? several('{n} selected', '{n} selected', this.size) : '';
    const all = document.getElementById('bulk-all');
    const most = Math.min(total, PICKED_MAX);
    all.hidden = this.size === 0 || this.size >= most;
    all.textContent = total > PICKED_MAX ? _('Select the first {n}', { n: PICKED_MAX }) : _('Select all {n}', { n: total });
    const shown = document.getElementById('pick-shown');
    shown.hidden = false;
    shown.checked = total > 0 && this.size >= most;
    shown.indeterminate = this.size > 0 && !shown.checked;
  }

  #ticked(event) {
    if (event.target.id === 'pick-shown') {
      if (event.target.checked) this.all();
      else this.clear();
    } else if (event.target.name === 'pick') this.toggle(event.target.closest('tr'), event.target.checked);
  }

  /** Enter in a menu means that menu's button: of itself a form takes its first, whatever it does. */
  #enter(event) {
    if (event.key !== 'Enter' || event.isComposing || !event.target.matches('.menu-list input')) return;
    event.preventDefault();
    event.target.closest('.menu-list').querySelector('button[type="submit"]').click();
  }

  async #submit(event) {
    event.preventDefault();
    const button = event.submitter;
    if (!this.size || this.sending || !button?.hasAttribute('formaction')) return;
    this.sending = true;
    const body = new URLSearchParams(new FormData(this.form));
    body.delete('pick');
    for (const [job, basis] of this.basisByJob) body.append('pick', `${job}:${basis}`);
    body.set('back', this.hooks.query());
    this.form.classList.add('loading');
    const answer = await send(button.getAttribute('formaction'), body, { headers: { 'X-Board-Part': '1' } })
      .catch(() => null);
    this.form.classList.remove('loading');
    this.sending = false;
    if (!answer || (!answer.ok && answer.status !== 422)) {
      toast(answer
        ? _('The hub has not saved this: it answered {status}. The selection is still here.', { status: answer.status })
        : _('The hub has not saved this: it does not answer. The selection is still here.'));
      return;
    }
    await this.#take(answer, button.closest('details'));
  }

  async #take(answer, menu) {
    const place = document.getElementById('bulk-outcome');
    const holder = document.createElement('template');
    holder.innerHTML = await answer.text();
    const done = (holder.content.querySelector('[data-done]').dataset.done || '').split(' ').filter(Boolean);
    place.replaceChildren(holder.content);
    place.hidden = false;
    if (answer.ok) {
      menu.open = false;
      for (const job of done) this.basisByJob.delete(job);
      if (!this.size) {
        place.hidden = true;
        this.form.reset();
      }
      offerUndo(decodeURIComponent(answer.headers.get('X-Board-Notice')), answer.headers.get('X-Board-Act'));
      this.adopt();
      await this.hooks.done(done);
    } else menu.querySelector('select, input, textarea')?.focus();
    if (!place.hidden) place.scrollIntoView({ block: 'nearest' });
    else this.rows.focus(this.rows.current);
  }
}

function box(row) {
  return row.querySelector('input[name="pick"]');
}
