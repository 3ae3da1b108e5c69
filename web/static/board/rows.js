// The table's rows: more of them as one scrolls, changed ones in their places, and none that jumps
// while somebody points at the table or stands in it. Rows are drawn by the server; here they are
// only put where their keys say. Pages of rows that are far out of sight are folded to one tall row.

import { filterQuery, selectedJob } from './url.js';
import { send } from '../frame.js';
import { several } from '../words.js';

const FOLD_MARGIN_PX = 1500;
const FOLDED_ROWS_MIN = 10;
/** So many rows the hub gives at once. */
export const ASKED_MAX = 400;
const RETRY_MS = 5_000;

/** The order of two keys, by the directions of the table's columns. */
export function compareKeys(one, other, descending) {
  for (let index = 0; index < descending.length; index += 1) {
    const a = one[index];
    const b = other[index];
    if (a !== b) return (a < b ? -1 : 1) * (descending[index] ? -1 : 1);
  }
  return 0;
}

/** A group's head with the numbers that a drawn one shows; the old one where nothing changed. */
function freshened(old, html) {
  const holder = document.createElement('template');
  holder.innerHTML = html;
  const fresh = holder.content.querySelector('tr');
  if (!old) return fresh;
  if (old.innerHTML !== fresh.innerHTML) {
    const focused = old.contains(document.activeElement);
    old.replaceWith(fresh);
    if (focused) fresh.querySelector('a').focus();
    return fresh;
  }
  return old;
}

/** Let a row say what a fresh one says; whether any cell does now what it did not. Cells that are the
    same stay as they stand: a row that is drawn anew costs a browser nearly twice as much. */
function renew(row, fresh) {
  for (const { name } of [...row.attributes]) if (!fresh.hasAttribute(name)) row.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (row.getAttribute(name) !== value) row.setAttribute(name, value);
  let isOther = false;
  [...fresh.cells].forEach((cell, at) => {
    const standing = row.cells[at];
    if (standing.outerHTML === cell.outerHTML) return;
    standing.replaceWith(cell);
    isOther = true;
  });
  return isOther;
}

/** Where in a row the keyboard stands: a cell's class, or 'row'; null where it stands elsewhere. */
function placeWithin(row) {
  if (!row.contains(document.activeElement)) return null;
  return document.activeElement.matches('td') ? document.activeElement.className : 'row';
}

/** Put the keyboard at such a place of a row. */
function standWithin(row, place) {
  const cell = place === 'row' ? null : row.querySelector(`td.${place}`);
  (cell ?? row).focus({ preventScroll: true });
}

export class Rows {
  /** `hooks`: `counts(byView, total)` when counts came, `said(words)` for the live region,
      `changed(rows)` what others changed, `drawn(row)` for each row that was drawn. */
  constructor(board, hooks) {
    this.board = board;
    this.hooks = hooks;
    this.pending = new Map();
    this.asked = new Set();
    this.watcher = null;
    this.own = new Set();
    // Rows that were renewed quietly, and it may be by a change of which word is still on its way.
    this.untold = new Set();
    this.adopt();
    document.getElementById('pending-apply').addEventListener('click', (event) => {
      this.applyPending();
      // By keyboard one stays in the table; by pointer the table must not be held by a focus.
      if (event.detail === 0) this.focus(this.current);
    });
    board.addEventListener('pointerout', () => this.#applyWhenFree());
    board.addEventListener('focusout', () => this.#applyWhenFree());
    // Paper has no out of sight.
    addEventListener('beforeprint', () => { for (const body of this.table.tBodies) this.#unfoldBody(body); });
  }

  /** Do what changes a job here; whichever line brings the change first, it is nobody else's. */
  async ownAct(job, doing) {
    this.own.add(job);
    try {
      return await doing();
    } finally {
      this.own.delete(job);
    }
  }

  /** Take up the table as the document has it now: after loading and after another question. */
  adopt() {
    this.sheet = document.getElementById('sheet');
    this.table = document.getElementById('table');
    this.more = document.getElementById('more');
    this.descending = JSON.parse(this.board.dataset.directions);
    this.order = [...this.table.querySelectorAll('tr.job')];
    this.rowByJob = new Map(this.order.map((row) => [row.dataset.job, row]));
    this.pending.clear();
    this.groups = null;
    this.#showPending();
    this.#setRoving(this.table.querySelector('tr[aria-current]') ?? this.order[0]);
    this.watcher?.disconnect();
    this.watcher = new IntersectionObserver((seen) => this.#fold(seen), {
      root: this.sheet, rootMargin: `${FOLD_MARGIN_PX}px 0px`,
    });
    for (const body of this.table.tBodies) this.watcher.observe(body);
    this.end?.disconnect();
    this.end = new IntersectionObserver((seen) => {
      if (seen.some((entry) => entry.isIntersecting)) this.loadMore();
    }, { root: this.sheet, rootMargin: '600px 0px' });
    this.end.observe(this.more);
  }

  // --- moving about

  /** The row that the keyboard stands on, or would. */
  get current() {
    const focused = document.activeElement?.closest?.('tr.job');
    return focused ?? this.order.find((row) => row.tabIndex === 0) ?? null;
  }

  /** Put the keyboard on a row; unfolds and scrolls to it. */
  focus(row) {
    if (!row) return;
    this.#unfold(row);
    this.#setRoving(row);
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: 'nearest' });
  }

  /** Move by `step` rows, or to 'start' or 'end'. */
  move(step) {
    if (!this.order.length) return;
    const now = this.order.indexOf(this.current);
    const standing = this.current?.contains(document.activeElement);
    let next = now + step;
    if (step === 'start') next = 0;
    else if (step === 'end') next = this.order.length - 1;
    else if (!standing) next = Math.max(now, 0);
    this.focus(this.order[Math.min(Math.max(next, 0), this.order.length - 1)]);
    if (next >= this.order.length - 5) this.loadMore();
  }

  /** Mark the selected job, '' for none. */
  select(job) {
    for (const row of this.order) {
      if (row.dataset.job === job) row.setAttribute('aria-current', 'true');
      else row.removeAttribute('aria-current');
    }
    const row = this.rowByJob.get(job);
    if (row) this.#setRoving(row);
  }

  /** Bring a job's row into sight, if it is here. */
  reveal(job) {
    const row = this.rowByJob.get(job);
    if (!row) return;
    this.#unfold(row);
    row.scrollIntoView({ block: 'nearest' });
  }

  #setRoving(row) {
    if (!row) return;
    for (const other of this.order) if (other.tabIndex === 0) other.tabIndex = -1;
    row.tabIndex = 0;
  }

  // --- more rows

  async loadMore() {
    if (this.loading || this.more.hidden || !this.order.length) return;
    this.loading = true;
    const question = filterQuery();
    try {
      const after = this.order.at(-1).dataset.key;
      const query = new URLSearchParams(question);
      query.set('after', after);
      const answer = await fetch(`/board/rows?${query}`);
      if (!answer.ok || question !== filterQuery()) return;
      const holder = document.createElement('template');
      holder.innerHTML = await answer.text();
      for (const body of [...holder.content.querySelectorAll('tbody')]) this.#add(body);
      this.more.hidden = answer.headers.get('X-More') !== '1';
      this.#watchEnd();
    } catch {
      setTimeout(() => this.#watchEnd(), RETRY_MS);
    } finally {
      this.loading = false;
    }
  }

  /** Rows behind those that are there; what came live meanwhile stands already. */
  #add(body) {
    for (const row of [...body.rows]) {
      if (row.matches('.group-row')) {
        if (this.#heads().has(row.dataset.group)) row.remove();
      } else if (this.rowByJob.has(row.dataset.job)) row.remove();
      else {
        this.rowByJob.set(row.dataset.job, row);
        this.order.push(row);
        this.hooks.drawn(row);
      }
    }
    if (!body.rows.length) return;
    this.table.append(body);
    this.watcher.observe(body);
  }

  /** Observed anew, it says at once whether the end is still in sight after a long jump. */
  #watchEnd() {
    this.end.unobserve(this.more);
    if (!this.more.hidden) this.end.observe(this.more);
  }

  #fold(seen) {
    for (const entry of seen) {
      const body = entry.target;
      if (entry.isIntersecting) this.#unfoldBody(body);
      else if (!body.kept && body.rows.length > FOLDED_ROWS_MIN && !body.contains(document.activeElement)
        // The table's one place for Tab is always there.
        && !body.querySelector('tr.job[tabindex="0"]')) {
        const height = body.getBoundingClientRect().height;
        body.kept = document.createDocumentFragment();
        body.kept.append(...body.rows);
        const tall = body.insertRow();
        const cell = tall.insertCell();
        cell.colSpan = 11;
        cell.style.height = `${height}px`;
        body.classList.add('folded');
        body.setAttribute('aria-hidden', 'true');
        body.kept.owner = body;
      }
    }
  }

  #unfoldBody(body) {
    if (!body.kept) return;
    body.replaceChildren(body.kept);
    body.kept = null;
    body.classList.remove('folded');
    body.removeAttribute('aria-hidden');
    if (!body.stale) return;
    body.stale = false;
    const jobs = [...body.querySelectorAll('tr.job')].map((row) => row.dataset.job);
    this.refresh(jobs, { quiet: true }).catch(() => { body.stale = true; });
  }

  #unfold(row) {
    if (row.parentNode?.owner) this.#unfoldBody(row.parentNode.owner);
  }

  // --- what changed

  /** Ask for these jobs' rows (`ASKED_MAX` at most) as they are now, and for the counts; `near` adds
      the rows in sight, `alerts` what runs late. What comes by the clock is `quiet`; what one did
      oneself (`own`) was said by whoever did it. One after another: an answer that was long on its
      way must not be drawn over a newer one. */
  refresh(jobs, options = {}) {
    const before = this.refreshing ?? Promise.resolve();
    this.refreshing = before.catch(() => undefined).then(() => this.#refresh(jobs, options));
    return this.refreshing;
  }

  async #refresh(jobs, { near = false, alerts = false, quiet = false, own = false }) {
    const asked = [...new Set(near ? [...jobs, ...this.#near()] : jobs)].slice(0, ASKED_MAX);
    const meant = new Set(jobs);
    const question = filterQuery();
    const query = new URLSearchParams(question);
    if (alerts) query.set('alerts', '1');
    const answer = await send(`/board/changed?${query}`, JSON.stringify(asked), {
      headers: { 'Content-Type': 'application/json' },
    });
    if (answer.status === 401) location.reload(); // Signed out meanwhile.
    if (!answer.ok) throw new Error(`/board/changed answered ${answer.status}`);
    if (question !== filterQuery()) return;
    const data = await answer.json();
    this.hooks.counts(data.counts, data.total);
    this.groups = data.groups;
    // What the minute before brought has long been told by whoever changed it.
    if (alerts) this.untold.clear();
    const changed = Object.entries(data.rows).filter(([job, row]) => {
      const isOther = this.#take(job, row, quiet);
      if (!quiet) return this.untold.delete(job) && meant.has(job) || isOther;
      if (isOther) this.untold.add(job);
      return false;
    });
    this.#showPending();
    this.#regroup();
    this.#showEmpty();
    const others = changed.map(([job]) => job).filter((job) => !this.own.has(job));
    if (others.length && !own) this.hooks.changed(others);
  }

  /** The jobs in sight or near it, for what changes by the clock or by another's name; those that are
      folded away are asked for when they come into sight. */
  #near() {
    for (const body of this.table.tBodies) if (body.kept) body.stale = true;
    return this.order.filter((row) => row.isConnected && 'live' in row.dataset)
      .map((row) => row.dataset.job).slice(0, ASKED_MAX);
  }

  #take(job, { html, key, matches }, quiet) {
    const old = this.rowByJob.get(job);
    if (!old && !matches) {
      this.pending.delete(job);
      return false;
    }
    const fresh = this.#draw(html);
    if (!old) {
      if (!this.#isWithin(key)) return false;
      return this.#later(job, fresh, key, matches);
    }
    const same = old.innerHTML === fresh.innerHTML && old.dataset.key === fresh.dataset.key;
    const stays = matches && this.#staysAt(old, key);
    if (same && stays) {
      this.pending.delete(job);
      old.classList.remove('gone');
      return false;
    }
    if (stays) {
      this.#renew(old, fresh, quiet);
      this.pending.delete(job);
      return true;
    }
    if (this.#held) {
      // Its words are new at once; only its place waits.
      const place = old.dataset.key;
      this.#renew(old, fresh, quiet || this.pending.has(job));
      old.dataset.key = place;
      old.classList.toggle('gone', !matches);
      this.pending.set(job, { row: old, key, matches });
      return true;
    }
    this.#put(job, fresh, key, matches);
    return true;
  }

  #later(job, fresh, key, matches) {
    if (this.#held) this.pending.set(job, { row: fresh, key, matches });
    else this.#put(job, fresh, key, matches);
    return true;
  }

  #draw(html) {
    const holder = document.createElement('template');
    holder.innerHTML = html;
    const row = holder.content.querySelector('tr');
    if (row.dataset.job === selectedJob()) row.setAttribute('aria-current', 'true');
    this.hooks.drawn(row);
    return row;
  }

  #isWithin(key) {
    if (this.more.hidden || !this.order.length) return true;
    return compareKeys(key, JSON.parse(this.order.at(-1).dataset.key), this.descending) < 0;
  }

  #staysAt(row, key) {
    const at = this.order.indexOf(row);
    const before = this.order[at - 1];
    const after = this.order[at + 1];
    const order = (other) => compareKeys(key, JSON.parse(other.dataset.key), this.descending);
    return (!before || order(before) > 0) && (!after || order(after) < 0);
  }

  #renew(row, fresh, quiet) {
    // Where it is folded away it is new when it comes into sight.
    const stood = placeWithin(row);
    const flash = row.classList.contains('flash') ? 'flash-again' : 'flash';
    fresh.tabIndex = row.tabIndex;
    const isOther = renew(row, fresh);
    if (isOther && !quiet) row.classList.add(flash);
    if (stood && !row.contains(document.activeElement)) standWithin(row, stood);
  }

  /** Put a row where its key says, or take it out where the question does not hold it. */
  #put(job, fresh, key, matches) {
    const old = this.rowByJob.get(job);
    const stood = old && placeWithin(old);
    let at = -1;
    if (old) {
      at = this.order.indexOf(old);
      this.#unfold(old);
      fresh.tabIndex = old.tabIndex;
      old.remove();
      this.order.splice(at, 1);
      this.rowByJob.delete(job);
    }
    if (matches) {
      fresh.dataset.key = JSON.stringify(key);
      fresh.classList.remove('gone', 'flash-again');
      fresh.classList.add('flash');
      this.#insert(job, fresh, key);
    }
    if (stood) {
      this.focus(matches ? fresh : this.order[Math.min(at, this.order.length - 1)]);
      if (matches) standWithin(fresh, stood);
    }
    if (!this.order.some((row) => row.tabIndex === 0)) this.#setRoving(this.order[0]);
  }

  #insert(job, fresh, key) {
    let low = 0;
    let high = this.order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = JSON.parse(this.order[middle].dataset.key);
      if (compareKeys(key, other, this.descending) > 0) low = middle + 1;
      else high = middle;
    }
    const after = this.order[low];
    if (after) {
      this.#unfold(after);
      after.before(fresh);
    } else {
      const last = this.order.at(-1);
      if (last) this.#unfold(last);
      (last?.parentNode ?? this.table.tBodies[0] ?? this.table.createTBody()).append(fresh);
    }
    this.order.splice(low, 0, fresh);
    this.rowByJob.set(job, fresh);
  }

  // --- groups

  /** The heads that are in the table, by their groups; those in folded pages too. */
  #heads() {
    const bodies = [...this.table.tBodies].map((body) => body.kept ?? body);
    const heads = bodies.flatMap((body) => [...body.querySelectorAll('tr.group-row')]);
    return new Map(heads.map((head) => [head.dataset.group, head]));
  }

  /** Put each group's head, with its numbers as they are now, before the first row of it. */
  #regroup() {
    if (!this.groups?.length) return;
    const standing = this.#heads();
    const place = new Map(this.groups.map(([id], number) => [id, number]));
    const firsts = new Map();
    for (const row of this.order) if (!firsts.has(row.dataset.group)) firsts.set(row.dataset.group, row);
    for (const [id, head] of standing) if (!place.has(id)) head.remove();
    let next = null;
    for (const [id, html] of [...this.groups].reverse()) {
      next = firsts.get(id) ?? next;
      const head = freshened(standing.get(id), html);
      if (next) {
        if (head.nextElementSibling !== next) next.before(head);
      } else if (this.more.hidden) {
        const last = this.table.tBodies[this.table.tBodies.length - 1];
        if (!standing.has(id) || head.nextElementSibling) (last.kept ?? last).append(head);
      } else {
        head.remove(); // It comes with the page of its rows.
        continue;
      }
      next = head;
    }
  }

  #showEmpty() {
    const some = this.order.length > 0 || this.pending.size > 0 || this.groups?.length > 0;
    document.getElementById('empty').hidden = some;
  }

  // --- what waits

  get #held() {
    return this.sheet.querySelector('tbody:hover, .cell-editor') !== null
      || document.activeElement?.closest?.('#table tbody') != null;
  }

  #applyWhenFree() {
    if (!this.pending.size || this.waiting) return;
    this.waiting = setTimeout(() => {
      this.waiting = null;
      if (!this.#held) this.applyPending();
    }, 400);
  }

  /** Put everything that waits into its place. */
  applyPending() {
    const waiting = [...this.pending];
    this.pending.clear();
    for (const [job, { row, key, matches }] of waiting) {
      const shown = this.rowByJob.get(job) ?? row;
      this.#put(job, shown, key, matches);
    }
    this.#showPending();
    this.#regroup();
    this.#showEmpty();
    if (waiting.length) this.hooks.said(several('{n} change applied.', '{n} changes applied.', waiting.length));
  }

  #showPending() {
    const bar = document.getElementById('pending');
    const number = this.pending.size;
    if (number) {
      document.getElementById('pending-words').textContent = several(
        '{n} row changed: it waits so that nothing moves under your hand.',
        '{n} rows changed: they wait so that nothing moves under your hand.',
        number,
      );
    }
    bar.hidden = number === 0;
  }
}
