// The project page: asks its own backend for prices and jobs, and shows what scrip says. It computes no credits.

const base = document.body.dataset.base;
const at = (id) => document.getElementById(id);
const balance = at('balance');
const numbers = new Intl.NumberFormat('en', { maximumFractionDigits: 6 });

let about;
let quote = null;
let running = false;

/** Asks the backend; throws its problem. */
async function ask(path, body) {
  const options = body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(`${base}${path}`, options).catch(() => {
    throw new Error('The studio cannot be reached.');
  });
  const answer = response.status === 204 ? null : await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.detail), { problem: answer });
  return answer;
}

function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const tool = () => about.tools.find(({ tool }) => tool === at('tool').value);
const enabled = ({ project_type }) => !project_type || !about.project_types || about.project_types.includes(project_type);
const words = (name) => name.replaceAll('_', ' ').replace(/^./, (letter) => letter.toUpperCase());

// The balance element: the customer token comes from the backend, which alone knows the secret key.
// Resolves once the corner says something for the first time.
const told = new Promise((done) => {
  balance.addEventListener('scrip-balance', ({ detail }) => (detail.balance || detail.state === 'offline') && done());
});
balance.fetchToken = () => ask('/credits-token', {});
balance.addEventListener('scrip-balance', ({ detail: { balance } }) => {
  if (!balance) return;
  for (const part of ['available', 'held', 'remaining']) at(part).textContent = numbers.format(balance[part]);
  const share = (part) => `${(100 * balance[part]) / Math.max(balance.remaining, 1)}%`;
  at('bar-available').style.width = share('available');
  at('bar-held').style.width = share('held');
  price();
});

/** The tools: a tab for each kind of project or toolkit, and a list of all. */
function tools() {
  const chosen = new URLSearchParams(location.search).get('tool');
  const groups = about.toolkits.map((kit) => [kit.name, about.tools.filter(({ toolkit }) => toolkit === kit.name || toolkit === kit.id)]);
  const listed = new Set(groups.flatMap(([, tools]) => tools));
  const rest = about.tools.filter((tool) => !listed.has(tool));
  if (rest.length > 0) groups.push(['Tools', rest]);
  at('tool').replaceChildren(
    ...groups.map(([label, tools]) =>
      make('optgroup', { label }, ...tools.map((tool) =>
        make('option', { value: tool.tool, textContent: enabled(tool) ? tool.name : `${tool.name} (not enabled)`, disabled: !enabled(tool) }))),
    ),
  );
  const first = about.tools.find((tool) => tool.tool === chosen && enabled(tool)) ?? about.tools.find(enabled);
  at('tool').value = first.tool;
}

/** The fields of the chosen tool's measures, with what the address says or something to start from. */
function measures() {
  const given = new URLSearchParams(location.search);
  const start = { seconds: 12, actions: 3, width: 1024, height: 1024 };
  const field = (measure) => {
    const value = given.get(measure.measure) ?? measure.default ?? start[measure.measure] ?? measure.min ?? measure.choices?.[0];
    const input = measure.choices
      ? make('select', {}, ...measure.choices.map((choice) => make('option', { value: choice, textContent: choice })))
      : make('input', { type: 'number', min: measure.min, max: measure.max, step: 'any', required: true });
    input.name = measure.measure;
    input.value = value;
    const unit = measure.unit && measure.unit !== measure.measure ? ` (${measure.unit})` : '';
    return make('label', {}, `${words(measure.measure)}${unit} `, input);
  };
  at('measures').replaceChildren(...tool().measures.map(field));
}

/** What is chosen, as scrip wants it. */
function chosen() {
  const values = tool().measures.map(({ measure, choices }) => {
    const { value } = at('form').elements[measure];
    return [measure, choices?.includes(value) ? value : Number(value)];
  });
  return { tool: tool().tool, measures: Object.fromEntries(values) };
}

/** Where credits are bought, and from there back to this very job. */
const toCredits = (wishes) => `${base}/credits?${new URLSearchParams({ ...wishes, back: location.href })}`;

/** Keeps the choice in the address, so that it is there again after a way round by Buy Credits. */
function remember() {
  const { tool, measures } = chosen();
  const query = new URLSearchParams({ tool, ...measures });
  history.replaceState(null, '', `?${query}`);
  for (const link of document.querySelectorAll('[data-credits]')) link.href = toCredits({});
}

function corner() {
  const { project_type, tool: id, name } = tool();
  balance.toggleAttribute('project-type', false);
  balance.toggleAttribute('tool', false);
  if (project_type) balance.setAttribute('project-type', project_type);
  else balance.setAttribute('tool', id);
  at('kinds').textContent = name;
}

let asked = 0;
/** The price of what is chosen, before it runs. Only the newest question counts. */
async function price() {
  const mine = ++asked;
  const choice = chosen();
  if (Object.values(choice.measures).some(Number.isNaN)) return;
  let answer = null;
  let refusal = null;
  try {
    answer = await ask('/quote', choice);
  } catch (error) {
    refusal = error;
  }
  if (mine !== asked) return;
  quote = answer;
  const lines = answer ? answer.lines.map(({ text }) => make('li', { textContent: text })) : [];
  at('price').replaceChildren(
    ...(answer
      ? [make('strong', { textContent: `${numbers.format(answer.credits)} credits` }), make('ul', {}, ...lines)]
      : [make('span', { className: 'no', textContent: refusal.message })]),
  );
  short(answer?.account);
  at('run').disabled = !answer?.account.affordable || !answer.account.enabled;
}

/** Too little: how much is missing, and the ways to more. */
function short(account) {
  const says = at('short');
  says.hidden = !account || account.affordable;
  if (says.hidden) return;
  const packages = about.packages.filter(({ package: id }) => account.packages.includes(id));
  const fits = packages.length > 0 ? ` Enough would be: ${packages[0].name}.` : '';
  const resets = account.resets_at
    ? ` New credits come on ${new Intl.DateTimeFormat('en', { dateStyle: 'long' }).format(new Date(account.resets_at))}.` : '';
  says.replaceChildren(
    make('p', {}, make('b', { textContent: `${numbers.format(account.short_by)} credits are missing.` }), fits, resets),
    make('a', { id: 'top-up', className: 'button', href: toCredits({ short_by: account.short_by }), textContent: about.packages.length > 0 ? 'Top up' : 'See your plan' }),
  );
}

const STATES = {
  running: 'Running', stopping: 'Stopping', finished: 'Finished', failed: 'Failed', cancelled: 'Cancelled', unsettled: 'Not settled',
};

const isRunning = ({ state }) => state === 'running' || state === 'stopping';
const nameOf = (id) => about.tools.find(({ tool }) => tool === id)?.name ?? id;
const rows = new Map();

/** A job's row: made once, so that its button can be pressed while the job goes on. */
function rowOf({ job, tool, measures }) {
  if (rows.has(job)) return rows.get(job);
  const what = about.tools.find(({ tool: id }) => id === tool)?.measures.map(({ measure, unit }) =>
    unit === measure ? `${measures[measure]} ${unit}` : `${measure} ${measures[measure]}`).join(', ');
  const cancel = make('button', { type: 'button', textContent: 'Cancel' });
  cancel.addEventListener('click', () => ask(`/jobs/${job}/cancel`, {}).then(follow));
  const amount = (of) => {
    const cell = make('td', { className: 'amount' });
    cell.dataset.of = of;
    return cell;
  };
  const row = make('tr', {}, make('td', {}, nameOf(tool), make('small', { textContent: what })), make('td'),
    amount('Held'), amount('Charged'), amount('Freed'), make('td', {}, cancel));
  rows.set(job, row);
  at('jobs').tBodies[0].prepend(row);
  return row;
}

function show(jobs) {
  running = jobs.some(isRunning);
  at('jobs').hidden = jobs.length === 0;
  at('no-jobs').hidden = jobs.length > 0;
  // Oldest first, as each new row goes on top.
  for (const job of jobs.toReversed()) {
    const [, state, ...amounts] = rowOf(job).cells;
    state.textContent = isRunning(job) ? `${STATES[job.state]}, ${job.progress} %` : STATES[job.state];
    [job.held, job.charged, job.freed].forEach((credits, place) => {
      amounts[place].textContent = credits === null ? '' : numbers.format(credits);
    });
    rowOf(job).querySelector('button').hidden = job.state !== 'running';
  }
  const [newest] = jobs;
  at('progress').hidden = !newest;
  at('progress').value = newest?.progress ?? 0;
  at('caption').textContent = newest ? `${nameOf(newest.tool)}: ${STATES[newest.state].toLowerCase()}` : 'Nothing is running.';
  document.body.classList.toggle('running', running);
}

let following = null;
/** Looks after the jobs until none runs. */
async function follow() {
  clearTimeout(following);
  try {
    show(await ask('/jobs'));
  } finally {
    if (running) following = setTimeout(follow, 300);
  }
}

async function run(event) {
  event.preventDefault();
  if (!quote) return;
  at('run').disabled = true;
  try {
    await ask('/jobs', {
      ...chosen(), ending: at('ending').value, catalog_version: quote.catalog_version, credits_expected: quote.credits,
    });
    await follow();
  } catch (error) {
    at('price').replaceChildren(make('span', { className: 'no', textContent: error.message }));
  }
  await price();
}

try {
  about = await ask('/about');
} catch (error) {
  document.querySelector('main').replaceChildren(make('p', { className: 'lost', textContent: error.message, role: 'alert' }));
  document.body.classList.remove('waits');
  throw error;
}
document.title = `Project: ${about.studio}`;
at('studio').textContent = about.studio;
at('profile').textContent = (about.name ?? '?').slice(0, 1);
at('profile').setAttribute('aria-label', `${about.name ?? 'Account'}: be somebody else`);
tools();
measures();
corner();
remember();
at('tool').addEventListener('change', () => {
  measures();
  corner();
});
at('form').addEventListener('input', () => {
  remember();
  price();
});
at('form').addEventListener('submit', run);
// Back from Buy Credits by the browser's own button: the price may be affordable now.
addEventListener('pageshow', price);
try {
  await price();
  await follow();
  await Promise.race([told, new Promise((done) => setTimeout(done, 2000))]);
} finally {
  // Shown once it is whole: nothing moves under anybody's hand.
  document.body.classList.remove('waits');
}
