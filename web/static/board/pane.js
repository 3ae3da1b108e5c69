// The detail pane: fetched as one piece, forms in it sent without leaving the page, and never
// replaced under somebody who is writing in it.

import { send, toast } from '../frame.js';
import { offerUndo } from '../undo.js';
import { _ } from '../words.js';
import { Files } from './files.js';
import { sayRefused } from './refused.js';
import { wireForm } from './form.js';
import { wireNear } from './near.js';
import { boardQuery, params, selectedJob } from './url.js';

const PART = { 'X-Board-Part': '1' };

/** What a fold is called, whatever its count. */
function foldName(summary) {
  return summary.textContent.replace(/\d+/g, '').trim();
}

export class Pane {
  /** `hooks`: `go(url)`, `visit(url)`, `closed()`, `drawn()` (something else), `pick(done)`, `show(point)`. */
  constructor(board, element, hooks) {
    this.board = board;
    this.element = element;
    this.hooks = hooks;
    this.asked = 0;
    this.loaded = Promise.resolve();
    element.addEventListener('submit', (event) => this.#submit(event));
    element.addEventListener('toggle', (event) => this.#toggled(event), true);
    element.addEventListener('input', (event) => {
      if (event.target.matches('[data-candidate-filter]')) this.#candidates(event.target.closest('.act'));
    });
    element.addEventListener('keydown', (event) => this.#walkCandidates(event));
    this.files = new Files(element, {
      back: boardQuery,
      sent: (job, html, words, undo) => {
        if (job === this.job && !this.form && !this.#isBusy()) this.#draw(html, { keep: true });
        offerUndo(words, undo, { seconds: 6 });
        this.hooks.sent?.();
      },
    });
    this.#wire();
  }

  get form() {
    return this.element.querySelector('.job-form');
  }

  /** The job whose details are shown. */
  get job() {
    return this.element.querySelector('.job-detail')?.dataset.job ?? '';
  }

  get isOpen() {
    return 'pane' in this.board.dataset;
  }

  /** Show what the URL selects; `loaded` is kept for whoever wants to act on what is on its way. */
  load(options = {}) {
    this.loaded = this.#load(options);
    return this.loaded;
  }

  async #load({ focus = false }) {
    const doing = params().get('do') ?? '';
    const job = selectedJob();
    if (!job && !['new', 'near'].includes(doing)) {
      this.#close();
      return;
    }
    this.asked += 1;
    const own = this.asked;
    this.board.dataset.pane = '';
    this.element.classList.add('loading');
    let html = '';
    try {
      const answer = await fetch(`/board/pane${location.search}`, { headers: PART });
      html = answer.status < 500 ? await answer.text() : '';
    } catch {
      html = '';
    }
    if (own !== this.asked) return;
    this.element.classList.remove('loading');
    if (!html) {
      toast(_('The hub does not answer; the job could not be opened.'));
      return;
    }
    this.#draw(html, { keep: false });
    this.element.scrollTop = 0;
    if (focus && !this.form) this.element.focus({ preventScroll: true });
  }

  /** Something of the selected job changed: draw it anew, unless somebody writes in it. */
  async freshen() {
    if (!this.isOpen || !selectedJob()) return;
    if (this.form) {
      this.#note(_('This job changed while you edit. When you save, what both changed is laid side by side.'));
      return;
    }
    if (this.#isBusy()) {
      this.#note(_('This job changed.'), () => this.load());
      return;
    }
    const own = this.asked;
    const answer = await fetch(`/board/pane${location.search}`, { headers: PART });
    const html = await answer.text();
    if (!answer.ok || own !== this.asked || this.#isBusy() || this.form) return;
    this.#draw(html, { keep: true });
  }

  /** Open one of the pane's actions by the keyboard: 'assign', 'note', 'take-back'. */
  open(action) {
    if (action === 'note') this.element.querySelector('#note-text')?.focus();
    else if (action === 'edit') this.element.querySelector('[data-do="edit"]')?.click();
    else {
      const act = this.element.querySelector(action === 'take-back' ? '.turn:not(.gone) .act-line' : `#act-${action}`);
      if (act) {
        act.open = true;
        act.querySelector('input:not([type="hidden"]), select')?.focus();
      } else toast(_('That can’t be done with this job as it stands.'), { seconds: 4 });
    }
  }

  #close() {
    this.asked += 1;
    delete this.board.dataset.pane;
    this.element.replaceChildren();
    this.hooks.drawn();
    this.hooks.closed();
  }

  #isBusy() {
    if (this.element.querySelector('details.act[open], details.act-line[open]')) return true;
    const active = document.activeElement;
    return this.element.contains(active) && active.matches('input, textarea, select') && active.value !== '';
  }

  #note(words, run) {
    let bar = this.element.querySelector('.pane-note');
    if (!bar) {
      bar = document.createElement('div');
      bar.className = 'pending pane-note';
      bar.setAttribute('role', 'status');
      const text = document.createElement('span');
      text.textContent = words;
      bar.append(text);
      if (run) {
        const button = document.createElement('button');
        button.type = 'button';
        button.className = 'button button-small';
        button.textContent = _('Show');
        button.addEventListener('click', run);
        bar.append(button);
      }
      this.element.querySelector('.detail-head')?.after(bar);
    }
  }

  #draw(html, { keep }) {
    const top = this.element.scrollTop;
    const folds = keep ? this.element.querySelectorAll('details.fold[open] > summary') : [];
    const open = [...folds].map(foldName);
    const focused = keep && this.element.contains(document.activeElement);
    const holder = document.createElement('template');
    holder.innerHTML = html;
    this.element.replaceChildren(holder.content);
    if (!keep) this.hooks.drawn();
    for (const summary of this.element.querySelectorAll('details.fold > summary')) {
      if (open.includes(foldName(summary))) summary.parentElement.open = true;
    }
    this.element.scrollTop = keep ? top : 0;
    if (focused) this.element.focus({ preventScroll: true });
    this.#wire();
  }

  #wire() {
    this.files.wire();
    const form = this.form;
    if (form) wireForm(form, this.hooks);
    const detail = this.element.querySelector('.job-detail, .near');
    const near = this.element.querySelector('.near-form');
    if (near) wireNear(near, this.hooks);
    const point = form ? form.elements.namedItem('point')?.value : detail?.dataset.point;
    this.hooks.show(point ?? '', detail?.dataset.job);
  }

  // --- assign: the list of workers

  #toggled(event) {
    const act = event.target;
    if (!act.matches?.('.act') || !act.open) return;
    for (const other of this.element.querySelectorAll('.act[open]')) if (other !== act) other.open = false;
    if (act.dataset.candidates) this.#candidates(act);
    act.querySelector('input:not([type="hidden"]), select')?.focus();
  }

  async #candidates(act) {
    const text = act.querySelector('[data-candidate-filter]').value;
    const list = act.querySelector('[data-candidate-list]');
    act.asked = (act.asked ?? 0) + 1;
    const own = act.asked;
    const answer = await fetch(`${act.dataset.candidates}?q=${encodeURIComponent(text)}`);
    if (own !== act.asked || !answer.ok) return;
    const holder = document.createElement('template');
    holder.innerHTML = await answer.text();
    list.replaceChildren(holder.content);
  }

  #walkCandidates(event) {
    const form = event.target.closest('#act-assign form');
    if (!form) return;
    const buttons = [...form.querySelectorAll('.candidate:not(:disabled)')];
    const at = buttons.indexOf(event.target);
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const next = at + (event.key === 'ArrowDown' ? 1 : -1);
      if (next < 0) form.querySelector('[data-candidate-filter]').focus();
      else buttons[Math.min(next, buttons.length - 1)]?.focus();
    } else if (event.key === 'Enter' && event.target.matches('[data-candidate-filter]')) {
      event.preventDefault();
      buttons[0]?.click();
    }
  }

  // --- sending

  async #submit(event) {
    const form = event.target;
    if (!form.matches('form[data-part]') || event.defaultPrevented) return;
    event.preventDefault();
    if (form.sending) return;
    form.sending = true;
    const body = new URLSearchParams(new FormData(form, event.submitter));
    body.set('back', boardQuery());
    this.element.classList.add('loading');
    let answer = null;
    try {
      answer = await send(form.getAttribute('action'), body, { headers: PART });
    } catch {
      answer = null;
    }
    this.element.classList.remove('loading');
    form.sending = false;
    if (!answer || (answer.status >= 400 && ![409, 422].includes(answer.status))) {
      toast(answer
        ? _('The hub has not saved this: it answered {status}. What you typed is still here.', { status: answer.status })
        : _('The hub has not saved this: it does not answer. What you typed is still here.'));
      return;
    }
    const words = answer.headers.get('X-Board-Notice');
    const go = answer.headers.get('X-Board-Go');
    const html = await answer.text();
    if (go) this.hooks.go(go);
    const act = answer.status === 422 && !form.matches('.job-form');
    if (act) this.#refuse(form, decodeURIComponent(words));
    else {
      this.#draw(html, { keep: !form.matches('.job-form') });
      const undo = answer.headers.get('X-Board-Undo');
      if (words) offerUndo(decodeURIComponent(words), undo, { seconds: answer.status === 409 ? 20 : 6 });
      if (!this.form) this.element.focus({ preventScroll: true });
    }
    this.hooks.sent?.();
  }

  /** An action that was refused keeps its form, with the reason in it. */
  #refuse(form, words) {
    sayRefused(form, words);
    form.querySelector('input:not([type="hidden"]):not([type="search"])')?.focus();
  }
}
