// The visitor's own presses, and what they did to the indices.
import { expand, format, labelOf, make } from "./tables.js";

const INDEX_OF = { personnel: "ink_personnel", office: "ink_office", loyalty: "iel" };
const WORDS = { yes: "yes", no: "no", hard_to_say: "hard to say" };
const MOST_LINES = 6;
const TIMEOUT_MS = 5000;

// `officeId` and `employeeId` are set by the first press: their rows are marked from then on.
export const trial = { panel: "board", officeId: "", employeeId: "" };

const element = (id) => document.getElementById(id);
const last = { survey: null, force_majeure: null };
let state = null;
let baseline = null;
let answerUntilMs = 0;

function announce(sentence) {
  const log = element("log");
  log.prepend(make("li", `${new Date().toLocaleTimeString("en-GB")} ${sentence}`));
  while (log.children.length > MOST_LINES) log.lastChild.remove();
}

// Sends a press, and says so if it was not taken. Returns its event id, if it was.
export async function act(action) {
  try {
    const response = await fetch("board/act", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(action),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    document.dispatchEvent(new Event("pressed"));
    return answer.event_id;
  } catch (error) {
    announce(`Not sent: ${error.message}`);
    return undefined;
  }
}

function setOptions(select, ids) {
  const wanted = ids.join("\n");
  if (select.dataset.ids === wanted) return;
  select.dataset.ids = wanted;
  const chosen = select.value;
  select.replaceChildren(...ids.map((id) => Object.assign(make("option", id), { value: id })));
  if (ids.includes(chosen)) select.value = chosen;
}

function setEmployees() {
  const office = state.offices.find(({ office_id }) => office_id === element("office").value);
  setOptions(element("employee"), (office?.employees ?? []).map(({ employee_id }) => employee_id));
}

// Offers the offices and employees that there are, keeping what is chosen.
export function offer(newState) {
  if (state?.window !== newState.window) baseline = null;
  state = newState;
  setOptions(element("office"), state.offices.map(({ office_id }) => office_id));
  setEmployees();
}

function readings(from) {
  const office = from.offices.find(({ office_id }) => office_id === trial.officeId);
  const employee = office?.employees.find(({ employee_id }) => employee_id === trial.employeeId);
  return [
    [trial.employeeId, employee?.values],
    [trial.officeId, office?.values],
  ];
}

function describe(reading, column) {
  const [value, base] = reading ?? [null, 0];
  return `${format(value, column)} of ${base.toLocaleString("en")}`;
}

// Shows the index of the question that was asked, before the last press and now.
export function effect(newState) {
  const place = element("effect");
  place.hidden = baseline === null;
  if (baseline === null) return;
  const index = newState.indices.findIndex(({ name }) => name === baseline.name);
  if (index < 0) return;
  const column = newState.indices[index];
  const lines = readings(newState).flatMap(([id, values], row) => {
    const then = describe(baseline.readings[row][1]?.[index], column);
    const now = describe(values?.[index], column);
    return [make("dt", `${labelOf(column.name)}, ${id}`), make("dd", then === now ? `${then}, unchanged` : `${then} → ${now}`)];
  });
  const list = place.querySelector("dl");
  if (list.textContent !== lines.map((line) => line.textContent).join("")) list.replaceChildren(...lines);
}

async function press(long) {
  const question = element("question").value;
  Object.assign(trial, { officeId: element("office").value, employeeId: element("employee").value });
  if (!trial.employeeId) {
    announce("There is no seller yet who could press.");
    return;
  }
  expand(trial.officeId);
  if (!long) baseline = { name: INDEX_OF[question], readings: readings(state) };
  const choice = long ? {} : { question };
  const eventId = await act({ do: "press", office_id: trial.officeId, employee_id: trial.employeeId, long, ...choice });
  if (!eventId) return;
  last[long ? "force_majeure" : "survey"] = { eventId, officeId: trial.officeId };
  if (!long) answerUntilMs = Date.now() + 1000 * state.answer_window_s;
  announce(long ? `${trial.employeeId} declared a force majeure.` : `${trial.employeeId} asked; the customer may answer.`);
  enable();
}

async function answer(choice) {
  const inTime = Date.now() <= answerUntilMs;
  const officeId = trial.officeId || element("office").value;
  if (!(await act({ do: "answer", office_id: officeId, answer: choice }))) return;
  announce(inTime ? `The customer pressed ${WORDS[choice]}.` : `${WORDS[choice]}: nobody had asked, so it counts nowhere.`);
  answerUntilMs = 0;
}

async function judge(target, reliable) {
  const { eventId, officeId } = last[target];
  if (!(await act({ do: "review", office_id: officeId, target, target_id: eventId, reliable }))) return;
  const verb = reliable ? (target === "survey" ? "accepted" : "confirmed") : "rejected";
  announce(`The expert ${verb} your ${target.replace("_", " ")}.`);
}

function enable() {
  for (const group of document.querySelectorAll("[data-target]")) {
    for (const button of group.querySelectorAll("button")) button.disabled = last[group.dataset.target] === null;
  }
}

function tick() {
  const leftS = Math.ceil((answerUntilMs - Date.now()) / 1000);
  const text = leftS > 0 ? `(${leftS} s left)` : "";
  if (element("countdown").textContent !== text) element("countdown").textContent = text;
}

element("office").addEventListener("change", setEmployees);
element("short").addEventListener("click", () => press(false));
element("long").addEventListener("click", () => press(true));
for (const button of document.querySelectorAll("[data-answer]")) {
  button.addEventListener("click", () => answer(button.dataset.answer));
}
for (const button of document.querySelectorAll("[data-reliable]")) {
  const { target } = button.closest("[data-target]").dataset;
  button.addEventListener("click", () => judge(target, button.dataset.reliable === "true"));
}
enable();
setInterval(tick, 250);
