// Lists what openapi.json describes, and sends what is filled in. The token is read from its box when something is
// sent, and goes nowhere but into that request's Authorization header.
"use strict";

const main = document.getElementById("operations");

/** An element with properties and children; text is never read as HTML. */
function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** A schema that may be a reference, or a choice with null. */
function resolve(description, schema = {}) {
  if (schema.$ref) return resolve(description, description.components.schemas[schema.$ref.split("/").pop()]);
  const some = schema.anyOf?.find((one) => one.type !== "null");
  return some ? resolve(description, some) : schema;
}

function namesOf(schema) {
  return schema.enum ?? schema.oneOf?.map((one) => one.const) ?? (schema.type === "boolean" ? ["true"] : null);
}

/** One labelled box for a field. */
function box(description, id, field) {
  const schema = resolve(description, field.schema);
  const names = namesOf(schema);
  const input = names
    ? make("select", { id }, make("option", { value: "" }, "–"), ...names.map((name) => make("option", {}, name)))
    : make("input", { id, placeholder: schema.type === "array" ? "several, with commas" : "", spellcheck: false });
  input.required = Boolean(field.required);
  input.setAttribute("aria-describedby", `${id}-note`);
  const label = make("label", { htmlFor: id }, field.name + (field.required ? " *" : ""));
  const note = make("span", { id: `${id}-note`, className: "note" }, field.description ?? "");
  return { ...field, schema, input, row: make("div", { className: "field" }, label, input, note) };
}

function fieldsOf(operation) {
  const body = operation.requestBody?.content["application/json"]?.schema;
  const members = Object.entries(body?.properties ?? {}).map(([name, schema]) =>
    ({ name, in: "body", schema, description: schema.description, required: body.required.includes(name) }));
  return [...(operation.parameters ?? []), ...members];
}

function valueOf(field) {
  const text = field.input.value;
  if (field.schema.type === "array") return text.split(",").map((one) => one.trim()).filter(Boolean);
  return field.schema.type === "boolean" ? text === "true" : text;
}

/** The request that the filled boxes amount to. */
function request(method, path, fields, raw) {
  const filled = fields.filter((field) => field.input.value !== "");
  const of = (place) => filled.filter((field) => field.in === place);
  const url = of("path").reduce((url, field) =>
    url.replace(`{${field.name}}`, encodeURIComponent(field.input.value)), path);
  const query = new URLSearchParams(of("query").map((field) => [field.name, field.input.value]));
  const headers = Object.fromEntries(of("header").map((field) => [field.name, field.input.value]));
  const token = document.getElementById("token").value;
  if (token) headers.Authorization = `Bearer ${token}`;
  const options = { method, headers, cache: "no-store", credentials: "omit" };
  const body = raw ? raw.value : Object.fromEntries(of("body").map((field) => [field.name, valueOf(field)]));
  if (method !== "GET" && method !== "DELETE") {
    headers["Content-Type"] = "application/json";
    options.body = raw ? body : JSON.stringify(body);
  }
  return [query.size ? `${url}?${query}` : url, options];
}

async function send(answer, url, options) {
  answer.textContent = "…";
  try {
    const response = await fetch(url, options);
    const text = await response.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: as it came */ }
    answer.textContent = `${response.status} ${response.statusText}\n${shown}`;
  } catch (error) {
    answer.textContent = `No answer: ${error.message}`;
  }
}

/** One operation, with a form when this listener serves it. */
function show(description, path, method, operation) {
  const id = operation.operationId;
  const summary = make("summary", {}, make("code", {}, `${method} ${path}`),
    make("span", { className: "about" }, operation.summary));
  const details = make("details", { id }, summary);
  if (operation.description) details.append(make("p", { className: "note" }, operation.description));
  if (operation.servers?.every((server) => server.url !== "/")) {
    details.append(make("p", { className: "note" }, "On the management listener: it cannot be asked from here."));
    return details;
  }
  const fields = fieldsOf(operation).map((field) => box(description, `${id}-${field.name}`, field));
  const anyBody = operation.requestBody && !operation.requestBody.content["application/json"].schema.properties;
  const raw = anyBody ? make("textarea", { id: `${id}-body`, spellcheck: false }) : null;
  const answer = make("pre", { hidden: true, tabIndex: 0 });
  // It is read out when it changes, and a name needs a role.
  answer.setAttribute("role", "status");
  answer.setAttribute("aria-label", "answer");
  const form = make("form", { autocomplete: "off" }, ...fields.map((field) => field.row));
  if (raw) form.append(make("label", { htmlFor: raw.id }, "body"), raw);
  form.append(make("button", {}, "Send"), answer);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    answer.hidden = false;
    send(answer, ...request(method, path, fields, raw));
  });
  details.append(form);
  return details;
}

function group(description, name) {
  const section = make("section", {}, make("h2", {}, name));
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (operation.tags.includes(name)) section.append(show(description, path, method.toUpperCase(), operation));
    }
  }
  return section;
}

async function start() {
  try {
    const response = await fetch("openapi.json", { credentials: "omit" });
    const description = await response.json();
    main.replaceChildren(...description.tags.map((tag) => group(description, tag.name)));
  } catch (error) {
    main.replaceChildren(make("p", { role: "alert" }, `The description cannot be read: ${error.message}. Reload to try again.`));
  }
  main.setAttribute("aria-busy", "false");
}

document.getElementById("who").addEventListener("submit", (event) => event.preventDefault());
start();
