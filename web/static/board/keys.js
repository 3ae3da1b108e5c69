// The board by keyboard. What each key does is bound from the table of commands (web/keys.py), from
// which the lists are drawn too. Single letters act only where nobody types; every one of them is
// also a button, a link or a command.

import { offerCommands, tableOf } from '../palette.js';

const STEP_PAGE = 12;
const PLACE = 'On the board';

/** The keys that a command is bound to: "1-9" is nine of them. */
function keysOf(press) {
  return press === '1-9' ? [...'123456789'] : press.split(' ').filter(Boolean);
}

/** Wire the keys. `parts` are the board's rows, cells, pane and picks; `acts` what is done, by name. */
export function wireKeys(parts, acts) {
  const { rows, cells, pane } = parts;
  const table = tableOf(PLACE);
  const actByKey = new Map();
  for (const { act, press } of table) {
    if (!acts[act]) throw new Error(`no way to carry out '${act}'`);
    for (const key of keysOf(press)) actByKey.set(key, acts[act]);
  }
  offerCommands(PLACE, acts);

  function inTable(event) {
    return event.target.closest?.('#table') !== null || event.target === document.body
      || event.target.closest?.('#content') === event.target;
  }

  function escape(event) {
    if (document.querySelector('details.menu[open], :popover-open, dialog[open]')) return false;
    if (event.target.closest?.('.cell-editor')) return false;
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
    if (cells.key(event)) {
      event.preventDefault();
      return;
    }
    if (event.key === 'Escape') {
      if (escape(event)) event.preventDefault();
      return;
    }
    if (parts.isTyping(event) || document.querySelector('dialog[open]')) return;
    const row = event.target.closest?.('tr.job');
    let act = actByKey.get(event.key) ?? (event.key === '?' ? parts.keys : undefined);
    if (!act && inTable(event)) act = inTableByKey[event.key];
    if (!act && row && event.target === row && event.key === 'Enter') act = () => parts.open(row);
    if (!act) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    act(event.key);
  }, { capture: true });
}
