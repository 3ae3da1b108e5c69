// Files of the selected job: chosen, dropped or pasted; each sent by itself, with how far it is and
// a way to stop. What is on its way outlives the pane's being drawn anew.

import { formToken } from '../frame.js';
import { _ } from '../words.js';

const MOST_AT_ONCE = 2;

/** `3.4 MB`, as the pages write it. */
function sizeWords(bytes) {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export class Files {
  /** `hooks`: `back()` the filter's query, `sent(job, html, words, undo)` when one is saved. */
  constructor(element, hooks) {
    this.element = element;
    this.hooks = hooks;
    this.sendings = [];
    element.addEventListener('dragover', (event) => this.#over(event));
    element.addEventListener('dragleave', (event) => {
      if (!element.contains(event.relatedTarget)) element.classList.remove('dropping');
    });
    element.addEventListener('drop', (event) => this.#drop(event));
    document.addEventListener('paste', (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (!files.length || !this.form || document.querySelector('dialog[open]')) return;
      event.preventDefault();
      this.#take(files);
    });
    addEventListener('beforeunload', (event) => {
      if (this.sendings.some((one) => one.state !== 'failed')) event.preventDefault();
    });
  }

  get form() {
    return this.element.querySelector('form[data-files]');
  }

  /** The pane was drawn: let its form send by itself, and show what is on its way to its job. */
  wire() {
    const { form } = this;
    if (!form) return;
    const input = form.elements.namedItem('file');
    const button = form.querySelector('button[type="submit"]');
    form.classList.add('scripted');
    button.type = 'button';
    button.lastChild.textContent = _('Add files');
    button.addEventListener('click', () => input.click());
    input.tabIndex = -1;
    input.addEventListener('change', () => {
      this.#take([...input.files]);
      input.value = '';
    });
    this.#show();
  }

  #over(event) {
    if (!this.form || !event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
    this.element.classList.add('dropping');
  }

  #drop(event) {
    this.element.classList.remove('dropping');
    if (!this.form || !event.dataTransfer?.files.length) return;
    event.preventDefault();
    this.#take([...event.dataTransfer.files]);
  }

  #take(files) {
    const { form } = this;
    const job = this.element.querySelector('[data-files-of]').dataset.filesOf;
    const max = Number(form.dataset.max);
    for (const file of files) {
      const one = { file, job, address: form.getAttribute('action'), state: 'waits', done: 0, words: '' };
      if (file.size > max) this.#fail(one, _('It has {size}; a file has {limit} at most. Make it smaller first.', { size: sizeWords(file.size), limit: form.dataset.limit }));
      else if (!file.size) this.#fail(one, _('It is empty; see whether the right file was chosen.'));
      this.sendings.push(one);
    }
    this.#next();
    this.#show();
  }

  #fail(one, words) {
    one.state = 'failed';
    one.words = words;
  }

  #next() {
    const busy = this.sendings.filter((one) => one.state === 'sends').length;
    const waiting = this.sendings.filter((one) => one.state === 'waits');
    for (const one of waiting.slice(0, MOST_AT_ONCE - busy)) this.#send(one);
  }

  #send(one) {
    one.state = 'sends';
    const body = new FormData();
    body.set('back', this.hooks.back());
    body.set('file', one.file, one.file.name);
    // Not fetch: it does not tell how much has gone out.
    const request = new XMLHttpRequest();
    one.request = request;
    request.upload.addEventListener('progress', (event) => {
      one.done = event.loaded / event.total;
      this.#show();
    });
    request.addEventListener('loadend', () => this.#ended(one, request));
    request.open('POST', one.address);
    request.setRequestHeader('X-Fieldlog-Token', formToken());
    request.setRequestHeader('X-Board-Part', '1');
    request.send(body);
  }

  #ended(one, request) {
    const words = decodeURIComponent(request.getResponseHeader('X-Board-Notice') ?? '');
    if (one.state === 'stopped') {
      this.#forget(one);
    } else if (request.status === 200) {
      this.#forget(one);
      this.hooks.sent(one.job, request.responseText, words, request.getResponseHeader('X-Board-Undo') ?? '');
    } else {
      const why = request.status ? _('The hub answered {status}.', request) : _('The hub does not answer; add it again.');
      this.#fail(one, words || why);
    }
    this.#next();
    this.#show();
  }

  #forget(one) {
    this.sendings = this.sendings.filter((other) => other !== one);
  }

  #stop(one) {
    if (one.state === 'sends') {
      one.state = 'stopped';
      one.request.abort();
    } else this.#forget(one);
    this.#show();
    this.form?.querySelector('button')?.focus();
  }

  /** Lines of what is on its way to the job that is shown; a line stays the same element. */
  #show() {
    const section = this.element.querySelector('[data-files-of]');
    const list = section?.querySelector('.files');
    if (!list) return;
    for (const line of list.querySelectorAll('.file-sending')) {
      if (!this.sendings.includes(line.one)) line.remove();
    }
    for (const one of this.sendings.filter((each) => each.job === section.dataset.filesOf)) {
      one.line ??= this.#line(one);
      if (one.line.parentElement !== list) list.prepend(one.line);
      const [said, bar] = [one.line.querySelector('.sub'), one.line.querySelector('progress')];
      const told = one.state === 'failed' ? one.words : one.state === 'waits' ? _('Waits for its turn.') : _('On its way to the hub.');
      if (said.textContent !== told) said.textContent = told;
      said.classList.toggle('error', one.state === 'failed');
      bar.hidden = one.state === 'failed';
      bar.value = one.done;
      const button = one.line.querySelector('button');
      const of = { file: one.file.name };
      button.textContent = one.state === 'failed' ? _('Put away') : _('Stop');
      button.setAttribute('aria-label', one.state === 'failed' ? _('Put away: {file}', of) : _('Stop: {file}', of));
    }
  }

  #line(one) {
    const line = document.createElement('li');
    line.className = 'file file-sending';
    line.one = one;
    const words = document.createElement('div');
    words.className = 'file-words';
    const name = document.createElement('p');
    const called = one.file.name || _('A pasted picture');
    name.textContent = `${called} (${sizeWords(one.file.size)})`;
    const bar = document.createElement('progress');
    bar.max = 1;
    bar.setAttribute('aria-label', _('How much of {file} has gone out', { file: one.file.name }));
    const said = document.createElement('p');
    said.className = 'sub';
    said.setAttribute('role', 'status');
    words.append(name, bar, said);
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'button button-small';
    button.addEventListener('click', () => this.#stop(one));
    line.append(words, button);
    return line;
  }
}
