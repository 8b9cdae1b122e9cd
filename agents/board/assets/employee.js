// One employee beside the office and the company.
import { indexChart, chart } from "./charts.js";
import { h } from "./dom.js";
import { facts, link, officeLink, rangeOf, scroll, tile } from "./parts.js";
import { outcomeTable } from "./office.js";
import { NOTHING, format, labelOf, number } from "./words.js";

function standings(view) {
  if (view.standings.every((row) => row.office_rank === null && row.company_rank === null && row.office_z === null)) {
    return h(
      "p",
      { class: "empty" },
      "Not compared with anyone here: too few have the same job, or not enough surveys or calls.",
    );
  }
  const rows = view.standings.map((row) =>
    h(
      "tr",
      { "data-key": row.index },
      h(
        "th",
        { scope: "row" },
        labelOf(row.index),
        row.past_critical === 1 && h("span", { class: "doubt" }, " past its critical point"),
      ),
      [row.office_rank, row.company_rank].map((rank) => h("td", { class: "number" }, number(rank))),
      [row.office_z, row.company_z].map((z) => h("td", { class: "number" }, z === null ? NOTHING : number(z, 2))),
      h(
        "td",
        { class: "number" },
        row.from_office_leader === null ? NOTHING : format(row.index, row.from_office_leader),
      ),
    ),
  );
  const heading = [
    "By",
    "rank in the office",
    "in the company",
    "deviations from the office",
    "from the company",
    "behind the office's best",
  ];
  return scroll(
    "Standing",
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

export function render(view, _asked, helps) {
  const history = view.history;
  const key = `${view.office}/${view.employee}`;
  const office = (index) =>
    history.office ? [{ label: "the office", values: history.office[index], colour: "--line-2" }] : [];
  return [
    h(
      "p",
      { class: "crumbs" },
      h("a", { href: link("company") }, "Company"),
      " › ",
      officeLink(view.office, view.name),
      " › ",
      h("b", {}, view.employee),
    ),
    h(
      "div",
      { class: "tiles" },
      view.main.map((reading, place) => tile(reading, view.references[reading.index], view.office_main[place])),
    ),
    h(
      "div",
      { class: "charts" },
      view.main.map(({ index }) =>
        indexChart(
          `${key}-${index}`,
          history,
          index,
          labelOf(index),
          view.references[index],
          rangeOf(index),
          office(index),
        ),
      ),
      chart(`${key}-silent`, {
        title: "Silent customers",
        times: history.times_s,
        low: 0,
        high: 1,
        format: (value) => `${number(100 * value)} %`,
        lines: [{ label: "silent", values: history.silent_share ?? [] }],
      }),
    ),
    h(
      "section",
      { class: "wide" },
      h("h2", {}, "Beside those who do the same work"),
      standings(view),
      h(
        "p",
        { class: "note" },
        "A rank is 1, and 1 more for each who is better for certain: whoever cannot be told apart shares it.",
      ),
    ),
    h(
      "section",
      { class: "wide" },
      h("h2", {}, "Calls, sales and scores"),
      facts(view.facts, helps),
      outcomeTable(view.outcomes),
    ),
  ];
}
