// Why the hub refused a form, said in the form itself, which keeps what was typed.

/** Put `words` at the end of a form, in the place of what was said there before. */
export function sayRefused(form, words) {
  let error = form.querySelector(':scope > .error');
  if (!error) {
    error = document.createElement('p');
    error.className = 'error';
    error.setAttribute('role', 'alert');
    form.append(error);
  }
  error.textContent = words;
}
