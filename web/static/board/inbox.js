// The inbox: the list of what needs a person, and the walk through it. It is drawn by the server;
// here it is fetched anew, sent from without leaving the page, and never redrawn under somebody who
// writes in it. What is new is said once.

import { send, toast } from '../frame.js';
import { offerUndo } from '../undo.js';
import { _, several } from '../words.js';
import { sayRefused } from './refused.js';
import { shows } from './sights.js';

const PART = { 'X-Board-Part': '1' };
// A hub that is busy answers with the list before for a while, and does not call when that is over.
const LATER_MS = 3_000;

export class Inbox {
  /** `hooks`: `go(url, options)`, `open(job)`, `act(action)`, `show()`, `said(words)`,
      `news(words)` what others did, `jobs(ids)`. */
  constructor(board, element, hooks) {
    this.board = board;
    this.element = element;
    this.hooks = hooks;
    this.key = '';
    this.at = -1;
    this.since = null;
    this.asked = 0;
    this.drawn = element.querySelector('.inbox-list') !== null;
    element.addEventListener('submit', (event) => this.#submit(event));
    element.addEventListener('click', (event) => this.#click(event));
    element.addEventListener('toggle', (event) => this.#toggled(event), true);
    element.addEventListener('focusin', (event) => this.#stand(event.target.closest('.problem')));
    // A list that somebody points at or stands in is not redrawn under the hand, but afterwards.
    for (const left of ['pointerleave', 'focusout']) {
      element.addEventListener(left, () => setTimeout(() => this.#drawWhenFree(), 400));
    }
    this.freshen().catch(() => undefined);
  }

  get isShown() {
    return shows(this.board, 'inbox');
  }

  /** The view was chosen: draw it, as it is now. */
  async shown() {
    if (!this.drawn) await this.#draw();
  }

  /** Something changed, or time went by: count, say what is new, and draw where it is looked at. */
  freshen({ again = true } = {}) {
    clearTimeout(this.later);
    if (again) this.later = setTimeout(() => this.freshen({ again: false }).catch(() => undefined), LATER_MS);
    // One after the other: an answer that overtook another would say things twice.
    this.freshening = (this.freshening ?? Promise.resolve()).catch(() => undefined)
      .then(() => this.#freshen());
    return this.freshening;
  }

  async #freshen() {
    const query = this.since === null ? '' : `?since=${this.since}`;
    const answer = await fetch(`/board/inbox.json${query}`);
    if (!answer.ok) return;
    const now = await answer.json();
    const before = this.since;
    this.since = now.number;
    this.#take(now);
    if (now.fresh.length) {
      const problems = now.fresh.join('; ');
      this.hooks.news(now.more
        ? several('New in the inbox: {problems}, and {n} more.', 'New in the inbox: {problems}, and {n} more.', now.more, { problems })
        : _('New in the inbox: {problems}.', { problems }));
    }
    this.drawn = this.drawn && this.isShown;
    this.news = Math.min(this.news ?? Infinity, before ?? Infinity);
    if (!this.isShown) return;
    this.stale = true;
    await this.#drawWhenFree();
  }

  /** Put the keyboard on the problem that was walked to, or on the first; where the list is still
      on its way, when it is there. */
  focus() {
    const card = this.#card(this.key) ?? this.element.querySelector('.problem');
    card?.focus({ preventScroll: true });
    this.waits = !card && !this.drawn;
  }

  /** Step to the next or previous problem of the list; false where it is not shown. */
  step(by) {
    if (!this.isShown) return false;
    const cards = [...this.element.querySelectorAll('.problem')].filter((card) => card.getClientRects().length);
    const at = cards.indexOf(document.activeElement?.closest?.('.problem'));
    const card = at < 0 ? cards[0] : cards[at + by];
    card?.focus({ preventScroll: true });
    card?.scrollIntoView({ block: 'nearest' });
    return true;
  }

  async #drawWhenFree() {
    const held = this.element.matches(':hover') || this.element.contains(document.activeElement);
    if (this.stale && this.isShown && !held && !this.#isBusy()) await this.#draw();
  }

  /** Go to the next problem, and from the last one to the first again. */
  async next() {
    const answer = await fetch('/board/inbox.json');
    if (!answer.ok) {
      toast(_('The hub does not answer; the next problem is not known.'));
      return;
    }
    const now = await answer.json();
    this.#take(now);
    const { order } = now;
    if (!order.length) {
      this.hooks.said(_('Nothing needs you now.'));
      toast(_('Nothing needs you now.'), { seconds: 4 });
      return;
    }
    const here = order.findIndex((each) => each.key === this.key);
    // What was dealt with is gone: the one that took its place is the next.
    let at = here < 0 ? Math.max(this.at, 0) : here + 1;
    if (at >= order.length) at = 0;
    const problem = order[at];
    this.key = problem.key;
    this.at = at;
    if (!problem.job && !this.isShown) this.hooks.show();
    if (this.isShown) {
      await this.#draw();
      // On a narrow screen the pane takes the list's place.
      const beside = matchMedia('(width >= 64rem)').matches;
      if (problem.job) await this.hooks.open(problem.job, { focus: !beside });
      if (beside || !problem.job) this.#focus(problem.key);
    } else {
      await this.hooks.open(problem.job, { focus: true });
    }
    this.hooks.said(_('{number} of {count}: {problem}.', { number: at + 1, count: order.length, problem: problem.words }));
  }

  /** Mark the cards of the selected job, '' for none. */
  select(job) {
    for (const card of this.element.querySelectorAll('.problem')) {
      if (job && card.dataset.job === job) card.setAttribute('aria-current', 'true');
      else card.removeAttribute('aria-current');
    }
  }

  #take({ count }) {
    const shown = document.getElementById('inbox-count');
    if (!shown) return;
    shown.textContent = count;
    if (count) shown.dataset.tone = 'bad';
    else delete shown.dataset.tone;
  }

  #stand(card) {
    if (!card) return;
    this.key = card.dataset.key;
    this.at = [...this.element.querySelectorAll('.inbox-list > .problems > .problem')].indexOf(card);
  }

  #focus(key) {
    const card = this.#card(key);
    card?.focus({ preventScroll: true });
    card?.scrollIntoView({ block: 'nearest' });
  }

  #card(key) {
    return [...this.element.querySelectorAll('.problem')].find((card) => card.dataset.key === key);
  }

  #isBusy() {
    if (this.element.querySelector('.act-ask[open], .aside-menu[open]')) return true;
    const active = document.activeElement;
    return this.element.contains(active) && active.matches('input, textarea') && active.value !== '';
  }

  /** Fetch the list; what was listed since it was drawn last flashes once. */
  async #draw() {
    this.asked += 1;
    const own = this.asked;
    const answer = await fetch(`/board/inbox${location.search}`, { headers: PART });
    if (!answer.ok || own !== this.asked) return;
    const holder = document.createElement('template');
    holder.innerHTML = await answer.text();
    const focused = this.element.contains(document.activeElement);
    const name = focused ? document.activeElement.closest('.problem')?.dataset.key : '';
    const within = focused ? this.#placeWithin(document.activeElement) : -1;
    const open = this.element.querySelector('.aside-fold')?.open;
    const top = this.element.scrollTop;
    this.element.replaceChildren(holder.content);
    if (open) this.element.querySelector('.aside-fold')?.setAttribute('open', '');
    this.element.scrollTop = top;
    this.drawn = true;
    this.stale = false;
    for (const card of this.element.querySelectorAll('.problem')) {
      if (Number(card.dataset.listed) > (this.news ?? Infinity)) card.classList.add('fresh');
    }
    this.news = undefined;
    if (this.waits && this.isShown) this.focus();
    if (!focused) return;
    const card = this.#card(name);
    const inside = card && within >= 0 ? this.#controls(card)[within] : null;
    if (inside) inside.focus({ preventScroll: true });
    else if (card) card.focus({ preventScroll: true });
    else this.#focusPlace();
  }

  /** What stood in focus is gone: the card that took its place, else the list itself. */
  #focusPlace() {
    const cards = [...this.element.querySelectorAll('.inbox-list > .problems > .problem')];
    const at = Math.max(this.at, 0);
    const card = cards[Math.min(at, cards.length - 1)];
    if (card) card.focus({ preventScroll: true });
    else document.getElementById('content').focus({ preventScroll: true });
    // The card that is stood on now was not walked to: `.` goes to it first.
    this.key = '';
    this.at = at;
  }

  #controls(card) {
    return [...card.querySelectorAll('a, button, summary')];
  }

  #placeWithin(element) {
    const card = element.closest('.problem');
    return card ? this.#controls(card).indexOf(element) : -1;
  }

  #click(event) {
    const link = event.target.closest('a[data-problem-job]');
    if (!link || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const { problemJob, then } = link.dataset;
    this.hooks.open(problemJob, { focus: true }).then(() => { if (then) this.hooks.act(then); });
  }

  #toggled(event) {
    const ask = event.target;
    if (ask.matches?.('.act-ask') && ask.open) ask.querySelector('input[name="text"]').focus();
  }

  async #submit(event) {
    const form = event.target;
    if (!form.matches('form[data-inbox]') || event.defaultPrevented) return;
    event.preventDefault();
    if (form.sending) return;
    form.sending = true;
    const card = form.closest('.problem');
    this.#stand(card);
    const body = new URLSearchParams(new FormData(form, event.submitter));
    let answer = null;
    try {
      answer = await send(form.getAttribute('action'), body, { headers: PART });
    } catch {
      answer = null;
    }
    form.sending = false;
    const words = decodeURIComponent(answer?.headers.get('X-Board-Notice') ?? '');
    if (!answer || (!answer.ok && answer.status !== 422)) {
      toast(answer
        ? _('The hub has not saved this: it answered {status}. What you typed is still here.', { status: answer.status })
        : _('The hub has not saved this: it does not answer. What you typed is still here.'));
      return;
    }
    if (answer.status === 422) {
      toast(words, { seconds: 20 });
      sayRefused(form, words);
      return;
    }
    offerUndo(words, answer.headers.get('X-Board-Undo'), { seconds: 6 });
    form.closest('details')?.removeAttribute('open');
    await this.#draw();
    this.freshen().catch(() => undefined);
    if (card.dataset.job) this.hooks.jobs([card.dataset.job]);
  }
}
