/** The balance of an account, as `GET /v1/accounts/{account}/balance` answers it. Credits have at most six decimals. */
export interface Balance {
  account: string;
  /** RFC 3339, in UTC. */
  at: string;
  remaining: number;
  held: number;
  frozen: number;
  available: number;
  debt: number;
  lots: Lot[];
  /** When credits come next; null without a plan. */
  resets_at: string | null;
  left: Left[];
}

/** Credits from one source. */
export interface Lot {
  lot: string;
  class: 'subscription' | 'promo' | 'top_up' | 'make_good';
  granted: number;
  remaining: number;
  held: number;
  frozen: number;
  priority: number;
  granted_at: string;
  /** null: never. */
  expires_at: string | null;
}

/** What the available credits would buy of one tool. */
export interface Left {
  tool: string;
  name: string;
  /** `seconds`, `actions`, `runs`… */
  unit: string;
  quantity: number;
  /** Whether the measure's own bound stopped it, not the credits. */
  at_limit: boolean;
  /** null for a tool that belongs to all. */
  project_type: string | null;
}

/** A customer token, as `POST /v1/accounts/{account}/portal-sessions` answers it; further fields are ignored. */
export interface CustomerToken {
  token: string;
  /** RFC 3339; with it, the element asks for the next one in time. */
  expires_at?: string;
}

/** Gives a customer token for the account: asked of your own server, which alone knows the secret key. */
export type FetchToken = (
  asked: { account: string },
) => string | CustomerToken | Promise<string | CustomerToken>;

/** `waiting`: nothing known yet. `offline`: not connected; the balance, if any, is the last that was known. */
export type State = 'waiting' | 'live' | 'offline';

/** Why there is no connection. */
export interface Problem extends Error {
  /** The HTTP status, where the server answered. */
  status?: number | null;
  /** The code of scrip's refusal, as in `unauthorized`. */
  code?: string | null;
}

/** What the element says. Numbers and dates come formatted in the element's language (`lang`). */
export interface Words {
  title: string;
  button: string;
  waiting: string;
  left: (quantity: string, unit: string) => string;
  credits: (credits: string) => string;
  available: (credits: string) => string;
  held: (credits: string) => string;
  frozen: (credits: string) => string;
  debt: (credits: string) => string;
  resets: (date: string) => string;
  atLimit: (quantity: string) => string;
  asOf: (time: string) => string;
  offline: (time: string) => string;
  unreachable: string;
  /** Units that are written with a symbol. */
  symbols: Record<string, string>;
  /** The word of any other unit for a quantity. */
  unit: (unit: string, quantity: number) => string;
}

/** The event `scrip-balance`, whenever the balance or the connection changes. It bubbles. */
export type ScripBalanceEvent = CustomEvent<{ balance: Balance | null; state: State; problem: Problem | null }>;

/** `<scrip-balance account="…" project-type="…">` */
export declare class ScripBalance extends HTMLElement {
  fetchToken: FetchToken | null;
  get words(): Words;
  set words(words: Partial<Words>);
  readonly balance: Balance | null;
  readonly state: State;
}

declare global {
  interface HTMLElementTagNameMap {
    'scrip-balance': ScripBalance;
  }
  // It bubbles: elements, documents and windows hear it.
  interface GlobalEventHandlersEventMap {
    'scrip-balance': ScripBalanceEvent;
  }
}
