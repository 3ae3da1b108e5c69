// The bar of filters: a text that is read on the hub while one types, and menus that are forms. A
// text that is no filter leaves the table as it is, and says under the text where and what to do.

import { suggest } from './suggest.js';

const PAUSE_MS = 250;

/** Wire the bar as the document has it now. `parts`: `show(url)` goes to an address of the board,
    `query()` is the question that is shown, `leave()` puts the keyboard into the table. */
export function wireFilterBar({ show, query, leave }) {
  wireMenus(show);
  wireText(document.getElementById('filter-form'), { show, query, leave });
}

/** Take the bar of another answer. A text that is being typed stays under the hand: its list of
    suggestions and the keyboard would be gone with it. */
export function takeFilterBar(fresh, parts) {
  keepWorkers(fresh);
  const bar = document.getElementById('filters');
  const form = document.getElementById('filter-form');
  if (document.activeElement !== form.elements.q) {
    bar.replaceWith(fresh);
    wireFilterBar(parts);
    return;
  }
  const other = fresh.querySelector('#filter-form');
  for (const hidden of form.querySelectorAll('input[type="hidden"]')) hidden.remove();
  form.prepend(...other.querySelectorAll('input[type="hidden"]'));
  form.elements.q.defaultValue = other.elements.q.defaultValue;
  other.remove();
  for (const child of [...bar.children]) if (child !== form) child.remove();
  bar.append(...fresh.children);
  wireMenus(parts.show);
}

/** The name of the list of workers that this page has, for the hub to leave it out. */
export function listHad() {
  return document.getElementById('filter-workers')?.dataset.list ?? '';
}

/** Where an answer names the chosen workers alone, the boxes of all are those that stand here. */
function keepWorkers(fresh) {
  const list = fresh.querySelector('#filter-workers');
  if (!list.hasAttribute('data-had')) return;
  const chosen = new Set([...list.querySelectorAll('input')].map((input) => input.value));
  const had = document.getElementById('filter-workers');
  for (const input of had.querySelectorAll('input')) input.checked = chosen.has(input.value);
  list.replaceWith(had);
}

function wireMenus(show) {
  for (const form of document.querySelectorAll('#filters .filter-menu')) {
    const send = () => show(address(form));
    form.addEventListener('change', send);
    form.addEventListener('submit', (event) => { event.preventDefault(); send(); });
  }
}

/** The address that a form asks for. */
function address(form) {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value) query.append(name, value);
  return `${form.getAttribute('action')}?${query}`;
}

function wireText(form, { show, query, leave }) {
  const input = form.elements.q;
  let timer = null;
  let asked = 0;

  async function read({ tell }) {
    clearTimeout(timer);
    asked += 1;
    const own = asked;
    const was = query();
    const answer = await fetch(`/board/filter.json${address(form).slice(1)}`).catch(() => null);
    if (!answer?.ok || own !== asked || !input.isConnected || was !== query()) return false;
    const found = await answer.json();
    if (found.url) {
      showFault(input, null);
      await show(found.url);
      return true;
    }
    // Half a word is no fault before the person says that it is whole.
    if (tell) showFault(input, found);
    return false;
  }

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (await read({ tell: true })) leave();
  });
  input.addEventListener('blur', async () => {
    if (input.value === input.defaultValue) return;
    // What holds is then written as the hub writes it.
    if (await read({ tell: true }) && input.isConnected) input.value = input.defaultValue;
  });
  suggest(input, {
    first: false,
    address: () => `/board/filter/suggestions.json?${new URLSearchParams({ q: input.value, at: input.selectionStart })}`,
    read: (found) => ({ found, note: '' }),
    typed: () => {
      clearTimeout(timer);
      if (input.getAttribute('aria-invalid')) read({ tell: true });
      else timer = setTimeout(() => read({ tell: false }), PAUSE_MS);
    },
    take: ({ text, at }) => {
      input.value = text;
      input.setSelectionRange(at, at);
      input.dispatchEvent(new Event('input', { bubbles: true }));
    },
  });
}

function showFault(input, fault) {
  const place = document.getElementById('filter-fault');
  place.hidden = fault === null;
  if (fault === null) {
    input.removeAttribute('aria-invalid');
    return;
  }
  input.setAttribute('aria-invalid', 'true');
  place.querySelector('[data-fault-text]').textContent = fault.text;
  place.querySelector('[data-fault-carets]').textContent = fault.carets;
  place.querySelector('[data-fault-words]').textContent = fault.words;
}
