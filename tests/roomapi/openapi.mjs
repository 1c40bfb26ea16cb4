// The operations that are published of the room API, docs/rooms.openapi.yaml: each is asked for by its name, and what
// is asked and answered is held against it.

import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {closed} from '../rooms/schema.mjs';

const require = createRequire(new URL('../browser/', import.meta.url));
const {default: Ajv} = require('ajv/dist/2020.js');
const {parse} = require('yaml');

const {paths, components} = parse(readFileSync(new URL('../../docs/rooms.openapi.yaml', import.meta.url), 'utf8'));

const operations = {};
for (const [where, all] of Object.entries(paths)) for (const [method, said] of Object.entries(all))
  if (said.operationId) operations[said.operationId] = {where, method: method.toUpperCase(), ...said};

const ajv = new Ajv({allErrors: true, strict: false});
const is = schema => ajv.compile(closed({components, ...schema}));
const schemaOf = said => said.content?.['application/json'].schema;
const named = said => said.$ref ? components.responses[said.$ref.split('/').pop()] : said;

export function conforms(schema, value) {
  const check = is(schema);
  assert.ok(check(value), `${JSON.stringify(value).slice(0, 1000)}: ${ajv.errorsText(check.errors)}`);
}

const done = new Set();

// Those that nobody has been seen to succeed with.
export const unseen = () => Object.keys(operations).filter(name => !done.has(name));

// The operations of one server: by name, what stands in the path, and the body; what is answered is a success.
export const operator = server => async (name, {query = {}, ...places} = {}, body) => {
  const {where, method, requestBody, responses} = operations[name];
  const path = where.replace(/\{(\w+)\}/g, (_, place) => places[place]);
  if (body) conforms(schemaOf(requestBody), body);
  const r = await fetch(`${server.adminOrigin}${path}?${new URLSearchParams(query)}`, {method,
    ...body && {body: JSON.stringify(body), headers: {'content-type': 'application/json'}}});
  const text = await r.text(), said = responses[r.status];
  assert.ok(r.ok && said, `${name}: ${r.status} ${text}`);
  const schema = schemaOf(named(said)), value = text ? JSON.parse(text) : undefined;
  if (schema) conforms(schema, value);
  else assert.equal(text, '', name);
  done.add(name);
  return value;
};
