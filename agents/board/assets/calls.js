// Calls by queue, and service requests against their targets.
import { chart } from "./charts.js";
import { h } from "./dom.js";
import { cell, heads, interval, officeLink, pager, scroll, search } from "./parts.js";
import { NOTHING, format, number, words } from "./words.js";

const TOTALS = {
  calls_offered: "calls offered",
  calls_answered: "answered",
  calls_missed: "missed",
  requests_open: "requests open now",
  requests_overdue: "overdue now",
};

function targets(view) {
  if (view.targets.length === 0) return h("p", { class: "empty" }, "The configuration has no targets for requests.");
  const rows = view.targets.map((row) => {
    const { reading } = row;
    const missed = reading.upper !== null && reading.upper < row.objective;
    return h(
      "tr",
      { "data-key": `${row.priority}/${row.stage}` },
      h("th", { scope: "row" }, `${row.priority}, ${words(row.stage)}`),
      h(
        "td",
        { class: "number" },
        h("span", { class: "value" }, format(reading.index, reading.value)),
        reading.value !== null && interval(reading, row.objective),
        h("span", { class: "base" }, reading.base ? `of ${number(reading.base)} due` : ""),
      ),
      h("td", { class: "number" }, format(reading.index, row.objective)),
      h("td", { class: "number" }, row.burn === null ? NOTHING : `${number(row.burn, 2)} ×`),
      h(
        "td",
        {},
        reading.value === null
          ? "nothing was due"
          : missed
            ? h("span", { class: "doubt" }, "missed for certain")
            : reading.lower >= row.objective
              ? "met for certain"
              : "too close to tell",
      ),
    );
  });
  const heading = ["Requests", "in time", "objective", "budget burnt", "so"];
  return scroll(
    "Requests",
    h(
      "table",
      { class: "readings" },
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
    ),
  );
}

export function render(view, asked) {
  const history = view.history;
  const line = (name, label) => ({ label, values: history[`${name}/${asked.window}`] ?? history[name] ?? [] });
  const count = (value) => number(value);
  const columns = [
    ["Queue", null],
    ["In time", "service_level", "Inbound calls answered in time"],
    ["Abandoned", "abandonment"],
    ["Offered", "calls_offered"],
    ["Missed", "calls_missed"],
    ["Speed of answer", "average_speed_of_answer"],
  ];
  const queues = view.rows.map((row) =>
    h(
      "tr",
      { "data-key": `${row.office}/${row.queue}` },
      h("th", { scope: "row" }, row.queue, h("span", { class: "base" }, officeLink(row.office))),
      h(
        "td",
        { class: "reading" },
        h("span", { class: "value" }, format("service_level", row.service_level.value)),
        interval(row.service_level),
        h(
          "span",
          { class: "base" },
          row.service_level.base
            ? `of ${row.service_level.at_most ? "at most " : ""}${number(row.service_level.base)}`
            : "",
        ),
      ),
      cell(row.abandonment),
      h("td", { class: "number" }, number(row.calls_offered.value)),
      h("td", { class: "number" }, number(row.calls_missed.value)),
      cell(row.average_speed_of_answer),
    ),
  );
  return [
    h(
      "dl",
      { class: "facts totals" },
      Object.entries(TOTALS).map(([name, label]) =>
        h(
          "div",
          { "data-key": name, "data-index": name },
          h("dt", {}, label),
          h("dd", {}, h("span", { class: "value" }, number(view.totals[name]))),
        ),
      ),
    ),
    h(
      "div",
      { class: "charts" },
      chart("calls", {
        title: "Calls in the window, all offices",
        times: history.times_s,
        low: 0,
        format: count,
        whole: true,
        lines: [line("calls_offered", "offered"), line("calls_missed", "missed")],
      }),
      chart("missed", {
        title: "Share of calls missed, all offices",
        times: history.times_s,
        low: 0,
        high: 1,
        format: (value) => `${number(100 * value)} %`,
        lines: [line("missed_share", "missed")],
      }),
      chart("open", {
        title: "Requests open and overdue now",
        times: history.times_s,
        low: 0,
        format: count,
        whole: true,
        lines: [line("requests_open", "open"), line("requests_overdue", "overdue")],
      }),
    ),
    h(
      "section",
      { class: "wide" },
      h("h2", {}, "Requests against their targets, all offices"),
      targets(view),
      view.targets.length > 0 &&
        h(
          "p",
          { class: "note" },
          "Budget burnt: the share that was late, over the share that may be. Above 1 × the objective is missed if it goes on.",
        ),
    ),
    view.overdue.length > 0 &&
      h(
        "section",
        { class: "wide" },
        h("h2", {}, "Most overdue now"),
        scroll(
          "Overdue",
          h(
            "table",
            {},
            h(
              "thead",
              {},
              h(
                "tr",
                {},
                ["Office", "overdue", "open"].map((text) => h("th", { scope: "col" }, text)),
              ),
            ),
            h(
              "tbody",
              {},
              view.overdue.map((row) =>
                h(
                  "tr",
                  { "data-key": row.office },
                  h("th", { scope: "row" }, officeLink(row.office)),
                  h("td", { class: "number" }, number(row.requests_overdue)),
                  h("td", { class: "number" }, number(row.requests_open)),
                ),
              ),
            ),
          ),
        ),
      ),
    h(
      "section",
      { class: "wide" },
      h("div", { class: "bar" }, h("h2", {}, "Queues"), search("Search", asked)),
      pager("calls", asked, view.page, "queues"),
      scroll(
        "Queues",
        h(
          "table",
          { class: "readings" },
          h("caption", { class: "unseen" }, "Queues with their calls"),
          h("thead", {}, heads("calls", asked, view.page, columns)),
          h("tbody", {}, queues),
        ),
      ),
      view.rows.length === 0 && h("p", { class: "empty" }, "No queue is like that."),
    ),
  ];
}
