// A text input that offers what fits while one types: customers, addresses. A combobox as ARIA has
// it: the input keeps the focus, arrows walk the list, Enter takes, Esc closes.

const PAUSE_MS = 150;

/** Wire `input` (with `data-suggest` and `aria-controls`); `take(choice)` when one was chosen.
    `address()` is where to ask, if not by the whole text alone; `first` false leaves Enter to the
    form until an arrow has marked a choice. */
export function suggest(input, { read, take, typed, address, first = true }) {
  const list = document.getElementById(input.getAttribute('aria-controls'));
  let timer = null;
  let asked = 0;
  let choices = [];
  let at = -1;

  function close() {
    list.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
    at = -1;
  }

  function mark(index) {
    at = index;
    [...list.querySelectorAll('[role="option"]')].forEach((option, number) => {
      option.setAttribute('aria-selected', String(number === at));
      if (number === at) {
        input.setAttribute('aria-activedescendant', option.id);
        option.scrollIntoView({ block: 'nearest' });
      }
    });
  }

  function choose(choice) {
    close();
    take(choice);
  }

  function show(found, note) {
    choices = found;
    at = -1;
    list.replaceChildren(...found.map((choice, number) => {
      const option = document.createElement('li');
      option.id = `${list.id}-${number}`;
      option.setAttribute('role', 'option');
      option.setAttribute('aria-selected', 'false');
      const words = document.createElement('span');
      words.textContent = choice.words;
      option.append(words);
      if (choice.note) {
        const small = document.createElement('span');
        small.className = 'sub';
        small.textContent = choice.note;
        option.append(small);
      }
      option.addEventListener('pointerdown', (event) => { event.preventDefault(); choose(choice); });
      return option;
    }));
    if (note) {
      const hint = document.createElement('li');
      hint.className = 'hint';
      hint.setAttribute('role', 'presentation');
      hint.textContent = note;
      list.append(hint);
    }
    list.hidden = !found.length && !note;
    input.setAttribute('aria-expanded', String(!list.hidden));
    if (found.length && first) mark(0);
  }

  async function ask() {
    const text = input.value.trim();
    asked += 1;
    const own = asked;
    if (!text && !address) { close(); return; }
    const answer = await fetch(address?.() ?? `${input.dataset.suggest}?q=${encodeURIComponent(text)}`);
    if (own !== asked || !answer.ok || document.activeElement !== input) return;
    const { found, note } = read(await answer.json());
    show(found, note);
  }

  input.addEventListener('input', () => {
    typed?.();
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE_MS);
  });
  input.addEventListener('keydown', (event) => {
    if (list.hidden) {
      if (event.key === 'ArrowDown' && !event.altKey) { event.preventDefault(); ask(); }
      return;
    }
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      // From none marked, up goes to the last one.
      const from = at < 0 && step < 0 ? 0 : at;
      if (choices.length) mark((from + step + choices.length) % choices.length);
    } else if (event.key === 'Enter' && at >= 0) {
      event.preventDefault();
      choose(choices[at]);
    } else if (event.key === 'Enter') {
      clearTimeout(timer);
      asked += 1; // What is on its way opens the list no more.
      close();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === 'Tab') close();
  });
  input.addEventListener('blur', () => setTimeout(close, 100));
}
