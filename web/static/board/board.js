// The board's page: brings table, pane, map, keys and the live feed together over one URL.

import { toast, isTyping } from '../frame.js';
import { openJobsBy, offerCommands } from '../palette.js';
import { _, several } from '../words.js';
import { boardActs } from './acts.js';
import { announcer, speaker } from './announce.js';
import { arrange } from './arrange.js';
import { Cells } from './cells.js';
import { showCounts } from './counts.js';
import { listHad, takeFilterBar, wireFilterBar } from './filter.js';
import { Inbox } from './inbox.js';
import { Live } from './live.js';
import { paced } from './paced.js';
import { Pane } from './pane.js';
import { Planner } from './planner.js';
import { ASKED_MAX, Rows } from './rows.js';
import { filterQuery, paneAddress, params, sameFilter, selectedJob, withParams } from './url.js';
import { wireKeys } from './keys.js';
import { Picks } from './picks.js';
import { BESIDE, readLayout, showLayout, shows, withMap as layoutWithMap } from './sights.js';
import { wireSplit } from './split.js';
import { Rail } from './views.js';
import { Windows } from './windows.js';

const TICK_MS = 60_000;
const GATHER_MS = 10;
const AGAIN_MS = 20;
const BESIDE_MS = 300;
const FAILED_MS = 5_000;
const OFFICE_KIND = '01';
const JOB_KIND = '04';
const DAY_KIND = '05';

const board = document.getElementById('board');

const { say, sayNews } = speaker(document.getElementById('said'));

const rows = new Rows(board, {
  counts: showCounts,
  said: say,
  changed: announcer(sayNews, (job) => rows.rowByJob.get(job)),
  drawn: (row) => picks?.mark(row),
});
const cells = new Cells(rows, { said: say, form: (job, what) => actOn(job, what) });
let picks = null;
picks = new Picks(rows, {
  said: say,
  query: filterQuery,
  total: () => Number(document.getElementById('total').textContent),
  done: (jobs) => rows.refresh(jobs).catch(() => undefined),
});

const planner = new Planner(board, {
  said: say,
  sent: (job) => rows.refresh([job]).catch(() => undefined),
  pinUnder: (event) => map?.pinUnder(event) ?? null,
});

// --- map: loaded apart, because it is large and the table must not wait for it

let map = null;
let mapReady = null;
// What of the pane the map shows, also where it is begun later.
let showing = () => undefined;

/** A hidden map would only cost: it is begun when it is first to be seen. */
function wireMap() {
  const place = document.getElementById('map');
  const seen = new ResizeObserver(() => {
    if (!place.offsetWidth) return;
    seen.disconnect();
    mapReady ??= beginMap();
  });
  seen.observe(place);
}

function beginMap() {
  const started = import('./map.js').then(({ startMap }) => startMap(document.getElementById('map'), {
    board,
    select: (job) => select(job),
    nearest: (at) => go(paneAddress({ doing: 'near', at }), { focus: true }),
    create: board.dataset.mayWrite === '1' ? (at) => go(paneAddress({ doing: 'new', at })) : null,
    watch: (seen) => live.watchPositions(seen),
  }));
  started.then((ready) => {
    map = ready;
    showing(ready);
  }, (error) => {
    console.warn(error);
    document.getElementById('map-words').textContent = _('The map could not be loaded; the table has everything.');
    mapReady = null;
    stopWaitingToPick();
  });
  return started;
}

// Who waits to pick a position on a map that is not there yet.
let waitsToPick = null;

function pick(done) {
  showLayoutWithMap();
  mapReady ??= beginMap();
  if (map) {
    map.pick(done);
    return;
  }
  // On a narrow screen this shows it, while it loads.
  document.getElementById('map').classList.add('picking');
  waitsToPick = done;
  withMap((ready) => { if (waitsToPick === done) ready.pick(done); });
}

/** Wait no more; false where nobody does. */
function stopWaitingToPick() {
  const waited = map === null && waitsToPick;
  waitsToPick = null;
  if (!waited) return false;
  document.getElementById('map').classList.remove('picking');
  waited(null);
  return true;
}

/** Do something with the map when it is there; one that could not be loaded is left out. */
function withMap(run) {
  mapReady?.then(run, () => undefined);
}

// --- pane

const pane = new Pane(board, document.getElementById('pane'), {
  go: (url) => go(url, { draw: false }),
  visit: (url) => go(url),
  closed: () => { map?.mark(null); },
  drawn: () => { if (!stopWaitingToPick()) map?.pick(null); },
  pick,
  show: (point, job) => {
    showing = (ready) => (job ? ready.select(job, point) : ready.mark(point || null));
    if (map) showing(map);
  },
  sent: () => rows.refresh(selectedJob() ? [selectedJob()] : []).catch(() => undefined),
});

// --- inbox

const inbox = new Inbox(board, document.getElementById('inbox'), {
  open: (job, options) => go(paneAddress({ job }), options),
  act: (action) => pane.open(action),
  show: () => setLayout('inbox'),
  said: say,
  news: sayNews,
  jobs: (jobs) => {
    rows.refresh(jobs).catch(() => undefined);
    if (jobs.includes(selectedJob())) pane.freshen();
  },
});

function showLayoutWithMap() {
  if (!shows(board, 'map')) setLayout(layoutWithMap(board.dataset.show));
}

// --- going about: the URL first, then what it means

/** Go to an address of the board: another question, or another selection of the same. */
async function go(url, { push = true, draw = true, focus = false } = {}) {
  const same = sameFilter(url, location.href);
  if (push && url !== location.pathname + location.search) history.pushState(null, '', url);
  if (!same || !push) await ask();
  const show = readLayout(params().get('show'));
  if (show !== board.dataset.show) setLayout(show, { push: false });
  rows.select(selectedJob());
  planner.select(selectedJob());
  inbox.select(selectedJob());
  relinkLayouts();
  if (draw) await pane.load({ focus });
  if (!selectedJob() && !params().get('do')) map?.select('');
  windows.moved();
}

let question = filterQuery();
let asking = Promise.resolve();

/** Ask the question of the URL anew, and draw its answer into the page. */
function ask({ always = false } = {}) {
  if (!always && question === filterQuery()) return asking;
  question = filterQuery();
  asking = answered(question);
  return asking;
}

async function answered(own) {
  let answer = null;
  try {
    answer = await fetch(location.href, {
      headers: { Accept: 'text/html', 'X-Board-Part': '1', 'X-Board-List': listHad() },
    });
  } catch {
    toast(_('The hub does not answer; the table shows what it showed.'));
    return;
  }
  if (own !== filterQuery()) return;
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const fresh = page.getElementById('board');
  if (!fresh) {
    location.reload();
    return;
  }
  const group = document.activeElement?.closest('tr.group-row')?.dataset.group;
  const menu = [...board.querySelectorAll('.filters details')].findIndex((one) => one.open);
  const chosen = document.activeElement?.closest('.filters details input')?.value;
  for (const place of ['.rail', '.toolbar', '.sheet', '.planner']) {
    board.querySelector(place).replaceWith(fresh.querySelector(place));
  }
  board.dataset.directions = fresh.dataset.directions;
  drawnLayout = fresh.dataset.show;
  document.title = page.title;
  rows.adopt();
  cells.adopt();
  picks.adopt();
  arrange(board);
  takeFilterBar(fresh.querySelector('.filters'), filterParts);
  planner.adopt();
  rail.adopt();
  showLayout(board, board.dataset.show);
  showOthers();
  showLive(lostSince);
  if (menu >= 0) {
    // Several are chosen one after the other.
    const open = board.querySelectorAll('.filters details')[menu];
    open.open = true;
    [...open.querySelectorAll('input')].find((input) => input.value === chosen)?.focus();
  }
  if (group) board.querySelector(`tr.group-row[data-group="${CSS.escape(group)}"] a`)?.focus();
  say(several('{n} job.', '{n} jobs.', Number(document.getElementById('total').textContent)));
  map?.load();
}

function select(job, { focus = false } = {}) {
  if (job === selectedJob() && !params().get('do')) return;
  go(paneAddress({ job }), { focus });
  rows.reveal(job);
}

function closePane() {
  const job = selectedJob();
  const row = rows.rowByJob.get(job);
  go(paneAddress());
  if (inbox.isShown && !shows(board, 'table') && !shows(board, 'planner')) inbox.focus();
  else if (!planner.focus(job)) rows.focus(row ?? rows.current);
}

function setLayout(show, { push = true } = {}) {
  showLayout(board, show);
  if (push) history.pushState(null, '', withParams({ show: shownAs(show) }));
  if (inbox.isShown) inbox.shown().catch(() => undefined);
  planner.shown();
  map?.resize();
}

/** A layout as addresses have it: the usual one is left out. */
function shownAs(layout) {
  return layout === 'both' ? null : layout;
}

function relinkLayouts() {
  for (const link of board.querySelectorAll('[data-layout], [data-window]')) {
    link.href = withParams({ show: shownAs(link.dataset.layout ?? link.dataset.window) });
  }
}

// Links of the page were drawn while this was shown; by now another layout may be.
let drawnLayout = board.dataset.show;

/** An address with the sights that are shown now, where it asks for none of its own. */
function keepLayout(href, link = null) {
  const own = readLayout(params(href).get('show'));
  if (own !== drawnLayout && !link?.closest('.detail')) return href;
  // Who chooses a view in the inbox wants to see its jobs.
  if (board.dataset.show === 'inbox' && link?.dataset.view) return withParams({ show: null }, href);
  return withParams({ show: shownAs(board.dataset.show) }, href);
}

addEventListener('popstate', () => go(location.pathname + location.search, { push: false }));

board.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey) return;
  const link = event.target.closest('a');
  if (link && !board.contains(link)) return;
  if (event.target.closest('.c-pick, .bulk')) {
    if (!link) return;
  } else if (event.shiftKey && event.target.closest('tr.job')) {
    event.preventDefault();
    getSelection().removeAllRanges();
    picks.range(event.target.closest('tr.job'));
    return;
  }
  if (link) {
    const elsewhere = link.origin !== location.origin || link.pathname !== '/';
    if (elsewhere || link.target || link.hasAttribute('download')) return;
    if (event.shiftKey && !link.dataset.sort) return;
    event.preventDefault();
    if (link.hasAttribute('data-close')) closePane();
    else if (link.dataset.layout) chooseLayout(link);
    else if (link.dataset.sort) sortBy(link.dataset.sort, event.shiftKey);
    else if (link.closest('.outcome')) select(params(link.href).get('job'));
    else if (link.closest('tr.job, .plan-job')) select(link.closest('[data-job]').dataset.job);
    else if (link.closest('.detail') || link.dataset.do) go(keepLayout(link.pathname + link.search, link), { focus: true });
    else if (link.dataset.saved || link.closest('.plan-tray')) go(keepPane(link.href));
    else go(keepPane(keepLayout(link.href, link)));
    if (link.closest('.rail:popover-open')) rail.element.hidePopover();
    return;
  }
  if (event.target.closest('[data-open="keys"]')) document.getElementById('keys').togglePopover();
  const row = event.target.closest('tr.job');
  if (row && !getSelection().toString()) {
    rows.focus(row);
    select(row.dataset.job);
  }
});

/** An address of another question with the selection of this one. */
function keepPane(href) {
  const doing = params().get('do');
  return withParams({ job: selectedJob() || null, do: selectedJob() ? doing : null }, href);
}

/** Show what a link of the toolbar names, and put its menu away. */
function chooseLayout(link) {
  setLayout(link.dataset.layout);
  link.closest('details')?.removeAttribute('open');
}

let sorting = Promise.resolve();

/** Sort by a column, alone or as a further one. What a click means is read off the heads, so a
    click waits until they show what the click before it asked for. */
function sortBy(column, further) {
  sorting = sorting.then(async () => {
    await asking;
    const { href } = board.querySelector(`[data-sort="${column}"]`);
    await go(keepPane(further ? addedSort(column) : href));
  }).catch((error) => console.warn(error));
}

/** The address that sorts by a further column, as the server's `sorted_by(added=True)`. */
function addedSort(column) {
  const heads = [...board.querySelectorAll('[data-sort]')].map((link) => ({
    id: link.dataset.sort,
    sort: link.closest('th').getAttribute('aria-sort'),
    place: Number(link.querySelector('.order')?.textContent ?? 1),
  }));
  const now = heads.filter((head) => head.sort !== 'none').sort((a, b) => a.place - b.place);
  const known = now.find((head) => head.id === column);
  const down = known ? known.sort !== 'descending' : ['alert', 'delay', 'updated'].includes(column);
  const kept = now.filter((head) => head.id !== column).slice(0, 2)
    .map((head) => (head.sort === 'descending' ? `-${head.id}` : head.id));
  return withParams({ sort: [...kept, down ? `-${column}` : column].join(',') });
}

// --- filters

const filterParts = {
  // A filter keeps the open job, as a sort does.
  show: (url) => go(keepPane(keepLayout(url)), { draw: false }),
  query: filterQuery,
  leave: () => rows.focus(rows.current),
};

// --- the rail of views, and other windows of the same person

const rail = new Rail(board, { go: (url) => go(keepPane(url)) });

let others = 0;

/** The choice to go with other windows, where there is one. */
function showOthers() {
  const choice = document.getElementById('follow');
  choice.hidden = others === 0 && !windows.follows;
  choice.querySelector('input').checked = windows.follows;
}

const windows = new Windows(board.dataset.account, {
  here: () => {
    const query = new URLSearchParams(filterQuery());
    if (selectedJob()) query.set('job', selectedJob());
    return query.toString();
  },
  arrive: (query) => arrive(query).catch((error) => console.warn(error)),
  others: (count) => {
    others = count;
    // The first word may come before there is a window to ask.
    queueMicrotask(showOthers);
  },
});

/** Show what another window shows, in the sights that are shown here. */
async function arrive(query) {
  // A form that is being filled in is not thrown away, nor what is being carried dropped.
  if (pane.form || planner.carry.isCarrying) return;
  const show = shownAs(board.dataset.show);
  history.replaceState(null, '', withParams({ show }, query ? `/?${query}` : '/'));
  await go(location.pathname + location.search, { push: false });
  rows.reveal(selectedJob());
}

board.addEventListener('click', (event) => {
  const link = event.target.closest('[data-window]');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (windows.open(link.getAttribute('href'))) event.preventDefault();
  link.closest('details').open = false;
});
board.addEventListener('change', (event) => {
  if (event.target.closest('#follow')) windows.follow(event.target.checked);
});

// --- live

let lostSince = null;

function showLive(since) {
  if (since === null && lostSince !== null) toast(_('Connected again: what changed meanwhile is shown.'), { seconds: 5 });
  lostSince = since;
  if (since === null && document.getElementById('map').offsetWidth) mapReady ??= beginMap();
  const pill = document.getElementById('live');
  pill.hidden = since === null;
  pill.dataset.tone = since === null ? 'good' : 'bad';
  if (since !== null) {
    const clock = since.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
    pill.textContent = _('No connection since {clock}', { clock });
    pill.title = _('The page shows what it knew then, and connects again by itself.');
  }
}

let changed = new Set();
let gathering = null;

// What comes while one answer is on its way waits for the next: a storm of changes from phones
// costs each page one question at a time.
function gather(ids) {
  for (const id of ids) changed.add(id);
  gathering ??= setTimeout(take, GATHER_MS);
}

async function take() {
  // What is more than the hub gives at once is asked for next.
  const all = [...changed];
  const ids = all.slice(0, ASKED_MAX);
  changed = new Set(all.slice(ASKED_MAX));
  const jobs = ids.filter(isJob);
  const pause = await rows.refresh(jobs, { near: hasOthers(ids) }).then(() => {
    followBeside(ids);
    return AGAIN_MS;
  }, () => {
    for (const id of ids) changed.add(id); // Not lost: asked for again.
    return FAILED_MS;
  });
  gathering = changed.size ? setTimeout(take, pause) : null;
}

const isJob = (id) => id.slice(8, 10) === JOB_KIND;
const isDay = (id) => id.slice(8, 10) === DAY_KIND;
const isOffice = (id) => id.slice(8, 10) === OFFICE_KIND;
const hasOthers = (ids) => ids.some((id) => !isJob(id) && !isDay(id));

const followInbox = paced(() => inbox.freshen());

// What stands beside the rows follows at its own pace: the rows wait for none of it.
let beside = new Set();
let following = null;

function followBeside(ids) {
  for (const id of ids) beside.add(id);
  following ??= follow();
}

async function follow() {
  let pause = BESIDE_MS;
  const ids = [...beside];
  beside = new Set();
  const jobs = ids.filter(isJob);
  const others = hasOthers(ids);
  try {
    planner.freshen();
    if (jobs.includes(selectedJob()) || others || ids.some(isDay)) await pane.freshen();
    if (jobs.length || others) await map?.patch(jobs, others);
    followInbox();
    rail.freshen({ views: ids.some(isOffice) });
  } catch {
    for (const id of ids) beside.add(id);
    pause = FAILED_MS;
  }
  await new Promise((done) => { setTimeout(done, pause); });
  following = beside.size ? follow() : null;
}

const live = new Live(board.dataset.heard, {
  streams: gather,
  positions: (frame) => map?.move(frame),
  reload: () => {
    map?.workers.forget();
    ask({ always: true });
    planner.freshen();
    pane.freshen();
    inbox.freshen().catch(() => undefined);
    rail.freshen({ views: true });
  },
  state: showLive,
});

// --- the clock: what becomes late without anybody writing

function shortAgo(ms) {
  if (ms < 60_000) return _('now');
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h`;
  return `${Math.floor(ms / 86_400_000)} d`;
}

function tick() {
  if (document.hidden) return;
  rows.refresh([], { near: true, alerts: true, quiet: true }).catch(() => undefined);
  planner.freshen();
  map?.age();
  inbox.freshen().catch(() => undefined);
  rail.freshen();
}

setInterval(tick, TICK_MS);
setInterval(() => {
  for (const time of document.querySelectorAll('time[data-short]')) {
    const words = shortAgo(Date.now() - Date.parse(time.dateTime));
    if (time.textContent !== words) time.textContent = words;
  }
}, 20_000);

// --- keys

const { acts, actOn } = boardActs({
  board,
  rows,
  cells,
  pane,
  picks,
  planner,
  inbox,
  go,
  setLayout,
  onMap: () => { showLayoutWithMap(); withMap((ready) => ready.centre()); },
});

function showKeys() {
  document.getElementById('keys').togglePopover();
}

// --- begin

showLayout(board, board.dataset.show);
BESIDE.addEventListener('change', () => showLayout(board, board.dataset.show));
arrange(board);
wireFilterBar(filterParts);
wireMap();
wireSplit(board, document.getElementById('split'), () => map?.resize());

wireKeys({
  rows,
  cells,
  pane,
  picks,
  stopPick: () => planner.leave() || stopWaitingToPick() || (map?.stopPick() ?? false),
  isTyping,
  closePane,
  open: (row) => select(row.dataset.job, { focus: true }),
  keys: showKeys,
}, acts);
offerCommands('Everywhere', { keys: showKeys });
openJobsBy((job) => select(job, { focus: true }));
board.dataset.ready = '1';
export { live };
