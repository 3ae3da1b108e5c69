// How a person likes the table: which columns, how close the rows. Kept in this browser for each
// account; the columns stand in the address too, so that a file has those that are shown.

import { withParams } from './url.js';

const PLACE = 'fieldlog-table';

function kept(account) {
  try {
    return JSON.parse(localStorage.getItem(`${PLACE}-${account}`)) ?? {};
  } catch {
    return {}; // Storage is off, or holds what was not written here.
  }
}

function keep(account, changes) {
  try {
    localStorage.setItem(`${PLACE}-${account}`, JSON.stringify({ ...kept(account), ...changes }));
  } catch {
    // Then it holds for this page alone.
  }
}

/** Show the table as this person likes it; called for each bar that was drawn. */
export function arrange(board) {
  const { account } = board.dataset;
  const wish = kept(account);
  const named = new URL(location.href).searchParams.get('hide');
  // An address that names columns, such as a saved view's, is shown as it says.
  const hidden = (named ?? wish.hide ?? '').split(',').filter(Boolean);
  const density = ['s', 'm', 'l'].includes(wish.density) ? wish.density : 'm';
  show(board, hidden, density);
  const columns = document.getElementById('column-choices');
  for (const box of columns.querySelectorAll('input')) box.checked = !hidden.includes(box.value);
  columns.addEventListener('change', () => {
    const off = [...columns.querySelectorAll('input:not(:checked)')].map((box) => box.value);
    keep(account, { hide: off.join(',') });
    if (named !== null) history.replaceState(null, '', withParams({ hide: off.join(',') || null }));
    show(board, off, board.dataset.density);
  });
  const densities = document.getElementById('density-choices');
  densities.querySelector(`[value="${density}"]`).checked = true;
  densities.addEventListener('change', (event) => {
    keep(account, { density: event.target.value });
    show(board, board.dataset.hide.split(' '), event.target.value);
  });
}

function show(board, hidden, density) {
  board.dataset.hide = hidden.join(' ');
  board.dataset.density = density;
  const link = document.getElementById('csv-shown');
  link.href = withParams({ hide: hidden.join(',') || null }, link.href);
}
