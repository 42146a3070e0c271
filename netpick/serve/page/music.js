// Chords, a line each: drawn as a piano roll, played, and written as a MIDI file.
import { el, svg } from "/page/element.js";

const STEP = 9, TONE = 5, EDGE = 4, BEAT = 4, BAR = 16; // pixels and steps
const SECONDS = 60 / 90 / BEAT; // a step
const COLOURS = ["var(--blue)", "var(--orange)", "var(--green)", "var(--purple)", "var(--rose)", "var(--brown)", "var(--sky)", "var(--grey)"];
const PARTIALS = 8, FALL = 1.4;

export const chordsOf = (text) => {
  const chords = text.split(/[\n/|]/).map((line) => line.split(/[\s,;]+/).filter(Boolean).map(Number)).filter((chord) => chord.length);
  return chords.filter((chord) => chord.length === chords[0].length && chord.every((note) => Number.isInteger(note) && note >= 0 && note < 128));
};

// Each note from the step where it begins to the one where it ends.
const held = (chords) => {
  const notes = [];
  for (let voice = 0; voice < (chords[0]?.length ?? 0); voice += 1) {
    let start = 0;
    for (let step = 1; step <= chords.length; step += 1) {
      if (step < chords.length && chords[step][voice] === chords[start][voice]) continue;
      if (chords[start][voice]) notes.push({ voice, note: chords[start][voice], start, end: step });
      start = step;
    }
  }
  return notes;
};

export const roll = (chords, told) => {
  const notes = held(chords);
  if (!notes.length) return el("p", { class: "soft" }, "Silence.");
  const pitches = notes.map((one) => one.note), high = Math.max(...pitches) + 2, low = Math.min(...pitches) - 2;
  const width = 2 * EDGE + chords.length * STEP, height = (high - low + 1) * TONE;
  const upright = [];
  for (let step = 0; step <= chords.length; step += BEAT) upright.push(svg("line", { x1: EDGE + step * STEP, x2: EDGE + step * STEP, y1: 0, y2: height, stroke: "currentColor", "stroke-opacity": step % BAR ? 0.12 : 0.35 }));
  const bars = notes.map(({ voice, note, start, end }) => svg("rect", { x: EDGE + start * STEP + 0.5, y: (high - note) * TONE, width: (end - start) * STEP - 1, height: TONE - 0.5, rx: 1.5, fill: COLOURS[voice % COLOURS.length] }));
  const given = svg("rect", { x: EDGE, y: 0, width: told * STEP, height, fill: "currentColor", "fill-opacity": 0.08 });
  return el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Piano roll" },
    svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${chords.length} chords; time goes right, pitch up` }, given, ...upright, ...bars));
};

const midi = (chords) => {
  const number = (value, bytes) => Array.from({ length: bytes }, (_, i) => (value >> (8 * (bytes - 1 - i))) & 255);
  const ticks = (value) => { const parts = [value & 127]; while ((value >>= 7)) parts.unshift((value & 127) | 128); return parts; };
  const track = (bytes) => [...[77, 84, 114, 107], ...number(bytes.length + 4, 4), ...bytes, 0, 255, 47, 0];
  const tracks = [track([0, 255, 81, 3, ...number(Math.round(6e7 / 90), 3)])];
  for (let voice = 0; voice < chords[0].length; voice += 1) {
    const channel = (voice < 9 ? voice : voice + 1) % 16, bytes = [];
    let last = 0;
    for (const { note, start, end } of held(chords).filter((one) => one.voice === voice)) {
      bytes.push(...ticks((start - last) * 120), 0x90 | channel, note, 80, ...ticks((end - start) * 120), 0x80 | channel, note, 0);
      last = end;
    }
    tracks.push(track(bytes));
  }
  return new Uint8Array([77, 84, 104, 100, ...number(6, 4), ...number(1, 2), ...number(tracks.length, 2), ...number(480, 2), ...tracks.flat()]);
};

// Buttons that play what is there when they are pressed. chords: gives it.
export const player = (chords) => {
  let sound = null;
  const stop = () => { sound?.close(); sound = null; play.textContent = "Play"; };
  const start = () => {
    const context = new AudioContext(), all = context.createGain(), now = context.currentTime + 0.05, piece = chords();
    const loud = new Float32Array(PARTIALS + 1).map((_, k) => (k ? k ** -FALL : 0));
    const wave = context.createPeriodicWave(new Float32Array(PARTIALS + 1), loud);
    all.gain.value = 0.5 / Math.max(1, piece[0]?.length ?? 1);
    all.connect(context.destination);
    for (const { note, start: from, end } of held(piece)) {
      const tone = context.createOscillator(), gain = context.createGain(), begin = now + from * SECONDS, until = now + end * SECONDS;
      tone.setPeriodicWave(wave);
      tone.frequency.value = 440 * 2 ** ((note - 69) / 12);
      gain.gain.setValueAtTime(0, begin);
      gain.gain.linearRampToValueAtTime(1, begin + 0.012);
      gain.gain.setTargetAtTime(0.3, begin + 0.012, 1);
      gain.gain.setTargetAtTime(0, until - 0.02, 0.02);
      tone.connect(gain).connect(all);
      tone.start(begin);
      tone.stop(until + 0.1);
    }
    sound = context;
    play.textContent = "Stop playing";
    setTimeout(() => { if (sound === context) stop(); }, 1000 * (piece.length * SECONDS + 0.4));
  };
  const play = el("button", { type: "button", id: "play", onclick: () => (sound ? stop() : start()) }, "Play");
  const save = el("button", { type: "button", id: "save-midi", onclick: () => {
    const address = URL.createObjectURL(new Blob([midi(chords())], { type: "audio/midi" }));
    el("a", { href: address, download: "piece.mid" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  } }, "Download MIDI");
  return { node: el("div", { class: "actions" }, play, save), stop };
};
