// How the workers do.
import { chart } from "./charts.js";
import { h } from "./dom.js";
import { scroll } from "./parts.js";
import { duration, number, words } from "./words.js";

const COLUMNS = [
  ["Partitions", (worker) => number(worker.partitions)],
  ["Lag", (worker) => number(worker.lag), "Messages not yet read"],
  ["Events", (worker) => number(worker.events)],
  ["a second", (worker) => number(worker.events_per_s, 1)],
  ["Dead letters", (worker) => number(worker.dead_letters)],
  ["Late", (worker) => number(worker.late), "Behind a later event of their topic and partition; normal"],
  ["Twice", (worker) => number(worker.duplicates), "Events whose id was known already"],
  ["Misrouted", (worker) => number(worker.misrouted)],
  ["Nameless", (worker) => number(worker.nameless), "Events that name somebody beyond names_max"],
  ["Clock behind", (worker) => duration(worker.clock_age_s), "How far the end of the windows lies behind now"],
  ["Last event", (worker) => duration(worker.last_event_age_s), "How long ago"],
  ["Oldest checkpoint", (worker) => duration(worker.checkpoint_age_s)],
  ["A batch", (worker) => duration(worker.batch_s), "From a fetched batch to changed indices, on average"],
];

function stateOf(worker) {
  if (worker.problem) return [`no answer: ${worker.problem}`, "worse"];
  if (!worker.in_touch) return ["out of touch with brokers or group", "worse"];
  if (!worker.ready) return ["not ready: reading the log", "doubtful"];
  if (!worker.directory_valid) return ["ready; the directory is not right, an earlier one is in force", "doubtful"];
  return worker.series_left_out > 0 ? ["ready; /metrics has left out series", "doubtful"] : ["ready", "better"];
}

function counts(title, found, none) {
  const rows = Object.entries(found);
  return h(
    "section",
    {},
    h("h2", {}, title),
    rows.length === 0
      ? h("p", { class: "empty" }, none)
      : h(
          "dl",
          { class: "counts" },
          rows.map(([word, count]) =>
            h("div", { "data-key": word }, h("dt", {}, words(word)), h("dd", {}, number(count))),
          ),
        ),
  );
}

export function render(view) {
  const history = view.history;
  const line = (name, label) => [{ label, values: history[`health/${name}`] ?? [] }];
  const rate = (value) => number(value, value < 10 ? 1 : 0);
  const rows = view.workers.map((worker) => {
    const [state, tone] = stateOf(worker);
    return h(
      "tr",
      { "data-key": worker.address },
      h("th", { scope: "row" }, worker.address),
      h("td", { class: tone }, state),
      COLUMNS.map(([, text]) => h("td", { class: "number" }, worker.problem ? "" : text(worker))),
    );
  });
  return [
    h(
      "section",
      { class: "wide" },
      h("h2", {}, "Workers"),
      scroll(
        "Workers",
        h(
          "table",
          {},
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              h("th", { scope: "col" }, "Worker"),
              h("th", { scope: "col" }, "State"),
              COLUMNS.map(([label, , title]) => h("th", { scope: "col", title }, label)),
            ),
          ),
          h("tbody", {}, rows),
        ),
      ),
    ),
    h(
      "div",
      { class: "charts" },
      chart("events", {
        title: "Events a second",
        times: history.times_s,
        low: 0,
        format: rate,
        lines: line("events_per_s", "events/s"),
      }),
      chart("lag", {
        title: "Messages not yet read",
        times: history.times_s,
        low: 0,
        format: (value) => number(value),
        whole: true,
        lines: line("lag", "lag"),
      }),
      chart("dead", {
        title: "Dead letters a second",
        times: history.times_s,
        low: 0,
        format: (value) => number(value, 2),
        lines: line("dead_letters_per_s", "dead letters/s"),
      }),
      chart("checkpoints", {
        title: "Age of the oldest checkpoint",
        times: history.times_s,
        low: 0,
        format: duration,
        lines: line("checkpoint_age_s", "age"),
      }),
    ),
    h(
      "div",
      { class: "charts" },
      counts("Dead letters by reason", view.dead_letters, "None."),
      counts("Events by type", view.events, "None yet."),
      counts("What became of messages", view.fates, "None yet."),
      counts("Presses by role", view.presses, "None yet."),
    ),
    h(
      "p",
      { class: "note" },
      `Counters begin anew when a worker starts, and count the log again while it is read. Reading all workers took ${duration(view.took_s)}.`,
    ),
  ];
}
