// Recording a sound as WAV of 16 bits, which every reader of sounds knows (browsers' own recorders write formats that few do).
import { el } from "/page/element.js";

const wav = (pieces, rate) => {
  const count = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const view = new DataView(new ArrayBuffer(44 + 2 * count));
  const text = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF"); view.setUint32(4, 36 + 2 * count, true); text(8, "WAVEfmt "); view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); view.setUint16(22, 1, true); view.setUint32(24, rate, true); view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true); view.setUint16(34, 16, true); text(36, "data"); view.setUint32(40, 2 * count, true);
  let at = 44;
  for (const piece of pieces) {
    for (const value of piece) {
      view.setInt16(at, Math.max(-1, Math.min(1, value)) * 32767, true);
      at += 2;
    }
  }
  return new Blob([view], { type: "audio/wav" });
};

export const recorder = (input, done) => {
  const most = Math.max(2, 1.5 * (input.seconds ?? 10));
  const told = el("p", { class: "hint", "aria-live": "polite" }, `Up to ${input.seconds} s count.`);
  let stop = null;
  const start = async () => {
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      told.textContent = "The microphone may not be used: allow it for this page, or drop a file.";
      return;
    }
    const context = new AudioContext();
    await context.audioWorklet.addModule("/page/tape.js");
    const source = context.createMediaStreamSource(stream), tape = new AudioWorkletNode(context, "tape");
    const pieces = [];
    tape.port.onmessage = (event) => pieces.push(event.data);
    source.connect(tape);
    button.textContent = "Stop";
    told.textContent = "Recording …";
    const timer = setTimeout(() => stop?.(), 1000 * most);
    stop = () => {
      clearTimeout(timer);
      stop = null;
      source.disconnect();
      stream.getTracks().forEach((track) => track.stop());
      context.close();
      button.textContent = "Record";
      told.textContent = `Up to ${input.seconds} s count.`;
      if (pieces.length) done(wav(pieces, context.sampleRate));
    };
  };
  const button = el("button", { type: "button", onclick: () => (stop ? stop() : start()) }, "Record");
  const able = navigator.mediaDevices?.getUserMedia && window.AudioContext;
  return { node: able ? el("div", { class: "actions" }, button, told) : null };
};
