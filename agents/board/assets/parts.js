// What several views are made of: readings with what tells how far they can be believed, links, pages of tables.
import { h, svg } from "./dom.js";
import { DIAGNOSES, MEANINGS, NOTHING, format, labelOf, number } from "./words.js";

const REASONS = {
  too_few_surveys: "too few surveys",
  coverage: "too few or too many of the visitors were asked",
  conversion: "sales and surveys do not match",
  force_majeure: "too much force majeure",
  not_asked_lately: "not asked lately",
};
const RANGES = { ink_personnel: [0, 1], ink_office: [0, 1], iel: [-1, 1] };
export const rangeOf = (index) => RANGES[index] ?? [0, 1];

// The address of a view; what is null falls out. The window goes along.
export function link(view, asked = {}) {
  const window = new URLSearchParams(location.hash.split("?")[1]).get("window");
  const given = Object.entries({ window, ...asked }).filter(
    ([, value]) => value !== null && value !== undefined && value !== "",
  );
  const text = new URLSearchParams(given).toString();
  return `#/${view}${text && `?${text}`}`;
}

export const officeLink = (office, name) => h("a", { href: link("office", { office }) }, name || office);
export const employeeLink = (office, employee) => h("a", { href: link("employee", { office, employee }) }, employee);

export function baseOf(reading, what = "surveys") {
  if (!reading.base) return "";
  return `of ${reading.at_most ? "at most " : ""}${number(reading.base)} ${what}`.trim();
}

export function why(reading) {
  if (reading.representative === undefined) return "";
  return reading.representative
    ? "representative"
    : reading.reasons.map((reason) => REASONS[reason] ?? reason).join(", ") || "not representative";
}

// The interval on its range: a bar from end to end, the value, and the reference as a line across.
export function interval(reading, reference = null) {
  const [low, high] = rangeOf(reading.index);
  const place = (value) => (100 * (Math.min(high, Math.max(low, value)) - low)) / (high - low);
  if (reading.value === null || reading.lower === undefined) return h("span", { class: "interval" });
  const text = `95 % interval ${format(reading.index, reading.lower)} to ${format(reading.index, reading.upper)}`;
  return svg(
    "svg",
    { class: "interval", viewBox: "-2 0 104 12", preserveAspectRatio: "none", role: "img", "aria-label": text },
    svg("title", {}, text),
    svg("rect", { class: "track", x: 0, y: 5, width: 100, height: 2 }),
    svg("rect", {
      class: "span",
      x: place(reading.lower),
      y: 3,
      width: Math.max(1, place(reading.upper) - place(reading.lower)),
      height: 6,
    }),
    reference === null
      ? null
      : svg("rect", { class: "reference", x: place(reference) - 0.4, y: 0, width: 0.8, height: 12 }),
    svg("rect", { class: "point", x: place(reading.value) - 1, y: 1, width: 2, height: 10 }),
  );
}

const lowerIsBetter = (index) => index !== "iel";

// On which side of the reference an index is for certain, in words and a tone.
export function verdict(reading, reference) {
  if (reading.value === null) return ["no value: nobody was asked", "none"];
  if (!reading.representative) return [`not representative: ${why(reading)}`, "doubtful"];
  const bar = format(reading.index, reference);
  const [worse, fine] = lowerIsBetter(reading.index)
    ? [reading.lower > reference, reading.upper <= reference]
    : [reading.upper < reference, reading.lower >= reference];
  if (worse) return [`representative, and worse than ${bar} for certain`, "worse"];
  if (fine) return [`representative, and as good as ${bar} or better for certain`, "better"];
  return [`representative; too close to ${bar} to tell`, "open"];
}

export function tile(reading, reference, beside = null) {
  const [sentence, tone] = verdict(reading, reference);
  return h(
    "section",
    { class: `tile ${tone}`, "data-key": reading.index, "data-index": reading.index },
    h("h3", { title: MEANINGS[reading.index] }, labelOf(reading.index)),
    h(
      "p",
      { class: "big" },
      h("span", { class: "value" }, format(reading.index, reading.value)),
      " ",
      h("span", { class: "base" }, baseOf(reading)),
    ),
    interval(reading, reference),
    h(
      "p",
      { class: "ends" },
      reading.lower === undefined
        ? ""
        : `95 %: ${format(reading.index, reading.lower)} to ${format(reading.index, reading.upper)}`,
    ),
    h("p", { class: "trust" }, sentence),
    beside && h("p", { class: "beside" }, `the office: ${format(beside.index, beside.value)}`),
    h("p", { class: "note" }, MEANINGS[reading.index]),
  );
}

// A reading in a cell of a table: the value, its interval and base below, and a mark when it is not to be believed.
export function cell(reading, reference = null) {
  const mark =
    reading.representative === false && reading.value !== null
      ? h(
          "abbr",
          {
            class: "doubt",
            title: `not representative: ${why(reading)}`,
            "aria-label": `not representative: ${why(reading)}`,
          },
          "?",
        )
      : null;
  return h(
    "td",
    { class: `reading ${reading.representative === false ? "doubtful" : ""}` },
    h("span", { class: "value" }, format(reading.index, reading.value), mark),
    reference === null ? null : interval(reading, reference),
    h("span", { class: "base" }, reading.value === null ? "" : baseOf(reading, "")),
  );
}

export const diagnosed = (word) =>
  word ? h("span", { class: `diagnosis ${word}` }, DIAGNOSES[word] ?? word) : NOTHING;

export function facts(readings, helps) {
  return h(
    "dl",
    { class: "facts" },
    readings.map((reading) =>
      h(
        "div",
        { "data-key": reading.index, "data-index": reading.index },
        h("dt", { title: helps[reading.index] }, labelOf(reading.index)),
        h(
          "dd",
          {},
          h("span", { class: "value" }, format(reading.index, reading.value)),
          reading.lower === undefined
            ? null
            : h(
                "span",
                { class: "base" },
                `${format(reading.index, reading.lower)} to ${format(reading.index, reading.upper)}`,
              ),
          reading.base ? h("span", { class: "base" }, baseOf(reading, "")) : null,
        ),
      ),
    ),
  );
}

// Headers whose links sort; `asked` is what the address says already.
export function heads(view, asked, page, columns) {
  return h(
    "tr",
    {},
    columns.map(([label, sort, title]) => {
      if (!sort) return h("th", { scope: "col", title }, label);
      const mine = page.sort === sort;
      const turned = mine && asked.turned !== "1" ? "1" : null;
      return h(
        "th",
        { scope: "col", title, "aria-sort": mine ? (page.descending ? "descending" : "ascending") : null },
        h(
          "a",
          { href: link(view, { ...asked, sort, turned, page: null }) },
          label,
          mine ? h("span", { "aria-hidden": "true" }, page.descending ? " ▾" : " ▴") : null,
        ),
      );
    }),
  );
}

export function pager(view, asked, page, what) {
  const first = page.found === 0 ? 0 : page.number * page.size + 1;
  const to = (number, label, possible) =>
    possible
      ? h("a", { href: link(view, { ...asked, page: String(number) }) }, label)
      : h("span", { class: "off", "aria-hidden": "true" }, label);
  return h(
    "nav",
    { class: "pager", "aria-label": `Pages of ${what}` },
    h(
      "span",
      {},
      `${number(first)} to ${number(Math.min(page.found, (page.number + 1) * page.size))} of ${number(page.found)} ${what}`,
    ),
    page.last > 0 && to(page.number - 1, "‹ before", page.number > 0),
    page.last > 0 && to(page.number + 1, "next ›", page.number < page.last),
  );
}

export const search = (label, asked) =>
  h(
    "label",
    { class: "search" },
    label,
    " ",
    h("input", {
      type: "search",
      value: asked.q ?? "",
      "data-ask": "q",
      maxlength: 100,
      autocomplete: "off",
      spellcheck: "false",
    }),
  );

export function choose(label, name, asked, options, all) {
  return h(
    "label",
    { class: "search" },
    label,
    " ",
    h(
      "select",
      { "data-ask": name },
      all === null ? null : h("option", { value: "" }, all),
      options.map(([value, text]) => h("option", { value, selected: asked[name] === value }, text)),
    ),
  );
}

export const scroll = (label, table) =>
  h("div", { class: "scroll", role: "region", "aria-label": label, tabindex: 0 }, table);
