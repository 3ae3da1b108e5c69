// Many jobs on little room: how many there are of each status, the small ring that shows it, and
// for a map that can't do it itself which pins stand so near that one sign has to stand for them.

import { _, several } from '../words.js';
import { colour, signCanvas, STATUS_TOKEN } from './pins.js';

export const CLUSTER_PX = 38;
export const CLUSTER_ZOOM_MAX = 14;
export const STATUSES = ['open', 'in progress', 'done', 'rejected', 'cancelled'];
// English has one form of each; other languages change the word with the number.
const COUNTED = {
  open: (n) => several('{n} open', '{n} open', n),
  'in progress': (n) => several('{n} in progress', '{n} in progress', n),
  done: (n) => several('{n} done', '{n} done', n),
  rejected: (n) => several('{n} rejected', '{n} rejected', n),
  cancelled: (n) => several('{n} cancelled', '{n} cancelled', n),
};

const SIDE_PX = 56;
// A quarter and a third of a ring are told apart; a hundredth is not.
const PARTS = 12;

/** Counts by status, and how many are late or in conflict (`bad`) or at risk. */
export function countsOf(jobs) {
  const counts = { total: jobs.length, bad: 0, risk: 0, statuses: Object.fromEntries(STATUSES.map((s) => [s, 0])) };
  for (const job of jobs) {
    if (job.status in counts.statuses) counts.statuses[job.status] += 1;
    if (job.alert === 'at risk') counts.risk += 1;
    else if (job.alert) counts.bad += 1;
  }
  return counts;
}

/** `4 jobs: 3 open, 1 done; 1 late or in conflict`. */
export function countsWords({ total, bad, risk, statuses }) {
  const parts = STATUSES.filter((status) => statuses[status]).map((status) => COUNTED[status](statuses[status]));
  const wrong = [
    bad && several('{n} late or in conflict', '{n} late or in conflict', bad),
    risk && several('{n} at risk', '{n} at risk', risk),
  ].filter(Boolean);
  const jobs = several('{n} job', '{n} jobs', total);
  return [_('{jobs}: {statuses}', { jobs, statuses: parts.join(', ') }), ...wrong].join('; ');
}

/** The shares of a ring in parts of twelve, none that is there at nought. */
export function sharesOf({ total, statuses }) {
  return STATUSES.map((status) => (statuses[status] ? Math.max(1, Math.round((PARTS * statuses[status]) / total)) : 0));
}

/** The radius of a cluster's ring, in pixels: larger for more. */
export function ringRadius(total) {
  if (total < 10) return 13;
  return total < 100 ? 16 : 20;
}

/** A ring of shares by status as a canvas; round it what is wrong inside; `words` in the middle. */
export function clusterRing({ shares, bad, risk, radius, words = '' }, ratio = 2) {
  const [made, pen] = signCanvas(SIDE_PX, ratio);
  const sum = shares.reduce((all, share) => all + share, 0) || 1;
  pen.beginPath();
  pen.arc(0, 0, radius + 2.5, 0, 2 * Math.PI);
  pen.fillStyle = colour('--surface');
  pen.fill();
  let from = -Math.PI / 2;
  const gap = shares.filter(Boolean).length > 1 ? 0.1 : 0;
  shares.forEach((share, index) => {
    if (!share) return;
    const to = from + (2 * Math.PI * share) / sum;
    pen.beginPath();
    pen.arc(0, 0, radius, from + gap / 2, to - gap / 2);
    pen.strokeStyle = colour(STATUS_TOKEN[STATUSES[index]]);
    pen.lineWidth = 4;
    pen.stroke();
    from = to;
  });
  if (bad || risk) {
    pen.beginPath();
    if (!bad) pen.setLineDash([3.2, 2.6]);
    pen.arc(0, 0, radius + 5, 0, 2 * Math.PI);
    pen.strokeStyle = colour(bad ? '--bad' : '--risk-line');
    pen.lineWidth = 2.2;
    pen.stroke();
    pen.setLineDash([]);
  }
  if (words) {
    const lines = words.split('\n');
    pen.fillStyle = colour('--ink');
    pen.textAlign = 'center';
    pen.textBaseline = 'middle';
    lines.forEach((line, index) => {
      pen.font = `600 ${index ? 9 : 11}px ${getComputedStyle(document.body).fontFamily}`;
      pen.fillText(line, 0, (index - (lines.length - 1) / 2) * 10);
    });
  }
  return made;
}

/** What stands in the middle of a ring: `23`, and below it `!4` where four of them are late. */
export function middleWords({ total, bad }) {
  const count = total < 1000 ? String(total) : `${Math.round(total / 100) / 10}k`;
  return bad ? `${count}\n!${bad}` : count;
}

/** Groups of items whose `point` (pixels) are less than a ring apart; the order decides ties. */
export function grouped(items) {
  const cells = new Map();
  const groups = [];
  for (const item of items) {
    const { x, y } = item.point;
    const column = Math.floor(x / CLUSTER_PX);
    const row = Math.floor(y / CLUSTER_PX);
    let found = null;
    for (let r = row - 1; r <= row + 1 && !found; r += 1) {
      for (let c = column - 1; c <= column + 1 && !found; c += 1) {
        found = (cells.get(`${c}|${r}`) ?? []).find((group) => Math.hypot(group.x - x, group.y - y) < CLUSTER_PX) ?? null;
      }
    }
    if (found) found.items.push(item);
    else {
      const group = { x, y, items: [item] };
      groups.push(group);
      const key = `${column}|${row}`;
      if (!cells.has(key)) cells.set(key, []);
      cells.get(key).push(group);
    }
  }
  return groups;
}
