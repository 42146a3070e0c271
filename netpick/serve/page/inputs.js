// Ways to give a row. Each makes {node, given(), show(example), clear(), focus(field)}; given() is what ask.js sends.
import { el, fill } from "/page/element.js";
import { seriesChart } from "/page/chart.js";
import { board, curveBoard } from "/page/draw.js";
import { recorder } from "/page/sound.js";

export class Incomplete extends Error {
  constructor(message, field) {
    super(message);
    this.field = field;
  }
}

const idOf = (name) => `field-${[...name].map((letter) => (/[a-z0-9]/i.test(letter) ? letter : letter.codePointAt(0))).join("")}`;

// --- the form ---
const control = (input) => {
  const id = idOf(input.name);
  const short = (value) => Number(value.toPrecision(4)).toLocaleString("en");
  if (input.kind === "number") {
    const hint = input.range_known ? `${short(input.low)} to ${short(input.high)} in training` : `mostly ${short(input.low)} to ${short(input.high)}`;
    return [el("input", { id, type: "number", step: "any", "aria-describedby": `${id}-hint`, autocomplete: "off" }), hint];
  }
  if (input.values && !input.many) {
    return [el("select", { id }, el("option", { value: "" }, "not known"), input.values.map((value) => el("option", { value }, value))), null];
  }
  if (input.values) {
    const list = el("datalist", { id: `${id}-list` }, input.values.map((value) => el("option", { value })));
    return [[el("input", { id, type: "text", list: `${id}-list`, "aria-describedby": `${id}-hint`, autocomplete: "off" }), list], `one of ${input.values.length} known values, or another`];
  }
  if (input.kind === "datetime") return [el("input", { id, type: "text", placeholder: input.written, "aria-describedby": `${id}-hint`, autocomplete: "off" }), `written like ${input.written}`];
  if (input.is_file) return [el("input", { id, type: "file", accept: input.accept }), null];
  if (input.kind === "series") return [el("textarea", { id, "aria-describedby": `${id}-hint` }), "a number a step; channels by commas, a line a step"];
  return [el("textarea", { id }), null];
};

export const form = (schema) => {
  const controls = new Map();
  const fields = schema.inputs.map((input) => {
    const [made, hint] = control(input);
    const nodes = [made].flat();
    controls.set(input.name, { input, node: nodes[0] });
    const wide = input.kind === "text" || input.kind === "series" || input.is_file;
    return el("div", { class: wide ? "wide" : null }, el("label", { for: nodes[0].id }, input.name), nodes, hint ? el("p", { class: "hint", id: `${nodes[0].id}-hint` }, hint) : null);
  });
  const cell = ({ input, node }) => {
    const text = node.value.trim();
    if (input.kind === "number") {
      if (node.validity?.badInput) throw new Incomplete(`“${input.name}” holds something that is no number.`, input.name);
      return text === "" ? null : Number(text);
    }
    if (input.kind === "series") return steps(text, input.name);
    return text === "" ? null : input.kind === "text" ? node.value : text;
  };
  const files = schema.inputs.some((input) => input.is_file);
  return {
    node: el("div", { class: "fields" }, fields),
    given: () => {
      if (!files) return { rows: [Object.fromEntries([...controls].map(([name, one]) => [name, cell(one)]))] };
      return { parts: [...controls].map(([name, one]) => {
        if (!one.input.is_file) return [name, one.node.value];
        const file = one.node.files[0];
        if (!file) throw new Incomplete(`“${name}” has no file yet. Choose one.`, name);
        return [name, file, file.name];
      }) };
    },
    show: (row) => {
      for (const [name, { input, node }] of controls) if (!input.is_file) node.value = row[name] ?? "";
    },
    clear: () => { for (const { node } of controls.values()) node.value = ""; },
    focus: (field) => {
      controls.get(field)?.node.setAttribute("aria-invalid", "true");
      controls.get(field)?.node.focus();
    },
  };
};

// --- a text ---
export const text = (schema) => {
  const [input] = schema.inputs;
  const id = idOf(input.name);
  const area = el("textarea", { id, "aria-describedby": `${id}-hint` });
  return {
    node: el("div", {}, el("label", { for: id }, "Text"), area, el("p", { class: "hint", id: `${id}-hint` }, `Up to ${input.length.toLocaleString("en")} ${input.reading === "characters" ? "characters" : "words and signs"} are read.`)),
    given: () => ({ rows: [{ [input.name]: area.value }] }),
    show: (row) => { area.value = row[input.name]; },
    clear: () => { area.value = ""; },
    focus: () => area.focus(),
  };
};

// --- files: dropped, chosen, pasted; pictures drawn; sounds recorded ---
const NOUNS = { image: ["a picture", "pictures"], audio: ["a sound", "sounds"], clip: ["a clip", "clips"] };

export const files = (schema, changed) => {
  const [input] = schema.inputs;
  const [one, many] = NOUNS[input.kind];
  let chosen = []; // {blob, name}
  let urls = [];
  const list = el("ul", { class: "chosen", "aria-label": `Chosen ${many}` });
  const put = (blobs) => {
    urls.forEach((url) => URL.revokeObjectURL(url));
    chosen = blobs.slice(0, 50);
    urls = chosen.map(({ blob }) => URL.createObjectURL(blob));
    fill(list, chosen.map(({ name }, i) => el("li", {},
      input.kind === "image" ? el("img", { src: urls[i], alt: `Chosen picture ${i + 1}` }) : input.kind === "audio" ? el("audio", { src: urls[i], controls: true, "aria-label": name }) : null,
      name)));
    if (chosen.length) changed();
  };
  const named = (found) => [...found].map((blob) => ({ blob, name: blob.name || "pasted" }));
  const chooser = el("input", { type: "file", id: "files", accept: input.accept, multiple: true, onchange: () => put(named(chooser.files)) });
  const hint = input.kind === "image" ? "Drop pictures here, choose them, or paste one (Ctrl+V)." : `Drop ${many} here, or choose them.`;
  const drop = el("div", { class: "drop" }, el("label", { for: "files" }, many[0].toUpperCase() + many.slice(1)), chooser, el("p", {}, hint));
  for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); put(named(event.dataTransfer.files)); });
  const paste = (event) => {
    const found = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
    if (found.length && input.kind === "image") { event.preventDefault(); put(named(found)); }
  };
  document.addEventListener("paste", paste);
  const drawing = input.drawn ? board(input, (blob) => put([{ blob, name: "drawn" }])) : null;
  const recording = input.kind === "audio" ? recorder(input, (blob) => put([{ blob, name: "recorded.wav" }])) : null;
  return {
    node: el("div", {}, drawing?.node, drop, recording?.node, list),
    given: () => {
      if (chosen.length === 0) throw new Incomplete(`There is no ${one.slice(2)} yet. Drop, ${drawing ? "draw" : recording ? "record" : "choose"} or choose one.`.replace("choose or choose", "or choose"), input.name);
      return { parts: chosen.map(({ blob, name }) => ["files", blob, name]), pictures: input.kind === "image" && chosen.length > 1 ? urls : null };
    },
    show: async (row) => {
      const data = row[input.name];
      const [head, body] = data.split(",");
      const bytes = Uint8Array.from(atob(body), (letter) => letter.codePointAt(0));
      put([{ blob: new Blob([bytes], { type: head.slice(5, head.indexOf(";")) }), name: "a training picture" }]);
    },
    clear: () => { put([]); chooser.value = ""; drawing?.clear(); },
    focus: () => { chooser.setAttribute("aria-invalid", "true"); chooser.focus(); },
    gone: () => document.removeEventListener("paste", paste),
  };
};

// --- a series ---
export const steps = (written, name) => {
  const lines = written.trim().replace(/^\[|\]$/g, "").split(/[\r\n]+/).filter((line) => line.trim());
  const rows = lines.map((line) => line.replace(/[[\]]/g, " ").split(/[,;\s]+/).filter(Boolean).map((word) => {
    const value = Number(word);
    if (!Number.isFinite(value) && !/^(nan|null|na|\?)$/i.test(word)) throw new Incomplete(`“${word.slice(0, 30)}” is no number.`, name);
    return Number.isFinite(value) ? value : null;
  }));
  if (rows.length === 0) throw new Incomplete("There is no series yet. Paste numbers, or draw one.", name);
  if (rows.length === 1) return rows[0];
  return rows.every((row) => row.length === 1) ? rows.map((row) => row[0]) : rows;
};

export const series = (schema, changed) => {
  const [input] = schema.inputs;
  const id = idOf(input.name);
  const area = el("textarea", { id, "aria-describedby": `${id}-hint`, spellcheck: "false" });
  const preview = el("div");
  const draw = () => {
    try {
      const curve = steps(area.value, input.name);
      const channels = Array.isArray(curve[0]) ? curve[0].length : 1;
      fill(preview, seriesChart(channels === 1 ? [curve.flat()] : Array.from({ length: Math.min(channels, 6) }, (_, c) => curve.map((step) => step[c] ?? null))));
    } catch { fill(preview); }
  };
  area.addEventListener("input", draw);
  const put = (curve) => {
    area.value = curve.map((step) => [step].flat().join(", ")).join("\n");
    draw();
  };
  const drawn = input.channels === 1 ? curveBoard(input, (curve) => { put(curve); changed(); }) : null;
  const what = input.channels === 1 ? "a number a step" : `${input.channels} numbers a step, by commas; a line a step`;
  const length = input.exact ? `exactly ${input.length} steps` : `up to ${input.length} steps`;
  return {
    node: el("div", {}, drawn?.node, el("label", { for: id }, "Series"), area, el("p", { class: "hint", id: `${id}-hint` }, `Paste ${what}; ${length}.`), preview),
    given: () => ({ rows: [{ [input.name]: steps(area.value, input.name) }] }),
    show: (row) => put(row[input.name]),
    clear: () => { area.value = ""; drawn?.clear(); draw(); },
    focus: () => { area.setAttribute("aria-invalid", "true"); area.focus(); },
  };
};

// --- the history of a forecast ---
const tableOf = (written) => {
  const lines = written.trim().split(/\r?\n/).filter((line) => line.trim());
  const separator = ["\t", ";", ","].find((one) => lines[0]?.includes(one)) ?? ",";
  const [head, ...rows] = lines.map((line) => line.split(separator).map((cell) => cell.trim().replace(/^"|"$/g, "")));
  return head ? rows.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i]]))) : [];
};

export const history = (schema, changed) => {
  const { context, horizon } = schema.forecast;
  const area = el("textarea", { id: "history", "aria-describedby": "history-hint", spellcheck: "false" });
  const chooser = el("input", { type: "file", id: "history-file", accept: ".csv,.tsv,text/csv", onchange: async () => {
    area.value = await chooser.files[0].text();
    changed();
  } });
  const [value] = schema.targets, [time] = schema.forecast.time;
  const plan = schema.forecast.drawn;
  const drawn = plan ? curveBoard({ length: context, low: plan.low, high: plan.high }, (curve) => {
    const rows = curve.map((number, i) => (time ? `${plan.times[i]},${number}` : String(number)));
    area.value = [time ? `${time},${value}` : value, ...rows].join("\n");
    changed();
  }) : null;
  const columns = schema.inputs.map((input) => input.name).join(", ");
  return {
    node: el("div", {}, drawn?.node,
      el("div", { class: "drop" }, el("label", { for: "history-file" }, "History as a CSV file"), chooser, el("p", {}, `With the columns ${columns}.`)),
      el("label", { for: "history" }, "or paste it"), area,
      el("p", { class: "hint", id: "history-hint" }, `The model looks at the newest ${context.toLocaleString("en")} steps (a shorter history is continued too); the next ${horizon.toLocaleString("en")} are forecast. ${schema.forecast.needs}`)),
    given: () => {
      if (!area.value.trim()) throw new Incomplete("There is no history yet. Choose a CSV, or paste one.", value);
      return { csv: area.value, history: tableOf(area.value) };
    },
    show: (example) => { area.value = example; },
    clear: () => { area.value = ""; chooser.value = ""; drawn?.clear(); },
    focus: () => area.focus(),
  };
};

export const WAYS = { form, text, image: files, audio: files, clip: files, series, table: history };
