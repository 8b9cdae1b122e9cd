// One office with its employees.
import { chart, indexChart } from "./charts.js";
import { h } from "./dom.js";
import { cell, diagnosed, employeeLink, facts, heads, link, pager, rangeOf, scroll, search, tile } from "./parts.js";
import { MEANINGS, NOTHING, instant, labelOf, number } from "./words.js";

export const QUESTIONS = { personnel: "about the seller", office: "about the office", loyalty: "about recommending" };
export const OUTCOMES = { yes: "yes", no: "no", hard_to_say: "hard to say", silent: "silent" };

export function outcomeTable(outcomes, askedS = null) {
  const rows = Object.entries(QUESTIONS).map(([question, words]) =>
    h(
      "tr",
      { "data-key": question },
      h("th", { scope: "row" }, words),
      Object.keys(OUTCOMES).map((outcome) => h("td", { class: "number" }, number(outcomes[question][outcome]))),
      askedS && h("td", {}, askedS[question] === null ? NOTHING : instant(1000 * askedS[question])),
    ),
  );
  const heading = ["Surveys", ...Object.values(OUTCOMES), ...(askedS ? ["last asked"] : [])];
  return scroll(
    "Answers",
    h(
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
    ),
  );
}

function people(view, asked) {
  const columns = [
    ["Employee", "employee"],
    ...view.main.map(({ index }) => [labelOf(index), index, MEANINGS[index]]),
    ["Rank", null, "By INK@Personnel in the office: 1, and 1 more for each who is better for certain"],
    ["Silent", "silent_share"],
    ["Calls", "calls_answered", "Inbound calls answered"],
    ["In time", "service_level", "Inbound calls answered in time"],
    ["Sales", "sales"],
  ];
  const rows = view.rows.map((row) =>
    h(
      "tr",
      { "data-key": row.employee },
      h("th", { scope: "row" }, employeeLink(view.office, row.employee)),
      row.main.map((reading) => cell(reading, view.references[reading.index])),
      h("td", { class: "number" }, number(row.rank)),
      cell(row.facts.silent_share),
      h("td", { class: "number" }, number(row.counts.calls_answered)),
      cell(row.facts.service_level),
      h("td", { class: "number" }, number(row.counts.sales)),
    ),
  );
  return h(
    "section",
    { class: "wide" },
    h("div", { class: "bar" }, h("h2", {}, "Employees"), search("Search", asked)),
    pager("office", asked, view.page, "employees"),
    scroll(
      "Employees",
      h(
        "table",
        { class: "readings" },
        h("caption", { class: "unseen" }, "Employees with their indices"),
        h("thead", {}, heads("office", asked, view.page, columns)),
        h("tbody", {}, rows),
      ),
    ),
    view.rows.length === 0 && h("p", { class: "empty" }, "No employee is like that."),
  );
}

export function render(view, asked, helps) {
  const history = view.history;
  const perCent = (value) => `${number(100 * value)} %`;
  const marked = { label: "Force majeure", places: history.in_force_majeure };
  const limit = history.times_s?.map(() => view.limits.force_majeure_level) ?? [];
  return [
    h(
      "p",
      { class: "crumbs" },
      h("a", { href: link("company") }, "Company"),
      " › ",
      view.region && `${view.region} › `,
      h("b", {}, view.name ? `${view.name} (${view.office})` : view.office),
    ),
    h("p", { class: "lead" }, "Where the cause lies: ", diagnosed(view.diagnosis)),
    h(
      "div",
      { class: "tiles" },
      view.main.map((reading) => tile(reading, view.references[reading.index])),
    ),
    h(
      "div",
      { class: "charts" },
      view.main.map(({ index }) =>
        indexChart(
          `${view.office}-${index}`,
          history,
          index,
          labelOf(index),
          view.references[index],
          rangeOf(index),
          [],
          marked,
        ),
      ),
      chart(`${view.office}-shares`, {
        title: "Silent customers, visitors asked, force majeure",
        times: history.times_s,
        low: 0,
        high: 1,
        format: perCent,
        marked,
        lines: [
          { label: "silent", values: history.silent_share ?? [] },
          { label: "visitors asked", values: history.visitor_coverage ?? [] },
          { label: "force majeure", values: history.force_majeure_level ?? [] },
          { label: "its limit", values: limit, dashed: true, colour: "--muted" },
        ],
      }),
    ),
    h(
      "section",
      { class: "wide" },
      h("h2", {}, "What else is known"),
      facts(view.facts, helps),
      outcomeTable(view.outcomes, view.asked_s),
    ),
    people(view, asked),
  ];
}
