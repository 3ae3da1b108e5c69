// What the pages of an import do beside working without scripts: a choice is shown at once, a file
// that is too large is refused before it is sent, and the progress moves.

import { _ } from './words.js';

// --- a file that no import takes is not sent at all

for (const form of document.querySelectorAll('form[data-upload]')) {
  const file = form.elements.namedItem('file');
  const words = document.getElementById('file-error');
  const most = Number(form.dataset.bytesMax);
  const check = () => {
    const size = file.files[0]?.size ?? 0;
    const tooLarge = size > most;
    words.hidden = !tooLarge;
    words.textContent = tooLarge
      ? _('This file has {size} MB; at most {most} MB are taken. Split it into several files.', { size: Math.round(size / 1e6), most: Math.round(most / 1e6) })
      : '';
    return !tooLarge;
  };
  file.addEventListener('change', check);
  form.addEventListener('submit', (event) => { if (!check()) event.preventDefault(); });
}

// --- a choice of the preview is shown as soon as it is made

for (const form of document.querySelectorAll('form[data-preview]')) {
  form.addEventListener('change', (event) => {
    sessionStorage.setItem('import-scroll', String(document.querySelector('.import-frame')?.scrollLeft ?? 0));
    sessionStorage.setItem('import-focus', event.target.name);
    form.requestSubmit();
  });
  // Loaded anew: the person goes on where the choice was made.
  const focus = sessionStorage.getItem('import-focus');
  if (focus) {
    form.elements.namedItem(focus)?.focus({ preventScroll: true });
    const frame = document.querySelector('.import-frame');
    if (frame) frame.scrollLeft = Number(sessionStorage.getItem('import-scroll'));
    sessionStorage.removeItem('import-focus');
  }
}

// --- how far it is

for (const pane of document.querySelectorAll('[data-progress]')) {
  const ask = async () => {
    const answer = await fetch(pane.dataset.progress, { headers: { Accept: 'application/json' } });
    if (!answer.ok) { location.assign('/import'); return; }
    const told = await answer.json();
    if (told.state !== 'working') { location.assign(pane.dataset.onward); return; }
    pane.querySelector('[data-what]').textContent = told.what;
    pane.querySelector('[data-count]').textContent = told.total ? _('{done} of {total}', { done: told.done, total: told.total }) : '';
    const bar = pane.querySelector('progress');
    bar.max = told.total || 1;
    bar.value = told.done;
    setTimeout(() => ask().catch(() => setTimeout(ask, 2000)), 400);
  };
  setTimeout(() => ask().catch(() => undefined), 300);
}
