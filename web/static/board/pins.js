// What stands on the map, drawn once and kept: job pins (shape by priority, colour by status, ring
// by trouble) and workers (arrow when moving, hollow when the position is old). Colours are the
// page's own tokens, so that a pin and a chip of one status are one colour.

import { _ } from '../words.js';

export const PIN_PX = 30;

export const STATUS_TOKEN = {
  open: '--open',
  'in progress': '--progress',
  done: '--done',
  rejected: '--rejected',
  cancelled: '--line-strong',
};
const ALERT_TOKEN = { delayed: '--bad', 'at risk': '--risk-line', conflict: '--bad' };
const WORDS = {
  open: _('open'),
  'in progress': _('in progress'),
  done: _('done'),
  rejected: _('rejected'),
  cancelled: _('cancelled'),
  delayed: _('delayed'),
  'at risk': _('at risk'),
  conflict: _('conflict'),
};

/** What people read for a status or for what is wrong. */
export function codeWords(code) {
  return WORDS[code] ?? code;
}

/** The value of a colour token as the browser computes it now, light or dark. */
export function colour(token) {
  const probe = document.createElement('span');
  probe.style.color = `var(${token})`;
  document.getElementById('map').append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** A square canvas with its pen in the middle. */
export function signCanvas(px, ratio) {
  const made = document.createElement('canvas');
  made.width = px * ratio;
  made.height = px * ratio;
  const pen = made.getContext('2d');
  pen.scale(ratio, ratio);
  pen.translate(px / 2, px / 2);
  return [made, pen];
}

// Urgent is a triangle, high a diamond, low a small dot, an ordinary job a circle.
function shape(pen, priority, radius) {
  pen.beginPath();
  if (priority >= 3) {
    const r = radius * 1.28;
    pen.moveTo(0, -r);
    pen.lineTo(r * 0.92, r * 0.62);
    pen.lineTo(-r * 0.92, r * 0.62);
  } else if (priority === 2) {
    const r = radius * 1.2;
    pen.moveTo(0, -r);
    pen.lineTo(r, 0);
    pen.lineTo(0, r);
    pen.lineTo(-r, 0);
  } else pen.arc(0, 0, priority === 0 ? radius * 0.72 : radius, 0, 2 * Math.PI);
  pen.closePath();
}

/** A job's pin as a canvas. */
export function jobPin({ status, priority, alert }, ratio = 2) {
  const [made, pen] = signCanvas(PIN_PX, ratio);
  const hue = colour(STATUS_TOKEN[status] ?? '--open');
  const ground = colour('--surface');
  pen.lineJoin = 'round';
  if (alert) {
    pen.strokeStyle = colour(ALERT_TOKEN[alert]);
    pen.lineWidth = 2.5;
    if (alert === 'at risk') pen.setLineDash([3.2, 2.6]);
    pen.beginPath();
    pen.arc(0, 0, 12.5, 0, 2 * Math.PI);
    pen.stroke();
    pen.setLineDash([]);
  }
  shape(pen, priority, 7.6);
  pen.fillStyle = ground;
  pen.strokeStyle = ground;
  pen.lineWidth = 4;
  pen.stroke();
  pen.fill();
  shape(pen, priority, 7);
  const hollow = status === 'open' || status === 'cancelled';
  pen.fillStyle = hollow ? ground : hue;
  pen.fill();
  pen.strokeStyle = hue;
  pen.lineWidth = hollow ? 2.6 : 1.5;
  if (status === 'cancelled') pen.setLineDash([2, 2]);
  pen.stroke();
  pen.setLineDash([]);
  mark(pen, status, hollow ? hue : ground, hue);
  return made;
}

// A sign in the pin, so that the status needs no colour.
function mark(pen, status, ink) {
  pen.strokeStyle = ink;
  pen.fillStyle = ink;
  pen.lineWidth = 1.8;
  pen.lineCap = 'round';
  pen.beginPath();
  if (status === 'done') {
    pen.moveTo(-3, 0.3);
    pen.lineTo(-0.8, 2.4);
    pen.lineTo(3, -2);
    pen.stroke();
  } else if (status === 'rejected') {
    pen.moveTo(-2.4, -2.4);
    pen.lineTo(2.4, 2.4);
    pen.moveTo(2.4, -2.4);
    pen.lineTo(-2.4, 2.4);
    pen.stroke();
  } else if (status === 'in progress') {
    pen.moveTo(-1.8, -2.8);
    pen.lineTo(3, 0);
    pen.lineTo(-1.8, 2.8);
    pen.fill();
  }
}

/** The ring round what is selected. */
export function selectedRing(ratio = 2) {
  const [made, pen] = signCanvas(44, ratio);
  pen.beginPath();
  pen.arc(0, 0, 18, 0, 2 * Math.PI);
  pen.fillStyle = colour('--accent');
  pen.globalAlpha = 0.2;
  pen.fill();
  pen.globalAlpha = 1;
  pen.strokeStyle = colour('--accent');
  pen.lineWidth = 2.5;
  pen.stroke();
  return made;
}

/** The ring round each job of a selection: thinner than that of the one in the pane, and dashed. */
export function pickedRing(ratio = 2) {
  const [made, pen] = signCanvas(44, ratio);
  pen.beginPath();
  pen.arc(0, 0, 16, 0, 2 * Math.PI);
  pen.strokeStyle = colour('--accent');
  pen.lineWidth = 2.5;
  pen.setLineDash([5, 3]);
  pen.stroke();
  return made;
}

/** A stop of a worker's day: its place in the order, red where it is reached too late. */
export function stopMark({ number, late }, ratio = 2) {
  const [made, pen] = signCanvas(PIN_PX, ratio);
  // Beside the pin, which stays to be seen.
  pen.translate(7, -7);
  pen.beginPath();
  pen.arc(0, 0, 7.5, 0, 2 * Math.PI);
  pen.fillStyle = colour(late ? '--bad' : '--accent-strong');
  pen.fill();
  pen.strokeStyle = colour('--surface');
  pen.lineWidth = 1.5;
  pen.stroke();
  pen.fillStyle = colour('--surface');
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  pen.font = `700 9px ${getComputedStyle(document.body).fontFamily}`;
  pen.fillText(late ? `${number}!` : number, 0, 0.5);
  return made;
}

/** A worker: an arrow when moving, turned by `heading` degrees, else a square; hollow when not fresh. */
export function workerMark({ moving, fresh, heading = 0 }, ratio = 2) {
  const [made, pen] = signCanvas(PIN_PX, ratio);
  if (moving) pen.rotate((heading * Math.PI) / 180);
  const hue = fresh === 'old' ? colour('--ink-faint') : colour('--accent');
  const ground = colour('--surface');
  const hollow = fresh === 'stale' || fresh === 'old';
  const draw = () => {
    pen.beginPath();
    if (moving) {
      pen.moveTo(0, -9.5);
      pen.lineTo(7, 8);
      pen.lineTo(0, 4.4);
      pen.lineTo(-7, 8);
    } else pen.roundRect(-6, -6, 12, 12, 3.5);
    pen.closePath();
  };
  pen.lineJoin = 'round';
  draw();
  pen.strokeStyle = ground;
  pen.lineWidth = 5;
  pen.stroke();
  pen.fillStyle = hollow ? ground : hue;
  pen.fill();
  pen.strokeStyle = hue;
  pen.lineWidth = 2.2;
  if (fresh === 'old') pen.setLineDash([2.5, 2]);
  pen.stroke();
  return made;
}

/** A worker among hundreds in sight. */
export function workerDot(ratio = 2) {
  const [made, pen] = signCanvas(PIN_PX, ratio);
  pen.arc(0, 0, 5, 0, 2 * Math.PI);
  pen.fillStyle = colour('--accent');
  pen.fill();
  return made;
}

/** How old a position is, in the fewest letters. */
export function ageWords(seen, now = Date.now()) {
  const gone = now - seen;
  if (gone < 60_000) return _('now');
  if (gone < 3_600_000) return _('{n} min', { n: Math.floor(gone / 60_000) });
  if (gone < 86_400_000) return _('{n} h', { n: Math.floor(gone / 3_600_000) });
  return _('{n} d', { n: Math.floor(gone / 86_400_000) });
}

/** How far a position can be believed by its age, as the hub says it. */
export function freshness(seen, now = Date.now()) {
  const gone = now - seen;
  if (gone <= 60_000) return 'live';
  if (gone <= 300_000) return 'recent';
  return gone <= 1_800_000 ? 'stale' : 'old';
}
