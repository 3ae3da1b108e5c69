// The list of commands, on every page: what the page can do, where one can go, and what has a name.
// A combobox as ARIA has it, in a dialog: the field keeps the focus, arrows walk the list, Enter
// takes. Commands come from one table (web/keys.py); what they do is registered by `offerCommands`.

import { likeness } from './likeness.js';
import { redoLast, undoLast } from './undo.js';
import { _, several } from './words.js';

const PAUSE_MS = 130;
const FOUND_MAX = 60;
const FEW = 7;
// The places of web/keys.py, by their names there.
const EVERYWHERE = 'Everywhere';
const BOARD = 'On the board';
const GO_TO = _('Go to');
const GROUP_BY = _('Group by');
const SORT_BY = _('Sort by');
const SAVED_VIEWS = _('Saved views');
const WITH_TEXT = _('With this text');

const dialog = document.getElementById('palette');
const input = document.getElementById('palette-text');
const list = document.getElementById('palette-list');
const commands = JSON.parse(dialog?.dataset.commands ?? '[]')
  .map(([place, act, press, caps, title]) => ({ place, act, press, caps, title }));
const runByAct = new Map();

/** The commands of a place, as the hub has them for whoever is signed in. */
export function tableOf(place) {
  return commands.filter((one) => one.place === place);
}

/** Say how commands are carried out here: functions by act. What is not told is not offered. */
export function offerCommands(place, acts) {
  for (const { act } of tableOf(place)) if (acts[act]) runByAct.set(act, acts[act]);
}

let openJob = (job, href) => location.assign(href);

/** Say how a job that was found is opened here. */
export function openJobsBy(open) {
  openJob = open;
}

// --- what can be chosen

/** The page's commands, with their keys. */
function ofCommands() {
  return commands.filter(({ act, title }) => title && runByAct.has(act))
    .map(({ act, title, caps }) => ({ group: _('Commands'), words: title, caps, run: runByAct.get(act) }));
}

/** Links of the page that say where one can go: they know best who may go there. */
function ofLinks() {
  const kinds = [
    ['.rail :is(a[data-view], a[data-saved])', SAVED_VIEWS, (link) => link.querySelector('.clip')?.textContent],
    ['[data-layout]', _('Show'), (link) => link.title || link.textContent],
    ['.table-menu a.menu-item', GROUP_BY, (link) => link.textContent],
    ['th a[data-sort]', SORT_BY, (link) => (link.querySelector('.visually-hidden') ?? link).firstChild.textContent],
    ['.bar-nav a', GO_TO, (link) => link.textContent],
    ['#sync-pill', GO_TO, () => _('Phones')],
    ['#account-menu a.menu-item', GO_TO, (link) => link.textContent],
  ];
  return kinds.flatMap(([selector, group, wordsOf]) => [...document.querySelectorAll(selector)].map((link) => ({
    group, words: wordsOf(link)?.trim() ?? '', current: link.hasAttribute('aria-current'), run: () => link.click(),
  }))).filter(({ words }) => words);
}

/** What is always left to do with a text. */
function ofText(text) {
  return [
    { group: WITH_TEXT, words: _('Filter the jobs: {text}', { text }), run: () => location.assign(`/?${new URLSearchParams({ view: 'all', q: text })}`) },
    { group: WITH_TEXT, words: _('Search everything: {text}', { text }), run: () => location.assign(`/search?${new URLSearchParams({ q: text })}`) },
  ];
}

/** What the hub found, as things to choose. */
function ofHub({ jobs, customers, workers, views }) {
  const hasRail = document.querySelector('.rail') !== null;
  return [
    ...jobs.map(({ job, href, ...more }) => ({ group: _('Jobs'), ...more, run: () => openJob(job, href) })),
    ...customers.map(({ href, ...more }) => ({ group: _('Customers'), ...more, run: () => location.assign(href) })),
    ...workers.map(({ href, ...more }) => ({ group: _('Workers'), ...more, run: () => location.assign(href) })),
    ...(hasRail ? [] : views).map(({ href, ...more }) => ({ group: SAVED_VIEWS, ...more, run: () => location.assign(href) })),
  ];
}

/** The best of the page's own for a text; without one the commands alone, in the table's order. */
function best(text) {
  const all = [...ofCommands(), ...ofLinks()];
  if (!text) return all.filter(({ group }) => ![GROUP_BY, SORT_BY, GO_TO].includes(group) || !document.getElementById('board'));
  return all.map((one) => ({ one, like: likeness(text, `${one.words} ${one.group}`) }))
    .filter(({ like }) => like > 0).sort((a, b) => b.like - a.like).map(({ one }) => one);
}

// --- the list

let choices = [];
let at = -1;
let asked = 0;
let timer = null;
let found = { text: '', list: [] };

function mark(index) {
  at = index;
  for (const option of list.querySelectorAll('[role="option"]')) {
    const chosen = Number(option.dataset.at) === at;
    option.setAttribute('aria-selected', String(chosen));
    if (chosen) {
      input.setAttribute('aria-activedescendant', option.id);
      option.scrollIntoView({ block: 'nearest' });
    }
  }
  if (at < 0) input.removeAttribute('aria-activedescendant');
}

function drawOption(choice, number) {
  const option = document.createElement('div');
  option.id = `palette-${number}`;
  option.dataset.at = number;
  option.setAttribute('role', 'option');
  option.setAttribute('aria-selected', 'false');
  const words = document.createElement('span');
  words.className = 'clip';
  words.textContent = choice.current ? _('{words} (here)', { words: choice.words }) : choice.words;
  option.append(words);
  if (choice.note) {
    const note = document.createElement('span');
    note.className = 'sub clip';
    note.textContent = choice.note;
    option.append(note);
  }
  if (choice.caps) {
    const keys = document.createElement('span');
    keys.className = 'palette-keys';
    keys.append(...choice.caps.split(' ').map((cap) => Object.assign(document.createElement('kbd'), { textContent: cap })));
    option.append(keys);
  }
  // The click ends here: what the command opens is not closed by it.
  option.addEventListener('click', (event) => { event.stopPropagation(); take(choice); });
  return option;
}

function draw(text) {
  const own = best(text);
  const hub = found.text === text ? found.list : [];
  // What carries the very words of a command comes first; a job's number before what is only like it.
  const first = text ? own.filter(({ words }) => likeness(text, words) >= 3) : own;
  const rest = own.filter((one) => !first.includes(one));
  const some = text ? [...first.slice(0, FEW), ...hub, ...first.slice(FEW), ...rest] : first;
  choices = [...some.slice(0, FOUND_MAX), ...(text ? ofText(text) : [])];
  const groups = [...new Set(choices.map(({ group }) => group))];
  choices = groups.flatMap((group) => choices.filter((one) => one.group === group));
  list.replaceChildren(...groups.map((group, number) => {
    const section = document.createElement('div');
    section.setAttribute('role', 'group');
    section.setAttribute('aria-labelledby', `palette-group-${number}`);
    const head = document.createElement('div');
    head.id = `palette-group-${number}`;
    head.className = 'palette-group';
    head.setAttribute('role', 'presentation');
    head.textContent = group;
    section.append(head, ...choices.flatMap((one, place) => (one.group === group ? [drawOption(one, place)] : [])));
    return section;
  }));
  input.setAttribute('aria-expanded', String(choices.length > 0));
  document.getElementById('palette-none').hidden = choices.length > 0;
  mark(choices.length ? 0 : -1);
  list.scrollTop = 0;
}

function tellHowMany() {
  const number = choices.length;
  document.getElementById('palette-said').textContent = several('One fits.', '{n} fit.', number);
}

async function ask() {
  const text = input.value.trim();
  if (!text) return;
  asked += 1;
  const own = asked;
  const answer = await fetch(`/search.json?${new URLSearchParams({ q: text })}`).catch(() => null);
  if (own !== asked || !answer?.ok || text !== input.value.trim()) return;
  found = { text, list: ofHub(await answer.json()) };
  const marked = choices[at];
  draw(text);
  // Whoever has walked on stays where they stand.
  const stays = choices.findIndex((one) => one.words === marked?.words && one.group === marked.group);
  if (walked && stays >= 0) mark(stays);
  tellHowMany();
}

let walked = false;

function typed() {
  clearTimeout(timer);
  walked = false;
  const text = input.value.trim();
  draw(text);
  if (text) timer = setTimeout(() => ask().catch(() => undefined), PAUSE_MS);
}

function take(choice) {
  // Closed first: the focus goes back to the row that the command is about.
  close();
  choice.run();
}

function close() {
  clearTimeout(timer);
  asked += 1;
  dialog.close();
  leaveField();
}

/** Where nothing had the focus before, none would give the keys back to the page. */
function leaveField() {
  if (dialog.contains(document.activeElement)) document.getElementById('content').focus({ preventScroll: true });
}

/** Open the list of commands. */
export function openPalette() {
  if (dialog.open) return;
  for (const menu of document.querySelectorAll('details.menu[open]')) menu.open = false;
  document.querySelector(':popover-open')?.hidePopover();
  input.value = '';
  found = { text: '', list: [] };
  walked = false;
  dialog.showModal();
  draw('');
  input.focus();
}

function step(by) {
  if (!choices.length) return;
  walked = true;
  const from = at < 0 && by < 0 ? 0 : at;
  mark((from + by + choices.length) % choices.length);
}

if (dialog) {
  offerCommands(EVERYWHERE, {
    palette: openPalette,
    keys: () => location.assign('/help#keys'),
    undo: undoLast,
    redo: redoLast,
    theme: () => document.getElementById('theme').click(),
  });
  if (!document.getElementById('board')) {
    offerCommands(BOARD, { new: () => location.assign('/?do=new'), near: () => location.assign('/?do=near') });
  }
  input.addEventListener('input', typed);
  input.addEventListener('keydown', (event) => {
    const act = {
      ArrowDown: () => step(1),
      ArrowUp: () => step(-1),
      PageDown: () => step(Math.min(FEW, choices.length - 1 - at)),
      PageUp: () => step(-Math.min(FEW, at)),
    }[event.key];
    if (!act || event.isComposing) return;
    event.preventDefault();
    act();
  });
  dialog.querySelector('form').addEventListener('submit', async (event) => {
    event.preventDefault();
    clearTimeout(timer);
    // Enter right after the last letter waits for what the hub knows of it.
    if (!walked && input.value.trim() && found.text !== input.value.trim()) await ask();
    if (dialog.open && choices[at]) take(choices[at]);
  });
  dialog.addEventListener('close', leaveField);
  dialog.addEventListener('keydown', (event) => {
    // Closed at once: the next key is the page's.
    if (event.key !== 'Escape' || event.isComposing) return;
    event.preventDefault();
    close();
  });
  dialog.addEventListener('click', (event) => { if (event.target === dialog) close(); });
  document.getElementById('palette-close').addEventListener('click', close);
  const button = document.getElementById('palette-open');
  button.hidden = false;
  button.addEventListener('click', openPalette);
  document.addEventListener('keydown', (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== 'k') return;
    event.preventDefault();
    if (dialog.open) close();
    else openPalette();
  });
}
