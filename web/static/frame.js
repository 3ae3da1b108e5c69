// What every page does beside its own work: theme, menus, times that grow old, the sync pill. Pages import `formToken`, `send`, `toast` from here.

import { _, several } from './words.js';

const root = document.documentElement;

/** The token that a request which changes something carries. */
export function formToken() {
  return document.querySelector('meta[name="csrf"]')?.content ?? '';
}

/** POST to `path`; `body` is FormData, URLSearchParams or undefined. Returns the Response. */
export function send(path, body, options = {}) {
  return fetch(path, {
    method: 'POST',
    body,
    credentials: 'same-origin',
    ...options,
    headers: { 'X-Fieldlog-Token': formToken(), ...options.headers },
  });
}

/** Show `words` for some seconds; with `action` = {words, run} also a button, such as Undo. */
export function toast(words, { action, seconds = 10 } = {}) {
  const shown = document.createElement('div');
  shown.className = 'toast';
  const text = document.createElement('span');
  text.textContent = words;
  shown.append(text);
  const close = () => shown.remove();
  if (action) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'button button-small';
    button.textContent = action.words;
    button.addEventListener('click', () => { close(); action.run(); });
    shown.append(button);
  }
  document.getElementById('toasts').append(shown);
  let timer = 0;
  const hold = () => clearTimeout(timer);
  const count = () => {
    hold();
    if (!shown.matches(':hover, :focus-within')) timer = setTimeout(close, seconds * 1000);
  };
  for (const reached of ['pointerenter', 'focusin']) shown.addEventListener(reached, hold);
  for (const left of ['pointerleave', 'focusout']) shown.addEventListener(left, count);
  count();
  return close;
}

/** Whether the key press belongs to a field that a person types into. */
export function isTyping(event) {
  return event.target.closest?.('input, textarea, select, [contenteditable]') !== null;
}

/** `4 min ago` for an instant, in the words of web/formats.py. */
export function agoWords(atMs, nowMs = Date.now()) {
  const gone = nowMs - atMs;
  if (gone < -60_000) return untilWords(-gone);
  if (gone < 60_000) return _('just now');
  if (gone < 3_600_000) return _('{n} min ago', { n: Math.floor(gone / 60_000) });
  if (gone < 86_400_000) return _('{n} h ago', { n: Math.floor(gone / 3_600_000) });
  return several('{n} day ago', '{n} days ago', Math.floor(gone / 86_400_000));
}

function untilWords(ms) {
  if (ms < 3_600_000) return _('in {n} min', { n: Math.floor(ms / 60_000) });
  if (ms < 86_400_000) return _('in {n} h', { n: Math.floor(ms / 3_600_000) });
  return several('in {n} day', 'in {n} days', Math.floor(ms / 86_400_000));
}

function growOld() {
  for (const time of document.querySelectorAll('time[data-ago]')) {
    const words = agoWords(Date.parse(time.dateTime));
    if (time.textContent !== words) time.textContent = words;
  }
}

async function freshenPill() {
  const pill = document.getElementById('sync-pill');
  if (!pill || document.hidden) return;
  const answer = await fetch('/phones/pill', { headers: { Accept: 'application/json' } });
  if (!answer.ok) return;
  const now = await answer.json();
  pill.dataset.tone = now.tone;
  pill.title = now.title;
  pill.setAttribute('aria-label', `${now.words}: ${now.title}`);
  pill.querySelector('.words').textContent = now.words;
}

function setTheme(theme) {
  root.dataset.theme = theme;
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  document.cookie = `fieldlog-theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  dispatchEvent(new CustomEvent('fieldlog:theme', { detail: theme }));
}

function isDark() {
  if (root.dataset.theme) return root.dataset.theme === 'dark';
  return matchMedia('(prefers-color-scheme: dark)').matches;
}

function closeMenus(but) {
  for (const menu of document.querySelectorAll('details.menu[open]')) {
    if (menu !== but) menu.open = false;
  }
}

document.getElementById('theme')?.addEventListener('click', () => {
  setTheme(isDark() ? 'light' : 'dark');
});

document.addEventListener('click', (event) => closeMenus(event.target.closest('details.menu')));

document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    const open = document.querySelector('details.menu[open]');
    if (open) {
      open.open = false;
      open.querySelector('summary').focus();
    }
  } else if (event.key === '?' && !isTyping(event) && formToken()) {
    location.assign('/help#keys');
  }
});

// A button that does something final asks once, in the words of its form.
document.addEventListener('submit', (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => print());
}

setInterval(growOld, 30_000);
setInterval(() => freshenPill().catch(() => undefined), 60_000);
