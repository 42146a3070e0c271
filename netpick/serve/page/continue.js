// A prompt that is continued: pieces are shown as they are drawn, until the text is long enough or is stopped.
import { ask } from "/page/ask.js";
import { showFault } from "/page/answer.js";
import { el, fill } from "/page/element.js";
import { chordsOf, player, roll } from "/page/music.js";

// Server-sent events of an answer to a POST; EventSource can only GET.
const events = async function* (response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let held = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (held + value).split("\n\n");
    held = parts.pop();
    for (const part of parts) {
      yield { name: /^event: (.*)$/m.exec(part)?.[1] ?? "message", content: JSON.parse(/^data: (.*)$/m.exec(part)[1]) };
    }
  }
};

const newSeed = () => Math.floor(Math.random() * 1e6);
const ENDS = { time: "The time for one text was over.", failed: "The server failed in the middle.", stopped: "Stopped." };

export const continuing = (schema, path, place) => {
  const { symbols, seen, tokens, defaults, heard } = schema.continues;
  let music = null; // what plays the piece that was written last
  const area = el("textarea", { id: "prompt", "aria-describedby": "prompt-hint" });
  const field = (id, label, value, rest) => {
    const node = el("input", { id, type: "number", value, autocomplete: "off", ...rest });
    return { node, whole: el("div", {}, el("label", { for: id }, label), node) };
  };
  const fields = {
    tokens: field("tokens", `${symbols[0].toUpperCase()}${symbols.slice(1)} to add`, defaults.tokens, { min: 1, max: tokens, step: 1 }),
    temperature: field("temperature", "Temperature", defaults.temperature, { min: 0, max: 100, step: "any", title: "Below 1: more likely continuations. 0: always the most likely one." }),
    top_p: field("top-p", "Top-p", defaults.top_p, { min: 0, max: 1, step: "any", title: "Draws from the fewest symbols that have this share of the probability together." }),
    seed: field("seed", "Seed", newSeed(), { min: 0, step: 1, title: "The same seed gives the same text." }),
  };
  let going = null; // what stops the text that is being written
  const go = el("button", { type: "submit", class: "main", id: "ask" }, "Continue");
  const other = el("button", { type: "button", id: "another", onclick: () => { fields.seed.node.value = newSeed(); run(); } }, "Another seed");
  const stop = el("button", { type: "button", id: "stop", disabled: true, onclick: () => going?.abort() }, "Stop");
  const clear = el("button", { type: "button", onclick: () => { going?.abort(); music?.stop(); area.value = ""; fill(place, el("p", { class: "soft" }, "It appears here.")); } }, "Clear");
  const marked = (name) => Object.entries(fields).forEach(([key, one]) => one.node.setAttribute("aria-invalid", String(key === name)));

  const run = async () => {
    going?.abort();
    music?.stop();
    const mine = new AbortController(), prompt = area.value;
    going = mine;
    stop.disabled = false;
    marked(null);
    const written = el("span"), status = el("p", { class: "hint" }, "The model reads the prompt …"), said = el("div");
    const piece = el("div"), whole = () => chordsOf(prompt + written.textContent);
    const draw = () => fill(piece, roll(whole(), chordsOf(prompt).length));
    const text = el("p", { class: "continued" }, el("strong", {}, prompt), written);
    music = heard ? player(whole) : null;
    fill(place, heard ? [piece, music.node, el("details", {}, el("summary", {}, "Chords"), text)] : text, status, said);
    place.setAttribute("aria-busy", "true");
    let seed = null, end = null;
    try {
      const settings = Object.fromEntries(Object.entries(fields).filter(([, one]) => one.node.value !== "").map(([key, one]) => [key, Number(one.node.value)]));
      const response = await ask(`${path}/generate`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ prompt, ...settings }), signal: mine.signal });
      for await (const { name, content } of events(response)) {
        if (name === "start") {
          seed = content.seed;
          status.textContent = `Writing, with seed ${seed} …`;
          if (content.warnings.length) fill(said, el("div", { class: "unlike" }, el("b", {}, "About the prompt"), el("ul", {}, content.warnings.map((text) => el("li", {}, text)))));
        } else if (name === "end") end = content;
        else {
          written.append(content.text);
          if (heard) draw();
        }
      }
      if (!end && !mine.signal.aborted) end = { reason: "failed" };
    } catch (error) {
      if (mine.signal.aborted) end = { reason: "stopped" };
      else {
        marked(error.field);
        showFault(place, error);
      }
    }
    if (going !== mine) return; // another text has begun
    going = null;
    stop.disabled = true;
    place.setAttribute("aria-busy", "false");
    if (mine.signal.aborted) end = { reason: "stopped" };
    if (end) status.textContent = `${ENDS[end.reason] ? `${ENDS[end.reason]} ` : ""}${seed === null ? "" : `Seed ${seed}. `}Made up by the model: it says nothing about the world.`;
  };

  const hint = `${heard ? "Chords, a line each, such as 67 62 59 43 (60 is middle C, 0 silence). Empty: a piece begins" : "Empty: a new line begins"}. At most the last ${seen.toLocaleString("en")} ${symbols} are read; up to ${tokens.toLocaleString("en")} are added.`;
  return {
    node: el("form", { novalidate: true, onsubmit: (event) => { event.preventDefault(); run(); } }, el("label", { for: "prompt" }, "Prompt"), area,
      el("p", { class: "hint", id: "prompt-hint" }, hint), el("div", { class: "fields sampling" }, Object.values(fields).map((one) => one.whole)),
      el("div", { class: "actions" }, go, other, stop, clear)),
    gone: () => { going?.abort(); music?.stop(); },
  };
};
