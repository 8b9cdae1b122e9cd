// Tables that change in place: rows keep their elements, so that focus, expansion and scrolling stay where they are.

const MOST_OFFICES = 200;
const MOST_EMPLOYEES = 200;
const MOST_ROWS = 30;
const LONGEST_TEXT = 200;
const FLASH_MS = 2500;

const LABELS = { ink_personnel: "INK@Personnel", ink_office: "INK@Office", iel: "IEL" };
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export function make(tag, text = "", className = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className });
}

export function labelOf(name) {
  return LABELS[name] ?? name.replace(/_s$/, " (s)").replaceAll("_", " ");
}

export function format(value, column) {
  if (value === null) return "–";
  const digits = { ratio: 3, seconds: 1, count: 0, money: 2 }[column.unit] ?? 3;
  const shown = column.unit === "money" ? value / 100 : value;
  return shown.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

const cut = (text) => String(text).slice(0, LONGEST_TEXT);

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function flash(node, tone) {
  if (calm.matches) return;
  const colour = getComputedStyle(node).getPropertyValue(`--flash-${tone}`);
  node.animate([{ backgroundColor: colour }, { backgroundColor: colour, offset: 0.3 }, {}], FLASH_MS);
}

// Puts `nodes` in order below `parent`, moving only those that are out of place, and removes all others.
function arrange(parent, nodes) {
  nodes.forEach((node, place) => {
    if (parent.children[place] !== node) parent.insertBefore(node, parent.children[place] ?? null);
  });
  while (parent.children.length > nodes.length) parent.lastChild.remove();
}

// The last few of something: `columns` are [label, text(item), className(item)], `actions(item)` gives [label, do], and
// `what(item)` says of what, to those who do not see the row.
export function list(section, nothing, { key, columns, actions, what, mine = () => false }) {
  const table = section.querySelector("table");
  const empty = make("p", nothing, "empty");
  const head = make("tr");
  head.append(...columns.map(([label]) => Object.assign(make("th", label), { scope: "col" })));
  if (actions) head.append(Object.assign(make("th", "Expert"), { scope: "col" }));
  const body = make("tbody");
  table.append(make("thead"), body);
  table.tHead.append(head);
  section.append(empty);
  let rows = new Map();

  function fill(row, item) {
    row.classList.toggle("mine", mine(item));
    columns.forEach(([, text, className], place) => {
      setText(row.children[place], cut(text(item)));
      if (className) row.children[place].className = className(item);
    });
    if (!actions) return;
    const cell = row.children[columns.length];
    const wanted = actions(item);
    while (cell.children.length < wanted.length) cell.append(Object.assign(make("button"), { type: "button" }));
    [...cell.children].forEach((button, place) => {
      button.hidden = place >= wanted.length;
      if (button.hidden) return;
      setText(button, wanted[place][0]);
      button.setAttribute("aria-label", `${wanted[place][0]} ${what(item)}`);
      button.onclick = wanted[place][1];
    });
  }

  return (items) => {
    const first = rows.size === 0;
    const kept = new Map();
    for (const item of items.slice(0, MOST_ROWS)) {
      const id = key(item);
      let row = rows.get(id);
      if (!row) {
        row = make("tr");
        row.append(...columns.map(() => make("td")));
        if (actions) row.append(make("td"));
        if (!first) requestAnimationFrame(() => flash(row, "moved"));
      }
      fill(row, item);
      kept.set(id, row);
    }
    rows = kept;
    arrange(body, [...kept.values()]);
    table.hidden = rows.size === 0;
    empty.hidden = rows.size > 0;
  };
}

// The table of indices: a body per office, whose first row is the office and whose others are its employees.
const groups = new Map();
const readings = new WeakMap();
let shownWindow = "";

export function expand(officeId, open = true) {
  const group = groups.get(officeId);
  if (!group) return;
  group.open = open;
  group.toggle.setAttribute("aria-expanded", String(open));
  for (const row of group.rows.values()) row.hidden = !open;
}

function addGroup(table, office, columns) {
  const group = { body: make("tbody"), head: makeRow(columns), rows: new Map(), open: false };
  group.toggle = Object.assign(make("button", office.office_id, "toggle"), { type: "button" });
  group.toggle.setAttribute("aria-expanded", "false");
  group.toggle.addEventListener("click", () => expand(office.office_id, !group.open));
  group.head.firstChild.className = "office";
  group.head.firstChild.append(group.toggle);
  group.body.append(group.head);
  groups.set(office.office_id, group);
  return group;
}

function makeRow(columns) {
  const row = make("tr");
  row.append(Object.assign(make("th"), { scope: "row" }));
  for (let place = 0; place < columns.length; place += 1) {
    const cell = make("td");
    const move = make("span", "", "move");
    move.setAttribute("aria-hidden", "true");
    cell.append(move, make("span", "", "value"), make("span", "", "base"));
    row.append(cell);
  }
  return row;
}

function tone(before, after, better) {
  if (before === null || after === null || before === after || !better) return "moved";
  return after > before === (better === "higher") ? "better" : "worse";
}

function fillRow(row, values, state, quiet) {
  const before = readings.get(row);
  state.indices.forEach((column, place) => {
    const [value, base] = values[place] ?? [null, 0];
    const [oldValue, oldBase] = before?.[place] ?? [null, 0];
    if (before && value === oldValue && base === oldBase) return;
    const cell = row.children[place + 1];
    const [move, shown, below] = cell.children;
    setText(shown, format(value, column));
    setText(below, base ? `of ${base.toLocaleString("en")}` : "");
    cell.classList.toggle("few", column.unit === "ratio" && base < state.min_surveys);
    if (!before || quiet) {
      setText(move, "");
      return;
    }
    const kind = tone(oldValue, value, column.better);
    move.className = `move ${kind}`;
    setText(move, oldValue === null || value === null || value === oldValue ? "" : value > oldValue ? "▲" : "▼");
    flash(cell, kind);
  });
  readings.set(row, values);
}

function fillHead(section, state) {
  const table = section.querySelector("table");
  const names = state.indices.map((column) => column.name).join();
  if (table.dataset.names === names) return;
  table.dataset.names = names;
  groups.clear();
  const head = make("tr");
  for (const [label, title] of [["Office, employee", ""], ...state.indices.map((column) => [labelOf(column.name), column.help])]) {
    head.append(Object.assign(make("th", label), { scope: "col", title }));
  }
  table.replaceChildren(make("thead"));
  table.tHead.append(head);
  const meanings = state.indices.flatMap((column) => [make("dt", labelOf(column.name)), make("dd", column.help)]);
  section.querySelector("#meanings").replaceChildren(...meanings);
}

export function fillTable(section, state, trial) {
  fillHead(section, state);
  const table = section.querySelector("table");
  const offices = state.offices.slice(0, MOST_OFFICES);
  const first = groups.size === 0;
  const quiet = shownWindow !== state.window;
  shownWindow = state.window;
  const bodies = offices.map((office) => {
    const group = groups.get(office.office_id) ?? addGroup(table, office, state.indices);
    fillRow(group.head, office.values, state, quiet);
    group.head.classList.toggle("mine", trial.officeId === office.office_id);
    const kept = new Map();
    for (const employee of office.employees.slice(0, MOST_EMPLOYEES)) {
      const row = group.rows.get(employee.employee_id) ?? makeRow(state.indices);
      setText(row.firstChild, employee.employee_id);
      row.hidden = !group.open;
      row.classList.toggle("mine", trial.officeId === office.office_id && trial.employeeId === employee.employee_id);
      fillRow(row, employee.values, state, quiet);
      kept.set(employee.employee_id, row);
    }
    group.rows = kept;
    arrange(group.body, [group.head, ...kept.values()]);
    return group.body;
  });
  arrange(table, [table.tHead, ...bodies]);
  for (const officeId of groups.keys()) {
    if (!offices.some((office) => office.office_id === officeId)) groups.delete(officeId);
  }
  if (first && offices.length > 0) expand(offices[0].office_id);
  const hidden = state.offices.length - offices.length;
  setText(
    section.querySelector("#legend"),
    `Below each value: of how many surveys (V) or calls. Slanted: of fewer than ${state.min_surveys}. ` +
      `A silent customer counts as ${state.silent_weight} dissatisfied.${hidden > 0 ? ` ${hidden} more offices are not shown.` : ""}`,
  );
}
