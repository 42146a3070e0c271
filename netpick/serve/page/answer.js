// Answers as people read them: the decision, the probabilities behind it, what is unusual about the row.
import { el, fill, number, percent } from "/page/element.js";
import { forecastChart } from "/page/chart.js";

const MOST_CLASSES = 10;

const chances = (schema, answer) => {
  const binary = schema.task === "classify" && schema.threshold !== null && schema.labels.length === 2;
  const sorted = Object.entries(answer.probabilities).sort((a, b) => b[1] - a[1]);
  const picked = new Set([answer.prediction].flat().map(String));
  const rows = sorted.slice(0, MOST_CLASSES).map(([label, share]) => {
    const bar = el("span", { class: "fill" });
    bar.style.width = `${100 * share}%`;
    const track = el("span", { class: "track", "aria-hidden": "true" }, bar);
    if (binary && label === schema.labels[1]) {
      const mark = el("span", { class: "mark" });
      mark.style.left = `calc(${100 * schema.threshold}% - 1px)`;
      track.append(mark);
    }
    return el("li", { class: picked.has(label) ? "picked" : null }, el("span", { class: "who" }, label), track,
      el("span", { class: "share-text" }, percent(share)));
  });
  const rest = sorted.length > MOST_CLASSES ? el("p", { class: "hint" }, `and ${sorted.length - MOST_CLASSES} others, less probable`) : null;
  const threshold = binary
    ? el("p", { class: "hint" }, `“${schema.labels[1]}” is called from ${percent(schema.threshold)} on (the mark): the threshold that was best on validation rows.`)
    : schema.costs && schema.labels.length > 2
      ? el("p", { class: "hint" }, "The answer is the class that costs least by these probabilities and the costs of mistakes that were given in training.")
      : null;
  return [el("ul", { class: "chances", "aria-label": "Probabilities" }, rows), rest, threshold];
};

const warnings = (said) => said.length === 0 ? null
  : el("div", { class: "unlike" }, el("b", {}, "Unlike the training data"), el("ul", {}, said.map((text) => el("li", {}, text))));

const decision = (schema, answer) => {
  if (schema.task === "multilabel") return answer.prediction.length ? answer.prediction.join(", ") : "none of the labels";
  if (schema.task === "regress" && typeof answer.prediction === "object" && answer.prediction !== null) {
    return Object.entries(answer.prediction).map(([name, value]) => `${name}: ${number(value)}`).join(", ");
  }
  return schema.task === "regress" ? number(answer.prediction) : String(answer.prediction) || "(nothing)";
};

const interval = (schema, answer) => {
  if (answer.low === undefined || answer.low === null) return null;
  const several = typeof answer.low === "object";
  const ends = several
    ? Object.keys(answer.low).map((name) => `${name} ${number(answer.low[name])} to ${number(answer.high[name])}`).join(", ")
    : `${number(answer.low)} to ${number(answer.high)}`;
  return el("p", { class: "hint" }, `${percent(schema.coverage)} interval: ${ends}`);
};

const one = (schema, answer, picture) => {
  const small = schema.task === "regress" && schema.targets.length === 1 ? el("small", {}, schema.targets[0]) : null;
  return el("div", { class: "row-answer" }, picture ? el("img", { src: picture, alt: "" }) : null,
    el("p", { class: "said" }, decision(schema, answer), small),
    answer.probabilities ? chances(schema, answer) : interval(schema, answer), warnings(answer.warnings ?? []));
};

// Tokens on grounds of the colour of their tag; tags that say where an entity begins share the colour of its type.
const COLOURS = 6;
const tagged = (schema, answer) => {
  const type = (tag) => tag.replace(/^[BIMELSU][-_]/, "");
  const types = [...new Set(schema.labels.filter((tag) => tag !== "O").map(type))];
  const legend = new Set();
  const words = answer.tokens.map((token, index) => {
    const tag = answer.prediction[index];
    const sure = `${tag}, ${percent(answer.probability[index])}`;
    if (tag === "O") return [el("span", { title: sure }, token), " "];
    legend.add(type(tag));
    return [el("mark", { class: `tag t${types.indexOf(type(tag)) % COLOURS}`, title: sure }, token, el("small", {}, tag)), " "];
  });
  const named = [...legend].map((name) => [el("mark", { class: `tag t${types.indexOf(name) % COLOURS}` }, name), " "]);
  return el("div", { class: "row-answer" }, el("p", { class: "tagged" }, words.flat()),
    el("p", { class: "hint" }, named.length ? ["Found: ", ...named.flat()] : "No entity was found."), warnings(answer.warnings ?? []));
};

export const showAnswers = (place, schema, result, pictures, history) => {
  if (schema.task === "tag") {
    fill(place, result.predictions.map((answer) => tagged(schema, answer)));
    return;
  }
  if (schema.task === "forecast") {
    fill(place, forecastChart(schema, result.predictions, history));
    return;
  }
  fill(place, result.predictions.map((answer, index) => one(schema, answer, pictures?.[index])));
};

export const showFault = (place, error) => {
  fill(place, el("div", { class: "fault", role: "alert" }, el("b", {}, "Not answered. "), error.message));
};
