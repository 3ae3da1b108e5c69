// The form of "who is near": addresses while one types, and an answer without leaving the page.

import { _ } from '../words.js';
import { suggest } from './suggest.js';

/** Bring the form to life; `hooks.go(url)` shows an address of the board. */
export function wireNear(form, hooks) {
  const field = (name) => form.elements.namedItem(name);
  const text = field('near');
  const look = () => {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) query.append(name, value);
    hooks.visit(`/?${query}`);
  };
  suggest(text, {
    read: (data) => ({
      found: data.found.map((one) => ({ ...one, note: [...new Set([one.note, one.kind_words ?? one.kind])].filter(Boolean).join(' · ') })),
      note: data.found.length ? '' : _('Not found; click the map or type a position.'),
    }),
    take: (choice) => {
      text.value = choice.words;
      field('at').value = choice.point;
      field('at_for').value = choice.words;
      look();
    },
    typed: () => { field('at').value = ''; },
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    // A position that stands in the box because the map was clicked is still that position.
    if (field('at').value && text.value === field('at').value) text.value = '';
    if (field('at').value) field('at_for').value = text.value;
    look();
  });
  form.addEventListener('change', (event) => { if (event.target.name === 'skill') form.requestSubmit(); });
  if (!text.value) text.focus();
}
