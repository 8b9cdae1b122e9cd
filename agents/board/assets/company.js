// The company: how many offices are where, and a page of them.
import { chart } from "./charts.js";
import { h, svg } from "./dom.js";
import { cell, choose, diagnosed, heads, link, officeLink, pager, scroll, search } from "./parts.js";
import { DIAGNOSES, MEANINGS, format, labelOf, number } from "./words.js";

const MAIN = ["ink_personnel", "ink_office", "iel"];
const SIDES = [
  ["worse", "worse for certain"],
  ["open", "too close to tell"],
  ["fine", "fine for certain"],
  ["not_representative", "not representative"],
];

function distribution(view, index) {
  const counts = view.verdicts[index];
  const total = SIDES.reduce((sum, [side]) => sum + counts[side], 0);
  const believed = total - counts.not_representative;
  let from = 0;
  const parts = SIDES.map(([side]) => {
    const width = total ? (100 * counts[side]) / total : 0;
    const part = svg("rect", { class: side, x: from, y: 0, width, height: 10 });
    from += width;
    return part;
  });
  return h(
    "section",
    { class: "tile", "data-key": index, "data-index": index },
    h("h3", { title: MEANINGS[index] }, labelOf(index)),
    h(
      "p",
      { class: "big" },
      h("span", { class: "value" }, format(index, view.medians[index])),
      " ",
      h(
        "span",
        { class: "base" },
        `middle of ${number(believed)} representative office${believed === 1 ? "" : "s"}; reference ${format(index, view.references[index])}`,
      ),
    ),
    svg("svg", { class: "shares", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, parts),
    h(
      "ul",
      { class: "sides" },
      SIDES.map(([side, text]) => h("li", { class: side }, h("b", {}, number(counts[side])), ` ${text}`)),
    ),
    h("p", { class: "note" }, MEANINGS[index]),
  );
}

function causes(view, asked) {
  const all = Object.entries(view.diagnoses).filter(([, count]) => count > 0);
  return h(
    "p",
    { class: "causes" },
    "Where the cause lies: ",
    all.map(([word, count]) =>
      h(
        "a",
        {
          class: "chip",
          href: link("company", { ...asked, page: null, diagnosis: asked.diagnosis === word ? null : word }),
          "aria-current": asked.diagnosis === word ? "true" : null,
        },
        `${DIAGNOSES[word] ?? word}: ${number(count)}`,
      ),
    ),
  );
}

// The company and its regions as one, where the directory names regions.
function regionTable(view, asked) {
  const rows = view.totals.map((total) =>
    h(
      "tr",
      { "data-key": total.region },
      h(
        "th",
        { scope: "row" },
        total.region
          ? h("a", { href: link("company", { ...asked, page: null, region: total.region }) }, total.region)
          : "Company",
      ),
      MAIN.map((index) => h("td", { class: "number" }, format(index, total.main[index]))),
      h("td", { class: "number" }, number(total.surveys)),
      h("td", { class: "number" }, number(total.offices)),
    ),
  );
  const columns = [["Region"], ...MAIN.map((index) => [labelOf(index), MEANINGS[index]]), ["Surveys"], ["Offices"]];
  return h(
    "section",
    { class: "wide" },
    h("h2", {}, "Regions"),
    scroll(
      "Regions",
      h(
        "table",
        { id: "regions" },
        h("caption", { class: "unseen" }, "The company and its regions"),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            columns.map(([label, title]) => h("th", { scope: "col", title }, label)),
          ),
        ),
        h("tbody", {}, rows),
      ),
    ),
    h(
      "p",
      { class: "note" },
      "As if everything had happened in one office: each office counts by the surveys that its value rests on, representative or not.",
    ),
  );
}

export function officeTable(view, asked, path, choice = officeLink) {
  const columns = [
    ["Office", "office"],
    ...MAIN.map((index) => [labelOf(index), index, MEANINGS[index]]),
    ["Cause", null, "Where the cause of dissatisfaction lies"],
    ["Answered", "response_share", "Share of surveys that customers answered, and how many surveys there were"],
    ["Force majeure", "force_majeure_level", "Share of surveys in a standing force majeure"],
  ];
  const rows = view.rows.map((row) =>
    h(
      "tr",
      { "data-key": row.office },
      h("th", { scope: "row" }, choice(row.office, row.name), row.region && h("span", { class: "base" }, row.region)),
      row.main.map((reading) => cell(reading, view.references[reading.index])),
      h("td", {}, diagnosed(row.diagnosis)),
      cell(row.response_share),
      h(
        "td",
        { class: "reading" },
        h("span", { class: "value" }, format("force_majeure_level", row.force_majeure_level.value)),
      ),
    ),
  );
  return h(
    "section",
    { class: "wide" },
    h(
      "div",
      { class: "bar" },
      h("h2", {}, "Offices"),
      search("Search", asked),
      view.regions.length > 0 &&
        choose(
          "Region",
          "region",
          asked,
          view.regions.map((region) => [region, region]),
          "all",
        ),
    ),
    pager(path, asked, view.page, "offices"),
    scroll(
      "Offices",
      h(
        "table",
        { class: "readings" },
        h("caption", { class: "unseen" }, "Offices with their indices"),
        h("thead", {}, heads(path, asked, view.page, columns)),
        h("tbody", {}, rows),
      ),
    ),
    view.rows.length === 0 && h("p", { class: "empty" }, "No office is like that."),
    h(
      "p",
      { class: "note" },
      "Below each value its 95 % interval, with the reference as a line across it, and how many surveys it rests on. “?” marks what is not representative; those come last in a sorted table.",
    ),
  );
}

export function render(view, asked) {
  const history = view.history;
  const lines = (names) =>
    names.map((index) => ({ label: labelOf(index), values: history[`${index}/${asked.window}`] ?? [] }));
  return [
    h(
      "p",
      { class: "lead" },
      `${number(view.offices)} offices, ${number(view.employees)} employees, ${number(view.shares.surveys)} surveys, of which ${format("response_share", view.shares.response_share)} were answered.`,
    ),
    h(
      "div",
      { class: "tiles" },
      MAIN.map((index) => distribution(view, index)),
    ),
    causes(view, asked),
    h(
      "div",
      { class: "charts" },
      chart("company-ink", {
        title: "Dissatisfaction of the middle office",
        times: history.times_s,
        low: 0,
        high: 1,
        lines: lines(["ink_personnel", "ink_office"]),
      }),
      chart("company-iel", {
        title: "Loyalty of the middle office",
        times: history.times_s,
        low: -1,
        high: 1,
        lines: lines(["iel"]),
      }),
      chart("company-answers", {
        title: "Share of surveys answered, all offices",
        times: history.times_s,
        low: 0,
        high: 1,
        format: (value) => `${number(100 * value)} %`,
        lines: lines(["response_share"]),
      }),
    ),
    view.totals.length > 1 && regionTable(view, asked),
    officeTable(view, asked, "company"),
  ];
}
