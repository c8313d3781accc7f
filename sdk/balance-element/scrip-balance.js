/**
 * `<scrip-balance>`: what an account's credits still buy, for the corner of a studio's page.
 *
 *     <scrip-balance account="ada" project-type="live-action"></scrip-balance>     142 s left (i)
 *
 * One module without dependencies. It reads the balance stream of a scrip server with a customer token that the page
 * gives it (`fetchToken`), and shows what arrives: it computes no credits. Text reaches the page as text only, styles
 * by constructed sheets, so it lives under a Content-Security-Policy that allows nothing inline, and under trusted types.
 *
 * Licence: Apache-2.0.
 */

/** Milliseconds without a byte after which a stream counts as broken; the server sends something every 15 s. */
const SILENCE_MAX = 45_000;
/** Milliseconds of the first wait after a failure; doubled with each further one up to the longest. */
const WAIT_FIRST = 1_000;
const WAIT_MAX = 30_000;
/** Milliseconds for which a number must stand still before it is read out: a running job would talk without end. */
const QUIET = 1_500;

/** What is said, in English; `element.words` changes any of it. Numbers and dates come formatted. */
const WORDS = {
  title: 'Credits',
  button: 'What your credits buy',
  waiting: '…',
  left: (quantity, unit) => `${quantity} ${unit} left`,
  credits: (credits) => `${credits} credits`,
  available: (credits) => `${credits} available`,
  held: (credits) => `${credits} held by running jobs`,
  frozen: (credits) => `${credits} frozen until a dispute is decided`,
  debt: (credits) => `${credits} owed`,
  resets: (date) => `Next credits: ${date}`,
  atLimit: (quantity) => `${quantity} or more`,
  asOf: (time) => `as of ${time}`,
  offline: (time) => `Not connected. This was right at ${time}.`,
  unreachable: 'Credits cannot be shown at the moment.',
  /** Units with a symbol; others are written as they come, without the plural's s for one. */
  symbols: { seconds: 's', minutes: 'min', hours: 'h', pixels: 'px', megapixels: 'MP' },
  unit: (unit, quantity) => (quantity === 1 ? unit.replace(/(?<=sh|ch|x)es$|s$/, '') : unit),
};

const STYLE = `
:host { display: inline-block; position: relative; font: inherit; color: inherit; }
:host([hidden]) { display: none; }
.box { display: inline-flex; align-items: center; gap: var(--scrip-gap, 0.25em); font-family: var(--scrip-font, inherit);
  color: var(--scrip-color, inherit); }
.number { min-inline-size: 7ch; text-align: end; white-space: nowrap; font-variant-numeric: tabular-nums; }
.as-of { opacity: var(--scrip-muted, 0.75); font-size: 0.875em; white-space: nowrap; }
button { all: unset; box-sizing: border-box; display: inline-grid; place-items: center; min-inline-size: 24px;
  min-block-size: 24px; cursor: pointer; border-radius: 50%; color: var(--scrip-accent, inherit); }
button span { display: grid; place-items: center; inline-size: 1.25em; block-size: 1.25em; border: 1px solid;
  border-radius: 50%; font: italic 600 0.8em/1 Georgia, serif; }
button:focus-visible { outline: 2px solid var(--scrip-accent, currentColor); outline-offset: 1px; }
.bubble { position: fixed; inset: auto; margin: 0; box-sizing: border-box; inline-size: max-content;
  overflow: auto;
  padding: var(--scrip-bubble-padding, 0.875rem 1rem); text-align: start; line-height: 1.45; font-size: 0.9375rem;
  border: 1px solid var(--scrip-bubble-border, color-mix(in srgb, currentColor 22%, transparent));
  border-radius: var(--scrip-bubble-radius, 0.625rem); background: var(--scrip-bubble-background, Canvas);
  color: var(--scrip-bubble-color, CanvasText); box-shadow: var(--scrip-bubble-shadow, 0 6px 24px rgb(0 0 0 / 0.18)); }
.title { margin: 0; font-weight: 600; font-size: 1.0625em; font-variant-numeric: tabular-nums; }
.note { margin: 0.125rem 0 0; opacity: 0.8; font-size: 0.9em; }
dl { display: grid; grid-template-columns: 1fr auto; gap: 0.25rem 1.5rem; margin: 0.625rem 0; }
dl:empty { display: none; }
dt, dd { margin: 0; }
dt { overflow-wrap: anywhere; }
dd { text-align: end; white-space: nowrap; font-variant-numeric: tabular-nums; }
.current { font-weight: 600; }
.said { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
[hidden] { display: none; }
`;

/** The style's sheet, made when the first element is: a server that renders pages can import this module. */
let sheet;

/** What went wrong on the way to a balance. */
class Problem extends Error {
  constructor(message, { status = null, code = null, wait = 0 } = {}) {
    super(message);
    Object.assign(this, { status, code, wait });
  }
}

/**
 * The balance of one account, as the server tells it: one stream for all elements of a page that show it.
 * `state`: `waiting` (nothing known yet), `live`, or `offline` (not connected; `balance` is the last known, if any).
 */
class Feed {
  static #feeds = new Map();

  /** The feed of an account that the given element watches from now on. */
  static watch(element, server, account) {
    const name = `${server}\n${account}`;
    let feed = Feed.#feeds.get(name);
    if (!feed) Feed.#feeds.set(name, (feed = new Feed(name, server, account)));
    feed.#watchers.add(element);
    feed.#wake?.();
    feed.#running ??= feed.#run();
    return feed;
  }

  balance = null;
  state = 'waiting';
  problem = null;
  /** When something was last heard: until then the balance is known to have been right. */
  heardAt = null;

  #name;
  #address;
  #account;
  #watchers = new Set();
  #running = null;
  #wake = null;
  #abort = null;
  #token = null;

  constructor(name, server, account) {
    this.#name = name;
    this.#account = account;
    this.#address = `${server}/v1/accounts/${encodeURIComponent(account)}/balance/stream`;
  }

  leave(element) {
    this.#watchers.delete(element);
    // An element that is only moved comes back before this is looked at.
    queueMicrotask(() => {
      if (this.#watchers.size > 0) return;
      if (Feed.#feeds.get(this.#name) === this) Feed.#feeds.delete(this.#name);
      this.#abort?.abort();
      this.#wake?.();
    });
  }

  #tell() {
    for (const element of this.#watchers) element.feedChanged();
  }

  async #run() {
    let failures = 0;
    const seen = () => {
      // A page that nobody looks at keeps no connection: a browser has few of them for each server.
      if (document.hidden) this.#abort?.abort();
      this.#wake?.();
    };
    const back = () => this.#wake?.();
    document.addEventListener('visibilitychange', seen);
    addEventListener('online', back);
    while (this.#watchers.size > 0) {
      if (document.hidden) {
        await this.#pause(Infinity);
        continue;
      }
      let wait = WAIT_FIRST / 2;
      try {
        await this.#listen(() => (failures = 0));
      } catch (error) {
        if (document.hidden || this.#watchers.size === 0) continue;
        this.problem = error;
        this.state = 'offline';
        this.#tell();
        wait = Math.max(error.wait ?? 0, Math.min(WAIT_MAX, WAIT_FIRST * 2 ** failures)) * (0.75 + Math.random() / 4);
        failures += 1;
      }
      await this.#pause(wait);
    }
    document.removeEventListener('visibilitychange', seen);
    removeEventListener('online', back);
  }

  /** Waits; not to the end when the page comes into view, the network comes back or somebody new watches. */
  #pause(milliseconds) {
    return new Promise((resolve) => {
      const timer = milliseconds === Infinity ? null : setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    }).finally(() => (this.#wake = null));
  }

  /** Reads one stream until it ends; throws when it breaks or cannot be had. */
  async #listen(heard) {
    const abort = (this.#abort = new AbortController());
    let silence;
    const listening = () => {
      clearTimeout(silence);
      silence = setTimeout(() => abort.abort(), SILENCE_MAX);
    };
    listening();
    try {
      const response = await this.#connect(abort.signal);
      const text = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = '';
      let any = false;
      for (;;) {
        const { done, value } = await text.read();
        if (done && !any) throw new Problem('the stream ended before it said anything');
        if (done) return;
        listening();
        this.heardAt = Date.now();
        const events = (rest + value).split(/\r?\n\r?\n/);
        rest = events.pop();
        for (const data of events.map(balanceOf).filter(Boolean)) {
          this.balance = JSON.parse(data);
          this.state = 'live';
          this.problem = null;
          any = true;
          heard();
          this.#tell();
        }
      }
    } finally {
      clearTimeout(silence);
    }
  }

  /** Opens the stream. A token that is no longer taken is fetched anew, once. */
  async #connect(signal) {
    const fresh = !this.#token || Date.parse(this.#token.expires_at) <= Date.now();
    if (fresh) this.#token = await this.#fetchToken();
    const response = await fetch(this.#address, {
      headers: { authorization: `Bearer ${this.#token.token}`, accept: 'text/event-stream' },
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      signal,
    });
    if (response.ok && response.headers.get('content-type')?.startsWith('text/event-stream')) return response;
    if (response.status === 401 || response.status === 403) {
      this.#token = null;
      if (!fresh) return this.#connect(signal);
    }
    const { code, detail } = await response.json().catch(() => ({}));
    throw new Problem(detail ?? `the server answered ${response.status}`, {
      status: response.status,
      code,
      wait: 1_000 * (Number(response.headers.get('retry-after')) || 0),
    });
  }

  async #fetchToken() {
    const fetchToken = [...this.#watchers].map((element) => element.fetchToken).find(Boolean);
    if (!fetchToken) throw new Problem('scrip-balance has no fetchToken yet');
    const given = await fetchToken({ account: this.#account });
    const token = typeof given === 'string' ? { token: given } : given;
    if (!token?.token) throw new Problem('fetchToken gave no token');
    return token;
  }
}

/** The data of a balance event; of anything else (a comment that keeps the connection alive) nothing. */
function balanceOf(event) {
  const lines = event.split(/\r?\n/);
  const field = (name) =>
    lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).replace(/^ /, ''));
  return field('event').join() === 'balance' ? field('data').join('\n') : '';
}

function make(tag, name, ...children) {
  const made = document.createElement(tag);
  if (name) {
    made.className = name;
    made.setAttribute('part', name);
  }
  made.append(...children);
  return made;
}

/** The element. Attributes: `account`, `server`, `project-type`, `tool`, `time-zone`; see README.md. */
export class ScripBalance extends (globalThis.HTMLElement ?? class {}) {
  static observedAttributes = ['account', 'server', 'project-type', 'tool', 'time-zone', 'lang'];

  #fetchToken = null;
  #words = WORDS;
  #feed = null;
  #number;
  #asOf;
  #button;
  #bubble;
  #content;
  #said;
  #saying;
  #known = null;
  #place = () => this.#placeBubble();

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    this.#number = make('span', 'number');
    this.#asOf = make('span', 'as-of');
    const letter = make('span', '', 'i');
    letter.ariaHidden = 'true';
    this.#button = make('button', 'button', letter);
    this.#button.type = 'button';
    this.#button.setAttribute('aria-controls', 'bubble');
    this.#button.setAttribute('aria-expanded', 'false');
    this.#content = make('div', 'content');
    this.#bubble = make('div', 'bubble', this.#content, make('slot', ''));
    this.#bubble.id = 'bubble';
    this.#bubble.popover = 'auto';
    this.#bubble.setAttribute('role', 'group');
    // The browser opens and closes it, by pointer, Enter, Space and Escape, and gives the focus back.
    this.#button.popoverTargetElement = this.#bubble;
    this.#bubble.addEventListener('beforetoggle', (event) => this.#toggled(event.newState === 'open'));
    this.#said = make('span', 'said');
    this.#said.setAttribute('role', 'status');
    root.append(make('span', 'box', this.#number, this.#asOf, this.#button), this.#bubble, this.#said);
  }

  /** Asked for a customer token whenever one is needed: gives it, or the whole answer of `portal-sessions`. */
  get fetchToken() {
    return this.#fetchToken;
  }
  set fetchToken(fetchToken) {
    this.#fetchToken = fetchToken;
    this.#watch();
  }

  /** What is said; give those that differ from the English ones. */
  get words() {
    return this.#words;
  }
  set words(words) {
    this.#words = { ...WORDS, ...words };
    this.#show();
  }

  /** The last balance that arrived, as `GET /v1/accounts/{account}/balance` gives it; null before the first. */
  get balance() {
    return this.#feed?.balance ?? null;
  }

  /** `waiting`, `live` or `offline`. */
  get state() {
    return this.#feed?.state ?? 'waiting';
  }

  connectedCallback() {
    // Set before the module came, they would hide the accessors.
    for (const name of ['fetchToken', 'words']) {
      if (Object.hasOwn(this, name)) {
        const value = this[name];
        delete this[name];
        this[name] = value;
      }
    }
    this.#watch();
    this.#show();
  }

  disconnectedCallback() {
    this.#unwatch();
    this.#toggled(false);
    clearTimeout(this.#saying);
  }

  attributeChangedCallback(name, before, after) {
    if (before === after || !this.isConnected) return;
    if (name === 'account' || name === 'server') {
      this.#unwatch();
      this.#watch();
    }
    this.#show();
  }

  /** The feed's word that something changed. */
  feedChanged() {
    this.#show();
    this.#sayLater();
    const { balance, state, problem } = this.#feed;
    const detail = { balance, state, problem };
    this.dispatchEvent(new CustomEvent('scrip-balance', { detail, bubbles: true, composed: true }));
  }

  #watch() {
    const account = this.getAttribute('account');
    if (this.#feed || !this.isConnected || !account || !this.#fetchToken) return;
    const server = this.getAttribute('server') ?? new URL(import.meta.url).origin;
    this.#feed = Feed.watch(this, server.replace(/\/+$/, ''), account);
    this.#show();
  }

  #unwatch() {
    this.#feed?.leave(this);
    this.#feed = null;
  }

  /** What stands in the corner: of the tool, of the project type, or the credits themselves. */
  #headline() {
    const { balance, state } = this;
    const words = this.#words;
    if (!balance) return state === 'offline' ? '—' : words.waiting;
    const tools = this.#asked(balance);
    // Of some tools nothing can be counted before their measures are known.
    if (tools.length === 0) return words.credits(this.#amount(balance.available));
    // Of several tools the least: what is shown always runs.
    const [{ unit }] = tools;
    const same = tools.filter((tool) => tool.unit === unit);
    return this.#quantity(same.reduce((least, tool) => (tool.quantity < least.quantity ? tool : least)), words.left);
  }

  /** The tools that the attributes ask for, of those that can be counted. */
  #asked(balance) {
    const tool = this.getAttribute('tool');
    const projectType = this.getAttribute('project-type');
    if (tool) return balance.left.filter((left) => left.tool === tool);
    if (projectType) return balance.left.filter((left) => left.project_type === projectType);
    return [];
  }

  #show() {
    if (!this.isConnected) return;
    const words = this.#words;
    const stale = this.state === 'offline';
    this.#number.textContent = this.#headline();
    this.#number.setAttribute('part', stale ? 'number stale' : 'number');
    this.#number.ariaBusy = String(this.state === 'waiting');
    this.#asOf.textContent = stale && this.balance ? words.asOf(this.#time(this.#feed.heardAt)) : '';
    this.#asOf.hidden = this.#asOf.textContent === '';
    this.#button.ariaLabel = words.button;
    this.#bubble.ariaLabel = words.title;
    if (this.#bubble.matches(':popover-open')) {
      this.#fill();
      this.#placeBubble();
    }
  }

  /** Writes what the bubble says. */
  #fill() {
    const { balance, state } = this;
    const words = this.#words;
    if (!balance) {
      const says = state === 'offline' ? words.unreachable : words.waiting;
      this.#content.replaceChildren(make('p', 'note', says));
      return;
    }
    const says = [make('p', 'title', words.available(words.credits(this.#amount(balance.available))))];
    const note = (text) => says.push(make('p', 'note', text));
    for (const part of ['held', 'frozen', 'debt']) {
      if (balance[part] > 0) note(words[part](this.#amount(balance[part])));
    }
    const current = new Set(this.#asked(balance));
    const row = (tool) => {
      const pair = [make('dt', 'name', tool.name), make('dd', 'quantity', this.#quantity(tool, (n, unit) => `${n} ${unit}`))];
      if (current.has(tool)) pair.forEach((cell) => (cell.classList.add('current'), cell.part.add('current')));
      return pair;
    };
    says.push(make('dl', 'tools', ...balance.left.flatMap(row)));
    if (balance.resets_at) note(words.resets(this.#date(balance.resets_at)));
    if (state === 'offline') note(words.offline(this.#time(this.#feed.heardAt)));
    this.#content.replaceChildren(...says);
  }

  #toggled(open) {
    this.#button.setAttribute('aria-expanded', String(open));
    const listen = open ? addEventListener : removeEventListener;
    listen('resize', this.#place);
    listen('scroll', this.#place, { capture: true, passive: true });
    if (!open) {
      // The browser gives the focus back from within the bubble, but not from what the page put into it.
      if (this.contains(this.getRootNode().activeElement)) this.#button.focus();
      return;
    }
    this.#fill();
    // It has a size once it is laid out, which is before the next picture.
    requestAnimationFrame(this.#place);
  }

  /** Puts the bubble under the button, its end with the button's, inside the window. */
  #placeBubble() {
    const edge = 8;
    const { clientWidth, clientHeight } = document.documentElement;
    const button = this.#button.getBoundingClientRect();
    const { style } = this.#bubble;
    style.maxInlineSize = `min(22rem, ${clientWidth - 2 * edge}px)`;
    style.maxBlockSize = `${clientHeight - 2 * edge}px`;
    const { width, height } = this.#bubble.getBoundingClientRect();
    const start = getComputedStyle(this).direction === 'rtl' ? button.left : button.right - width;
    const below = button.bottom + 6;
    const fits = below + height + edge <= clientHeight || button.top < height + 6 + edge;
    style.left = `${Math.max(edge, Math.min(start, clientWidth - width - edge))}px`;
    style.top = `${Math.max(edge, fits ? below : button.top - height - 6)}px`;
  }

  /** Has the number read out once it stands still; what was there at first needs no word. */
  #sayLater() {
    clearTimeout(this.#saying);
    const now = () => [this.#number.textContent, this.#asOf.textContent].filter(Boolean).join(', ');
    this.#known ??= now();
    this.#saying = setTimeout(() => {
      if (this.#known === now()) return;
      this.#known = this.#said.textContent = now();
    }, QUIET);
  }

  #language() {
    const language = this.closest('[lang]')?.lang || undefined;
    try {
      return Intl.getCanonicalLocales(language)[0];
    } catch {
      return undefined;
    }
  }

  #amount(number) {
    return new Intl.NumberFormat(this.#language(), { maximumFractionDigits: 6 }).format(number);
  }

  #quantity({ quantity, unit, at_limit }, say) {
    const words = this.#words;
    const number = this.#amount(quantity);
    const symbol = words.symbols[unit] ?? words.unit(unit, quantity);
    return at_limit ? words.atLimit(say(number, symbol)) : say(number, symbol);
  }

  #dateTime(at, options) {
    const timeZone = this.getAttribute('time-zone') ?? undefined;
    return new Intl.DateTimeFormat(this.#language(), { ...options, timeZone }).format(new Date(at));
  }

  #date(at) {
    return this.#dateTime(at, { dateStyle: 'medium' });
  }

  /** The time of day; of another day than today with the date. */
  #time(at) {
    const today = this.#date(at) === this.#date(Date.now());
    return this.#dateTime(at, today ? { timeStyle: 'short' } : { dateStyle: 'medium', timeStyle: 'short' });
  }
}

if (globalThis.customElements && !customElements.get('scrip-balance')) {
  customElements.define('scrip-balance', ScripBalance);
}
