// Runs beside the page, where sound arrives: hands every piece of it over.
class Tape extends AudioWorkletProcessor {
  process([[channel]]) {
    if (channel) this.port.postMessage(channel.slice());
    return true;
  }
}
registerProcessor("tape", Tape);
