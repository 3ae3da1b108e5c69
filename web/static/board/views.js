// The rail of views: live counts of saved ones, asked for now and again and only where they are seen;
// folding it; and the form that saves what the board shows.

import { send } from '../frame.js';
import { offerUndo } from '../undo.js';
import { _ } from '../words.js';
import { boardQuery } from './url.js';

const REST_MS = 4_000;
const KEY = 'fieldlog-rail';
const PART = { 'X-Board-Part': '1' };

export class Rail {
  /** `hooks`: `go(url)` to an address of the board. */
  constructor(board, hooks) {
    this.board = board;
    this.hooks = hooks;
    this.asked = 0;
    this.timer = null;
    board.addEventListener('click', (event) => {
      if (event.target.closest('#rail-fold')) this.#fold(this.board.dataset.rail !== 'small');
      if (!event.target.closest('[data-save-view]') || event.ctrlKey || event.metaKey || event.shiftKey) return;
      // Without a script the link leads to the page that has the same form.
      event.preventDefault();
      document.getElementById('save-view').showPopover();
    });
    this.#fold(localStorage.getItem(KEY) === 'small');
    this.#wireForm(document.getElementById('save-view-form'));
    this.adopt();
  }

  get element() {
    return document.getElementById('rail');
  }

  /** Take up the rail as the document has it now. */
  adopt() {
    this.asked += 1; // What was asked before is of another board.
    this.#fold(this.board.dataset.rail === 'small');
    if ('unsettled' in this.element.dataset) this.freshen();
  }

  /** Something changed: the counts are asked for, where they are seen, and not more often than they
      are looked at. `views`: the views themselves may be others now. */
  freshen({ views = false } = {}) {
    this.stale = true;
    this.changed ||= views;
    this.timer ??= setTimeout(() => this.#ask(), Math.max(0, (this.restsUntil ?? 0) - Date.now()));
  }

  async #ask() {
    this.timer = null;
    const isSeen = this.element.offsetParent !== null || this.element.matches(':popover-open');
    const isNeeded = this.changed || this.element.querySelector('[data-saved]') !== null;
    if (!isSeen || document.hidden || !isNeeded) {
      this.restsUntil = Date.now() + REST_MS;
      return;
    }
    this.stale = false;
    this.changed = false;
    this.asked += 1;
    const own = this.asked;
    const answer = await fetch(`/board/rail?${boardQuery()}`, { headers: PART }).catch(() => null);
    this.restsUntil = Date.now() + REST_MS;
    if (answer?.ok && own === this.asked) this.#take(await answer.text());
    if (this.stale) this.freshen();
  }

  #take(html) {
    const holder = document.createElement('template');
    holder.innerHTML = html;
    const fresh = holder.content.querySelector('.rail');
    // What was counted just now holds for some seconds, also where something was written since.
    if ('unsettled' in fresh.dataset) this.stale = true;
    const form = document.getElementById('save-view-form');
    const words = (rail) => [...rail.querySelectorAll('[data-saved], .rail-head')]
      .map((one) => `${one.dataset.saved} ${one.title} ${one.getAttribute('href')} ${one.querySelector('.fault') !== null}`).join('\n');
    if (words(fresh) === words(this.element)) {
      for (const link of fresh.querySelectorAll('[data-saved]')) {
        const count = this.element.querySelector(`[data-saved="${link.dataset.saved}"] .count:not(.fault)`);
        const now = link.querySelector('.count').textContent;
        if (count && now && count.textContent !== now) count.textContent = now;
      }
      return;
    }
    // The view that is shown may just have got a name, or lost it.
    const shown = fresh.querySelector('[aria-current] .clip');
    const head = document.querySelector('h1 > .of-jobs');
    if (shown && head) head.textContent = shown.textContent;
    const focused = this.element.contains(document.activeElement) ? document.activeElement.dataset : null;
    if (this.element.matches(':popover-open')) {
      // A menu that is open stays so.
      this.element.replaceChildren(...fresh.children);
    } else {
      this.element.replaceWith(fresh);
    }
    if (focused?.view) this.element.querySelector(`[data-view="${focused.view}"]`)?.focus();
    if (focused?.saved) this.element.querySelector(`[data-saved="${focused.saved}"]`)?.focus();
    this.#fold(this.board.dataset.rail === 'small');
    this.#listChoices(form);
  }

  #fold(folded) {
    if (folded) this.board.dataset.rail = 'small';
    else delete this.board.dataset.rail;
    const button = document.getElementById('rail-fold');
    button.hidden = false;
    button.setAttribute('aria-expanded', String(!folded));
    button.querySelector('span').textContent = folded ? _('Show the names') : _('Fold');
    try {
      localStorage.setItem(KEY, folded ? 'small' : '');
    } catch {
      // Then it holds for this page alone.
    }
  }

  // --- saving

  #wireForm(form) {
    if (!form) return;
    const popover = document.getElementById('save-view');
    popover.addEventListener('beforetoggle', (event) => {
      if (event.newState !== 'open') return;
      form.reset();
      this.#fault(form, '');
      this.#listChoices(form);
    });
    popover.addEventListener('toggle', (event) => { if (event.newState === 'open') form.elements.name.focus(); });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#save(form, popover).catch((error) => console.warn(error));
    });
  }

  /** In whose place a view may be saved: those that the rail has. */
  #listChoices(form) {
    const list = form?.elements.instead;
    if (!list) return;
    const chosen = list.value;
    const seen = [...this.element.querySelectorAll('[data-saved]')];
    for (const option of [...list.options].slice(1)) option.remove();
    for (const link of seen) {
      const everybodys = link.closest('ul').getAttribute('aria-labelledby') === 'views-shared';
      const name = link.querySelector('.clip').textContent;
      list.add(new Option(everybodys ? _('{name} (everybody’s)', { name }) : name, link.dataset.saved));
    }
    list.value = chosen;
    if (list.selectedIndex < 0) list.selectedIndex = 0;
    list.closest('.field').hidden = seen.length === 0;
  }

  async #save(form, popover) {
    if (form.sending) return;
    form.sending = true;
    const body = new URLSearchParams(new FormData(form));
    // The columns that are shown belong to it, also where this browser alone knows them.
    const query = new URLSearchParams(boardQuery());
    const { hide } = this.board.dataset;
    if (hide.trim()) query.set('hide', hide.trim().split(/\s+/).join(','));
    body.set('query', query.toString());
    body.set('back', boardQuery());
    let answer = null;
    let told = null;
    try {
      answer = await send(form.getAttribute('action'), body, { headers: PART });
      told = await answer.json();
    } catch {
      told = null;
    }
    form.sending = false;
    if (!told?.words) {
      this.#fault(form, answer
        ? _('The hub has not saved this: it answered {status}.', { status: answer.status })
        : _('The hub has not saved this: it does not answer.'));
      return;
    }
    if (!answer.ok) {
      this.#fault(form, told.words);
      return;
    }
    popover.hidePopover();
    offerUndo(told.words, told.undo);
    await this.hooks.go(told.url);
    this.freshen({ views: true });
  }

  #fault(form, words) {
    const place = document.getElementById('view-fault');
    place.hidden = !words;
    place.textContent = words;
    if (words) form.elements.name.setAttribute('aria-invalid', 'true');
    else form.elements.name.removeAttribute('aria-invalid');
  }
}
