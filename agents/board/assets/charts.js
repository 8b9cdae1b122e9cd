// Lines over time, with intervals as bands behind them, drawn by uPlot. A chart keeps its element while its lines change.
import { followChildren, h } from "./dom.js";
import { NOTHING, dayOf, moment, number } from "./words.js";

const HEIGHT = 190;
const DAY_S = 86_400;
const TIME_STEPS_S = [
  ...[1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200],
  ...[1, 2, 7, 30, 90].map((days) => days * DAY_S),
];
const WHOLE_STEPS = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const alive = new Set();

dark.addEventListener("change", () => alive.forEach((host) => host.plot?.redraw(false)));

function linesOf(content) {
  return content.lines.map((line, place) => ({
    label: line.label,
    stroke: () => (line.hidden ? "transparent" : colour(line.colour ?? `--line-${place + 1}`)),
    width: line.hidden ? 0 : line.dashed ? 1.5 : 2,
    dash: line.dashed ? [6, 5] : undefined,
    points: { show: line.hidden ? false : undefined, size: 5 },
  }));
}

function optionsOf(host, width) {
  const { content } = host;
  const axis = {
    stroke: () => colour("--muted"),
    grid: { stroke: () => colour("--line"), width: 1 },
    ticks: { stroke: () => colour("--line"), width: 1 },
    font: "12px system-ui, sans-serif",
  };
  const range = (_plot, least, most) => {
    const low = Math.min(content.low ?? least ?? 0, least ?? 0);
    const high = Math.max(content.high ?? most ?? 1, most ?? 1);
    return [low, high > low ? high : low + 1];
  };
  return {
    width,
    height: HEIGHT,
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    legend: { show: false },
    scales: { x: { time: true }, y: { range } },
    axes: [
      { ...axis, space: 60, incrs: TIME_STEPS_S, values: timesOf },
      {
        ...axis,
        size: (_plot, labels) => Math.max(58, 22 + 6 * Math.max(0, ...(labels ?? []).map((label) => label.length))),
        incrs: content.whole ? WHOLE_STEPS : undefined,
        values: (_plot, splits) => splits.map((value) => content.format(value)),
      },
    ],
    series: [{}, ...linesOf(content)],
    bands: content.lines.flatMap((line, place) =>
      line.band ? [{ series: [place + 2, place + 3], fill: () => colour("--band") }] : [],
    ),
    hooks: { drawClear: [(plot) => shade(plot, host.content)], setCursor: [(plot) => tell(host, plot.cursor.idx)] },
  };
}

// What is marked lies behind everything, from half a step before its first point to half a step behind its last one.
function shade(plot, { times, marked }) {
  if (!marked) return;
  const { left, top, width, height } = plot.bbox;
  const edge = (place) => {
    if (place <= 0) return left;
    if (place >= times.length) return left + width;
    return plot.valToPos((times[place - 1] + times[place]) / 2, "x", true);
  };
  plot.ctx.fillStyle = colour("--mark");
  marked.places.forEach((is, place) => {
    if (is) plot.ctx.fillRect(edge(place), top, edge(place + 1) - edge(place), height);
  });
}

// The legend: each line with its value where the pointer is, or else its last one, and the ends of its interval.
function tell(host, at) {
  const { content } = host;
  const times = content.times ?? [];
  const place = at ?? times.length - 1;
  const valueOf = (line) => {
    const value = line?.values?.[place];
    return value === null || value === undefined ? NOTHING : content.format(value);
  };
  const items = content.lines.map((line, number) => {
    if (line.hidden) return null;
    const ends =
      line.band && valueOf(content.lines[number + 1]) !== NOTHING
        ? ` (${valueOf(content.lines[number + 2])} to ${valueOf(content.lines[number + 1])})`
        : "";
    return h(
      "li",
      { class: line.dashed ? "dashed" : (line.colour ?? `--line-${number + 1}`).slice(2), "data-key": line.label },
      `${line.label} `,
      h("b", {}, valueOf(line)),
      ends,
    );
  });
  if (content.marked?.places.some(Boolean)) {
    const text = content.marked.places[place] ? `${content.marked.label} at this time` : content.marked.label;
    items.push(h("li", { class: "marked", "data-key": "marked" }, text));
  }
  const when = at === null || at === undefined || !times.length ? "now" : moment(1000 * times[place]);
  followChildren(host.children[2], h("ul", {}, h("li", { class: "when" }, when), items));
}

// The times along the axis: with the day below where there is more than one, and the day alone where steps are of days.
function timesOf({ scales: { x } }, splits, _axis, _space, step) {
  const second = step < 60 ? "2-digit" : undefined;
  const timeOf = (ms) => new Date(ms).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second });
  return splits.map((at) => {
    if (step >= DAY_S) return dayOf(1000 * at);
    return x.max - x.min >= DAY_S ? `${timeOf(1000 * at)}\n${dayOf(1000 * at)}` : timeOf(1000 * at);
  });
}

function describe(content) {
  const last = content.lines
    .filter((line) => !line.hidden)
    .map((line) => {
      const known = line.values.filter((value) => value !== null && value !== undefined);
      return `${line.label} ${known.length ? content.format(known.at(-1)) : "without a value"}`;
    });
  const marked = content.marked?.places.at(-1) ? ` ${content.marked.label} now.` : "";
  return `Chart: ${content.title}. Now ${last.join(", ")}.${marked}`;
}

function show(content) {
  this.content = content;
  const [title, place, , note] = this.children;
  if (title.textContent !== content.title) title.textContent = content.title;
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", describe(content));
  const times = content.times ?? [];
  note.textContent =
    content.times === null
      ? "There are too many names for a history of each."
      : times.length < 2
        ? "The line begins when this board has looked twice."
        : "";
  note.hidden = !note.textContent;
  const data = [times, ...content.lines.map((line) => line.values ?? [])];
  const shape = content.lines.map((line) => line.label).join();
  if (this.plot && this.shape === shape) {
    this.plot.setData(data);
    tell(this, this.plot.cursor.idx);
    return;
  }
  this.plot?.destroy();
  this.shape = shape;
  const width = Math.max(200, place.clientWidth || 400);
  this.plot = new uPlot(optionsOf(this, width), data, place);
  tell(this, null);
  alive.add(this);
  this.watch ??= new ResizeObserver(() => {
    if (!this.isConnected) {
      this.watch.disconnect();
      alive.delete(this);
      this.plot?.destroy();
      return;
    }
    if (place.clientWidth && place.clientWidth !== this.plot.width)
      this.plot.setSize({ width: place.clientWidth, height: HEIGHT });
  });
  this.watch.observe(place);
}

// A chart: `{title, times, lines: [{label, values, band, hidden, dashed, colour}], low, high, format}`. A line with `band` is
// followed by two hidden ones, the upper and the lower end of its interval; `whole` is for what has no fractions; points that
// are true in `marked: {label, places}` are shaded.
export function chart(key, content) {
  const host = h(
    "figure",
    { class: "chart", "data-keep": "chart", "data-key": key },
    h("figcaption"),
    h("div", { class: "plot" }),
    h("ul", { class: "legend" }),
    h("p", { class: "note", hidden: true }),
  );
  host.show = show;
  host.content = { format: (value) => number(value, 3), ...content };
  return host;
}

export function draw(root) {
  for (const host of root.querySelectorAll("[data-keep]")) if (!host.plot) host.show(host.content);
}

// An index with its interval, and what it is held against.
export function indexChart(key, history, index, title, reference, range, more = [], marked = null) {
  const times = history.times_s;
  const flat = times?.map(() => reference) ?? [];
  return chart(key, {
    title,
    times,
    low: range[0],
    high: range[1],
    marked,
    lines: [
      { label: "value", values: history[index] ?? [], band: true },
      { label: "upper", values: history[`${index}_upper`] ?? [], hidden: true },
      { label: "lower", values: history[`${index}_lower`] ?? [], hidden: true },
      { label: "reference", values: flat, dashed: true, colour: "--muted" },
      ...more,
    ],
  });
}
