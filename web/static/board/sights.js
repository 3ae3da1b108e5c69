// Where the jobs are seen: one or two of planner, table, inbox and map, as the address names them.
// The same as `read_layout` of the hub.

/** Whether there is room for two. */
export const BESIDE = matchMedia('(width >= 64rem)');

const SIGHTS = ['planner', 'table', 'inbox', 'map'];

/** A layout as the board names it, of an address's `show`: `planner,map`; `both` is table and map. */
export function readLayout(text) {
  const asked = (text ?? 'both').split(',');
  const found = SIGHTS.filter((sight) => asked.includes(sight));
  const usual = found.join() === 'table,map' || found.length < 1 || found.length > 2;
  return usual ? 'both' : found.join();
}

/** The sights of a layout. */
export function sightsOf(layout) {
  return layout === 'both' ? ['table', 'map'] : layout.split(',');
}

/** Whether the board shows a sight. */
export function shows(board, sight) {
  return board.dataset.sights.split(' ').includes(sight);
}

/** Have the board show a layout, and its links say so: on a narrow screen that its first sight is. */
export function showLayout(board, layout) {
  const all = sightsOf(layout);
  board.dataset.show = layout;
  board.dataset.sights = all.join(' ');
  const sights = BESIDE.matches ? all : all.slice(0, 1);
  for (const link of board.querySelectorAll('[data-layout]')) {
    const own = sightsOf(link.dataset.layout);
    const current = own.length === 1 ? sights.includes(own[0]) : link.dataset.layout === layout;
    if (current) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
  }
}

/** The layout with the map beside what is shown first. */
export function withMap(layout) {
  const [first] = sightsOf(layout);
  return first === 'map' ? layout : readLayout(`${first},map`);
}
