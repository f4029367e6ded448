// Which calls does the gateway take, and what does it answer? Rendered from /openapi.json.
"use strict";

const EVENTS_SHOWN_MAX = 100;
const EVENT_LENGTH_MAX = 1_000_000;
const DEPTH_MAX = 8;
const JSON_TYPE = "application/json";
const EVENT_STREAM = "text/event-stream";

let components = {};
let lastId = 0;

// Text never becomes markup: every node is made here.
function element(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

// Inline code, as in `this`.
function inline(text) {
  return text.split(/(`[^`]+`)/).map((piece) =>
    piece.length > 2 && piece.startsWith("`") ? element("code", {}, piece.slice(1, -1)) : piece,
  );
}

// The little Markdown that comments use: paragraphs, lists, indented blocks, inline code.
function markdown(text) {
  const nodes = text.split("\n\n").map((block) => {
    const lines = block.split("\n");
    if (lines.every((line) => line.startsWith("- "))) {
      const items = lines.map((line) => element("li", {}, ...inline(line.slice(2))));
      return element("ul", {}, ...items);
    }
    return block.startsWith("    ")
      ? element("pre", {}, block)
      : element("p", {}, ...inline(block));
  });
  return element("div", {}, ...nodes);
}

function resolved(schema) {
  return schema.$ref ? components[schema.$ref.split("/").pop()] : schema;
}

// What stands beside null where null is taken; a name stands before its number.
function choices(schema) {
  return (schema.anyOf ?? [schema]).map(resolved).filter((each) => each.type !== "null");
}

function typeOf(schema) {
  const [first] = choices(resolved(schema));
  const type = [first.type].flat().find((each) => each !== "null");
  if (type === "array") return `list of ${typeOf(first.items)}`;
  return first.format ?? type ?? "";
}

function rulesOf(schema) {
  const [first] = choices(resolved(schema));
  const numbered = choices(resolved(schema)).some((each) => each.type === "integer" && each.enum);
  const rules = [
    first.pattern && `pattern ${first.pattern}`,
    first.not?.pattern && `not ${first.not.pattern}`,
    first.minimum !== undefined && `from ${first.minimum}`,
    first.maximum !== undefined && `to ${first.maximum}`,
    first.minItems && `at least ${first.minItems}`,
    first.maxItems && `at most ${first.maxItems}`,
    first.uniqueItems && "each once",
    first.items?.pattern && `each by the pattern ${first.items.pattern}`,
    first.const !== undefined && `always ${first.const}`,
    numbered && "by name or number",
  ];
  return rules.filter(Boolean).join(", ");
}

function objectsIn(schema) {
  const whole = resolved(schema);
  return choices(whole.type === "array" ? resolved(whole.items) : whole).filter(
    (each) => each.properties,
  );
}

// `mark` says of a field that it has to be there, or that it always is.
function fieldEntry(name, schema, mark, depth, innerMark) {
  const whole = resolved(schema);
  const heading = element(
    "dt",
    {},
    element("span", { className: "name" }, name),
    element("span", { className: "rule" }, [typeOf(schema), rulesOf(schema)].filter(Boolean).join("; ")),
    mark ? element("span", { className: "mark" }, mark) : null,
  );
  const text = schema.description ?? whole.description;
  const objects = depth < DEPTH_MAX ? objectsIn(schema) : [];
  const inner = objects.map((each) => fields(each, innerMark, depth + 1));
  const content = element("dd", {}, text ? markdown(text) : null);
  if (inner.length) {
    content.append(element("details", {}, element("summary", {}, `Fields of ${name}`), ...inner));
  }
  return element("div", {}, heading, content);
}

function fields(schema, mark, depth = 0) {
  const { properties = {}, required = [], oneOf } = schema;
  const entries = Object.entries(properties).map(([name, each]) =>
    fieldEntry(name, each, required.includes(name) && mark, depth, mark),
  );
  const members = oneOf?.flatMap((each) => each.required) ?? [];
  const choice = members.length
    ? element("p", {}, "Exactly one of ", ...inline(members.map((name) => `\`${name}\``).join(", ")))
    : null;
  return element("div", {}, choice, element("dl", {}, ...entries));
}

function parameterList(parameters) {
  const entries = parameters.map((each) =>
    fieldEntry(
      `${each.name} (${each.in})`,
      { ...each.schema, description: each.description },
      each.required && "required",
      0,
    ),
  );
  return element("dl", {}, ...entries);
}

function responseDetails(status, response) {
  const [[type, content]] = Object.entries(response.content);
  const summary = element("summary", {}, element("span", { className: "status" }, status));
  summary.append(...inline(response.description));
  const body = element("details", { open: status === "200" }, summary);
  if (type === EVENT_STREAM) {
    body.append(...content.schema.oneOf.map(eventDetails));
  } else if (status === "200") {
    body.append(fields(resolved(content.schema), "always"));
  }
  for (const [name, example] of Object.entries(content.examples ?? {})) {
    const text = JSON.stringify(example.value, null, 2);
    body.append(element("h4", {}, element("code", {}, name)), element("pre", { tabIndex: 0 }, text));
  }
  return body;
}

function eventDetails({ properties }) {
  const name = properties.event.const;
  const whole = resolved(properties.data.contentSchema);
  const shown = whole.properties[name] ? resolved(whole.properties[name]) : whole;
  const summary = element("summary", {}, "event ", element("code", {}, name));
  return element("details", {}, summary, markdown(shown.description), fields(shown, "always"));
}

function labelled(text, control) {
  lastId += 1;
  control.id = `control-${lastId}`;
  return element("div", {}, element("label", { htmlFor: control.id }, text), control);
}

// One try-it form: what it holds becomes a request, a curl line, and an answer.
class TryIt {
  constructor(method, path, operation) {
    this.method = method.toUpperCase();
    this.path = path;
    this.parameters = operation.parameters;
    this.content = operation.requestBody?.content[JSON_TYPE];
    this.streams = EVENT_STREAM in operation.responses["200"].content;
    this.running = null;
    this.curl = element("pre", { tabIndex: 0, ariaLabel: "curl line" });
    this.result = element("p", { className: "result", role: "status" });
    this.answer = element("pre", { tabIndex: 0, hidden: true, ariaLabel: "answer" });
    this.form = this.makeForm();
    this.showCurl();
  }

  makeForm() {
    this.inputs = this.parameters.map((each) =>
      element("input", {
        value: [each.example ?? ""].flat().join(","),
        required: Boolean(each.required),
        autocomplete: "off",
        spellcheck: false,
      }),
    );
    const rows = this.parameters.map((each, place) =>
      labelled(
        each.name + (each.schema.type === "array" ? " (separated by commas)" : ""),
        this.inputs[place],
      ),
    );
    this.send = element("button", { type: "submit" }, "Send");
    this.stop = element("button", { type: "button", className: "plain", disabled: true }, "Stop");
    this.stop.addEventListener("click", () => this.running?.abort());
    const form = element("form", {}, element("h3", {}, "Try it"), ...rows, ...this.bodyRows());
    const buttons = element("div", { className: "buttons" }, this.send, this.stop);
    form.append(buttons, this.curl, this.result, this.answer);
    form.addEventListener("input", () => this.showCurl());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.run();
    });
    return form;
  }

  bodyRows() {
    if (!this.content) return [];
    const examples = Object.values(this.content.examples ?? {});
    const [first] = examples;
    this.body = element("textarea", { spellcheck: false });
    this.body.value = JSON.stringify(first?.value ?? {}, null, 2);
    if (examples.length < 2) return [labelled("Body", this.body)];
    const options = examples.map((each) => element("option", {}, each.summary));
    const select = element("select", {}, ...options);
    select.addEventListener("change", () => {
      this.body.value = JSON.stringify(examples[select.selectedIndex].value, null, 2);
      this.showCurl();
    });
    return [labelled("Example", select), labelled("Body", this.body)];
  }

  request() {
    let path = this.path;
    const query = new URLSearchParams();
    const headers = this.content ? { "content-type": JSON_TYPE } : {};
    this.parameters.forEach((each, place) => {
      const text = this.inputs[place].value.trim();
      if (each.in === "path") path = path.replace(`{${each.name}}`, encodeURIComponent(text));
      else if (!text) return;
      else if (each.in === "header") headers[each.name] = text;
      else if (each.schema.type === "array") {
        text.split(",").forEach((item) => query.append(each.name, item.trim()));
      } else query.append(each.name, text);
    });
    const url = new URL(path + (query.size ? `?${query}` : ""), location.origin);
    return { url, method: this.method, headers, body: this.body?.value };
  }

  showCurl() {
    const { url, method, headers, body } = this.request();
    const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
    const parts = [`curl ${this.streams ? "-N " : ""}-X ${method} ${quoted(url.href)}`];
    for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
    if (body !== undefined) parts.push(`-d ${quoted(body)}`);
    this.curl.textContent = parts.join(" \\\n  ");
  }

  async run() {
    const { url, ...options } = this.request();
    this.running = new AbortController();
    this.send.disabled = true;
    this.stop.disabled = false;
    this.tell("Waiting ...");
    this.answer.hidden = true;
    try {
      const response = await fetch(url, { ...options, signal: this.running.signal });
      this.tell(`${response.status} ${response.statusText}`, !response.ok);
      this.answer.hidden = false;
      this.answer.textContent = "";
      const type = response.headers.get("content-type") ?? "";
      if (type.startsWith(EVENT_STREAM)) await this.showEvents(response.body);
      else this.answer.textContent = indented(await response.text());
    } catch (error) {
      if (error.name === "AbortError") this.tell("Stopped");
      else this.tell(`No answer: ${error.message}`, true);
    } finally {
      this.send.disabled = false;
      this.stop.disabled = true;
    }
  }

  async showEvents(stream) {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop().slice(-EVENT_LENGTH_MAX);
      blocks.forEach((block) => this.showEvent(block));
    }
    this.tell("The stream has ended");
  }

  showEvent(block) {
    const value = (name) => block.match(new RegExp(`^${name}: (.*)$`, "m"))?.[1];
    if (!value("event")) return;
    this.answer.prepend(element("div", {}, `${value("event")} ${indented(value("data"))}\n`));
    while (this.answer.children.length > EVENTS_SHOWN_MAX) this.answer.lastChild.remove();
  }

  tell(text, failed = false) {
    this.result.textContent = text;
    this.result.classList.toggle("failed", failed);
  }
}

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function call(method, path, operation) {
  const { operationId, parameters, requestBody, responses } = operation;
  const body = requestBody && resolved(requestBody.content[JSON_TYPE].schema);
  const title = `${operationId}-title`;
  return element(
    "article",
    { id: operationId, className: method, "aria-labelledby": title },
    element("h2", { id: title }, operationId),
    element("span", { className: "path" }, element("span", { className: "method" }, method.toUpperCase()), ` ${path}`),
    markdown(operation.description),
    element("h3", {}, "Parameters"),
    parameterList(parameters),
    ...(body ? [element("h3", {}, "Body"), fields(body, "required")] : []),
    element("h3", {}, "Answers"),
    ...Object.entries(responses).map(([status, each]) => responseDetails(status, each)),
    new TryIt(method, path, operation).form,
  );
}

function show(api) {
  components = api.components.schemas;
  document.getElementById("version").textContent = `Version ${api.info.version}, OpenAPI ${api.openapi}`;
  document.getElementById("about").append(markdown(api.info.description));
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      document.getElementById("main").append(call(method, path, operation));
      const link = element("a", { href: `#${operation.operationId}` }, operation.operationId);
      document.getElementById("menu").append(element("li", {}, link));
    }
  }
}

async function load() {
  const loading = document.getElementById("loading");
  try {
    show(await (await fetch("/openapi.json")).json());
    loading.remove();
    document.getElementById(location.hash.slice(1))?.scrollIntoView();
  } catch (error) {
    loading.textContent = `/openapi.json could not be read: ${error.message}`;
  }
}

load();
