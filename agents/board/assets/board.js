// Which view is shown stands in the address, so that links and the back button work. The view is asked for every few
// seconds; what comes is made into a tree, and the page follows it.
import * as calls from "./calls.js";
import { draw } from "./charts.js";
import * as company from "./company.js";
import { followChildren, h } from "./dom.js";
import * as employee from "./employee.js";
import * as health from "./health.js";
import * as office from "./office.js";
import { link, pager, search } from "./parts.js";
import * as trying from "./try.js";
import { isKnown, learn, moment } from "./words.js";

const VIEWS = {
  company: ["Company", company],
  office: ["Office", office],
  employee: ["Employee", employee],
  calls: ["Calls and SLA", calls],
  health: ["Service health", health],
  try: ["Try it", trying],
};
const SLOWEST_MS = 10_000;
const TIMEOUT_MS = 15_000;
const TYPING_MS = 250;

const element = (id) => document.getElementById(id);
let helps = {};
let answered = null; // the last answer
let shown = ""; // the address it was for
let failures = 0;
let timer = 0;
let number = 0;
let typing = 0;
const visited = { office: null, employee: null };

// The view and what is asked of it, as the address says.
function where() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { view: Object.hasOwn(VIEWS, path) ? path : "company", asked: Object.fromEntries(new URLSearchParams(query)) };
}

// Offices and employees have to be chosen first, from the tables of those above them.
function source({ view, asked }) {
  if (view === "office" && !asked.office) return "company";
  if (view === "employee" && !asked.office) return "company";
  return view === "employee" && !asked.employee ? "office" : view;
}

function chooser({ view, asked }, answer) {
  if (view === "employee" && asked.office) {
    const rows = answer.rows.map((row) =>
      h(
        "li",
        { "data-key": row.employee },
        h("a", { href: link("employee", { office: answer.office, employee: row.employee }) }, row.employee),
      ),
    );
    return [
      h("h2", {}, `Choose an employee of ${answer.office}`),
      search("Search", asked),
      pager(view, asked, answer.page, "employees"),
      h("ul", { class: "choice" }, rows),
    ];
  }
  const rows = answer.rows.map((row) =>
    h("li", { "data-key": row.office }, h("a", { href: link(view, { office: row.office }) }, row.name || row.office)),
  );
  return [
    h("h2", {}, view === "office" ? "Choose an office" : "Choose an employee's office"),
    search("Search", asked),
    pager(view, asked, answer.page, "offices"),
    h("ul", { class: "choice" }, rows),
  ];
}

function navigation(place, hasTrial) {
  const names = Object.keys(VIEWS).filter((name) => name !== "try" || hasTrial);
  const target = (name) => {
    if (name === "office") return link(name, { office: visited.office });
    return name === "employee" ? link(name, { office: visited.office, employee: visited.employee }) : link(name);
  };
  return h(
    "nav",
    {},
    names.map((name) =>
      h(
        "a",
        { href: target(name), "data-key": name, "aria-current": name === place.view ? "page" : null },
        VIEWS[name][0],
      ),
    ),
  );
}

function windows(answer) {
  return h(
    "fieldset",
    {},
    h("legend", {}, "Window"),
    answer.windows.map((window) =>
      h(
        "label",
        { "data-key": window },
        h("input", {
          type: "radio",
          name: "window",
          value: window,
          "data-ask": "window",
          checked: window === answer.window,
        }),
        window,
      ),
    ),
  );
}

function show(place, answer) {
  const asked = { ...place.asked, window: answer.window };
  if (place.asked.office && place.view !== "try")
    Object.assign(visited, {
      office: place.asked.office,
      employee: place.asked.employee ?? (visited.office === place.asked.office ? visited.employee : null),
    });
  followChildren(element("views"), navigation(place, answer.trial));
  followChildren(element("windows"), windows(answer));
  element("windows").hidden = place.view === "health" || answer.windows.length === 0;
  const chosen = source(place) === place.view;
  const tree = h(
    "main",
    {},
    chosen ? VIEWS[place.view][1].render(answer.view, asked, helps) : chooser(place, answer.view),
  );
  followChildren(element("view"), tree);
  draw(element("view"));
  element("fresh").textContent = answer.clock_ms
    ? `as of ${moment(answer.clock_ms)}; a silent customer counts as ${answer.silent_weight} dissatisfied`
    : "";
  document.title = `${VIEWS[place.view][0]}${place.asked.employee || place.asked.office ? `: ${place.asked.employee ?? place.asked.office}` : ""} – KQI`;
}

// Who is asked for may have gone, or come with the next round.
function nobody({ asked }, reason, troubles) {
  trouble(troubles, false);
  const tree = h(
    "main",
    {},
    h(
      "p",
      { class: "empty" },
      `${[asked.office, asked.employee].filter(Boolean).join(", ")}: ${reason}. `,
      h("a", { href: link("company") }, "All offices"),
    ),
  );
  followChildren(element("view"), tree);
  shown = "";
}

function trouble(sentences, stale) {
  document.body.classList.toggle("stale", stale);
  element("trouble").hidden = sentences.length === 0;
  followChildren(
    element("trouble"),
    h(
      "div",
      {},
      sentences.map((sentence) => h("p", {}, sentence)),
    ),
  );
}

async function fetched(view, asked) {
  const query = new URLSearchParams(asked).toString();
  const response = await fetch(`board/view/${view}${query && `?${query}`}`, {
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const answer = await response.json();
  if (!response.ok)
    throw Object.assign(new Error(answer.error), { status: response.status, troubles: answer.troubles });
  return answer;
}

function poll(delayMs) {
  clearTimeout(timer);
  timer = setTimeout(ask, delayMs);
}

// Asks for what the address says; a later question makes the answer to an earlier one void.
async function ask() {
  const mine = ++number;
  const address = location.hash;
  const place = where();
  let everyMs = SLOWEST_MS;
  try {
    const asked =
      place.view === "try" && isTrial(answered)
        ? { ...place.asked, ...trying.choice(place.asked, answered.view.offices) }
        : place.asked;
    if (!isKnown() || !Object.keys(helps).length) {
      const meanings = (await fetched("meanings", {})).view;
      learn(meanings.units);
      helps = meanings.helps;
    }
    const answer = await fetched(source(place), asked);
    if (mine !== number) return;
    const first = shown !== address;
    answered = answer;
    shown = address;
    show(place, answer);
    failures = 0;
    everyMs = 1000 * answer.every_s;
    if (first && place.view === "try" && !place.asked.office) everyMs = 0; // now it is known whom to ask for
    trouble(answer.troubles, false);
  } catch (error) {
    if (mine !== number) return;
    failures += 1;
    const reason =
      error instanceof TypeError || error.name === "TimeoutError" ? "the board does not answer" : error.message;
    everyMs = Math.min(SLOWEST_MS, 500 * 2 ** failures);
    if (error.status === 404) {
      nobody(place, reason, error.troubles);
      failures = 0; // the board answers: who is asked for may come with the next round
      if (answered) everyMs = 1000 * answered.every_s;
    } else if (error.status === 400 && place.asked.window)
      return argue("window", null); // a link from elsewhere
    else trouble([`${answered ? "What you see may be out of date: " : ""}${reason}. Trying again.`], true);
    if (
      error instanceof ReferenceError ||
      error instanceof RangeError ||
      (error instanceof TypeError && !/fetch/i.test(error.message))
    )
      console.error(error);
  }
  if (location.hash !== address)
    poll(0); // somebody has gone on meanwhile
  else poll(document.hidden ? SLOWEST_MS : everyMs);
  return undefined;
}

const isTrial = (answer) => Array.isArray(answer?.view.surveys);
const showAgain = () => isTrial(answered) && shown === location.hash && show(where(), answered);

// Puts an argument into the address.
function argue(name, value) {
  const { view, asked } = where();
  const changed = { ...asked, [name]: value, page: null };
  if (view === "try" && name === "office") changed.employee = null;
  history.replaceState(null, "", link(view, changed));
  poll(0);
}

document.addEventListener("input", ({ target }) => {
  if (target.dataset?.ask !== "q") return;
  clearTimeout(typing);
  typing = setTimeout(() => argue("q", target.value), TYPING_MS);
});
document.addEventListener(
  "change",
  ({ target }) => target.dataset?.ask && target.dataset.ask !== "q" && argue(target.dataset.ask, target.value),
);
document.addEventListener("click", async (event) => {
  const { target } = event;
  if (target.closest?.(".skip")) {
    event.preventDefault(); // the address is of the view, and stays
    element("view").focus();
    return;
  }
  const button = target.closest?.("[data-do]");
  if (!button) return;
  await trying.push(button);
  showAgain();
  poll(150);
});
window.addEventListener("hashchange", () => {
  const before = shown.split("?")[0];
  if (location.hash.split("?")[0] !== before) {
    window.scrollTo(0, 0);
    element("view").focus({ preventScroll: true });
  }
  poll(0);
});
document.addEventListener("visibilitychange", () => document.hidden || poll(0));
setInterval(() => where().view === "try" && !document.hidden && showAgain(), 1000); // the seconds that are left
ask();
