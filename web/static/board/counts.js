// The board's numbers: how many jobs each standard view holds, and the question that is shown.

import { paced } from './paced.js';
import { filterQuery } from './url.js';

// The same number written once more would have the page laid out anew.
function showNumber(element, number) {
  if (element.textContent !== String(number)) element.textContent = number;
}

// Counted over all jobs, as the inbox is worked out: no row waits for it.
const followTotal = paced(async () => {
  const query = filterQuery();
  const answer = await fetch(`/board/total.json?${query}`);
  if (!answer.ok) throw new Error(`/board/total.json answered ${answer.status}`);
  const { total } = await answer.json();
  if (query === filterQuery()) showNumber(document.getElementById('total'), total);
});

/** Show what each standard view holds, and the question; null says that it is to be asked for. */
export function showCounts(counts, total) {
  if (total === null) followTotal();
  else showNumber(document.getElementById('total'), total);
  for (const link of document.querySelectorAll('.rail [data-view]')) {
    const count = link.querySelector('.count');
    const number = counts[link.dataset.view];
    showNumber(count, number);
    if (number && link.dataset.tone) count.dataset.tone = link.dataset.tone;
    else if (!number) delete count.dataset.tone;
  }
}
