// What the board does at a key or a command, by the names of the table of commands (web/keys.py).
// Each is a few words to the parts that can do it; none of them changes anything by itself.

import { toast } from '../frame.js';
import { redoLast, undoLast } from '../undo.js';
import { _ } from '../words.js';
import { shows } from './sights.js';
import { paneAddress, selectedJob } from './url.js';

/** The acts by name, and `actOn(job, action)`, which does something with a job in the pane. `parts`
    are the board's own, with `go(url)`, `setLayout(show)` and `onMap()`. */
export function boardActs({ board, rows, cells, pane, picks, planner, inbox, go, setLayout, onMap }) {
  /** Do something with the job whose row has the keyboard's focus, else with the one that is open. */
  function act(action) {
    const { job } = document.activeElement?.closest('tr.job, .plan-job, .problem[data-job]')?.dataset ?? {};
    return actOn(job || selectedJob(), action);
  }

  /** Do something with a job, in the pane. */
  async function actOn(job, action) {
    if (!job) {
      toast(_('No job is chosen. Go to one with J and K, then do it again.'), { seconds: 4 });
      return;
    }
    if (job !== selectedJob()) {
      // A form that is being filled in is not thrown away for a letter.
      if (pane.form) return;
      await go(paneAddress({ job }));
      if (pane.job !== job) return;
    } else await pane.loaded; // The key may be faster than the hub.
    pane.open(action);
  }

  /** Change a cell of the row that the keyboard stands on; of what is no row, by the form. */
  function change(cell, action) {
    const inTable = shows(board, 'table') && document.getElementById('table').offsetWidth > 0;
    if (inTable || document.activeElement?.closest('tr.job')) cells.begin(cell);
    else act(action);
  }

  /** Show what a view shows, or the table again where it is shown already. */
  function toggleLayout(show) {
    setLayout(board.dataset.show === show ? 'both' : show);
  }

  /** Another day: by the planner's own links where it is shown, else by the filter's day. */
  function toDay(by) {
    if (planner.isShown) {
      const links = document.querySelectorAll('.plan-head [data-days] a');
      if (by) links[by < 0 ? 0 : links.length - 1]?.click();
      else if (links.length > 2) links[1].click();
      return;
    }
    const input = document.querySelector('#filters .filter-day');
    const today = new Date().toLocaleDateString('sv-SE', { timeZone: board.dataset.zone });
    if (!input.value || !by) input.value = today;
    if (by > 0) input.stepUp();
    else if (by < 0) input.stepDown();
    input.dispatchEvent(new Event('change', { bubbles: true }));
  }

  /** Press a link or button of the page that may be out of sight. */
  function press(selector, none = '') {
    const found = document.querySelector(selector);
    if (found) found.click();
    else if (none) toast(none, { seconds: 4 });
  }

  /** The next or previous one of what the keyboard stands in; where two are shown, of the first. */
  function step(by) {
    const inTable = document.activeElement?.closest('#table') !== null;
    if (inTable || !(planner.step(by) || inbox.step(by))) rows.move(by);
  }

  const acts = {
    next: () => step(1),
    previous: () => step(-1),
    new: () => go(paneAddress({ doing: 'new' })),
    near: () => go(paneAddress({ doing: 'near' }), { focus: true }).then(() => document.getElementById('near-text')?.focus()),
    assign: () => act('assign'),
    worker: () => change('c-worker', 'assign'),
    window: () => change('c-window', 'edit'),
    priority: () => change('c-number', 'edit'),
    edit: () => act('edit'),
    phase: () => act('phase'),
    'take-back': () => act('take-back'),
    finish: () => act('finish'),
    cancel: () => act('cancel'),
    reopen: () => act('reopen'),
    note: () => act('note'),
    map: () => onMap(),
    pick: () => picks.toggle(rows.current),
    'pick-next': () => picks.extend(1),
    'pick-previous': () => picks.extend(-1),
    'pick-all': () => (picks.size ? picks.clear() : picks.all()),
    bulk: () => { if (picks.size) document.querySelector('#bulk .menu > summary').focus(); },
    'undo-here': () => undoLast(),
    'redo-here': () => redoLast(),
    filter: () => {
      const input = document.getElementById('filter-text');
      input.focus();
      input.select();
    },
    unfilter: () => press('.chips > li:last-child > a', _('No filter holds.')),
    'day-before': () => toDay(-1),
    'day-after': () => toDay(1),
    today: () => toDay(0),
    view: (key) => document.querySelectorAll('.rail :is([data-view], [data-saved])')[Number(key) - 1]?.click(),
    planner: () => toggleLayout('planner'),
    inbox: () => { toggleLayout('inbox'); if (inbox.isShown) inbox.focus(); },
    // What waits in the table comes first: it is under the eye, and changes what else there is.
    onward: () => {
      if (rows.pending.size && shows(board, 'table')) rows.applyPending();
      else inbox.next().catch(() => toast(_('The hub does not answer; the next problem is not known.')));
    },
    layouts: () => {
      const menu = board.querySelector('.layout-menu');
      menu.open = true;
      menu.querySelector('.menu-list a').focus();
    },
    arrange: () => {
      const menu = document.querySelector('.table-menu');
      menu.open = true;
      menu.querySelector('summary').focus();
    },
    'export-shown': () => press('#csv-shown'),
    'export-all': () => press('#csv-all'),
    'export-logs': () => press('#csv-logs'),
    propose: () => press('.propose'),
  };

  return { acts, actOn };
}
