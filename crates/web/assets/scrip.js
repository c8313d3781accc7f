// What moves by itself: numbers that change while the page is open. Without this every page works the same, only still.
// The server renders everything; here parts of the page are exchanged for those of a newer reading of it.

const parts = () => document.querySelectorAll("[data-live]");

// The account that a page, or a part of one, is of. Another visit of the same browser answers for another account, and its
// numbers must not stand under this one's name.
const whose = (part) => part?.getAttribute("data-whose");

// A page of the server, or of a part of one. Where the visit has ended, or is another account's, this page is over.
async function read(address, init, part) {
  const answer = await fetch(address, init);
  const over = () => {
    // Not a reload: this page may be the answer to a form.
    location.replace(location.pathname + location.search);
    return new Promise(() => {});
  };
  // An order of this account is none of another's.
  if (answer.status === 401 || answer.status === 404) return over();
  if (!answer.ok) throw new Error("not now");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (init.signal?.aborted) throw new Error("not any more");
  return whose(page.querySelector(part)) === whose(document.body) ? page : over();
}

async function refresh() {
  const next = await read(location.href, { headers: { accept: "text/html" } }, "body");
  for (const part of parts()) {
    const newer = next.getElementById(part.id);
    // What somebody is in the middle of using stays as it is.
    if (!newer || part.contains(document.activeElement)) continue;
    if (newer.innerHTML !== part.innerHTML) part.innerHTML = newer.innerHTML;
    for (const name of part.getAttributeNames()) if (!newer.hasAttribute(name)) part.removeAttribute(name);
  }
  document.title = next.title;
}

// Why what is shown may be old: there is no network, or the server does not answer. Nothing: it is not.
const stale = (is) => {
  const note = document.getElementById("offline");
  if (!note) return;
  const why = navigator.onLine ? "unanswered" : "offline";
  for (const words of note.querySelectorAll("[data-why]")) words.hidden = words.dataset.why !== why;
  note.hidden = !is;
};

// Milliseconds after which a stream that is gone is asked for again, and one that does not come is taken for gone; and after
// which a reading that failed is tried again, longer each time.
const PATIENCE = 5000;
let patience = PATIENCE, retry = 0;

// One reading at a time; what changes meanwhile asks for one more.
let reading = false, again = false;
async function soon() {
  if (reading) return void (again = true);
  reading = true;
  clearTimeout(retry);
  try {
    await refresh();
    stale(false);
    patience = PATIENCE;
  } catch {
    stale(true);
    // The next change may be hours away, and an order that waits asks by itself.
    if (live) {
      retry = setTimeout(soon, patience);
      patience = Math.min(2 * patience, 60000);
    }
  }
  reading = false;
  if (again) {
    again = false;
    soon();
  }
}

const live = document.querySelector("[data-stream]");
if (live) {
  // What it says first is what the page shows already.
  let first = true;
  const listen = () => {
    const stream = new EventSource(live.dataset.stream);
    let late = 0;
    stream.addEventListener("balance", () => {
      if (first) first = false;
      else soon();
    });
    stream.addEventListener("open", () => {
      clearTimeout(late);
      late = 0;
    });
    stream.addEventListener("error", () => {
      first = false;
      // Refused, it never tries again by itself. Whether anything is wrong, a reading tells.
      if (stream.readyState === EventSource.CLOSED) setTimeout(() => soon().then(listen), PATIENCE);
      else
        late ||= setTimeout(() => {
          late = 0;
          soon();
        }, PATIENCE);
    });
  };
  listen();
}

// An order that waits is looked at until it waits no more.
const wait = () => {
  const waiting = document.querySelector("[data-waits]");
  if (waiting) setTimeout(() => soon().then(wait), Number(waiting.dataset.waits));
};
wait();

addEventListener("online", soon);
addEventListener("offline", () => stale(true));

// A form is sent once.
addEventListener("submit", (event) => {
  if (event.target.dataset.sent) return event.preventDefault();
  event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// What lies over the page goes away with Escape, or a press elsewhere.
const over = () => document.querySelectorAll("details.menu[open], details.bubble[open]");
addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const sheet of over()) {
    sheet.open = false;
    sheet.querySelector("summary").focus();
  }
});
addEventListener("click", (event) => {
  for (const sheet of over()) if (!sheet.contains(event.target)) sheet.open = false;
});

// An estimate answers as its sliders move; without this there is a button. Fields are named by the catalog, so none is looked
// up by its name, nor is anything that a field named `action`, `length` or `dataset` would stand for.
for (const form of document.querySelectorAll("form[data-asks]")) {
  const [answers, page] = [form.getAttribute("data-asks"), form.getAttribute("action")];
  const place = document.getElementById(answers);
  let asking = new AbortController(), soonest = 0;
  const ask = async ({ signal }) => {
    const address = `${page}/${answers}?${new URLSearchParams(new FormData(form))}`;
    const next = await read(address, { signal }, `#${answers}`);
    place.innerHTML = next.getElementById(answers).innerHTML;
    place.removeAttribute("aria-busy");
    stale(false);
  };
  const fail = () => {
    // No price is better than that of other measures.
    place.replaceChildren();
    place.removeAttribute("aria-busy");
    stale(true);
  };
  // A slider says every step that it passes: only where it stays is asked about.
  const askSoon = () => {
    clearTimeout(soonest);
    asking.abort();
    const mine = (asking = new AbortController());
    place.setAttribute("aria-busy", "true");
    soonest = setTimeout(() => ask(mine).catch(() => mine.signal.aborted || fail()), 150);
  };
  for (const slider of form.querySelectorAll("[data-of]")) {
    const number = slider.parentElement.querySelector("[type=number]");
    slider.addEventListener("input", () => (number.value = slider.value));
    number.addEventListener("input", () => (slider.value = number.value));
  }
  const follow = ({ type, target }) => {
    // Of a choice both events come.
    if ((target instanceof HTMLSelectElement) !== (type === "change")) return;
    if ("leads" in target.dataset) location.assign(`${page}?tool=${encodeURIComponent(target.value)}#estimate`);
    else askSoon();
  };
  form.addEventListener("input", follow);
  form.addEventListener("change", follow);
}
