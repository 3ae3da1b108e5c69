// What the office's forms and lists do beside working without scripts: parts that are added, values
// taken over from somebody else, a list that filters while one types, a warning before work is lost.

import { suggest } from './board/suggest.js';
import { toast } from './frame.js';
import { _ } from './words.js';

// --- copy a link or code

document.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    toast(_('Copied.'), { seconds: 3 });
  } catch {
    button.parentElement.querySelector('input')?.select();
    toast(_('Copy it with Ctrl C; this browser does not allow the button.'), { seconds: 6 });
  }
});

document.addEventListener('focusin', (event) => {
  if (event.target.matches?.('[data-select]')) event.target.select();
});

// --- an address brings its position

/** Offer known addresses for a place's address; the one that is taken fills its position too. */
function wireAddress(input) {
  const point = input.form.elements.namedItem(input.name.replace(/address$/, 'point'));
  const none = (region) => (region ? _('Not found; type the position.') : _('No map region is loaded; type the position.'));
  suggest(input, {
    read: (data) => ({
      found: data.found.map((one) => ({ ...one, note: [one.note, one.kind, one.accuracy].filter(Boolean).join(' · ') })),
      note: data.found.length ? '' : none(data.region),
    }),
    take: (choice) => {
      if (choice.kind !== 'position') input.value = choice.words;
      point.value = choice.point;
    },
  });
}

for (const input of document.querySelectorAll('input[data-suggest$="/addresses.json"]')) wireAddress(input);

// --- places and contacts of a customer

let added = 0;

document.addEventListener('click', (event) => {
  const add = event.target.closest('[data-add-part]');
  if (add) {
    const kind = add.dataset.addPart;
    const template = document.querySelector(`template[data-part-template="${kind}"]`);
    const parts = document.querySelector(`[data-parts="${kind}"]`);
    const taken = (id) => document.querySelector(`[name^="${kind}.${id}."]`);
    do { added += 1; } while (taken(`new${added}`));
    const part = template.content.firstElementChild.cloneNode(true);
    for (const each of part.querySelectorAll('*')) {
      for (const attribute of ['name', 'id', 'for', 'aria-describedby', 'aria-controls']) {
        const value = each.getAttribute(attribute);
        if (value) each.setAttribute(attribute, value.replace('new999', `new${added}`));
      }
    }
    parts.insertBefore(part, parts.querySelector('.parts-none'));
    part.querySelectorAll('input[data-suggest]').forEach(wireAddress);
    part.querySelector('input').focus();
  }
  const drop = event.target.closest('[data-drop-part]');
  if (drop) drop.closest('[data-part]').remove();
});

// --- somebody else's value in place of one's own

function put(form, name, text) {
  if (name === 'skills') {
    const wanted = new Set(text.split(' '));
    for (const box of form.querySelectorAll('input[name="skill"]')) box.checked = wanted.has(box.value);
  } else if (name === 'shift') {
    const [start = '', end = ''] = text.split(' ');
    form.elements.namedItem('shift_start').value = start;
    form.elements.namedItem('shift_end').value = end;
  } else {
    const input = form.elements.namedItem(name);
    if (input?.type === 'checkbox') input.checked = text === 'yes';
    else if (input) input.value = text;
  }
}

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-take]');
  if (!button) return;
  const takes = button.getAttribute('aria-pressed') !== 'true';
  button.setAttribute('aria-pressed', String(takes));
  button.textContent = takes ? _('Taken; back to mine') : _('Take theirs');
  put(button.closest('form'), button.dataset.take, takes ? button.dataset.theirs : button.dataset.mine);
});

// --- a list that filters while one types

for (const form of document.querySelectorAll('form[data-live-filter]')) {
  let timer;
  let asked = 0;
  const ask = async () => {
    const query = new URLSearchParams(new FormData(form));
    for (const [key, value] of [...query]) if (!value) query.delete(key);
    const path = query.size ? `${form.getAttribute('action')}?${query}` : form.getAttribute('action');
    asked += 1;
    const mine = asked;
    const answer = await fetch(path, { headers: { Accept: 'text/html' } });
    if (mine !== asked || !answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const selector of ['#list', '.page-head .titles']) {
      const fresh = page.querySelector(selector);
      if (fresh) document.querySelector(selector).replaceWith(document.adoptNode(fresh));
    }
    history.replaceState(null, '', path);
  };
  const typed = () => {
    clearTimeout(timer);
    timer = setTimeout(() => ask().catch(() => undefined), 150);
  };
  form.addEventListener('input', typed);
  // What was typed before this script had come counts too.
  const fields = [...form.elements].filter((field) => field.type === 'search');
  if (fields.some((field) => field.value !== field.defaultValue)) typed();
}

// --- a form that was filled in is not left by accident

for (const form of document.querySelectorAll('form[data-guard]')) {
  let touched = document.querySelector('.stale') !== null;
  form.addEventListener('input', () => { touched = true; });
  form.addEventListener('submit', () => { touched = false; });
  addEventListener('beforeunload', (event) => { if (touched) event.preventDefault(); });
}
