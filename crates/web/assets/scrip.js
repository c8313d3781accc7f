// What moves by itself: numbers that change while the page is open. Without this every page works the same, only still.
// The server renders everything; here parts of the page are exchanged for those of a newer reading of it.

const parts = () => document.querySelectorAll("[data-live]");

async function refresh() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (answer.status === 401) return location.reload();
  if (!answer.ok) throw new Error("not now");
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts()) {
    const newer = next.getElementById(part.id);
    // What somebody is in the middle of using stays as it is.
    if (!newer || part.contains(document.activeElement)) continue;
    if (newer.innerHTML !== part.innerHTML) part.innerHTML = newer.innerHTML;
    for (const name of part.getAttributeNames()) if (!newer.hasAttribute(name)) part.removeAttribute(name);
  }
  document.title = next.title;
}

const offline = (is) => {
  const note = document.getElementById("offline");
  if (note) note.hidden = !is;
};

// One reading at a time; what changes meanwhile asks for one more.
let reading = false, again = false;
async function soon() {
  if (reading) return void (again = true);
  reading = true;
  try {
    await refresh();
    offline(false);
  } catch {
    offline(true);
  }
  reading = false;
  if (again) {
    again = false;
    soon();
  }
}

const live = document.querySelector("[data-stream]");
if (live) {
  const stream = new EventSource(live.dataset.stream);
  let first = true;
  stream.addEventListener("balance", () => {
    if (first) first = false;
    else soon();
  });
  stream.addEventListener("open", () => offline(false));
  stream.addEventListener("error", () => offline(!navigator.onLine || stream.readyState === EventSource.CLOSED));
}

// An order that waits is looked at until it waits no more.
const wait = () => {
  const waiting = document.querySelector("[data-waits]");
  if (waiting) setTimeout(() => soon().then(wait), Number(waiting.dataset.waits));
};
wait();

addEventListener("online", soon);
addEventListener("offline", () => offline(true));

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
    const answer = await fetch(`${page}/${answers}?${new URLSearchParams(new FormData(form))}`, { signal });
    if (!answer.ok) throw new Error("not now");
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (signal.aborted) return;
    place.innerHTML = next.getElementById(answers).innerHTML;
    place.removeAttribute("aria-busy");
    offline(false);
  };
  const fail = () => {
    // No price is better than that of other measures.
    place.replaceChildren();
    place.removeAttribute("aria-busy");
    offline(true);
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
