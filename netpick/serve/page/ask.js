// Requests to the server, and what they refuse in words.
export class Refused extends Error {
  constructor(error, status) {
    super(error.message);
    this.code = error.code;
    this.field = error.field ?? null;
    this.status = status;
  }
}

const reading = async (response) => {
  if (response.ok) return response;
  let error = { code: "unknown", message: `The server answered with status ${response.status}.` };
  try { error = (await response.json()).error ?? error; } catch { /* not ours: a gateway's page, say */ }
  throw new Refused(error, response.status);
};

export const ask = async (path, options = {}) => {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused({ code: "unreachable", message: "The server cannot be reached. Is it still running?" }, 0);
  }
  return reading(response);
};

export const askJson = async (path, options) => (await ask(path, options)).json();

// A row, or some, as the body of a request: {json} or {form}.
export const bodyOf = (given) => {
  if (given.csv !== undefined) return { method: "POST", headers: { "content-type": "text/csv" }, body: given.csv };
  if (given.rows) return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ rows: given.rows }) };
  const form = new FormData();
  for (const [name, value, filename] of given.parts) {
    if (filename) form.append(name, value, filename);
    else form.append(name, value);
  }
  return { method: "POST", body: form };
};
