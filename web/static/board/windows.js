// Windows of one person that go together: a job that is selected in one, or a filter, is shown in
// the others. A window takes part once it opened another or was opened so, until it is told not to;
// what it says stays within this browser.

const CHANNEL = 'fieldlog-board';
const KEY = 'fieldlog-follow';
const MARK = '#second';

export class Windows {
  /** `hooks`: `here()` gives the query of what is shown, without which sights; `arrive(query)` shows
      another; `others(count, follows)` tells how many other windows there are. */
  constructor(account, hooks) {
    this.account = account;
    this.hooks = hooks;
    this.id = crypto.getRandomValues(new Uint32Array(2)).join('-');
    this.others = new Set();
    this.follows = sessionStorage.getItem(KEY) === '1';
    if (location.hash === MARK) {
      this.follow(true);
      history.replaceState(null, '', location.pathname + location.search);
    }
    this.said = hooks.here();
    if (typeof BroadcastChannel === 'undefined') return;
    this.channel = new BroadcastChannel(CHANNEL);
    this.channel.addEventListener('message', ({ data }) => this.#take(data));
    addEventListener('pagehide', () => this.#say('gone'));
    addEventListener('pageshow', (event) => { if (event.persisted) this.#say('hello'); });
    this.#say('hello');
  }

  /** Go with the other windows, or not. */
  follow(follows) {
    this.follows = follows;
    sessionStorage.setItem(KEY, follows ? '1' : '0');
    this.#told();
  }

  /** Open a window for an address; false where the browser refuses. */
  open(address) {
    this.follow(true);
    const { availWidth, availHeight } = screen;
    const size = `popup,width=${Math.round(availWidth * 0.8)},height=${Math.round(availHeight * 0.85)}`;
    return window.open(address + MARK, '_blank', size) !== null;
  }

  /** Something else is shown here: the others are told. */
  moved() {
    const here = this.hooks.here();
    if (here === this.said) return;
    this.said = here;
    if (this.follows) this.#say('at', here);
  }

  #say(what, query = '') {
    this.channel?.postMessage({ what, query, from: this.id, account: this.account });
  }

  #take({ what, query, from, account }) {
    if (account !== this.account) return;
    if (what === 'gone') this.others.delete(from);
    else this.others.add(from);
    if (what === 'hello') this.#say('here');
    if (what === 'at' && this.follows && query !== this.hooks.here()) {
      // What was heard is not said again.
      this.said = query;
      this.hooks.arrive(query);
    }
    if (what !== 'at') this.#told();
  }

  #told() {
    this.hooks.others(this.others.size, this.follows);
  }
}
