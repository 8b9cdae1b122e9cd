// Numbers and names as people read them.

const LABELS = {
  ink_personnel: "INK@Personnel",
  ink_office: "INK@Office",
  iel: "IEL",
  nps: "NPS",
  csat: "CSAT",
  ces: "CES",
  kpi_score: "KPI score",
  average_speed_of_answer: "speed of answer",
  average_handle_time: "handle time",
  precise_conversion: "conversion",
  sla_first_response: "first response in time",
  sla_on_site: "on site in time",
  sla_resolved: "resolved in time",
};
export const MEANINGS = {
  ink_personnel: "Dissatisfaction with the staff, 0 to 1; lower is better",
  ink_office: "Dissatisfaction with the office, 0 to 1; lower is better",
  iel: "Emotional loyalty, −1 to 1; higher is better",
};
const PER_CENT = new Set([
  "silent_share",
  "response_share",
  "force_majeure_level",
  "service_level",
  "abandonment",
  "csat",
  "churn",
  "utilisation",
  "occupancy",
  "plan_attainment",
  "margin_plan_attainment",
  "sla_first_response",
  "sla_on_site",
  "sla_resolved",
  "precise_conversion",
  "visitor_coverage",
  "missed_share",
]);
export const DIAGNOSES = {
  not_enough_data: "not enough data",
  product_or_price: "product or price",
  well: "well",
  office_and_processes: "the office and its processes",
  personnel: "personnel",
  unclear: "unclear",
};
export const SURVEYS = "surveys";
export const NOTHING = "–";

let units = {};
export const learn = (known) => {
  units = known;
};
export const isKnown = () => Object.keys(units).length > 0;

export const labelOf = (index) => LABELS[index] ?? index.replaceAll("_", " ");
export const words = (text) => String(text).replaceAll("_", " ");

export function number(value, digits = 0) {
  if (value === null || value === undefined) return NOTHING;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
}

export function format(index, value) {
  if (value === null || value === undefined) return NOTHING;
  if (PER_CENT.has(index)) return `${number(100 * value, 1)} %`;
  if (units[index] === "seconds") return duration(value);
  if (units[index] === "money") return number(value / 100, 2);
  return number(value, units[index] === "count" && Number.isInteger(value) ? 0 : 3);
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NOTHING;
  if (seconds < 0) return "0 s";
  if (seconds < 1) return `${number(1000 * seconds)} ms`;
  if (seconds < 120) return `${number(seconds, seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) {
    const whole = Math.round(seconds);
    return `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ""}`;
  }
  if (seconds < 7200) return `${number(seconds / 60)} min`;
  return seconds < 172_800 ? `${number(seconds / 3600, 1)} h` : `${number(seconds / 86_400, 1)} days`;
}

export const clock = (ms) => new Date(ms).toLocaleTimeString("en-GB");

const isToday = (ms) => new Date(ms).toDateString() === new Date().toDateString();
export const dayOf = (ms) => new Date(ms).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
// A time of day, with its date unless that is today's.
export const moment = (ms) =>
  isToday(ms) ? clock(ms) : new Date(ms).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
export const instant = (ms) => new Date(ms).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
