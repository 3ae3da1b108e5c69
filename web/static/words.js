// What scripts say, in the language of their page. `_` and `several` are looked for by `make words`, so their first arguments have to stand in the call as they are.

const { words } = document.documentElement.dataset;
// English needs no list; another language's is a file that the browser keeps. Where it does not come, scripts speak English.
const known = words ? await fetch(words).then((answer) => answer.json()).catch(() => ({})) : {};
const plural = new Intl.PluralRules(document.documentElement.lang || 'en');

/** `template` in the page's language with `values` in the places that it names: `_('{n} jobs', { n })`. */
export function _(template, values) {
  return filled(known[template] ?? template, values);
}

/** The same about `n` things, of which English has two forms and other languages more. */
export function several(one, many, n, values) {
  const forms = known[one];
  const found = forms?.[plural.select(n)] ?? forms?.other ?? (n === 1 ? one : many);
  return filled(found, { ...values, n });
}

function filled(template, values) {
  return values ? template.replaceAll(/\{(\w+)\}/g, (place, name) => values[name] ?? place) : template;
}
