// Editing in the table: the cells of priority, window and worker, walked by arrow keys and changed
// where they stand. What is saved is the act of the bar for selected jobs, on this one alone; it
// carries the frontier that the row showed. The editor lies over its cell and not in it, so that a
// row that is drawn anew under it takes nothing away.

import { send } from '../frame.js';
import { offerUndo } from '../undo.js';
import { _ } from '../words.js';
import { filterQuery } from './url.js';

const CELLS = '.c-number, .c-window, .c-worker';
const LABEL = { 'c-number': _('Priority'), 'c-window': _('Window'), 'c-worker': _('Worker') };
const PRIORITIES = [_('Low'), _('Normal'), _('High'), _('Urgent')];
const NOBODY = '';

function nameOf(cell) {
  return Object.keys(LABEL).find((name) => cell.classList.contains(name));
}

function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function field(words, input) {
  return make('label', { class: 'field' }, make('span', { class: 'label' }, words), input);
}

function choice(name, options, chosen) {
  const select = make('select', { name });
  for (const [value, words] of options) select.add(new Option(words, value, value === chosen, value === chosen));
  return select;
}

// What an editor holds, by its cell; `form` is what the hub is sent, to which of its acts.
const EDITORS = {
  'c-number': {
    fields: (value) => [field(_('Priority'), choice('priority', PRIORITIES.map((words, at) => [String(at), words]), value))],
    action: () => 'priority',
  },
  'c-window': {
    fields: (value) => {
      const [start = '', end = ''] = value.split('/');
      const [day = '', from = ''] = start.split('T');
      const [endDay = '', to = ''] = end.split('T');
      const inputs = [
        field(_('Day'), make('input', { type: 'date', name: 'window_day', value: day })),
        field(_('From'), make('input', { type: 'time', name: 'window_start', value: from })),
        field(_('To'), make('input', { type: 'time', name: 'window_end', value: to })),
      ];
      // A night's end needs no day of its own; a longer window keeps the one that it has.
      if (endDay !== day) inputs.push(field(_('Ends on'), make('input', { type: 'date', name: 'window_end_day', value: endDay })));
      return inputs;
    },
    action: () => 'window',
  },
  'c-worker': {
    fields: (value, row) => {
      const known = [...document.querySelectorAll('#bulk select[name="worker"] option')]
        .filter((option) => option.value).map((option) => [option.value, option.textContent]);
      const select = choice('worker', [[NOBODY, _('Nobody')], ...known], value);
      if (row.querySelector('.status')?.dataset.status !== 'in progress') return [field(_('Worker'), select)];
      const reason = make('input', { name: 'reason', maxlength: '200', autocomplete: 'off' });
      return [field(_('Worker'), select), field(_('Reason (the worker is at it)'), reason)];
    },
    action: (data) => (data.get('worker') === NOBODY ? 'withdraw' : 'assign'),
  },
};

export class Cells {
  /** `hooks`: `said(words)` for the live region, `form(job, what)` opens the pane's form or list. */
  constructor(rows, hooks) {
    this.rows = rows;
    this.hooks = hooks;
    this.form = null;
    const { board } = rows;
    if (board.dataset.mayWrite !== '1') return;
    board.classList.add('edits');
    board.addEventListener('dblclick', (event) => {
      const cell = event.target.closest('tr.job > :is(.c-number, .c-window, .c-worker)');
      if (!cell) return;
      getSelection().removeAllRanges();
      this.edit(cell);
    });
  }

  /** Another table is shown: what was edited in the one before is left. */
  adopt() {
    if (this.form) this.#close();
  }

  /** The cells of a row that can be edited and are to be seen. */
  of(row) {
    return [...row.querySelectorAll(CELLS)].filter((cell) => cell.getClientRects().length);
  }

  /** Edit a cell of the row that the keyboard stands on: 'c-worker' and so on; the form where it is not shown. */
  begin(name) {
    const row = this.rows.current;
    if (!row) return;
    const cell = this.of(row).find((one) => one.classList.contains(name));
    if (cell) {
      this.rows.focus(row);
      this.edit(cell);
    } else this.hooks.form(row.dataset.job, name === 'c-worker' ? 'assign' : 'edit');
  }

  /** Take a key of the cells; false where it is none of theirs. */
  key(event) {
    const { target } = event;
    if (this.rows.board.dataset.mayWrite !== '1' || !this.#isStop(target)) return false;
    const row = target.closest('tr.job');
    const cells = this.of(row);
    const at = cells.indexOf(target);
    const act = {
      ArrowRight: () => this.#stand(cells[at + 1]),
      ArrowLeft: () => (at > 0 ? this.#stand(cells[at - 1]) : this.rows.focus(row)),
      ArrowDown: () => this.#beside(row, target, 1),
      ArrowUp: () => this.#beside(row, target, -1),
      F2: () => this.edit(at < 0 ? cells[0] : target),
      Enter: () => this.edit(target),
      Escape: () => this.rows.focus(row),
    }[event.key];
    const ofRow = ['ArrowRight', 'F2'].includes(event.key);
    if (!act || (at < 0 && !ofRow)) return false;
    act();
    return true;
  }

  #isStop(target) {
    return target.matches?.(`tr.job, tr.job > :is(${CELLS})`);
  }

  #stand(cell) {
    if (!cell) return;
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    const name = nameOf(cell);
    const what = name === 'c-number' ? `${LABEL[name]}: ${PRIORITIES[cell.dataset.value]}` : LABEL[name];
    this.hooks.said(_('{what}. Enter changes it.', { what }));
  }

  #beside(row, cell, by) {
    const next = this.rows.order[this.rows.order.indexOf(row) + by];
    if (!next) return;
    this.rows.focus(next);
    this.#stand(next.querySelector(`.${nameOf(cell)}`));
  }

  // --- the editor

  /** Edit a cell; what another one holds is saved first. */
  async edit(cell) {
    if (!cell) return;
    const { job } = cell.closest('tr.job').dataset;
    const name = nameOf(cell);
    if (this.form && !await this.#save()) return;
    const row = this.rows.rowByJob.get(job);
    if (row) this.#open(row, name);
  }

  #open(row, name) {
    const number = row.querySelector('.c-number .number').textContent;
    const title = row.querySelector('.row-link').textContent.trim();
    const value = row.querySelector(`.${name}`).dataset.value;
    this.job = row.dataset.job;
    this.name = name;
    this.basis = row.querySelector('input[name="pick"]').value.split(':')[1];
    const save = make('button', { class: 'button button-primary button-small', tabindex: '-1' }, _('Save'));
    const leave = make('button', { class: 'button button-small', type: 'button', tabindex: '-1' }, _('Leave'));
    const keys = make('span', { class: 'hint' }, 'Enter, Esc');
    this.form = make('form', { class: 'cell-editor', 'aria-label': _('{what} of {number} {title}', { what: LABEL[name], number, title }), novalidate: '' },
      make('div', { class: 'cell-fields' }, ...EDITORS[name].fields(value, row)),
      make('div', { class: 'row' }, save, leave, keys));
    this.begun = this.#text();
    this.refused = false;
    leave.addEventListener('click', () => this.leave());
    this.form.addEventListener('submit', (event) => { event.preventDefault(); this.#finish(); });
    this.form.addEventListener('keydown', (event) => this.#editorKeys(event));
    this.form.addEventListener('focusout', (event) => this.#left(event));
    this.rows.sheet.append(this.form);
    this.watcher = new MutationObserver(() => this.#place());
    this.watcher.observe(this.rows.table, { childList: true, subtree: true });
    this.sizes = new ResizeObserver(() => this.#place());
    this.sizes.observe(this.rows.sheet);
    this.#place();
    const first = this.form.querySelector('select, input');
    first.focus({ preventScroll: true });
    this.form.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  get #row() {
    return this.rows.rowByJob.get(this.job);
  }

  #text() {
    return new URLSearchParams(new FormData(this.form)).toString();
  }

  /** Over its cell, within what is to be seen of the table. */
  #place() {
    const cell = this.#row?.isConnected && this.#row.querySelector(`.${this.name}`);
    if (!this.form || !cell) return;
    const { sheet } = this.rows;
    const from = sheet.getBoundingClientRect();
    const at = cell.getBoundingClientRect();
    const left = Math.min(at.left - from.left, sheet.clientWidth - this.form.offsetWidth - 4);
    this.form.style.left = `${Math.max(left, 4) + sheet.scrollLeft}px`;
    this.form.style.top = `${at.top - from.top + sheet.scrollTop}px`;
  }

  #editorKeys(event) {
    this.tabbed = event.key === 'Tab' ? (event.shiftKey ? -1 : 1) : 0;
    if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      this.leave();
    } else if (event.key === 'Enter' && !event.isComposing && !event.target.matches('button')) {
      // Of itself a list of choices opens on Enter, in some browsers.
      event.preventDefault();
      this.#finish();
    }
  }

  /** Tab out of the last input saves, and goes to the next cell that can be edited. */
  async #left(event) {
    const by = this.tabbed;
    this.tabbed = 0;
    if (!this.form || this.form.contains(event.relatedTarget)) return;
    const { job, name } = this;
    if (by) {
      if (await this.#save()) this.#onward(job, name, by);
    } else if (event.relatedTarget && !this.sending && this.#text() === this.begun) this.#close();
  }

  #onward(job, name, by) {
    const row = this.rows.rowByJob.get(job);
    if (!row) return;
    const cells = this.of(row);
    const next = cells[cells.findIndex((cell) => cell.classList.contains(name)) + by];
    if (next) {
      this.edit(next);
      return;
    }
    const other = this.rows.order[this.rows.order.indexOf(row) + by];
    if (!other) {
      this.#stand(row.querySelector(`.${name}`));
      return;
    }
    this.rows.focus(other);
    this.edit(this.of(other).at(by > 0 ? 0 : -1));
  }

  async #finish() {
    const { job, name } = this;
    if (await this.#save()) this.#standAt(job, name);
  }

  #standAt(job, name) {
    const row = this.rows.rowByJob.get(job);
    if (!row) return;
    this.rows.focus(row);
    this.#stand(row.querySelector(`.${name}`));
  }

  /** Leave the cell as it was; false where none is edited. */
  leave() {
    if (!this.form) return false;
    const { job, name } = this;
    this.#close();
    this.#standAt(job, name);
    return true;
  }

  #close() {
    const { form } = this;
    this.form = null;
    this.watcher?.disconnect();
    this.sizes?.disconnect();
    form?.remove();
  }

  /** Save what was changed; false where it was refused, with why said in the editor. */
  async #save() {
    if (this.sending) return false;
    if (this.#text() === this.begun && !this.refused) {
      this.#close();
      return true;
    }
    return this.rows.ownAct(this.job, () => this.#sent());
  }

  /** Send what was chosen; whether it was saved. */
  async #sent() {
    const { form, job } = this;
    const data = new FormData(form);
    const body = new URLSearchParams(data);
    const action = EDITORS[this.name].action(data);
    body.set('pick', `${job}:${this.basis}`);
    body.set('back', filterQuery());
    for (const under of ['assign_reason', 'withdraw_reason']) body.set(under, data.get('reason') ?? '');
    this.sending = true;
    form.classList.add('loading');
    const answer = await send(`/board/bulk/${action}`, body, { headers: { 'X-Board-Part': '1' } }).catch(() => null);
    form.classList.remove('loading');
    const why = await this.#refusal(answer);
    this.sending = false;
    if (why !== null) {
      await this.#refuse(why);
      return false;
    }
    offerUndo(decodeURIComponent(answer.headers.get('X-Board-Notice')), answer.headers.get('X-Board-Act'));
    await this.rows.refresh([job], { own: true }).catch(() => undefined);
    this.#close();
    return true;
  }

  /** Why the hub has not saved it, in words; null where it has. */
  async #refusal(answer) {
    if (!answer) return _('The hub does not answer. What you chose is still here.');
    if (!answer.ok && answer.status !== 422) return _('The hub has not saved this: it answered {status}.', { status: answer.status });
    const holder = document.createElement('template');
    holder.innerHTML = await answer.text();
    const left = holder.content.querySelector('.outcome li');
    left?.querySelector('a').remove();
    const why = left ?? (answer.ok ? null : holder.content.querySelector('.outcome-words'));
    return why && why.textContent.trim();
  }

  /** Show why it was refused. What the row shows now is what was decided against, the next time. */
  async #refuse(why) {
    await this.rows.refresh([this.job], { own: true }).catch(() => undefined);
    if (!this.form) return;
    if (this.#row) this.basis = this.#row.querySelector('input[name="pick"]').value.split(':')[1];
    this.refused = true;
    let error = this.form.querySelector('.error');
    if (!error) {
      error = make('p', { class: 'error', role: 'alert', id: 'cell-error' });
      this.form.querySelector('.cell-fields').after(error);
      if (this.name === 'c-worker') this.form.querySelector('.row').append(this.#toPane());
    }
    error.textContent = _('{why} Enter saves yours all the same, Esc leaves it as it is.', { why });
    const input = this.form.querySelector('select, input');
    input.setAttribute('aria-describedby', 'cell-error');
    input.focus({ preventScroll: true });
    this.#place();
  }

  #toPane() {
    const more = make('button', { class: 'button button-small', type: 'button' }, _('Workers near'));
    more.addEventListener('click', () => {
      const { job } = this;
      this.#close();
      this.hooks.form(job, 'assign');
    });
    return more;
  }
}
