// Asks for the state once a second and shows it. Whatever comes from outside is set as text, never as markup.
import { fillTable, list } from "./tables.js";
import { act, effect, offer, trial } from "./trial.js";

const POLL_MS = 1000;
const SLOWEST_POLL_MS = 5000;
const SOON_MS = 150;
const TIMEOUT_MS = 5000;

let chosenWindow = "";
let failures = 0;
let timer = 0;
let asked = 0;

const element = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");
const clock = (ms) => new Date(ms).toLocaleTimeString("en-GB");
const day = (ms) => new Date(ms).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const words = (text) => String(text).replaceAll("_", " ");

const OUTCOMES = { yes: "✓ yes", no: "✗ no", hard_to_say: "? hard to say", silent: "– silent" };
const QUESTIONS = { personnel: "seller", office: "office", loyalty: "recommend" };

const surveys = list(element("surveys"), "No survey decided yet.", {
  key: (survey) => `${survey.office_id}/${survey.event_id}`,
  mine: (survey) => survey.panel_id === trial.panel,
  columns: [
    ["Time", (survey) => clock(survey.ts_ms)],
    ["Seller", (survey) => survey.employee_id],
    ["About", (survey) => QUESTIONS[survey.question] ?? survey.question],
    ["Outcome", (survey) => OUTCOMES[survey.outcome] ?? survey.outcome, (survey) => (survey.valid ? "" : "unreliable")],
    ["Counts", counts],
  ],
  actions: (survey) => [[survey.valid ? "Reject" : "Accept", () => review(survey, "survey", !survey.valid)]],
  what: (survey) => `the survey of ${survey.employee_id} at ${clock(survey.ts_ms)}`,
});

const forceMajeures = list(element("force-majeures"), "Nobody declared one.", {
  key: (majeure) => `${majeure.office_id}/${majeure.event_id}`,
  mine: (majeure) => majeure.panel_id === trial.panel,
  columns: [
    ["Time", (majeure) => clock(majeure.ts_ms)],
    ["Seller", (majeure) => majeure.employee_id],
    ["State", (majeure) => ({ true: "✓ confirmed", false: "✗ rejected" })[majeure.reliable] ?? "… pending"],
  ],
  actions: (majeure) =>
    [["Confirm", true], ["Reject", false]]
      .filter(([, reliable]) => reliable !== majeure.reliable)
      .map(([label, reliable]) => [label, () => review(majeure, "force_majeure", reliable)]),
  what: (majeure) => `the force majeure of ${majeure.employee_id} at ${clock(majeure.ts_ms)}`,
});

const rejects = list(element("rejects"), "No message was rejected.", {
  key: (reject) => `${reject.topic}/${reject.partition}/${reject.offset}`,
  columns: [
    ["Time", (reject) => clock(reject.at_ms)],
    ["Reason", (reject) => words(reject.reason)],
    ["Topic, partition, offset", (reject) => `${reject.topic} ${reject.partition} ${reject.offset}`],
    ["Message", (reject) => reject.excerpt, () => "excerpt"],
  ],
});

function counts(survey) {
  if (!survey.valid) return "rejected";
  return survey.force_majeure ? "force majeure" : "yes";
}

function review(row, target, reliable) {
  return act({ do: "review", office_id: row.office_id, target, target_id: row.event_id, reliable });
}

function showWindows(windows) {
  const fieldset = element("windows");
  if (fieldset.dataset.windows === windows.join()) return;
  fieldset.dataset.windows = windows.join();
  fieldset.replaceChildren(fieldset.querySelector("legend"));
  for (const window of windows) {
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "window", value: window });
    radio.checked = window === chosenWindow;
    radio.addEventListener("change", () => {
      chosenWindow = window;
      poll(0);
    });
    const label = document.createElement("label");
    label.append(radio, window);
    fieldset.append(label);
  }
}

function showWorker(state) {
  const { events, events_per_s, dead_letters, lag } = state.worker;
  const facts = {
    Clock: day(state.at_ms),
    Events: `${number.format(events)} (${events_per_s.toFixed(1)}/s)`,
    Lag: number.format(lag),
    Rejected: number.format(dead_letters),
  };
  element("worker").replaceChildren(
    ...Object.entries(facts).map(([name, value]) => {
      const pair = document.createElement("div");
      for (const [tag, text] of [["dt", name], ["dd", value]]) {
        pair.append(Object.assign(document.createElement(tag), { textContent: text }));
      }
      return pair;
    }),
  );
}

function show(state) {
  chosenWindow ||= state.window;
  if (state.window !== chosenWindow) return;
  showWindows(state.windows);
  showWorker(state);
  offer(state);
  fillTable(element("indices"), state, trial);
  surveys(state.surveys);
  forceMajeures(state.force_majeures);
  rejects(state.rejects);
  effect(state);
}

function trouble(sentence) {
  document.body.classList.toggle("stale", Boolean(sentence));
  const place = element("trouble");
  place.hidden = !sentence;
  if (place.textContent !== sentence) place.textContent = sentence;
}

// Asks now or in a moment; a later question makes the answer to an earlier one void.
function poll(delayMs) {
  clearTimeout(timer);
  timer = setTimeout(ask, delayMs);
}

async function ask() {
  const mine = ++asked;
  try {
    const response = await fetch(`board/state${chosenWindow && `?window=${encodeURIComponent(chosenWindow)}`}`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const state = await response.json();
    if (mine !== asked) return;
    if (!response.ok) throw new Error(state.error);
    show(state);
    failures = 0;
    trouble("");
  } catch (error) {
    if (mine !== asked) return;
    failures += 1;
    const reason = error instanceof TypeError || error.name === "TimeoutError" ? "no answer from the worker" : error.message;
    trouble(`What you see may be out of date: ${reason}. Trying again.`);
  }
  poll(document.hidden ? SLOWEST_POLL_MS : Math.min(SLOWEST_POLL_MS, POLL_MS * 2 ** Math.min(failures, 5)));
}

document.addEventListener("visibilitychange", () => document.hidden || poll(0));
document.addEventListener("pressed", () => poll(SOON_MS));
ask();
