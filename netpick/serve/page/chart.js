// Curves as SVG: a series that was given, a forecast behind its history.
import { el, number, svg } from "/page/element.js";

const WIDTH = 560, HEIGHT = 240, LEFT = 52, BOTTOM = 22, TOP = 10;

const scales = (values, count) => {
  const known = values.filter((value) => Number.isFinite(value));
  let low = Math.min(...known), high = Math.max(...known);
  if (!(high > low)) { low -= 1; high += 1; }
  const x = (i) => LEFT + (WIDTH - LEFT - 6) * (count > 1 ? i / (count - 1) : 0.5);
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (high - low));
  return { x, y, low, high };
};

const line = (points) => {
  let pen = "M";
  let path = "";
  for (const [x, y] of points) {
    if (!Number.isFinite(y)) { pen = "M"; continue; }
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  }
  return path;
};

const frame = ({ y, low, high }, ends, alternative, parts) => {
  const ticks = [low, (low + high) / 2, high].flatMap((value) => [
    svg("line", { x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value) }),
    svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, number(Number(value.toPrecision(3)))),
  ]);
  const labels = [
    svg("text", { x: LEFT, y: HEIGHT - 5 }, ends[0]),
    svg("text", { x: WIDTH - 6, y: HEIGHT - 5, "text-anchor": "end" }, ends[1]),
  ];
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "plot-area", role: "img", "aria-label": alternative }, ...ticks, ...labels, ...parts);
};

export const seriesChart = (curves) => {
  const made = scales(curves.flat().map((v) => (v === null ? NaN : v)), Math.max(...curves.map((curve) => curve.length)));
  const paths = curves.map((curve) => svg("path", { class: "history", d: line(curve.map((v, i) => [made.x(i), v === null ? NaN : made.y(v)])) }));
  const steps = Math.max(...curves.map((curve) => curve.length));
  return frame(made, ["step 1", `step ${steps}`], `The series that was given: ${steps} steps in ${curves.length} channels`, paths);
};

// One chart a series and target, at most four, and the numbers as a table.
export const forecastChart = (schema, rows, history) => {
  const { time, series, band } = schema.forecast;
  const nameOf = (row) => series.map((key) => row[key]).join(", ");
  const groups = new Map();
  for (const row of rows) groups.set(nameOf(row), [...(groups.get(nameOf(row)) ?? []), row]);
  const timeKey = time.length === 1 ? time[0] : Object.keys(rows[0]).find((key) => key === "time" || key === "step");
  const several = schema.targets.length > 1;
  const charts = [];
  for (const [name, ahead] of [...groups].slice(0, 4)) {
    for (const target of schema.targets.slice(0, 4)) {
      const key = (what) => (several ? `${what}_${target}` : what);
      const past = (history ?? []).filter((row) => nameOf(row) === name).map((row) => Number.parseFloat(row[target])).slice(-3 * schema.forecast.context);
      const values = [...past, ...ahead.flatMap((row) => [row[key(band.low)], row[key(band.high)]])];
      const made = scales(values, past.length + ahead.length);
      const at = (i) => made.x(past.length + i);
      const low = ahead.map((row, i) => [at(i), made.y(row[key(band.low)])]), high = ahead.map((row, i) => [at(i), made.y(row[key(band.high)])]);
      const first = past.length ? [[made.x(past.length - 1), made.y(past.at(-1))]] : [];
      const parts = [
        svg("path", { class: "range", d: `${line([...high, ...low.reverse()])}Z` }),
        svg("path", { class: "history", d: line(past.map((v, i) => [made.x(i), made.y(v)])) }),
        svg("path", { class: "ahead", d: line([...first, ...ahead.map((row, i) => [at(i), made.y(row[key("prediction")])])]) }),
      ];
      const title = [name, several ? target : schema.targets[0]].filter(Boolean).join(": ");
      const ends = [past.length ? "history" : String(ahead[0][timeKey]), String(ahead.at(-1)[timeKey])];
      const words = `${title}: ${ahead.length} steps ahead, from ${number(ahead[0][key("prediction")])} to ${number(ahead.at(-1)[key("prediction")])}`;
      charts.push(el("figure", {}, el("figcaption", {}, el("b", {}, title)), frame(made, ends, words, parts)));
    }
  }
  const columns = Object.keys(rows[0]).filter((key) => key !== "warnings");
  const table = el("table", {}, el("thead", {}, el("tr", {}, columns.map((key) => el("th", { scope: "col" }, key)))),
    el("tbody", {}, rows.slice(0, 200).map((row) => el("tr", {}, columns.map((key) => el("td", {}, typeof row[key] === "number" ? number(row[key]) : String(row[key] ?? "")))))));
  return [...charts, el("p", { class: "hint" }, `The band holds ${number(Math.round(1000 * band.share) / 10)} % of what may come, as the model sees it.`),
    el("details", {}, el("summary", {}, "The numbers"), el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Forecast" }, table))];
};
