// Undo and redo by button and by keyboard: Ctrl Z takes back what this tab did last, Ctrl Shift Z
// does it again. The acts are the hub's; a tab remembers only which were its own, for as long as the
// same person is signed in. Pages import `offerUndo`, `undoLast`, `redoLast` from here.

import { formToken, isTyping, send, toast } from './frame.js';
import { _ } from './words.js';

const KEY = 'fieldlog-undo';
const KEPT_MAX = 50;
const SHOWN_S = 15;

/** The acts that can be undone and redone here, the newest last. */
function remembered() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY));
    if (kept?.person === formToken()) return kept;
  } catch {
    // What can't be read is as good as nothing.
  }
  return { person: formToken(), done: [], undone: [] };
}

function remember(kept) {
  kept.done = kept.done.slice(-KEPT_MAX);
  kept.undone = kept.undone.slice(-KEPT_MAX);
  try {
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // A browser that keeps nothing still has the buttons.
  }
}

/** An act was made here: it is the one that Ctrl Z takes back, and nothing waits to be redone. */
function keep(act) {
  const kept = remembered();
  if (kept.done.at(-1) !== act) kept.done.push(act);
  kept.undone = [];
  remember(kept);
}

/** Say `words`, with a button that takes the act back (where there is one to be taken back). */
export function offerUndo(words, act, options = {}) {
  if (!act) {
    toast(words, options);
    return;
  }
  keep(act);
  toast(words, { ...options, seconds: SHOWN_S, action: { words: _('Undo'), run: () => take('done', act) } });
}

/** Take back an act out of one list; what took it back goes to the other. */
async function take(from, act) {
  const fields = { act, back: location.pathname + location.search, redo: from === 'undone' ? '1' : '' };
  if (!document.getElementById('board')) {
    // Other pages do not follow what changes: they are drawn anew, with the answer as their notice.
    forget(from, act);
    sendAsForm({ ...fields, form_token: formToken() });
    return;
  }
  let answer = null;
  let told = null;
  try {
    answer = await send('/board/undo', new URLSearchParams(fields), { headers: { 'X-Board-Part': '1' } });
    told = await answer.json();
  } catch {
    told = null;
  }
  if (!told) {
    toast(answer
      ? _('The hub has undone nothing: it answered {status}.', { status: answer.status })
      : _('The hub has undone nothing: it does not answer.'));
    return;
  }
  forget(from, act);
  if (told.confirm) {
    location.assign(told.confirm);
    return;
  }
  const to = from === 'done' ? 'undone' : 'done';
  if (told.redo) {
    const kept = remembered();
    kept[to].push(told.redo);
    remember(kept);
  }
  const words = from === 'done' ? _('Redo') : _('Undo');
  const action = told.redo ? { words, run: () => take(to, told.redo) } : undefined;
  toast(told.words, { seconds: SHOWN_S, action });
  // The button that had the focus is gone.
  if (document.activeElement === document.body) document.getElementById('content').focus({ preventScroll: true });
}

function forget(list, act) {
  const kept = remembered();
  kept[list] = kept[list].filter((each) => each !== act);
  remember(kept);
}

function sendAsForm(fields) {
  const form = document.createElement('form');
  form.method = 'post';
  form.action = '/board/undo';
  form.hidden = true;
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement('input');
    input.type = 'hidden';
    input.name = name;
    input.value = value;
    form.append(input);
  }
  document.body.append(form);
  form.submit();
}

/** Take back what this tab did last. */
export function undoLast() {
  const act = remembered().done.at(-1);
  if (act) return take('done', act);
  toast(_('Nothing that was done here is left to undo. Recent acts, in the menu, has everything.'));
  return undefined;
}

/** Do again what this tab took back last. */
export function redoLast() {
  const act = remembered().undone.at(-1);
  if (act) return take('undone', act);
  toast(_('Nothing that was undone here is left to redo.'));
  return undefined;
}

document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.altKey || !(event.ctrlKey || event.metaKey) || isTyping(event)) return;
  const key = event.key.toLowerCase();
  const again = (key === 'z' && event.shiftKey) || (key === 'y' && !event.shiftKey);
  if (key !== 'z' && !again) return;
  event.preventDefault();
  if (again) redoLast();
  else undoLast();
});

// Buttons of a piece of the page that stays: its list of changes is drawn anew by the feed.
document.addEventListener('submit', (event) => {
  if (!event.target.matches('form[data-undo-here]') || event.defaultPrevented) return;
  event.preventDefault();
  take('done', event.target.elements.namedItem('act').value);
});

// What a form of the page before this one did, or took back.
for (const form of document.querySelectorAll('form.notice-act[data-undo]')) {
  const { undo: act, verb } = form.dataset;
  const kept = remembered();
  const list = verb === 'Redo' ? kept.undone : kept.done;
  if (list.at(-1) !== act) list.push(act);
  remember(kept);
}
