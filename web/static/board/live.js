// The page's one WebSocket: what changed, and whether the page still hears of it.
// Resumes where it left off; says since when there is no connection.

const ALIVE_MS = 20_000;
const SILENT_MS_MAX = 45_000;
const RETRY_MS_MAX = 15_000;
const SIGNED_OUT = 1008;

export class Live {
  /** `heard`: the number and the epoch up to which the page knows what changed: what came while it
      was on its way comes first. `hooks`: `streams(ids)`, `positions(frame)`, `reload()`, `state(since | null)`. */
  constructor(heard, hooks) {
    this.hooks = hooks;
    this.seq = Number(heard.split(' ')[0]);
    this.epoch = heard.split(' ')[1];
    this.tries = 0;
    this.lostAt = null;
    this.watching = false;
    addEventListener('online', () => this.#now());
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.#now(); });
    addEventListener('pagehide', () => { this.left = true; this.socket?.close(); });
    addEventListener('pageshow', (event) => { if (event.persisted) { this.left = false; this.#connect(); } });
    setInterval(() => this.#beat(), ALIVE_MS);
    this.#connect();
  }

  #connect() {
    clearTimeout(this.retry);
    this.retry = null;
    const query = new URLSearchParams({ since: this.seq, epoch: this.epoch });
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/live?${query}`);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.heardAt = Date.now();
    socket.addEventListener('message', ({ data }) => {
      this.heardAt = Date.now();
      if (typeof data === 'string') this.#take(JSON.parse(data));
      else if (this.watching) this.hooks.positions(new DataView(data));
    });
    socket.addEventListener('close', (event) => {
      // Signed out here or elsewhere: the page asks to sign in.
      if (event.code === SIGNED_OUT && !this.left) location.reload();
      else this.#lost(socket);
    });
  }

  /** Be told where workers are, or no more: only a map that is looked at needs it. */
  watchPositions(watching) {
    if (watching === this.watching) return;
    this.watching = watching;
    if (this.socket.readyState === WebSocket.OPEN) this.#askForPositions();
  }

  #askForPositions() {
    this.socket.send(this.watching ? 'positions on' : 'positions off');
  }

  #take({ seq, kind, ids, epoch }) {
    if (kind === 'hello') {
      this.tries = 0;
      if (this.epoch !== epoch) this.seq = seq;
      this.epoch = epoch;
      if (this.watching) this.#askForPositions();
      if (this.lostAt !== null) {
        this.lostAt = null;
        this.hooks.state(null);
      }
      return;
    }
    if (kind === 'alive') return;
    this.seq = seq;
    if (kind === 'streams') this.hooks.streams(ids);
    else if (kind === 'reload') this.hooks.reload();
  }

  #beat() {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    if (Date.now() - this.heardAt > SILENT_MS_MAX) this.socket.close();
    else this.socket.send('ping');
  }

  #lost(socket) {
    if (socket !== this.socket || this.left) return;
    if (this.lostAt === null) this.lostAt = new Date();
    this.hooks.state(this.lostAt);
    this.tries += 1;
    const wait = Math.min(RETRY_MS_MAX, 400 * 2 ** Math.min(this.tries, 6));
    this.retry = setTimeout(() => this.#connect(), wait * (0.6 + 0.4 * Math.random()));
  }

  #now() {
    if (this.retry) this.#connect();
  }
}
