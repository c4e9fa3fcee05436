// Shows the routes of openapi.json and lets them be tried.
const base = '/api/v1';

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made[name] = value;
  made.append(...children);
  return made;
}

/** An example value of a schema, so that a body can be filled in rather than written. */
function example(schema, defs, depth = 0) {
  if (!schema || depth > 6) return null;
  if (schema.$ref) return example(defs[schema.$ref.split('/').pop()], defs, depth + 1);
  if ('default' in schema) return schema.default;
  if ('const' in schema) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => example(part, defs, depth + 1)));
  const union = schema.anyOf ?? schema.oneOf;
  if (union) return union.some((part) => part.type === 'null') ? null : example(union[0], defs, depth + 1);
  const type = Array.isArray(schema.type) ? (schema.type.includes('null') ? 'null' : schema.type[0]) : schema.type;
  if (type === 'object') {
    const fields = Object.entries(schema.properties ?? {});
    return Object.fromEntries(fields.map(([name, of]) => [name, example(of, defs, depth + 1)]));
  }
  if (type === 'array') return [];
  if (type === 'string') return '';
  if (type === 'integer' || type === 'number') return 0;
  return type === 'boolean' ? false : null;
}

function route(method, path, operation, defs) {
  const parameters = operation.parameters ?? [];
  const inputs = new Map();
  const form = element('form');
  for (const parameter of parameters) {
    const input = element('input', { required: parameter.required, placeholder: parameter.schema?.description ?? parameter.description ?? '' });
    inputs.set(parameter, input);
    form.append(element('label', {}, `${parameter.name}${parameter.required ? ' *' : ''}`, input));
  }
  const json = operation.requestBody?.content?.['application/json'];
  const multipart = operation.requestBody?.content?.['multipart/form-data'];
  const body = json && element('textarea', { rows: 6, value: JSON.stringify(example(json.schema, defs), null, 2) });
  if (body) form.append(body);
  const files = multipart && element('input', { type: 'file', multiple: true });
  if (files) form.append(files);
  const answer = element('pre', { hidden: true });
  form.append(element('p', {}, element('button', {}, 'Send')), answer);

  form.onsubmit = async (event) => {
    event.preventDefault();
    let url = base + path;
    const query = new URLSearchParams();
    for (const [parameter, input] of inputs) {
      if (parameter.in === 'path') url = url.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (input.value) query.set(parameter.name, input.value);
    }
    if (query.size) url += `?${query}`;
    const headers = {};
    const token = document.getElementById('token').value.trim();
    if (token) headers.authorization = `Bearer ${token}`;
    if (body) headers['content-type'] = 'application/json';
    let data = body?.value;
    if (files) {
      data = new FormData();
      for (const file of files.files) data.append('files', file, file.name);
    }
    answer.hidden = false;
    answer.textContent = '…';
    try {
      const response = await fetch(url, { method: method.toUpperCase(), headers, body: data });
      const type = response.headers.get('content-type') ?? '';
      const isText = type.includes('json');
      const text = isText ? JSON.stringify(await response.json(), null, 2) : `${(await response.blob()).size} bytes of ${type}`;
      answer.textContent = `${response.status} ${response.statusText}\n\n${text}`;
    } catch (error) {
      answer.textContent = String(error);
    }
  };

  const summary = element('summary', {}, element('span', { className: 'method', textContent: method.toUpperCase() }),
    element('span', { className: 'path', textContent: path }), element('span', { className: 'dim', textContent: operation.summary ?? '' }));
  const reply = operation.responses?.['200']?.content?.['application/json']?.schema;
  const details = element('details', {}, summary);
  details.ontoggle = () => {
    if (!details.open || details.children.length > 1) return;
    const shape = reply && element('details', {}, element('summary', {}, 'Answer'), element('pre', { textContent: JSON.stringify(example(reply, defs), null, 2) }));
    details.append(element('div', { className: 'body' }, form, ...(shape ? [shape] : [])));
  };
  details.dataset.text = `${method} ${path} ${operation.summary ?? ''}`.toLowerCase();
  return details;
}

async function show() {
  const document_ = await (await fetch(`${base}/openapi.json`)).json();
  const defs = document_.components.schemas;
  const groups = new Map();
  for (const [path, methods] of Object.entries(document_.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags?.[0] ?? 'other';
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(route(method, path, operation, defs));
    }
  }
  const main = document.getElementById('routes');
  for (const [tag, routes] of groups) main.append(element('section', {}, element('h2', { textContent: tag }), ...routes));
  document.getElementById('find').oninput = (event) => {
    const wanted = event.target.value.toLowerCase();
    for (const details of main.querySelectorAll('details[data-text]')) details.hidden = !details.dataset.text.includes(wanted);
  };
}

show();
