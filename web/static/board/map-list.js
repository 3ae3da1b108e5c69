// Lists on the map: jobs on one spot, all that is in sight, what can be done on a spot. A list is
// walked with the arrows, left with Esc, and gives the focus back to where it came from.

import { agoWords } from '../frame.js';
import { _, several } from '../words.js';
import { codeWords, jobPin, workerMark } from './pins.js';

const SHOWN_MAX = 100;

/** The list that is open in `host`, if one is. */
export class MapList {
  constructor(host) {
    this.host = host;
    this.from = null;
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.close()) event.stopImmediatePropagation();
    }, { capture: true });
    host.addEventListener('keydown', (event) => this.#walk(event));
  }

  get element() {
    return this.host.querySelector('.map-list');
  }

  /** Close it; false where none is open. */
  close() {
    const { element, from } = this;
    if (!element) return false;
    const focused = element.contains(document.activeElement);
    element.remove();
    if (focused) from?.focus?.({ preventScroll: true });
    this.from = null;
    return true;
  }

  /** Jobs and workers by name; `take(item)` when one is chosen, `more` further buttons [words, run]. */
  items(head, items, point, take, more = []) {
    const list = this.#begin(head);
    for (const item of items.slice(0, SHOWN_MAX)) list.append(this.#item(item, take));
    if (items.length > SHOWN_MAX) {
      const rest = document.createElement('p');
      const left = items.length - SHOWN_MAX;
      rest.textContent = several('and {n} more; come nearer to see them', 'and {n} more; come nearer to see them', left);
      list.append(rest);
    }
    for (const [words, run] of more) list.append(this.#button(words, run));
    this.#show(list, point);
  }

  /** Things to do at a spot, as [words, run]. */
  menu(head, choices, point) {
    const list = this.#begin(head);
    for (const [words, run] of choices) list.append(this.#button(words, run));
    this.#show(list, point);
  }

  #begin(head) {
    this.close();
    this.from = document.activeElement;
    const list = document.createElement('div');
    list.className = 'map-list';
    list.setAttribute('role', 'group');
    list.setAttribute('aria-label', head);
    const words = document.createElement('p');
    words.textContent = head;
    list.append(words);
    return list;
  }

  #item(item, take) {
    const button = this.#button('', () => take(item));
    const isJob = 'number' in item;
    const sign = isJob ? jobPin(item, 1) : workerMark({ ...item, heading: item.heading ?? 0 }, 1);
    sign.setAttribute('aria-hidden', 'true');
    const words = document.createElement('span');
    words.className = 'clip';
    words.textContent = isJob ? `${item.number} ${item.title}` : item.name;
    const small = document.createElement('span');
    small.className = 'sub';
    small.textContent = isJob
      ? [codeWords(item.status), codeWords(item.alert), item.worker || _('nobody has it')].filter(Boolean).join(' · ')
      : _('position {ago}', { ago: agoWords(item.seen) });
    button.append(sign, words, small);
    return button;
  }

  #button(words, run) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'menu-item';
    button.textContent = words;
    button.addEventListener('click', () => {
      this.close();
      run();
    });
    return button;
  }

  #show(list, point) {
    this.host.append(list);
    const room = this.host.getBoundingClientRect();
    const box = list.getBoundingClientRect();
    list.style.left = `${Math.max(8, Math.min(point.x + 8, room.width - box.width - 8))}px`;
    list.style.top = `${Math.max(8, Math.min(point.y + 8, room.height - box.height - 8))}px`;
    list.querySelector('button')?.focus();
  }

  #walk(event) {
    if (!this.element?.contains(event.target)) return;
    const buttons = [...this.element.querySelectorAll('button')];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const at = buttons.indexOf(event.target);
    let next = null;
    if (step) next = buttons[(at + step + buttons.length) % buttons.length];
    else if (event.key === 'Home') [next] = buttons;
    else if (event.key === 'End') next = buttons.at(-1);
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    next.focus();
  }
}
