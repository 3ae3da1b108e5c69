// The job's form in the pane: customers and addresses while one types, places that fill the rest,
// a position picked on the map, Ctrl+Enter. Everything also works as a plain form.

import { _ } from '../words.js';
import { suggest } from './suggest.js';

const WORDS_WHEN_NOT_FOUND = {
  true: _('Not found; pick it on the map.'),
  false: _('No map region is loaded; type a position or pick it on the map.'),
};

/** What a found address is and how exact it is, in words. */
function told({ kind, accuracy, kind_words: kindWords = kind, accuracy_words: accuracyWords = accuracy }) {
  return { kind: kindWords, accuracy: accuracyWords };
}

/** What stands under a found address: whose it is, its kind, how exact it is; each word once. */
function about(found) {
  const { kind, accuracy } = told(found);
  return [...new Set([found.note, kind, accuracy])].filter(Boolean).join(' · ');
}

/** Bring a form to life; `hooks.pick(done)` lets a person click on the map, `hooks.show(point)`. */
export function wireForm(form, hooks) {
  const field = (name) => form.elements.namedItem(name);
  const point = field('point');
  const note = form.querySelector('[data-point-note]');
  const places = form.querySelector('[data-places]');
  const filled = new Map();

  // A box that the form filled is filled anew; one that a person wrote in is theirs.
  function fill(values) {
    for (const [name, text] of Object.entries(values)) {
      const input = field(name);
      if (!input || name === 'customer' || name === 'place') continue;
      if (input.value === '' || filled.get(name) === input.value) {
        input.value = text;
        filled.set(name, text);
      }
    }
    if (values.point) showPoint(values.point, _('The position of the customer’s place.'));
  }

  function showPoint(text, words) {
    if (words !== undefined) note.textContent = words;
    hooks.show(text);
  }

  async function loadCustomer(customer) {
    const answer = await fetch(`/board/customers/${customer}.json`);
    if (!answer.ok) return;
    const data = await answer.json();
    const select = field('place');
    select.length = 1;
    for (const place of data.places) select.add(new Option(place.words, place.value));
    places.hidden = data.places.length === 0;
    form.placeFills = new Map(data.places.map((place) => [place.value, place.fills]));
    if (data.fills.place) select.value = data.fills.place;
    fill(data.fills);
  }

  suggest(field('customer_text'), {
    read: (found) => ({
      found,
      note: found.length ? '' : _('No such customer yet; it can be created with the job.'),
    }),
    take: (choice) => {
      field('customer_text').value = choice.words;
      field('customer').value = choice.value;
      loadCustomer(choice.value);
    },
    typed: () => { field('customer').value = ''; },
  });
  field('place').addEventListener('change', () => {
    const fills = form.placeFills?.get(field('place').value);
    if (!fills) return;
    for (const name of ['address', 'point', 'radius', 'outline']) filled.set(name, field(name).value);
    fill(fills);
  });
  suggest(field('address'), {
    read: (data) => ({
      found: data.found.map((one) => ({ ...one, note: about(one) })),
      note: data.found.length ? '' : WORDS_WHEN_NOT_FOUND[String(data.region)],
    }),
    take: (choice) => {
      if (choice.kind !== 'position') field('address').value = choice.words;
      point.value = choice.point;
      showPoint(choice.point, _('Position from {kind}: {accuracy}.', told(choice)));
    },
  });
  point.addEventListener('change', () => showPoint(point.value, ''));
  field('window_day').addEventListener('change', () => {
    if (!field('window_start').value) field('window_start').focus();
  });
  // A time without a day is meant for today, which then stands there to be changed.
  for (const name of ['window_start', 'window_end']) {
    field(name).addEventListener('change', () => {
      if (field(name).value) field('window_day').value ||= form.dataset.today;
    });
  }

  const pick = form.querySelector('[data-pick]');
  pick.hidden = !hooks.pick;
  pick.addEventListener('click', () => {
    const on = pick.getAttribute('aria-pressed') !== 'true';
    pick.setAttribute('aria-pressed', String(on));
    hooks.pick(on ? (text) => {
      pick.setAttribute('aria-pressed', 'false');
      if (text !== null) {
        point.value = text;
        showPoint(text, _('Position picked on the map.'));
      }
      pick.focus();
    } : null);
  });
  form.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit(form.querySelector('.form-foot [type="submit"]'));
    }
  });
  if (point.value) hooks.show(point.value);
  const wrong = form.querySelector('[aria-invalid="true"], .clashes input');
  (wrong ?? form.querySelector('[data-first]'))?.focus({ preventScroll: true });
  // Focus alone does not bring it into sight here: the pane has only just got its new content.
  wrong?.scrollIntoView({ block: 'center' });
}
