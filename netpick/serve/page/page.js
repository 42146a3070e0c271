// The page of a served model: reads its schema, offers the ways to give it a row, shows what it answers.
import { markdown } from "/page/card.js";
import { ask, askJson, bodyOf } from "/page/ask.js";
import { showAnswers, showFault } from "/page/answer.js";
import { continuing } from "/page/continue.js";
import { el, fill, number } from "/page/element.js";
import { Incomplete, WAYS } from "/page/inputs.js";

const at = (id) => document.getElementById(id);
let schema = null, way = null, path = "", examples = 0;

// --- theme ---
const root = document.documentElement, toggle = at("theme"), system = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.style.colorScheme || (system.matches ? "dark" : "light")) === "dark";
const themed = () => toggle.setAttribute("aria-pressed", String(isDark()));
toggle.addEventListener("click", () => { root.style.colorScheme = isDark() ? "light" : "dark"; themed(); });
system.addEventListener("change", themed);
themed();

// --- asking ---
const busy = async (button, work) => {
  if (button) button.disabled = true;
  try { await work(); } finally { if (button) button.disabled = false; }
};

let turn = 0;
const answer = (button) => busy(button, async () => {
  const mine = ++turn;
  fill(at("explanation"));
  try {
    const given = way.given();
    const result = await askJson(`${path}/predict`, bodyOf(given));
    if (mine !== turn) return;
    showAnswers(at("answer"), schema, result, given.pictures, given.history);
    settle();
    if (schema.explains) at("answer").append(el("div", { class: "actions" }, el("button", { type: "button", id: "explain", onclick: (event) => explain(event.target, given) }, given.parts?.length > 1 ? "Explain the first answer" : "Explain this answer")));
  } catch (error) {
    if (mine === turn) refused(error);
  }
});

const settle = () => at("input").querySelectorAll("[aria-invalid=true]").forEach((node) => node.setAttribute("aria-invalid", "false"));

const refused = (error) => {
  if (!(error instanceof Incomplete) && error.name !== "Error" && !error.code) throw error;
  settle();
  showFault(at("answer"), error);
  if (error.field) way.focus(error.field);
};

const explain = (button, given) => busy(button, async () => {
  const place = at("explanation");
  fill(place, el("p", { class: "soft" }, "Asking the network what it goes by …"));
  try {
    const result = await askJson(`${path}/explain`, bodyOf(given));
    fill(place, el("h3", { tabindex: "-1" }, "What the network goes by"));
    for (const figure of result.figures) {
      const holder = el("div");
      holder.innerHTML = figure.html; // made by this server, where every text of the row is escaped
      place.append(...holder.childNodes);
    }
    place.firstElementChild.focus({ preventScroll: true });
    place.scrollIntoView({ block: "nearest" });
  } catch (error) {
    showFault(place, error);
  }
});

// --- a whole table ---
const answerTable = async (file) => {
  const place = at("table-answer");
  if (!file) return;
  fill(place, el("p", { class: "soft" }, `${file.name} is being answered …`));
  try {
    const tabs = file.name.toLowerCase().endsWith(".tsv");
    const headers = { "content-type": tabs ? "text/tab-separated-values" : "text/csv", accept: "text/csv; formulas=escaped" };
    const response = await ask(`${path}/predict`, { method: "POST", headers, body: file });
    const text = await response.text();
    const rows = cells(text, 21);
    const [head, ...shown] = rows;
    const name = `${file.name.replace(/\.[^.]*$/, "")}-predictions.csv`;
    const link = el("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: name, id: "download" }, `Download ${name}`);
    const table = el("table", {}, el("thead", {}, el("tr", {}, head.map((cell) => el("th", { scope: "col" }, cell)))),
      el("tbody", {}, shown.map((row) => el("tr", {}, row.map((cell) => el("td", { class: "cell" }, cell))))));
    fill(place, el("p", {}, link), el("p", { class: "hint" }, "The first rows:"), el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Predictions" }, table));
  } catch (error) {
    showFault(place, error);
  }
};

// The first rows of our own CSV: commas, quotes doubled inside quotes.
const cells = (text, most) => {
  const rows = [[""]];
  let quoted = false;
  for (let i = 0; i < text.length && rows.length <= most; i += 1) {
    const letter = text[i];
    if (quoted && letter === '"' && text[i + 1] === '"') { rows.at(-1)[rows.at(-1).length - 1] += '"'; i += 1; }
    else if (letter === '"') quoted = !quoted;
    else if (letter === "," && !quoted) rows.at(-1).push("");
    else if (letter === "\n" && !quoted) rows.push([""]);
    else rows.at(-1)[rows.at(-1).length - 1] += letter;
  }
  return rows.slice(0, most).filter((row) => row.length > 1 || row[0] !== "");
};

// --- what it is ---
const TASKS = { classify: "says which class a row is of", multilabel: "says which labels a row has", regress: "predicts a number", forecast: "continues a series", next: "says what comes next in a text", music: "says the next chord of a piece", tag: "gives each token a tag", translate: "generates a text from a text", transcribe: "writes down what is said in a recording" };

const describe = () => {
  const what = schema.targets.length && schema.targets.length < 4 ? schema.targets.join(", ") : "";
  at("title").textContent = schema.title;
  at("lead").textContent = schema.continues ? `Continues a ${schema.continues.heard ? "piece of music" : "text"}, one ${schema.continues.symbol} after another.` : schema.task === "forecast"
    ? `Forecasts ${what} ${schema.forecast.horizon.toLocaleString("en")} steps ahead.`
    : schema.task === "tag" ? `Gives each word of a text one of ${schema.labels.length} tags.`
    : schema.task === "translate" ? `Generates ${what || "a text"} from a text.` : schema.task === "transcribe" ? "Writes down what is said in a recording."
    : schema.labels.length <= 6 && schema.task !== "regress" ? `${what ? `Says of a row its ${what}` : "Tells rows apart"}: ${schema.labels.slice(0, -1).join(", ")} or ${schema.labels.at(-1)}.`
      : schema.task === "regress" ? `Predicts ${what}.` : `Tells ${schema.labels.length} ${schema.task === "multilabel" ? "labels" : "classes"}${what ? ` of ${what}` : ""} apart.`;
  document.title = `${schema.title}: netpick`;
  const rows = schema.scores.map((score) => el("tr", {}, el("th", { scope: "row", title: score.definition }, score.label), el("td", { class: "n" }, el("strong", {}, score.shown)),
    el("td", { class: "n" }, score.interval), el("td", { class: "n" }, Math.round(score.n).toLocaleString("en"))));
  if (!rows.length) fill(at("scores"), el("p", {}, `The network ${TASKS[schema.task]}. It was trained elsewhere, and no scores came with it: `, el("code", {}, "netpick score"), ` measures them on labelled ${schema.unit}s.`));
  else fill(at("scores"), el("p", {}, `The network ${TASKS[schema.task]}. These scores were measured once, on test ${schema.unit}s that it never saw. On data of another place, device or year it can be worse: `, el("code", {}, "netpick score"), " measures it there."),
    el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Scores" }, el("table", {}, el("thead", {}, el("tr", {}, ["Metric", "Score", "95 % interval", `Test ${schema.unit}s`].map((head, i) => el("th", { scope: "col", class: i ? "n" : null }, head)))), el("tbody", {}, rows))));
  fill(at("card-text"), markdown(schema.card));
  const limits = schema.card.match(/^## Limits\n([\s\S]*?)(?=^## |^Made by)/m);
  fill(at("limits"), limits ? [el("h3", {}, "Limits"), ...markdown(limits[1])] : []);
  fill(at("about"), [["Model", schema.model], ["Network", schema.network], ["Engine", schema.engine], ["Made", schema.created.replace("T", " ")]].map(([key, value]) => el("div", {}, el("dt", {}, key), el("dd", {}, value))));
  at("curl").textContent = curl();
};

const curl = () => {
  if (schema.continues) return `curl -N -H 'Content-Type: application/json' -d '{"prompt": "${schema.continues.heard ? "" : "The"}", "tokens": 200, "seed": 1}' ${location.origin}${path}/generate`;
  const address = `${location.origin}${path}/predict`;
  if (schema.given_as in { image: 1, audio: 1, clip: 1 }) return `curl -F files=@${{ image: "picture.png", audio: "sound.wav", clip: "clip.mp4" }[schema.given_as]} ${address}`;
  if (schema.given_as === "table") return `curl -H 'Content-Type: text/csv' --data-binary @history.csv ${address}`;
  const row = JSON.stringify({ rows: schema.examples.length && schema.given_as !== "series" ? schema.examples.slice(0, 1) : [Object.fromEntries(schema.inputs.map((input) => [input.name, input.kind === "series" ? [0, 0] : input.kind === "text" || input.kind === "sentence" ? "a text" : null]))] });
  return `curl -H 'Content-Type: application/json' -d '${row.replaceAll("'", "'\\''")}' ${address}`;
};

const offer = () => {
  way?.gone?.();
  fill(at("answer"), el("p", { class: "soft" }, "It appears here."));
  fill(at("explanation"));
  const tables = schema.inputs.every((input) => !input.is_file && input.kind !== "series") && schema.task !== "forecast" && !schema.continues;
  at("many").hidden = at("to-many").hidden = !tables;
  fill(at("table-answer"));
  if (schema.continues) {
    way = continuing(schema, path, at("answer"));
    fill(at("input"), way.node);
    return;
  }
  const make = WAYS[schema.given_as];
  const button = el("button", { type: "submit", class: "main", id: "ask" }, schema.task === "forecast" ? "Forecast" : "Answer");
  way = make(schema, () => answer(button));
  const shown = schema.forecast?.example ? [schema.forecast.example] : schema.examples;
  const example = el("button", { type: "button", id: "example", onclick: async () => {
    await way.show(shown[examples++ % shown.length]);
    if (schema.given_as !== "image") await answer(button);
  } }, schema.forecast ? "Example history" : "Example row");
  const clear = el("button", { type: "button", onclick: () => { way.clear(); fill(at("explanation")); fill(at("answer"), el("p", { class: "soft" }, "It appears here.")); } }, "Clear");
  fill(at("input"), el("form", { novalidate: true, onsubmit: (event) => { event.preventDefault(); answer(button); } }, way.node, el("div", { class: "actions" }, button, shown.length ? example : null, clear)));
};

const open = async (name, several) => {
  path = several ? `/models/${encodeURIComponent(name)}` : "";
  schema = await askJson(`${path}/schema`);
  describe();
  offer();
};

at("csv").addEventListener("change", (event) => answerTable(event.target.files[0]));
at("copy").addEventListener("click", async () => {
  await navigator.clipboard?.writeText(at("curl").textContent);
  at("copy").textContent = "Copied";
  setTimeout(() => { at("copy").textContent = "Copy"; }, 1500);
});

try {
  const { models } = await askJson("/models");
  const several = models.length > 1;
  fill(at("models"), models.map((model) => el("option", { value: model.name }, model.name)));
  at("choose").hidden = !several;
  at("models").addEventListener("change", () => open(at("models").value, several));
  await open(models[0].name, several);
} catch (error) {
  at("title").textContent = "The model could not be shown";
  at("lead").textContent = error.message;
}
