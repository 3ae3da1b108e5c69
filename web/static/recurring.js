// The form of a recurring job: customers while one types, places that fill the rest, Ctrl+Enter.
// Everything also works as a plain form; addresses are wired by office.js.

import { suggest } from './board/suggest.js';
import { _ } from './words.js';

const FROM_PLACE = ['address', 'point', 'radius', 'outline', 'contact', 'contact_phone'];

for (const form of document.querySelectorAll('form[data-recurring]')) {
  const field = (name) => form.elements.namedItem(name);
  // A box that a place filled, or that the page came with, is filled anew; one that a person wrote
  // in is theirs.
  const filled = new Map(FROM_PLACE.map((name) => [name, field(name).value]));
  let fillsByPlace = new Map();

  function fill(values) {
    for (const name of FROM_PLACE) {
      const input = field(name);
      if (input.value !== '' && input.value !== filled.get(name)) continue;
      input.value = values[name] ?? '';
      filled.set(name, input.value);
    }
  }

  async function load(customer) {
    const answer = await fetch(`/board/customers/${customer}.json`);
    if (!answer.ok) return null;
    const data = await answer.json();
    fillsByPlace = new Map(data.places.map((place) => [place.value, place.fills]));
    return data;
  }

  async function choose(customer) {
    const data = await load(customer);
    if (data === null || field('customer').value !== customer) return;
    const select = field('place');
    select.length = 1;
    for (const place of data.places) select.add(new Option(place.words, place.value));
    if (data.fills.place) select.value = data.fills.place;
    fill(data.fills);
  }

  suggest(field('customer_text'), {
    read: (found) => ({ found, note: found.length ? '' : _('No such customer yet.') }),
    take: (choice) => {
      field('customer_text').value = choice.words;
      field('customer').value = choice.value;
      choose(choice.value);
    },
    typed: () => { field('customer').value = ''; },
  });

  field('place').addEventListener('change', async () => {
    const place = field('place').value;
    const customer = field('customer').value;
    if (!fillsByPlace.has(place) && customer) await load(customer);
    const fills = fillsByPlace.get(place);
    if (fills && field('place').value === place) fill(fills);
  });

  form.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit(form.querySelector('.form-actions [type="submit"]'));
    }
  });

  const wrong = form.querySelector('[aria-invalid="true"], [data-wrong]');
  const inside = wrong?.querySelector('input:checked') ?? wrong?.querySelector('input');
  (inside ?? wrong ?? form.querySelector('[name^="keep_"]') ?? field('title')).focus();
}
