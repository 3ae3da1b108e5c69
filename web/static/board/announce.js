// What others change, told to a screen reader: politely, in words, and never more often than one
// can listen. What comes while one sentence still holds is gathered into the next.

import { several } from '../words.js';

const REST_MS = 6_000;
const HEARD_MS = 2_000;
const NAMED_MAX = 3;

/** How a row reads: its number, title, status and whose it is. */
function rowWords(row) {
  const text = (selector) => row.querySelector(selector)?.textContent.trim().replace(/\s+/g, ' ') ?? '';
  return `${text('.c-number .number')} ${text('.row-link')}: ${text('.c-status .status')}, ${text('.c-worker')}`;
}

/** How a screen reader is told something by a live region: `say(words)` what one's own act came to,
    at once; `sayNews(words)` what others did, once that was heard. */
export function speaker(region) {
  let saidAt = -Infinity;
  let waiting = [];
  let timer = null;

  function say(words) {
    region.textContent = words;
    saidAt = performance.now();
  }

  function tellNews() {
    const left = saidAt + HEARD_MS - performance.now();
    timer = left > 0 ? setTimeout(tellNews, left) : null;
    if (timer) return;
    say(waiting.join(' '));
    waiting = [];
  }

  function sayNews(words) {
    waiting.push(words);
    timer ??= setTimeout(tellNews);
  }

  return { say, sayNews };
}

/** A teller of changes. `say(words)` speaks; `rowOf(job)` is the row of a job, or undefined. */
export function announcer(say, rowOf) {
  let waiting = new Set();
  let timer = null;

  function tell() {
    timer = null;
    if (!waiting.size) return;
    const rows = [...waiting].map(rowOf).filter(Boolean);
    const { size } = waiting;
    waiting = new Set();
    timer = setTimeout(tell, REST_MS);
    if (size <= NAMED_MAX && rows.length === size) {
      const named = rows.map(rowWords).join('; ');
      say(several('One job changed: {jobs}.', '{n} jobs changed: {jobs}.', size, { jobs: named }));
    } else say(several('One job changed.', '{n} jobs changed.', size));
  }

  /** These jobs (ids) changed. */
  return (jobs) => {
    for (const job of jobs) waiting.add(job);
    // The first is told at once; what comes with it within a breath is told with it.
    timer ??= setTimeout(tell, 250);
  };
}
