// The visitor's own presses, what they did to the indices, and what happened last.
import { h } from "./dom.js";
import { baseOf, choose, officeLink, scroll } from "./parts.js";
import { clock, format, labelOf, words } from "./words.js";

const INDEX_OF = { personnel: 0, office: 1, loyalty: 2 };
const ASKED = [
  ["personnel", "Satisfied with the seller?"],
  ["office", "Satisfied with the office?"],
  ["loyalty", "Would you recommend us?"],
];
const ABOUT = { personnel: "seller", office: "office", loyalty: "recommend" };
const ANSWERS = { yes: "Yes", no: "No", hard_to_say: "Hard to say" };
const OUTCOMES = { yes: "✓ yes", no: "✗ no", hard_to_say: "? hard to say", silent: "– silent" };
const MOST_LINES = 6;
const TIMEOUT_MS = 5000;

const last = { survey: null, force_majeure: null };
const log = [];
let view = null;
let before = null; // what the indices were at the last press
let answerUntilMs = 0;
let chosen = {};

function announce(sentence) {
  log.unshift([`${log.length} ${Date.now()}`, `${clock(Date.now())} ${sentence}`]);
  log.splice(MOST_LINES);
}

// The office, seller and question that are chosen, or else the first of them.
export function choice(asked, offices = view?.offices ?? {}) {
  const office = Object.hasOwn(offices, asked.office) ? asked.office : (Object.keys(offices)[0] ?? "");
  const sellers = offices[office] ?? [];
  const employee = sellers.includes(asked.employee) ? asked.employee : (sellers[0] ?? "");
  return { office, employee, question: Object.hasOwn(INDEX_OF, asked.question) ? asked.question : "personnel" };
}

async function act(action) {
  try {
    const response = await fetch("board/act", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(action),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    return answer.event_id;
  } catch (error) {
    announce(`Not sent: ${error.message}`);
    return undefined;
  }
}

async function press(long) {
  const { office, employee, question } = chosen;
  if (!employee) return announce("There is no seller yet who could press.");
  if (!long) before = { question, office, employee, effect: view.effect };
  const eventId = await act({
    do: "press",
    office_id: office,
    employee_id: employee,
    long,
    ...(long ? {} : { question }),
  });
  if (!eventId) return undefined;
  last[long ? "force_majeure" : "survey"] = { eventId, office };
  if (!long) answerUntilMs = Date.now() + 1000 * view.answer_window_s;
  return announce(long ? `${employee} declared a force majeure.` : `${employee} asked; the customer may answer.`);
}

async function answer(given) {
  const inTime = Date.now() <= answerUntilMs;
  if (!(await act({ do: "answer", office_id: before?.office ?? chosen.office, answer: given }))) return;
  announce(
    inTime ? `The customer pressed ${words(given)}.` : `${words(given)}: nobody had asked, so it counts nowhere.`,
  );
  answerUntilMs = 0;
}

async function judge(target, id, office, reliable, whose) {
  if (!(await act({ do: "review", office_id: office, target, target_id: id, reliable }))) return;
  const verb = reliable ? (target === "survey" ? "accepted" : "confirmed") : "rejected";
  announce(`The expert ${verb} ${whose} ${words(target)}.`);
}

// What a button does, by its `data-do`.
export async function push(button) {
  const { do: what, target, id, office, given } = button.dataset;
  if (what === "short" || what === "long") await press(what === "long");
  else if (what === "answer") await answer(given);
  else if (id) await judge(target, id, office, given === "true", "that");
  else if (last[target]) await judge(target, last[target].eventId, last[target].office, given === "true", "your");
}

function effect() {
  if (!before || before.office !== chosen.office || before.employee !== chosen.employee) return null;
  const place = INDEX_OF[before.question];
  const lines = [
    ["employee", before.employee],
    ["office", before.office],
  ].map(([who, name]) => {
    const told = (reading) => `${format(reading.index, reading.value)} ${baseOf(reading, "")}`.trim();
    const [then, now] = [told(before.effect[who][place]), told(view.effect[who][place])];
    return [
      h("dt", {}, `${labelOf(view.effect[who][place].index)}, ${name}`),
      h("dd", {}, then === now ? `${then}, unchanged` : `${then} → ${now}`),
    ];
  });
  return h("div", { id: "effect" }, h("h3", {}, "Since your press"), h("dl", {}, lines));
}

function verdicts(target, label, [accept, reject]) {
  const off = last[target] === null;
  const button = (given, text) =>
    h(
      "button",
      {
        type: "button",
        "data-do": "review",
        "data-target": target,
        "data-given": given,
        disabled: off,
        "data-key": given,
      },
      text,
    );
  return h(
    "div",
    { class: "verdict", role: "group", "aria-label": `Your last ${label}` },
    h("span", {}, label),
    button("true", accept),
    button("false", reject),
  );
}

function buttons() {
  const leftS = Math.ceil((answerUntilMs - Date.now()) / 1000);
  return h(
    "section",
    { id: "try", "aria-labelledby": "try-title" },
    h("h2", { id: "try-title" }, "Press for yourself"),
    h(
      "div",
      { class: "fields" },
      choose(
        "Office",
        "office",
        chosen,
        Object.keys(view.offices).map((office) => [office, office]),
        null,
      ),
      choose(
        "Seller",
        "employee",
        chosen,
        (view.offices[chosen.office] ?? []).map((name) => [name, name]),
        null,
      ),
      choose("Question", "question", chosen, ASKED, null),
    ),
    h(
      "fieldset",
      {},
      h("legend", {}, "The seller"),
      h("button", { type: "button", "data-do": "short", class: "first" }, "Short press: ask"),
      h("button", { type: "button", "data-do": "long" }, "Long press: force majeure"),
    ),
    h(
      "fieldset",
      {},
      h("legend", {}, "The customer ", h("span", { id: "countdown" }, leftS > 0 ? `(${leftS} s left)` : "")),
      Object.entries(ANSWERS).map(([given, text]) =>
        h("button", { type: "button", "data-do": "answer", "data-given": given, "data-key": given }, text),
      ),
    ),
    h(
      "fieldset",
      {},
      h("legend", {}, "The expert, about your last"),
      verdicts("survey", "survey", ["Accept", "Reject"]),
      verdicts("force_majeure", "force majeure", ["Confirm", "Reject"]),
    ),
    effect(),
    h(
      "ol",
      { id: "log", role: "log", "aria-label": "What you pressed" },
      log.map(([key, line]) => h("li", { "data-key": key }, line)),
    ),
    h("p", { class: "note" }, "See it move: ", officeLink(chosen.office), "."),
  );
}

function review(row, target, given, text, what) {
  return h(
    "button",
    {
      type: "button",
      "data-do": "review",
      "data-target": target,
      "data-id": row.event_id,
      "data-office": row.office_id,
      "data-given": String(given),
      "aria-label": `${text} ${what} of ${row.employee_id} at ${clock(row.ts_ms)}`,
    },
    text,
  );
}

function list(id, title, nothing, heading, rows) {
  const table = h(
    "table",
    {},
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        heading.map((text) => h("th", { scope: "col" }, text)),
      ),
    ),
    h("tbody", {}, rows),
  );
  return h(
    "section",
    { id, "data-key": id },
    h("h2", {}, title),
    rows.length === 0 ? h("p", { class: "empty" }, nothing) : scroll(title, table),
  );
}

function counts(survey) {
  if (!survey.valid) return "rejected";
  return survey.force_majeure ? "force majeure" : "yes";
}

function surveys() {
  const rows = view.surveys.map((row) =>
    h(
      "tr",
      { "data-key": `${row.office_id}/${row.event_id}`, class: row.panel_id === "board" ? "mine" : null },
      h("td", {}, clock(row.ts_ms)),
      h("td", {}, row.employee_id),
      h("td", {}, ABOUT[row.question] ?? row.question),
      h("td", { class: row.valid ? null : "unreliable" }, OUTCOMES[row.outcome] ?? row.outcome),
      h("td", {}, counts(row)),
      h("td", {}, review(row, "survey", !row.valid, row.valid ? "Reject" : "Accept", "the survey")),
    ),
  );
  return list(
    "surveys",
    "Last surveys",
    "No survey decided yet.",
    ["Time", "Seller", "About", "Outcome", "Counts", "Expert"],
    rows,
  );
}

function forceMajeures() {
  const state = (row) => ({ true: "✓ confirmed", false: "✗ rejected" })[row.reliable] ?? "… pending";
  const rows = view.force_majeures.map((row) =>
    h(
      "tr",
      { "data-key": `${row.office_id}/${row.event_id}`, class: row.panel_id === "board" ? "mine" : null },
      h("td", {}, clock(row.ts_ms)),
      h("td", {}, row.employee_id),
      h("td", {}, state(row)),
      h(
        "td",
        {},
        [
          ["Confirm", true],
          ["Reject", false],
        ]
          .filter(([, reliable]) => reliable !== row.reliable)
          .map(([text, reliable]) => review(row, "force_majeure", reliable, text, "the force majeure")),
      ),
    ),
  );
  return list("force-majeures", "Force majeures", "Nobody declared one.", ["Time", "Seller", "State", "Expert"], rows);
}

function rejects() {
  const rows = view.rejects.map((row) =>
    h(
      "tr",
      { "data-key": `${row.topic}/${row.partition}/${row.offset}` },
      h("td", {}, clock(row.at_ms)),
      h("td", {}, words(row.reason)),
      h("td", {}, `${row.topic} ${row.partition} ${row.offset}`),
      h("td", { class: "excerpt" }, row.excerpt),
    ),
  );
  return list(
    "rejects",
    "Rejected messages",
    "No message was rejected.",
    ["Time", "Reason", "Topic, partition, offset", "Message"],
    rows,
  );
}

export function render(answered, asked) {
  view = answered;
  chosen = choice(asked);
  return [
    h("div", { class: "sides-by-side" }, buttons(), surveys()),
    h("div", { class: "sides-by-side" }, forceMajeures(), rejects()),
  ];
}
