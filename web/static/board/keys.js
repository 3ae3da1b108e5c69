// The board by keyboard. Single letters act only where nobody types; every one of them is also a
// button or a link. `?` shows them.

import { redoLast, undoLast } from '../undo.js';

const STEP_PAGE = 12;

/** Wire the keys; `parts` are the board's rows, pane and doings. */
export function wireKeys(parts) {
  const { rows, pane } = parts;

  function inTable(event) {
    return event.target.closest?.('#table') !== null || event.target === document.body
      || event.target.closest?.('#content') === event.target;
  }

  function escape(event) {
    if (document.querySelector('details.menu[open], :popover-open')) return false;
    if (parts.stopPick()) return true;
    const act = event.target.closest?.('details.act[open], details.act-line[open], details.act-ask[open]');
    if (act) {
      act.open = false;
      act.querySelector('summary').focus();
      return true;
    }
    if (event.target.getAttribute?.('aria-expanded') === 'true') return false;
    if (event.target.id === 'filter-text') {
      rows.focus(rows.current);
      return true;
    }
    const bulk = event.target.closest?.('#bulk');
    if (bulk) {
      rows.focus(rows.current);
      return true;
    }
    if (pane.isOpen) {
      parts.closePane();
      return true;
    }
    if (parts.picks.size) {
      parts.picks.clear();
      return true;
    }
    return false;
  }

  /** Open the first menu of the bar for what is selected. */
  function toBulk() {
    if (!parts.picks.size) return;
    document.querySelector('#bulk .menu > summary').focus();
  }

  const byKey = {
    j: () => parts.step(1) || rows.move(1),
    k: () => parts.step(-1) || rows.move(-1),
    n: () => parts.create?.(),
    a: () => parts.act('assign'),
    e: () => parts.act('edit'),
    c: () => parts.act('note'),
    m: () => parts.onMap(),
    z: () => undoLast(),
    Z: () => redoLast(),
    i: () => parts.toInbox(),
    v: () => parts.toLayouts(),
    x: () => parts.picks.toggle(rows.current),
    J: () => parts.picks.extend(1),
    K: () => parts.picks.extend(-1),
    b: toBulk,
    '.': () => parts.onward(),
    '/': () => {
      const input = document.getElementById('filter-text');
      input.focus();
      input.select();
    },
    '?': () => document.getElementById('keys').togglePopover(),
  };
  const inTableByKey = {
    ArrowDown: () => rows.move(1),
    ArrowUp: () => rows.move(-1),
    PageDown: () => rows.move(STEP_PAGE),
    PageUp: () => rows.move(-STEP_PAGE),
    Home: () => rows.move('start'),
    End: () => rows.move('end'),
  };

  // In the capture phase, so that the frame's own `?` (its help page) is not reached on the board.
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') {
      if (escape(event)) event.preventDefault();
      return;
    }
    if (parts.isTyping(event)) return;
    const row = event.target.closest?.('tr.job');
    let act = byKey[event.key];
    if (!act && inTable(event)) act = inTableByKey[event.key];
    if (!act && row && event.target === row && event.key === 'Enter') act = () => parts.open(row);
    if (!act && /^[1-9]$/.test(event.key)) {
      const link = document.querySelectorAll('.rail [data-view]')[Number(event.key) - 1];
      act = link && (() => link.click());
    }
    if (!act) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    act();
  }, { capture: true });
}
