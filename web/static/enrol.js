// Watches over an enrolment: asks the hub whether the phone has joined, and counts the time down by
// the hub's clock, not this computer's.

import './office.js';
import { _ } from './words.js';

const pane = document.getElementById('enrol');
const left = document.getElementById('enrol-left');
const until = performance.now() + Number(pane.dataset.until) - Number(pane.dataset.now);

function showState(name) {
  for (const each of pane.querySelectorAll('[data-when]')) each.hidden = each.dataset.when !== name;
}

async function joined() {
  const answer = await fetch(pane.dataset.state, { headers: { Accept: 'application/json' } });
  return answer.ok && (await answer.json()).joined;
}

async function watch() {
  let isJoined = false;
  try {
    isJoined = await joined();
  } catch {
    // The hub is out of reach for a moment; the next question tells.
  }
  const remaining = until - performance.now();
  if (isJoined) {
    showState('joined');
  } else if (remaining <= 0) {
    showState('over');
  } else {
    setTimeout(watch, 1500);
  }
}

function countDown() {
  const seconds = Math.max(0, Math.ceil((until - performance.now()) / 1000));
  const rest = String(seconds % 60).padStart(2, '0');
  left.textContent = _('The code is good for one phone; it is over in {time}.', { time: `${Math.floor(seconds / 60)}:${rest}` });
  if (seconds > 0) setTimeout(countDown, 1000);
}

countDown();
watch();
