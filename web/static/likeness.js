// How well words fit a text that was typed: each word of it has to be found, at the start of a word
// best, then within one, then letter by letter in order. Accents and case do not count.

function folded(text) {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

/** Whether the letters of `word` stand in `hay` in their order, beginning where a word begins. */
function runsThrough(word, hay) {
  for (const start of hay.matchAll(/(?<![\p{L}\p{N}])[\p{L}\p{N}]/gu)) {
    let place = start.index;
    if (hay[place] !== word[0]) continue;
    let fits = true;
    for (const letter of word.slice(1)) {
      place = hay.indexOf(letter, place + 1);
      if (place < 0) { fits = false; break; }
    }
    if (fits) return true;
  }
  return false;
}

function ofWord(word, hay) {
  const at = hay.indexOf(word);
  if (at === 0) return 4;
  if (hay.split(/[^\p{L}\p{N}]+/u).some((part) => part.startsWith(word))) return 3;
  if (at > 0) return 2;
  return word.length > 1 && runsThrough(word, hay) ? 1 : 0;
}

/** From 0 (does not fit) to 4 (begins with it); the mean over the words of `text`. */
export function likeness(text, words) {
  const hay = folded(words);
  const asked = folded(text).split(/\s+/).filter(Boolean);
  const each = asked.map((word) => ofWord(word, hay));
  if (!asked.length || each.includes(0)) return 0;
  return each.reduce((sum, one) => sum + one, 0) / each.length;
}
